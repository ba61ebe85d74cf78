//! Others' text, made fit to be shown: in a page, a letter and a terminal alike.
//!
//! Control characters (a terminal obeys them), and those that turn a line's direction or are invisible, are escaped;
//! long text is cut. Mail addresses are people's: in what leaves the machine only their domain stays.

/// The longest text shown.
const LONGEST: usize = 400;

/// Text without anything that a terminal or an eye could be misled by, at most some hundred characters.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            out.push('…');
            break;
        }
        if c.is_control() || hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Marks of direction, joiners, tags: what has no glyph of its own.
fn hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text in which the people of mail addresses are left out: `<anna@example.net>` becomes `<…@example.net>`.
pub fn redacted(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        let local = before.trim_end_matches(is_local).len();
        out.push_str(before.get(..local).unwrap_or_default());
        if local < before.len() {
            out.push('…');
        }
        out.push('@');
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Part of an address's name; a quote may stand in one, so quoted names go as a whole where they have no blank.
fn is_local(c: char) -> bool {
    !(c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':'))
}

/// An instant to the millisecond: nobody reads more.
pub(crate) fn instant(time: &heloscope_model::Time) -> String {
    heloscope_model::Time::from_micros(time.nanos().div_euclid(1_000_000) * 1_000).rfc3339()
}

/// The name of an account as it may leave the machine: the account is the proof, so it stays, shown.
pub(crate) fn octets(octets: &heloscope_model::Octets) -> String {
    shown(&octets.text().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_line() {
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown("ab\u{202e}lp.exe"), "ab\\u{202e}lp.exe");
        assert_eq!(shown("Grüße, 世界"), "Grüße, 世界");
        assert_eq!(shown(&"x".repeat(9000)).chars().count(), 401);
    }

    #[test]
    fn people_are_left_out_and_the_rest_is_kept() {
        for (text, want) in [
            ("550 <anna.b+c@example.net>: no", "550 <…@example.net>: no"),
            ("to=<\"odd\"@example.net> and b@c.d", "to=<…@example.net> and …@c.d"),
            ("mailto:anna@example.net", "mailto:…@example.net"),
            ("at @ sign", "at @ sign"),
            ("no address", "no address"),
        ] {
            assert_eq!(redacted(text), want);
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let safe = redacted(&shown(&text));
            prop_assert!(!safe.chars().any(|c| c.is_control()));
        }
    }
}
