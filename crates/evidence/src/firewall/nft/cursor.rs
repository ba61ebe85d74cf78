//! Reading an nft listing token by token: what comes next, what is passed over.

use super::tokens::{Token, What};

/// Where reading stands.
pub(crate) struct Cursor<'a> {
    pub(crate) tokens: &'a [Token],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn what(&self) -> Option<&'a What> {
        self.peek().map(|t| &t.what)
    }

    /// The next word, if it is one.
    pub(super) fn peek_word(&self) -> Option<&'a str> {
        match self.what() {
            Some(What::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn take(&mut self, what: &What) -> bool {
        let is = self.what() == Some(what);
        self.at += usize::from(is);
        is
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let is = self.peek_word() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// The next word or string; nothing is taken where there is none.
    pub(crate) fn word(&mut self) -> String {
        match self.what() {
            Some(What::Word(word) | What::Quoted(word)) => {
                self.at += 1;
                word.clone()
            }
            _ => String::new(),
        }
    }

    /// The words up to the next `{`, which is taken.
    pub(crate) fn words_to_open(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(token) = self.next() {
            match &token.what {
                What::Word(word) | What::Quoted(word) => words.push(word.clone()),
                What::Open => break,
                What::Close => {
                    self.at -= 1;
                    break;
                }
                What::End | What::Comma => {}
            }
        }
        words
    }

    /// The words up to the end of the line, sets passed over.
    pub(crate) fn words_to_end(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(token) = self.peek() {
            match &token.what {
                What::Word(word) | What::Quoted(word) => words.push(word.clone()),
                What::Open => {
                    self.at += 1;
                    self.skip_block();
                    continue;
                }
                What::End | What::Close => break,
                What::Comma => {}
            }
            self.at += 1;
        }
        words
    }

    /// Whether a word stands in the rest of the line.
    pub(crate) fn line_holds(&self, word: &str) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        rest.iter()
            .take_while(|t| !matches!(t.what, What::End | What::Close))
            .any(|t| matches!(&t.what, What::Word(w) if w == word))
    }

    /// Whether the rest of the line opens a block, which then is entered.
    pub(crate) fn line_opens(&mut self) -> bool {
        while let Some(token) = self.peek() {
            match token.what {
                What::Open => {
                    self.at += 1;
                    return true;
                }
                What::End | What::Close => return false,
                _ => self.at += 1,
            }
        }
        false
    }

    /// Passes over a block that was entered; whether its end was seen.
    pub(crate) fn skip_block(&mut self) -> bool {
        let mut depth = 1_usize;
        while let Some(token) = self.next() {
            match token.what {
                What::Open => depth += 1,
                What::Close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return true;
            }
        }
        false
    }

    /// Passes over the rest of a rule, up to its comment.
    pub(super) fn rest(&mut self) {
        while let Some(token) = self.peek() {
            match &token.what {
                What::End | What::Close => return,
                What::Word(word) if word == "comment" => return,
                What::Open => {
                    self.at += 1;
                    self.skip_block();
                }
                _ => self.at += 1,
            }
        }
    }
}
