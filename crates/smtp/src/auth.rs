//! AUTH (RFC 4954): the mechanism and the user's name are kept, secrets never.
//!
//! In: AUTH lines, continuation lines, the prompts of 334. Out: lines as they may be kept, names
//! for [`heloscope_model::session::Auth`]. Where it is unclear whether a line is a secret
//! (clients that go on after AUTH was refused), it is taken for one.

use crate::line::ending;
use crate::opening::starts_with_ignoring_case;
use crate::verb::split_word;
use heloscope_model::Octets;

/// How far the present attempt has come.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    /// Its index in `Dialogue::auth`, where it is kept.
    pub(crate) entry: Option<usize>,
    /// 334 was the last answer: the next line is its continuation, whatever it looks like.
    pub(crate) prompted: bool,
    /// AUTH was said and no other verb since: a line of one unknown word may be a secret.
    pub(crate) near: bool,
    mechanism: Mechanism,
    /// A prompt asked for the password.
    password_next: bool,
    named: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
    CramMd5,
    XOauth2,
    /// Shows no name that could be told from a secret.
    #[default]
    Other,
}

/// An AUTH line taken apart.
pub(crate) struct Opening {
    /// As it may be kept.
    pub(crate) raw: Vec<u8>,
    /// As typed.
    pub(crate) mechanism: Octets,
    /// The name in the initial response.
    pub(crate) user: Option<Octets>,
}

const MECHANISMS: [&[u8]; 12] = [
    b"PLAIN",
    b"LOGIN",
    b"CRAM-MD5",
    b"XOAUTH2",
    b"OAUTHBEARER",
    b"DIGEST-MD5",
    b"NTLM",
    b"GSSAPI",
    b"EXTERNAL",
    b"SCRAM-SHA-1",
    b"SCRAM-SHA-256",
    b"GSS-SPNEGO",
];

/// Whether a word is a mechanism's name.
pub(crate) fn is_mechanism(word: &[u8]) -> bool {
    MECHANISMS.iter().any(|name| word.eq_ignore_ascii_case(name))
}

impl Attempt {
    /// Reads an AUTH line and begins anew.
    pub(crate) fn begin(&mut self, line: &[u8]) -> Opening {
        // `AUTH PLAIN x`, `AUTH=PLAIN x`, `AUTHPLAIN x`: behind the four letters.
        let blank = |b: &u8| b.is_ascii_whitespace() || *b == b'=';
        let start = line.len() - line.trim_ascii_start().len() + 4;
        let after = line.trim_ascii_end().get(start..).unwrap_or_default();
        let mechanism_at = start + after.iter().take_while(|b| blank(b)).count();
        let typed = line.get(mechanism_at..).unwrap_or_default();
        let (mut mechanism, _) = split_word(typed);
        // A word no mechanism can be is a secret at the wrong place.
        let plausible = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if mechanism.len() > 20 || !mechanism.iter().all(plausible) {
            mechanism = b"";
        }
        let kept = mechanism_at + mechanism.len();
        let response = line.get(kept..).unwrap_or_default().trim_ascii();

        let mut raw = line.get(..kept).unwrap_or_default().to_vec();
        if !response.is_empty() {
            raw.extend_from_slice(if mechanism.is_empty() { b"*" } else { b" *" });
        }
        raw.extend_from_slice(ending(line));

        *self = Self { near: true, mechanism: Mechanism::of(mechanism), ..Self::default() };
        let user = (!response.is_empty() && response != b"=").then(|| self.name_in(response));
        Opening { raw, mechanism: Octets::new(mechanism), user: user.flatten() }
    }

    /// Reads a continuation line: the name, where it holds one.
    pub(crate) fn next(&mut self, line: &[u8]) -> Option<Octets> {
        self.prompted = false;
        self.name_in(line.trim_ascii())
    }

    /// A 334 came with this text.
    pub(crate) fn prompt(&mut self, text: &[u8]) {
        self.prompted = true;
        let prompt = decode(text.trim_ascii());
        self.password_next = starts_with_ignoring_case(&prompt, b"pass");
    }

    /// The attempt has its final answer.
    pub(crate) fn answered(&mut self) {
        self.prompted = false;
    }

    fn name_in(&mut self, response: &[u8]) -> Option<Octets> {
        if self.named || self.password_next || response == b"*" {
            return None;
        }
        let (word, _) = split_word(response);
        let decoded = decode(word);
        let name = match self.mechanism {
            Mechanism::Login => decoded.as_slice(),
            // authzid NUL authcid NUL password: without the second NUL the name may hold more.
            Mechanism::Plain => {
                let mut parts = decoded.splitn(3, |&b| b == 0);
                let (_, name, _) = (parts.next()?, parts.next()?, parts.next()?);
                name
            }
            Mechanism::CramMd5 => {
                let blank = decoded.iter().rposition(|&b| b == b' ')?;
                decoded.get(..blank)?
            }
            Mechanism::XOauth2 => {
                let user = decoded.strip_prefix(b"user=")?;
                user.get(..user.iter().position(|&b| b == 1)?)?
            }
            Mechanism::Other => return None,
        };
        self.named = true;
        (!name.is_empty()).then(|| Octets::new(name))
    }
}

impl Mechanism {
    fn of(word: &[u8]) -> Self {
        match word.to_ascii_uppercase().as_slice() {
            b"PLAIN" => Self::Plain,
            b"LOGIN" => Self::Login,
            b"CRAM-MD5" => Self::CramMd5,
            b"XOAUTH2" => Self::XOauth2,
            _ => Self::Other,
        }
    }
}

/// Base64 (RFC 4648 4) as far as it goes: bots pad wrongly or not at all, lines are cut.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for &b in text {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held & 0xff) as u8);
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(line: &[u8]) -> (String, String, Option<String>) {
        let opening = Attempt::default().begin(line);
        let raw = String::from_utf8(opening.raw).unwrap();
        (raw, opening.mechanism.to_string(), opening.user.map(|user| user.to_string()))
    }

    #[test]
    fn initial_responses_become_a_star() {
        // "\0test\0secret"
        let (raw, mechanism, user) = begin(b"AUTH PLAIN AHRlc3QAc2VjcmV0\r\n");
        assert_eq!((raw.as_str(), mechanism.as_str()), ("AUTH PLAIN *\r\n", "PLAIN"));
        assert_eq!(user.as_deref(), Some("test"));
        let (raw, _, user) = begin(b"auth\tlogin dGVzdA== c2VjcmV0\n");
        assert_eq!((raw.as_str(), user.as_deref()), ("auth\tlogin *\n", Some("test")));
        let (raw, mechanism, _) = begin(b"AUTH AHRlc3QAc2VjcmV0c2VjcmV0c2VjcmV0\r\n");
        assert_eq!((raw.as_str(), mechanism.as_str()), ("AUTH *\r\n", ""));
        assert_eq!(begin(b"AUTH=LOGIN\r\n").0, "AUTH=LOGIN\r\n");
        assert_eq!(begin(b"AUTH\r\n"), ("AUTH\r\n".into(), String::new(), None));
    }

    #[test]
    fn login_names_come_first_unless_the_prompt_asks_for_the_password() {
        let mut attempt = Attempt::default();
        attempt.begin(b"AUTH LOGIN\r\n");
        attempt.prompt(b"VXNlcm5hbWU6");
        assert_eq!(attempt.next(b"dGVzdA==\r\n"), Some("test".into()));
        attempt.prompt(b"UGFzc3dvcmQ6");
        assert_eq!(attempt.next(b"c2VjcmV0\r\n"), None);
        attempt.begin(b"AUTH LOGIN\r\n");
        attempt.prompt(b"UGFzc3dvcmQ6");
        assert_eq!(attempt.next(b"c2VjcmV0\r\n"), None);
    }

    #[test]
    fn other_mechanisms() {
        let mut attempt = Attempt::default();
        attempt.begin(b"AUTH CRAM-MD5\r\n");
        // "test 0123456789abcdef"
        assert_eq!(attempt.next(b"dGVzdCAwMTIzNDU2Nzg5YWJjZGVm"), Some("test".into()));
        // "user=a@example.org\x01auth=Bearer x\x01\x01"
        let (_, _, user) =
            begin(b"AUTH XOAUTH2 dXNlcj1hQGV4YW1wbGUub3JnAWF1dGg9QmVhcmVyIHgBAQ==\r\n");
        assert_eq!(user.as_deref(), Some("a@example.org"));
        assert_eq!(begin(b"AUTH NTLM dGVzdA==\r\n").2, None);
        // PLAIN cut before its second NUL could show a piece of the password.
        assert_eq!(begin(b"AUTH PLAIN AHRlc3Q=\r\n").2, None);
    }
}
