//! A text with its line breaks, quote marks ("> ") and runs of blanks made one blank each and
//! its typographic quotes made plain, so that sentences that mail programs and terminals have
//! wrapped read as sentences. Keeps for each byte where it stood.

/// A text in one line.
pub(super) struct Flat {
    /// The line.
    pub(super) text: String,
    /// For each byte of `text`, the byte of the original.
    origin: Vec<u32>,
}

impl Flat {
    /// Flattens. A text above 4 GiB does not come here (see `read::MAX_TEXT`).
    pub(super) fn new(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut origin = Vec::with_capacity(original.len());
        let mut line_start = true;
        for (at, c) in original.char_indices() {
            let plain = match c {
                '\n' | '\r' => {
                    line_start = true;
                    ' '
                }
                '>' | '|' if line_start => continue,
                '\u{2018}' | '\u{2019}' => '\'',
                '\u{201c}' | '\u{201d}' => '"',
                '\u{2013}' | '\u{2014}' => '-',
                '\u{b1}' => {
                    // "±" is written "+/-" by the lists.
                    for c in "+/-".chars() {
                        text.push(c);
                        origin.push(at as u32);
                    }
                    continue;
                }
                c if c.is_whitespace() || c.is_control() || c == '\u{feff}' => ' ',
                c => {
                    line_start = false;
                    c
                }
            };
            if plain == ' ' && text.ends_with(' ') {
                continue;
            }
            text.push(plain);
            origin.resize(text.len(), at as u32);
        }
        Self { text, origin }
    }

    /// Where a byte of the flat text stood.
    pub(super) fn origin(&self, at: usize) -> u64 {
        u64::from(self.origin.get(at).or(self.origin.last()).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_and_quoted_sentences_become_one_line() {
        let flat = Flat::new("> It was\n>  last   detected\u{a0}at\r\n\u{201c}x\u{201d} \u{b1} 5");
        assert_eq!(flat.text, " It was last detected at \"x\" +/- 5");
        let at = flat.text.find("last").unwrap();
        assert_eq!(flat.origin(at), 12);
    }
}
