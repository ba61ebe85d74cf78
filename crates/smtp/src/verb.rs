//! What a client's line is, by its first word; and whether a line is a command beyond doubt.
//!
//! Reading is generous ([`verb_of`]): case, blanks and missing blanks are forgiven, because bots
//! are told apart by just these. Finding the way back into a stream ([`surely_command`]) is not:
//! a line of mail text must not pass for a command.

use crate::connect;
use crate::opening::starts_with_ignoring_case;
use heloscope_model::session::Verb;

/// The verb of a line where a command is due.
pub(crate) fn verb_of(line: &[u8]) -> Verb {
    let line = line.trim_ascii();
    let (word, rest) = split_word(line);
    if let Some(verb) = exact(word) {
        return verb;
    }
    if connect::is_http_request(word, rest) {
        return Verb::Proxy;
    }
    if starts_with_ignoring_case(word, b"MAILFROM") {
        return Verb::Mail;
    }
    if starts_with_ignoring_case(word, b"RCPTTO") {
        return Verb::Rcpt;
    }
    if is_header(line) {
        return Verb::Header;
    }
    if starts_with_ignoring_case(word, b"AUTH") {
        return Verb::Auth;
    }
    Verb::Other
}

fn exact(word: &[u8]) -> Option<Verb> {
    const VERBS: [(&[u8], Verb); 18] = [
        (b"RCPT", Verb::Rcpt),
        (b"MAIL", Verb::Mail),
        (b"EHLO", Verb::Ehlo),
        (b"HELO", Verb::Helo),
        (b"DATA", Verb::Data),
        (b"QUIT", Verb::Quit),
        (b"RSET", Verb::Rset),
        (b"BDAT", Verb::Bdat),
        (b"STARTTLS", Verb::StartTls),
        (b"AUTH", Verb::Auth),
        (b"NOOP", Verb::Noop),
        (b"LHLO", Verb::Lhlo),
        (b"VRFY", Verb::Vrfy),
        (b"EXPN", Verb::Expn),
        (b"HELP", Verb::Help),
        (b"XCLIENT", Verb::Xclient),
        (b"XFORWARD", Verb::Xforward),
        (b"AUTH=LOGIN", Verb::Auth),
    ];
    VERBS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|&(_, verb)| verb)
}

/// A header field where a command belongs: a name, a colon, and not the `://` of a URL.
fn is_header(line: &[u8]) -> bool {
    let Some(colon) = line.iter().take(78).position(|&b| b == b':') else { return false };
    let (name, value) = line.split_at(colon);
    let named = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    named && !value.starts_with(b"://")
}

/// Whether a line is a command and hardly anything else: verb and arguments in the right form.
pub(crate) fn surely_command(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let (word, rest) = split_word(line);
    let rest = rest.trim_ascii();
    let alone = rest.is_empty();
    let one_word = !alone && !rest.iter().any(u8::is_ascii_whitespace);
    match exact(word) {
        Some(Verb::Mail) => is_path(rest, b"FROM"),
        Some(Verb::Rcpt) => is_path(rest, b"TO"),
        Some(Verb::Data | Verb::Rset | Verb::Noop | Verb::Quit | Verb::StartTls | Verb::Help) => {
            alone
        }
        Some(Verb::Ehlo | Verb::Helo | Verb::Lhlo | Verb::Vrfy | Verb::Expn) => one_word,
        Some(Verb::Bdat) => crate::bdat::parse(line).is_some(),
        Some(Verb::Auth) => crate::auth::is_mechanism(split_word(rest).0),
        Some(Verb::Xclient | Verb::Xforward) => rest.contains(&b'='),
        _ => false,
    }
}

fn is_path(rest: &[u8], word: &[u8]) -> bool {
    starts_with_ignoring_case(rest, word)
        && rest.get(word.len()..).is_some_and(|path| path.trim_ascii_start().starts_with(b":"))
        && (rest.contains(&b'<') || rest.contains(&b'@'))
}

/// The first word of a line and what follows its blank.
pub(crate) fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    line.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_as_clients_write_them() {
        for (line, verb) in [
            (&b"EHLO mail.example.org\r\n"[..], Verb::Ehlo),
            (b"  helo x\n", Verb::Helo),
            (b"mail\tFROM:<a@example.org>\r\n", Verb::Mail),
            (b"MAIL FROM : <a@example.org>\r\n", Verb::Mail),
            (b"MailFrom:<a@example.org>\r\n", Verb::Mail),
            (b"RCPTTO:<a@example.org>\r\n", Verb::Rcpt),
            (b"Mail: x\r\n", Verb::Header),
            (b"Subject:cheap\r\n", Verb::Header),
            (b"Authorization: Basic eA==\r\n", Verb::Header),
            (b"http://example.org/\r\n", Verb::Other),
            (b"GET / HTTP/1.1\r\n", Verb::Proxy),
            (b"GET lost\r\n", Verb::Other),
            (b"CONNECT 192.0.2.1:25 HTTP/1.0\r\n", Verb::Proxy),
            (b"AUTHLOGIN x\r\n", Verb::Auth),
            (b"\r\n", Verb::Other),
            (b"", Verb::Other),
            (b"dear friend: hello\r\n", Verb::Other),
        ] {
            assert_eq!(verb_of(line), verb, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn mail_text_is_no_command() {
        for text in [
            &b"Help me please\r\n"[..],
            b"mail from the bank\r\n",
            b"Data is everything\r\n",
            b"helo my dear friend\r\n",
            b"quit smoking\r\n",
            b"RCPT\r\n",
            b"auth is hard\r\n",
        ] {
            assert!(!surely_command(text), "{}", text.escape_ascii());
        }
        for command in [
            &b"MAIL FROM:<>\r\n"[..],
            b"rcpt to: a@example.org\r\n",
            b"DATA\r\n",
            b"QUIT \r\n",
            b"EHLO x\r\n",
            b"BDAT 10 LAST\r\n",
        ] {
            assert!(surely_command(command), "{}", command.escape_ascii());
        }
    }
}
