//! Pass 2: places -> what stands there, re-read. Lines are counted only now; a file that is
//! quoted several times is read once. What cannot be read again is not quoted.

use crate::lines::LONGEST;
use crate::opened::Stream;
use crate::sources::Source;
use crate::{Evidence, Quote};
use heloscope_model::{At, Place, SourceId};
use std::collections::BTreeMap;
use std::io::Read;

/// Characters of one quote.
const CUT: usize = 500;

/// Quotes every place; the answers stand in the order of the places.
pub(crate) fn all(evidence: &Evidence, places: &[Place]) -> Vec<Option<Quote>> {
    let mut answers: Vec<Option<Quote>> = places.iter().map(|_| None).collect();
    let mut bytes: BTreeMap<SourceId, Vec<(u64, usize)>> = BTreeMap::new();
    let mut frames: BTreeMap<SourceId, Vec<(u64, usize)>> = BTreeMap::new();
    for (index, place) in places.iter().enumerate() {
        let Some(source) = evidence.sources.get(place.source) else { continue };
        match place.at {
            At::Whole => {
                let quote = Quote {
                    source: source.path.clone(),
                    locator: String::new(),
                    text: visible(source.path.to_string_lossy().as_bytes()),
                };
                set(&mut answers, index, quote);
            }
            At::Byte(at) => bytes.entry(place.source).or_default().push((at, index)),
            At::Frame(number) => frames.entry(place.source).or_default().push((number, index)),
        }
    }
    for (id, mut wanted) in bytes {
        wanted.sort_unstable();
        if let Some(source) = evidence.sources.get(id) {
            lines(source, &wanted, &mut answers);
        }
    }
    for (id, mut wanted) in frames {
        wanted.sort_unstable();
        if let Some(source) = evidence.sources.get(id) {
            frame_texts(source, &wanted, &mut answers);
        }
    }
    answers
}

fn set(answers: &mut [Option<Quote>], index: usize, quote: Quote) {
    if let Some(answer) = answers.get_mut(index) {
        *answer = Some(quote);
    }
}

/// Quotes lines of one file, which are asked for in order of offset.
fn lines(source: &Source, wanted: &[(u64, usize)], answers: &mut [Option<Quote>]) {
    let Ok(mut stream) = Stream::open(&source.body) else { return };
    // Between a journal's lines stand its frames: their number says nothing.
    let mut framed = false;
    let mut block = vec![0; 1 << 20];
    // Line ends before the block, and the block's offset.
    let (mut newlines, mut offset, mut filled) = (0_u64, 0_u64, 0_usize);
    let mut ended = false;
    for &(at, index) in wanted {
        // Go on until the block holds the wanted line whole.
        loop {
            let inside = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
            let rest = block.get(inside.min(filled)..filled).unwrap_or_default();
            if ended || memchr::memchr(b'\n', rest).is_some() || rest.len() > LONGEST {
                break;
            }
            // Drop what lies before the wanted line, counting its line ends.
            let drop = inside.min(filled);
            newlines += count(block.get(..drop).unwrap_or_default());
            block.copy_within(drop..filled, 0);
            offset += drop as u64;
            filled -= drop;
            let Ok(read) = stream.read(block.get_mut(filled..).unwrap_or_default()) else { return };
            ended = read == 0;
            filled += read;
            framed |= offset == 0
                && heloscope_journal::is_segment(block.get(..filled).unwrap_or_default());
        }
        let inside = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
        let Some(rest) = block.get(inside..filled).filter(|r| !r.is_empty()) else { continue };
        let number = newlines + count(block.get(..inside).unwrap_or_default()) + 1;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        let quote = Quote {
            source: source.path.clone(),
            locator: if framed || binary(line) {
                format!("byte {at}")
            } else {
                format!("line {number}")
            },
            text: visible(&without_secret(line.strip_suffix(b"\r").unwrap_or(line))),
        };
        set(answers, index, quote);
    }
}

/// Quotes frames of one capture.
fn frame_texts(source: &Source, wanted: &[(u64, usize)], answers: &mut [Option<Quote>]) {
    let Ok(mut stream) = Stream::open(&source.body) else { return };
    let numbers: Vec<u64> = wanted.iter().map(|(number, _)| *number).collect();
    let found = heloscope_capture::frame_lines(&mut stream, &numbers);
    for &(number, index) in wanted {
        let Some(line) = found.iter().find(|line| line.number == number) else { continue };
        let quote = Quote {
            source: source.path.clone(),
            locator: format!("frame {number}"),
            text: visible(line.text.as_bytes()),
        };
        set(answers, index, quote);
    }
}

fn count(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Whether a line is hardly text: its number says nothing then.
fn binary(line: &[u8]) -> bool {
    let odd = line.iter().take(512).filter(|b| matches!(**b, 0..=8 | 14..=31 | 127)).count();
    odd * 4 > line.len().min(512) && !line.is_empty()
}

/// `wg show all dump` gives a peer's public key and, in the next field, the key that is shared with
/// it in secret: that one is never quoted.
fn without_secret(line: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let is_key =
        |f: &[u8]| f.len() == 44 && f.ends_with(b"=") && f.iter().all(u8::is_ascii_graphic);
    let fields: Vec<&[u8]> = line.split(|&b| b == b'\t').collect();
    let secret = fields.windows(2).position(|w| w.iter().all(|f| is_key(f)));
    match secret {
        None => line.into(),
        Some(at) => {
            let shown = fields.iter().enumerate();
            let shown: Vec<&[u8]> =
                shown.map(|(i, f)| if i == at + 1 { b"(secret)".as_slice() } else { *f }).collect();
            shown.join(&b'\t').into()
        }
    }
}

/// Text of one line that shows what a terminal would obey: control characters and escapes
/// become their pictures, text direction marks their code; cut at 500 characters.
pub(crate) fn visible(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(CUT * 4)).unwrap_or_default();
    let (text, _) = heloscope_model::octets::lossy_text(cut);
    let mut out = String::new();
    let mut left = CUT;
    let mut whole = bytes.len() <= cut.len();
    for c in text.chars() {
        if left == 0 {
            whole = false;
            break;
        }
        left -= 1;
        match c {
            '\t' => out.push(' '),
            // U+2400 and on are pictures of the control characters.
            '\0'..='\u{1f}' => {
                out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'))
            }
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => out.push(c),
        }
    }
    if !whole {
        out.push('…');
    }
    out
}

/// The same of a text.
pub(crate) fn shown(text: &str) -> String {
    visible(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_have_nothing_to_obey() {
        let line = b"wg0\tAY30Zu0hGImVRPq2/Kd6cXvAV6wZ3o46MFTQcDmxZHY=\tgoNhiuyFzplg1pHDVM8OTnZJuTdaJ7LQ/2IvMGEr1Rc=\t192.0.2.9:5";
        assert_eq!(
            without_secret(line).as_ref(),
            b"wg0\tAY30Zu0hGImVRPq2/Kd6cXvAV6wZ3o46MFTQcDmxZHY=\t(secret)\t192.0.2.9:5"
        );
        assert_eq!(visible(b"a\x1b[31mred\x07\tb\x7f"), "a\u{241b}[31mred\u{2407} b\u{2421}");
        assert_eq!(visible("x\u{202e}y".as_bytes()), "x<U+202E>y");
        assert_eq!(visible(b"caf\xe9"), "caf\u{e9}");
        let long = visible(&[b'a'; 600]);
        assert_eq!(long.chars().count(), 501);
        assert!(long.ends_with('…'));
    }
}
