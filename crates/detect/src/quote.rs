//! How evidence quotes bytes of the wire: in quotation marks, cut, control characters escaped.

use std::fmt;

/// Bytes quoted for a sentence.
pub(crate) struct Quote<'a>(pub(crate) &'a [u8]);

/// Bytes quoted at most: a sentence stays a sentence.
const LONGEST: usize = 60;

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.trim_ascii();
        let shown = bytes.get(..LONGEST).unwrap_or(bytes);
        let (text, _) = heloscope_model::octets::lossy_text(shown);
        f.write_str("\"")?;
        for c in text.chars() {
            match c {
                c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str(if shown.len() < bytes.len() { "…\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_texts_cut() {
        assert_eq!(Quote(b" a\x1b[2Jb\r\n").to_string(), "\"a\\x1b[2Jb\"");
        assert_eq!(Quote(&[b'x'; 100]).to_string(), format!("\"{}…\"", "x".repeat(60)));
    }
}
