//! A session's dialect: how it says things, whatever it says, as a line of words that a person can
//! read (B@bel, Stringhini et al. 2014: verbs' case, blanks, brackets, order and ending tell mail
//! programs apart). Two sessions of one program give the same line; names, addresses and texts are
//! not in it.

use heloscope_model::Session;
use heloscope_model::session::{Command, EndState, Verb};
use std::fmt::Write;

/// Commands whose order is noted; a long session goes on as it began.
const NOTED: usize = 24;

/// The dialect of a session: empty where no command was seen.
pub fn dialect(session: &Session) -> String {
    let mut line = String::new();
    let mut last = None;
    for command in session.dialogue.commands.iter().take(NOTED) {
        let word = word(command);
        // As many recipients as there are say nothing of the program.
        if last.as_ref() != Some(&word) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        last = Some(word);
    }
    if !line.is_empty() {
        let ending = match session.end_state {
            EndState::Quit => "quit",
            EndState::Close => "close",
            EndState::Reset => "reset",
            EndState::Timeout | EndState::Truncated => "open",
        };
        let _ = write!(line, " {ending}");
    }
    line
}

/// One command: the verb as typed (its case), how its path is written, its line's end.
fn word(command: &Command) -> String {
    let raw = command.raw.as_bytes();
    let line = raw.trim_ascii_end();
    let mut word = match command.verb {
        Verb::AuthData => return "~".to_owned(),
        Verb::Other => return "?".to_owned(),
        Verb::Header => return "header".to_owned(),
        Verb::Proxy => return "proxy".to_owned(),
        _ => {
            let end = line.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(line.len());
            String::from_utf8_lossy(line.get(..end).unwrap_or_default()).into_owned()
        }
    };
    if matches!(command.verb, Verb::Mail | Verb::Rcpt)
        && let Some(colon) = line.iter().position(|&b| b == b':')
    {
        let keyword = line.get(word.len()..colon).unwrap_or_default();
        word.push('_');
        word.push_str(String::from_utf8_lossy(keyword.trim_ascii()).trim());
        let rest = line.get(colon + 1..).unwrap_or_default();
        word.push(':');
        if rest.first() == Some(&b' ') {
            word.push('_');
        }
        if rest.trim_ascii_start().first() != Some(&b'<') {
            word.push('-');
        }
        let parameters = rest.rsplit(|&b| b == b'>').next().unwrap_or_default();
        for name in parameters.split(u8::is_ascii_whitespace).filter(|p| !p.is_empty()).take(4) {
            let name = name.split(|&b| b == b'=').next().unwrap_or_default();
            let _ = write!(word, ";{}", String::from_utf8_lossy(name));
        }
    }
    if line.len() < raw.len() && !raw.ends_with(b"\r\n") {
        word.push('!');
    }
    if command.early {
        word.push('^');
    }
    word
}
