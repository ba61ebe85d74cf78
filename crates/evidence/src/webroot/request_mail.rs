//! How much of a `mail()` call comes from the visitor: to whom, the subject, the text.
//!
//! A contact form takes subject and text from its visitor and mails its owner; a sign-up takes
//! the address and mails words of its own, perhaps with a name in them; a planted mailer takes all
//! three and adds no word. Variables are followed by name through plain assignments within the file,
//! no further: this is a hint, not a proof.

use super::blobs::identifier;
use std::collections::BTreeMap;

/// Assignments looked at, and calls.
const MOST: usize = 4000;

/// Letters that make a word; fewer are marks of formats and separators.
const WORD: usize = 4;

/// How much of a part of a mail a visitor decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    /// Nothing.
    #[default]
    Nothing,
    /// Some of it, between words of the file's own.
    Some,
    /// All of it.
    All,
}

/// What of a mail a visitor decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tainted {
    pub(super) to: Says,
    pub(super) subject: Says,
    pub(super) text: Says,
}

impl Tainted {
    /// The finding it makes.
    pub(super) fn finding(self) -> Option<(&'static str, &'static str, f32)> {
        match (self.to > Says::Nothing, self.subject, self.text) {
            (true, Says::All, Says::All) => Some((
                "mail-from-request",
                "it mails to whom, with what subject and text a visitor says",
                0.6,
            )),
            (true, _, Says::Some | Says::All) => Some((
                "mail-to-request",
                "it mails a visitor's text to an address a visitor names, as forms that send a copy do",
                0.15,
            )),
            _ => None,
        }
    }
}

/// The worst `mail()` call of a code and its byte.
pub(super) fn find(code: &[u8]) -> Option<(usize, Tainted)> {
    let calls: Vec<usize> = memchr::memmem::find_iter(code, b"mail")
        .filter(|at| is_call(code, *at))
        .take(MOST)
        .collect();
    if calls.is_empty() {
        return None;
    }
    let variables = from_request(code);
    let worst = calls
        .into_iter()
        .filter_map(|at| {
            let open = at + memchr::memchr(b'(', code.get(at..)?)?;
            let arguments = arguments(code.get(open + 1..)?);
            let comes = |i: usize| arguments.get(i).map_or(Says::Nothing, |a| says(a, &variables));
            Some((at, Tainted { to: comes(0), subject: comes(1), text: comes(2) }))
        })
        .max_by_key(|(at, t)| {
            let named = u8::from(t.to > Says::Nothing);
            (named * 4 + t.subject as u8 + t.text as u8, std::cmp::Reverse(*at))
        })?;
    Some(worst)
}

/// Whether `mail` here is the function, called.
fn is_call(code: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|b| code.get(b));
    let free = before.is_none_or(|b| {
        !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'>' | b':' | b'$' | b'\'')
    });
    let after = code.get(at + 4..).unwrap_or_default().trim_ascii_start();
    let line = code.get(at.saturating_sub(12)..at).unwrap_or_default();
    free && after.first() == Some(&b'(') && !line.trim_ascii_end().ends_with(b"function")
}

/// Variables that are assigned from the request, directly or over another one, and whether words of
/// the file's own are added.
fn from_request(code: &[u8]) -> BTreeMap<&[u8], Says> {
    let mut names: BTreeMap<&[u8], Says> = BTreeMap::new();
    // Twice: an assignment may stand below its use in a loop or function.
    for _ in 0..2 {
        for (count, statement) in code.split(|&b| matches!(b, b';' | b'{' | b'}')).enumerate() {
            if count > MOST * 10 {
                break;
            }
            let statement = statement.trim_ascii();
            let Some(equals) =
                memchr::memchr(b'=', statement.get(..statement.len().min(200)).unwrap_or_default())
            else {
                continue;
            };
            let (left, right) = statement.split_at_checked(equals).unwrap_or_default();
            let right = right.get(1..).unwrap_or_default();
            // A comparison or an arrow is no assignment.
            if right.first().is_some_and(|b| matches!(b, b'=' | b'>')) {
                continue;
            }
            let left = left.strip_suffix(b".").unwrap_or(left).trim_ascii();
            let Some(dollar) = memchr::memrchr(b'$', left) else { continue };
            let name = identifier(left.get(dollar + 1..).unwrap_or_default());
            let whole = left.get(dollar + 1 + name.len()..).is_some_and(|r| r.is_empty());
            let said = says(right, &names);
            if !name.is_empty() && whole && said > Says::Nothing {
                let known = names.entry(name).or_insert(said);
                *known = (*known).min(said);
            }
        }
    }
    names
}

/// How much of an expression is the request's.
fn says(expression: &[u8], names: &BTreeMap<&[u8], Says>) -> Says {
    let cut = expression.get(..expression.len().min(600)).unwrap_or_default();
    let held = memchr::memchr_iter(b'$', cut).filter_map(|at| {
        let name = identifier(cut.get(at + 1..).unwrap_or_default());
        match name {
            b"_POST" | b"_GET" | b"_REQUEST" | b"_COOKIE" => Some(Says::All),
            name => names.get(name).copied(),
        }
    });
    match held.min() {
        Some(Says::All) if has_own_words(cut) => Says::Some,
        held => held.unwrap_or_default(),
    }
}

/// Whether an expression adds words: letters in its strings, what is no key of an array, no variable
/// and no value for want of another aside.
fn has_own_words(expression: &[u8]) -> bool {
    let (mut brackets, mut quote, mut letters) = (0_u32, None, 0);
    let mut before: Vec<u8> = Vec::new();
    let mut bytes = expression.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let Some(q) = quote else {
            match byte {
                b'\'' | b'"' => {
                    let instead = before.ends_with(b"??") || before.ends_with(b"?:");
                    // A key's or a default's letters are no words of the mail.
                    quote = Some((byte, brackets > 0 || instead));
                }
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                before.push(byte);
            }
            continue;
        };
        let (end, silent) = q;
        match byte {
            b'\\' => drop(bytes.next()),
            b'$' if end == b'"' => {
                while bytes.next_if(|b| b.is_ascii_alphanumeric() || *b == b'_').is_some() {}
            }
            b'{' if end == b'"' && bytes.peek() == Some(&b'$') => {
                while bytes.next_if(|b| *b != b'}').is_some() {}
            }
            byte if byte == end => quote = None,
            byte if byte.is_ascii_alphabetic() && !silent => letters += 1,
            _ => {}
        }
    }
    letters >= WORD
}

/// The first three arguments of a call whose parenthesis is open.
fn arguments(code: &[u8]) -> Vec<&[u8]> {
    let cut = code.get(..code.len().min(2000)).unwrap_or_default();
    let (mut depth, mut start, mut quote) = (0_u32, 0, None);
    let mut found = Vec::new();
    let mut escaped = false;
    for (i, &byte) in cut.iter().enumerate() {
        if let Some(q) = quote {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == q {
                quote = None;
            }
            continue;
        }
        match byte {
            b'\'' | b'"' => quote = Some(byte),
            b'(' | b'[' => depth += 1,
            b')' | b']' if depth > 0 => depth -= 1,
            b')' => {
                found.extend(cut.get(start..i));
                return found;
            }
            b',' if depth == 0 => {
                found.extend(cut.get(start..i));
                start = i + 1;
                if found.len() == 3 {
                    return found;
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    use Says::{All, Nothing, Some as Part};

    fn tainted(code: &str) -> Option<(Says, Says, Says)> {
        find(code.as_bytes()).map(|(_, t)| (t.to, t.subject, t.text))
    }

    #[test]
    fn forms_and_mailers() {
        let contact = "$name = strip_tags($_POST['name']); $body = \"From $name\\n\" . $_POST['text']; mail('owner@example.org', 'Contact: ' . $name, $body);";
        assert_eq!(tainted(contact), Some((Nothing, Part, Part)));
        let signup = "$to = $_POST['email']; mail($to, 'Welcome', $welcome, $headers);";
        assert_eq!(tainted(signup), Some((All, Nothing, Nothing)));
        let confirmed = "$mail = filter_var($_POST['mail'] ?? '', FILTER_VALIDATE_EMAIL); $course = (int) $_POST['c']; mail($mail, \"Course $course\", \"Dear {$_POST['name']},\\nwe have your sign-up.\");";
        assert_eq!(tainted(confirmed), Some((All, Part, Part)));
        let mailer = "$d = base64_decode($_POST['d']); $p = explode('|', $d); $t = $p[0]; $s = $p[1]; $m = $p[2]; if (mail($t, $s, $m)) echo 1;";
        assert_eq!(tainted(mailer), Some((All, All, All)));
        let with_defaults = "$s = $_POST['subject'] ?? 'Hello there'; mail($_POST['to'], $s, stripslashes($_POST['message']));";
        assert_eq!(tainted(with_defaults), Some((All, All, All)));
        assert_eq!(tainted("$this->mail($_POST['a'], $_POST['b'], $_POST['c']);"), None);
        assert_eq!(tainted("function mail($a, $b, $c) {}"), None);
        assert_eq!(
            tainted("if ($a == $_POST['x']) { mail($a, $b, $c); }"),
            Some((Nothing, Nothing, Nothing))
        );
    }
}
