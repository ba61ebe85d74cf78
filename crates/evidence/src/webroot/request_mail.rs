//! How much of a `mail()` call comes from the visitor: to whom, the subject, the text.
//!
//! A contact form takes subject and text from its visitor and mails its owner; a sign-up takes
//! the address and mails a fixed text; a planted mailer takes all three. Variables are followed
//! by name through plain assignments within the file, no further: this is a hint, not a proof.

use super::blobs::identifier;
use std::collections::BTreeSet;

/// Assignments looked at, and calls.
const MOST: usize = 4000;

/// What of a mail a visitor decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tainted {
    pub(super) to: bool,
    pub(super) subject: bool,
    pub(super) text: bool,
}

impl Tainted {
    /// The finding it makes.
    pub(super) fn finding(self) -> Option<(&'static str, &'static str, f32)> {
        match (self.to, self.subject, self.text) {
            (true, true, true) => Some((
                "mail-from-request",
                "it mails to whom, with what subject and text a visitor says",
                0.6,
            )),
            (true, false, true) => Some((
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
            let comes = |i: usize| arguments.get(i).is_some_and(|a| is_tainted(a, &variables));
            Some((at, Tainted { to: comes(0), subject: comes(1), text: comes(2) }))
        })
        .max_by_key(|(at, t)| {
            (u8::from(t.to) * 2 + u8::from(t.subject) + u8::from(t.text), std::cmp::Reverse(*at))
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

/// Names of variables that are assigned from the request, directly or over another one.
fn from_request(code: &[u8]) -> BTreeSet<&[u8]> {
    let mut names = BTreeSet::new();
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
            if !name.is_empty() && whole && is_tainted(right, &names) {
                names.insert(name);
            }
        }
    }
    names
}

/// Whether an expression holds something of the request.
fn is_tainted(expression: &[u8], names: &BTreeSet<&[u8]>) -> bool {
    let cut = expression.get(..expression.len().min(600)).unwrap_or_default();
    memchr::memchr_iter(b'$', cut).any(|at| {
        let name = identifier(cut.get(at + 1..).unwrap_or_default());
        matches!(name, b"_POST" | b"_GET" | b"_REQUEST" | b"_COOKIE") || names.contains(name)
    })
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

    fn tainted(code: &str) -> Option<(bool, bool, bool)> {
        find(code.as_bytes()).map(|(_, t)| (t.to, t.subject, t.text))
    }

    #[test]
    fn forms_and_mailers() {
        let contact = "$name = strip_tags($_POST['name']); $body = \"From $name\\n\" . $_POST['text']; mail('owner@example.org', 'Contact: ' . $name, $body);";
        assert_eq!(tainted(contact), Some((false, true, true)));
        let signup = "$to = $_POST['email']; mail($to, 'Welcome', $welcome, $headers);";
        assert_eq!(tainted(signup), Some((true, false, false)));
        let mailer = "$d = base64_decode($_POST['d']); $p = explode('|', $d); $t = $p[0]; $s = $p[1]; $m = $p[2]; if (mail($t, $s, $m)) echo 1;";
        assert_eq!(tainted(mailer), Some((true, true, true)));
        assert_eq!(tainted("$this->mail($_POST['a'], $_POST['b'], $_POST['c']);"), None);
        assert_eq!(tainted("function mail($a, $b, $c) {}"), None);
        assert_eq!(
            tainted("if ($a == $_POST['x']) { mail($a, $b, $c); }"),
            Some((false, false, false))
        );
    }
}
