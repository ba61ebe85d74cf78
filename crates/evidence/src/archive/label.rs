//! A member's name as the archive has it -> the label it is shown and recognised by. A label is
//! relative, has no `..`, and nothing a terminal would obey.

use std::path::PathBuf;

/// Folders nested, and bytes of a name; what goes beyond is no name of a file.
const DEEPEST: usize = 64;
const LONGEST: usize = 4096;

/// A label, and what was wrong with the name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) path: PathBuf,
    /// It began at the root of the file system.
    pub(super) absolute: bool,
    /// It led out of the archive.
    pub(super) leads_out: bool,
}

/// The label of a name; none where it names no file.
pub(super) fn of(name: &[u8]) -> Option<Label> {
    if name.len() > LONGEST {
        return None;
    }
    let absolute = name.first() == Some(&b'/');
    let mut leads_out = false;
    let mut path = PathBuf::new();
    let mut depth = 0;
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => leads_out = true,
            part => {
                depth += 1;
                path.push(shown(part));
            }
        }
    }
    (depth > 0 && depth <= DEEPEST).then_some(Label { path, absolute, leads_out })
}

/// A name of any bytes, to be read by people.
pub(super) fn shown(name: &[u8]) -> String {
    let (text, _) = heloscope_model::octets::lossy_text(name);
    text.chars()
        .map(|c| match c {
            c if c.is_control() => '\u{fffd}',
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_inside() {
        for (name, want) in [
            ("var/log/mail.log", Some(("var/log/mail.log", false, false))),
            ("./case//mail.log", Some(("case/mail.log", false, false))),
            ("/etc/passwd", Some(("etc/passwd", true, false))),
            ("../../etc/passwd", Some(("etc/passwd", false, true))),
            ("a/../../b", Some(("a/b", false, true))),
            ("a\u{1b}[31m", Some(("a\u{fffd}[31m", false, false))),
            ("..", None),
            ("./", None),
            ("", None),
        ] {
            let got = of(name.as_bytes());
            let got = got.as_ref().map(|l| (l.path.to_str().unwrap(), l.absolute, l.leads_out));
            assert_eq!(got, want, "{name}");
        }
        assert_eq!(of("a/".repeat(70).as_bytes()), None);
        assert_eq!(of(&[b'x'; 5000]), None);
    }
}
