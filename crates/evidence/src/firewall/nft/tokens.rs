//! The words of an nft listing, with the line each stands in.

use crate::lines;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) what: What,
    /// Offset of its line.
    pub(crate) line: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Word(String),
    /// In quotes: data, never a keyword.
    Quoted(String),
    Open,
    Close,
    /// `,`
    Comma,
    /// `;` or the end of a line.
    End,
}

/// Splits a text. Comments (`# handle 4`) are left out.
pub(crate) fn of(text: &[u8]) -> Vec<Token> {
    let mut found = Vec::new();
    for (at, line) in lines::of(text) {
        let line_text = String::from_utf8_lossy(line);
        one(&line_text, at, &mut found);
        found.push(Token { what: What::End, line: at });
    }
    found
}

fn one(text: &str, line: u64, found: &mut Vec<Token>) {
    let mut word = String::new();
    let mut chars = text.chars();
    let push = |what, found: &mut Vec<Token>| found.push(Token { what, line });
    while let Some(c) = chars.next() {
        let single = match c {
            '{' => Some(What::Open),
            '}' => Some(What::Close),
            ',' => Some(What::Comma),
            ';' => Some(What::End),
            _ => None,
        };
        let alone = matches!(c, '(' | ')' | '|');
        let ends = single.is_some() || alone || c.is_whitespace() || matches!(c, '"' | '#');
        if ends && !word.is_empty() {
            push(What::Word(std::mem::take(&mut word)), found);
        }
        match (single, c) {
            (Some(single), _) => push(single, found),
            (None, '"') => {
                let mut inner = String::new();
                // nft knows no quote inside quotes.
                inner.extend(chars.by_ref().take_while(|c| *c != '"'));
                push(What::Quoted(inner), found);
            }
            (None, '#') => return,
            (None, c) if c.is_whitespace() => {}
            (None, c) if alone => push(What::Word(c.to_string()), found),
            (None, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        push(What::Word(word), found);
    }
}
