//! A file's PHP code at its own offsets: what stands outside of PHP tags and every comment
//! become blanks, line ends stay. So rules do not fire on documentation, on JavaScript in pages,
//! or on pictures that happen to hold the letters of a function.
//!
//! One pass, linear; a tag that never closes runs to the end, as PHP has it.

/// What a file's code is.
pub(super) struct Code {
    /// Code at its offsets, all else blank.
    pub(super) bytes: Vec<u8>,
    /// The byte of the first tag, where there is one.
    pub(super) first_tag: Option<usize>,
    /// Bytes of code that are not blank.
    pub(super) len: usize,
}

/// Where the scanner is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Page,
    Code,
    LineComment,
    BlockComment,
    Single,
    Double,
    Backtick,
}

/// Blanks all but code.
pub(super) fn code(file: &[u8]) -> Code {
    let mut out = Vec::with_capacity(file.len());
    let mut at = At::Page;
    let mut i = 0;
    let mut first_tag = None;
    let mut len = 0;
    let starts = |i: usize, word: &[u8]| file.get(i..).is_some_and(|rest| rest.starts_with(word));
    while let Some(&byte) = file.get(i) {
        let mut step = 1;
        let mut keep = true;
        match at {
            At::Page => {
                keep = false;
                // "<?php" must be followed by a blank or the end; "<?=" is a tag in any file.
                let long = file.get(i..i + 5).is_some_and(|t| t.eq_ignore_ascii_case(b"<?php"))
                    && file.get(i + 5).is_none_or(|b| b.is_ascii_whitespace());
                let echo = starts(i, b"<?=");
                let short =
                    starts(i, b"<?") && file.get(i + 2).is_some_and(|b| b.is_ascii_whitespace());
                if byte != b'<' {
                    // Pages are long and tags few: on to what may be the next.
                    let rest = file.get(i..).unwrap_or_default();
                    step = memchr::memchr(b'<', rest).unwrap_or(rest.len());
                } else if long || echo || short {
                    first_tag.get_or_insert(i);
                    at = At::Code;
                    step = if long {
                        5
                    } else if echo {
                        3
                    } else {
                        2
                    };
                }
            }
            At::Code => match byte {
                b'?' if starts(i, b"?>") => {
                    at = At::Page;
                    step = 2;
                    keep = false;
                }
                b'/' if starts(i, b"//") => {
                    at = At::LineComment;
                    keep = false;
                }
                // "#[" begins an attribute, which is code.
                b'#' if !starts(i, b"#[") => {
                    at = At::LineComment;
                    keep = false;
                }
                b'/' if starts(i, b"/*") => {
                    at = At::BlockComment;
                    step = 2;
                    keep = false;
                }
                b'\'' => at = At::Single,
                b'"' => at = At::Double,
                b'`' => at = At::Backtick,
                b'<' if starts(i, b"<<<") => {
                    if let Some(end) = heredoc(file, i) {
                        step = end - i;
                    }
                }
                _ => {}
            },
            At::LineComment => {
                keep = false;
                if byte == b'\n' {
                    at = At::Code;
                } else if starts(i, b"?>") {
                    at = At::Page;
                    step = 2;
                }
            }
            At::BlockComment => {
                keep = false;
                if starts(i, b"*/") {
                    at = At::Code;
                    step = 2;
                }
            }
            At::Single | At::Double | At::Backtick => {
                let quote = match at {
                    At::Single => b'\'',
                    At::Double => b'"',
                    _ => b'`',
                };
                if byte == b'\\' {
                    step = 2;
                } else if byte == quote {
                    at = At::Code;
                }
            }
        }
        let part = file.get(i..(i + step).min(file.len())).unwrap_or_default();
        for &b in part {
            if keep || b == b'\n' {
                out.push(b);
                len += usize::from(!b.is_ascii_whitespace());
            } else {
                out.push(b' ');
            }
        }
        i += step;
    }
    Code { bytes: out, first_tag, len }
}

/// The byte after a heredoc or nowdoc that begins here; its text is kept as code is.
fn heredoc(file: &[u8], start: usize) -> Option<usize> {
    let rest = file.get(start + 3..)?;
    let line_end = memchr::memchr(b'\n', rest.get(..rest.len().min(200))?)?;
    let word = rest.get(..line_end)?.trim_ascii();
    let word = word.strip_prefix(b"'").or(word.strip_prefix(b"\"")).unwrap_or(word);
    let word = word.strip_suffix(b"'").or(word.strip_suffix(b"\"")).unwrap_or(word);
    let named = !word.is_empty() && word.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if !named {
        return None;
    }
    let mut offset = start + 3 + line_end + 1;
    for line in file.get(offset..)?.split_inclusive(|&b| b == b'\n') {
        let text = line.trim_ascii_start();
        if let Some(after) = text.strip_prefix(word)
            && after.first().is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_')
        {
            return Some(offset + (line.len() - text.len()) + word.len());
        }
        offset += line.len();
    }
    Some(file.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(file: &str) -> String {
        String::from_utf8(code(file.as_bytes()).bytes).unwrap()
    }

    #[test]
    fn comments_and_pages_are_blank() {
        assert_eq!(shown("a<?php b(); // c\n?>d"), "       b();     \n   ");
        assert!(
            shown("<?php /* eval( */ f('// no comment'); # x\n g(\"#\"); ?>eval(")
                .contains("f('// no comment');")
        );
        assert!(
            !shown("<?php /* eval( */ f('// no comment'); # x\n g(\"#\"); ?>eval(")
                .contains("eval")
        );
        assert!(shown("<?php #[Attr] f();").contains("#[Attr]"));
        assert!(
            shown("<?php $a = <<<X\nit's // text\n  X;\n// gone\nh();").contains("it's // text")
        );
        assert!(!shown("<?php $a = <<<X\nit's // text\n  X;\n// gone\nh();").contains("gone"));
        assert!(code(b"\xff\xd8 no code").first_tag.is_none());
        assert!(code(b"<?xml version=\"1.0\"?>").first_tag.is_none());
    }

    proptest! {
        #[test]
        fn offsets_stay(text in "(<\\?php |\\?>|'|\"|//|#|/\\*|\\*/|<<<A\n|A;|\n|x|\\\\){0,40}") {
            let out = code(text.as_bytes());
            prop_assert_eq!(out.bytes.len(), text.len());
        }
    }
}
