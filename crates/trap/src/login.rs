//! AUTH (RFC 4954) that never succeeds: enough of PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195)
//! that a guesser says what it came to say. Nothing of it is looked at or kept here; the record
//! keeps the user's name and never a secret (see `heloscope_smtp`).

/// The lines of one attempt that are still due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    due: &'static [Prompt],
}

/// What is asked for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prompt {
    /// An empty challenge.
    Response,
    Username,
    Password,
    /// A challenge that holds a time, a number and our name.
    Challenge,
}

/// What is said to a step of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// 334, and the attempt goes on.
    Ask(Login, String),
    /// The attempt is over.
    Over(&'static str),
}

const FAILED: &str = "535 5.7.8 Error: authentication failed";
const CANCELLED: &str = "501 5.7.0 Error: authentication cancelled";
const UNKNOWN: &str = "504 5.5.4 Error: unrecognized authentication type";

/// Begins an attempt with what stands behind AUTH.
pub(crate) fn begin(rest: &[u8], name: &str, id: u64) -> Said {
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    let response = words.next();
    let due: &[Prompt] = match mechanism.as_slice() {
        b"PLAIN" => &[Prompt::Response],
        b"LOGIN" => &[Prompt::Username, Prompt::Password],
        b"CRAM-MD5" => &[Prompt::Challenge],
        _ => return Said::Over(UNKNOWN),
    };
    let login = Login { due };
    match response {
        // The response that would answer the first prompt; a challenge cannot be answered yet.
        Some(_) if due.first() != Some(&Prompt::Challenge) => login.hear(b"-", name, id),
        _ => login.ask(name, id),
    }
}

impl Login {
    /// Takes the answer to the last prompt.
    pub(crate) fn hear(self, line: &[u8], name: &str, id: u64) -> Said {
        if line.trim_ascii() == b"*" {
            return Said::Over(CANCELLED);
        }
        match self.due.split_first() {
            Some((_, due)) if !due.is_empty() => Login { due }.ask(name, id),
            _ => Said::Over(FAILED),
        }
    }

    fn ask(self, name: &str, id: u64) -> Said {
        let prompt = match self.due.first() {
            Some(Prompt::Response) => String::new(),
            Some(Prompt::Username) => base64(b"Username:"),
            Some(Prompt::Password) => base64(b"Password:"),
            Some(Prompt::Challenge) => base64(format!("<{id}.1@{name}>").as_bytes()),
            None => return Said::Over(FAILED),
        };
        Said::Ask(self, format!("334 {prompt}"))
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | group.get(at).map_or(0, |&b| b.into()));
        for at in 0..4usize {
            let digit = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or_default();
            let shown = DIGITS.get(digit).filter(|_| at <= group.len());
            text.push(shown.map_or('=', |&b| char::from(b)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(opening: &str, answers: &[&str]) -> Vec<String> {
        let mut said = begin(opening.as_bytes(), "mx.example.net", 7);
        let mut lines = Vec::new();
        let mut answers = answers.iter();
        loop {
            match said {
                Said::Over(line) => {
                    lines.push(line.to_owned());
                    return lines;
                }
                Said::Ask(login, line) => {
                    lines.push(line);
                    let Some(answer) = answers.next() else { return lines };
                    said = login.hear(answer.as_bytes(), "mx.example.net", 7);
                }
            }
        }
    }

    #[test]
    fn every_mechanism_asks_and_fails() {
        assert_eq!(play(" PLAIN AGEAYg==", &[]), [FAILED]);
        assert_eq!(play(" plain", &["AGEAYg=="]), ["334 ", FAILED]);
        assert_eq!(
            play(" LOGIN", &["YQ==", "Yg=="]),
            ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", FAILED]
        );
        assert_eq!(play(" LOGIN YQ==", &["Yg=="]), ["334 UGFzc3dvcmQ6", FAILED]);
        assert_eq!(play(" LOGIN", &["*"]), ["334 VXNlcm5hbWU6", CANCELLED]);
        assert_eq!(play(" CRAM-MD5 x", &["x"]), ["334 PDcuMUBteC5leGFtcGxlLm5ldD4=", FAILED]);
        assert_eq!(play(" NTLM", &[]), [UNKNOWN]);
        assert_eq!(play("", &[]), [UNKNOWN]);
    }

    #[test]
    fn base64_of_each_length() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
