//! What code looks like that hides something: long runs of encoded text that decode to nothing
//! known, names in variables made of random letters.
//!
//! Legitimate code carries encoded pictures, fonts and certificates: the first bytes are decoded
//! and known formats pass.

/// A run at least this long counts.
const RUN: usize = 1200;

/// Something that stands out.
pub(super) struct Blob {
    pub(super) rule: &'static str,
    pub(super) because: &'static str,
    pub(super) weight: f32,
    pub(super) at: usize,
}

/// What stands out in a code.
pub(super) fn find(code: &[u8]) -> Vec<Blob> {
    let mut found = Vec::new();
    let runs = code_runs(code);
    if let Some(&(at, _)) = runs.first() {
        let evals = [
            &b"eval"[..],
            b"assert",
            b"create_function",
            b"gzinflate",
            b"str_rot13",
            b"preg_replace",
        ]
        .iter()
        .any(|word| memchr::memmem::find(code, word).is_some());
        let decodes = memchr::memmem::find(code, b"base64_decode").is_some();
        let code_len = code.iter().filter(|b| !b.is_ascii_whitespace()).count();
        let hidden: usize = runs.iter().map(|(_, len)| len).sum();
        // The blob is most of the file: a loader with its load.
        let mostly = hidden * 10 > code_len * 7;
        if mostly && (evals || !decodes) {
            found.push(Blob {
                rule: "hidden-load",
                because: "nearly all of it is one encoded text that is no picture, font or certificate",
                weight: if evals { 0.6 } else { 0.3 },
                at,
            });
        } else if evals && decodes {
            found.push(Blob {
                rule: "encoded-text",
                because: "it holds a long encoded text that is no picture, font or certificate",
                weight: 0.2,
                at,
            });
        }
    }
    if let Some(at) = long_dense_line(code) {
        found.push(Blob {
            rule: "dense-line",
            because: "a single line of many kilobytes holds text as random as encrypted data",
            weight: 0.25,
            at,
        });
    }
    found
}

/// Runs of encoded text inside quotes, that decode to nothing known: start and length.
fn code_runs(code: &[u8]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = 0;
    let encoded = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\\');
    let mut i = 0;
    while i < code.len() {
        // To the end of this run.
        let len = code.get(i..).unwrap_or_default().iter().take_while(|b| encoded(**b)).count();
        if len >= RUN {
            start = i;
            let run = code.get(start..start + len).unwrap_or_default();
            let quoted = start
                .checked_sub(1)
                .and_then(|b| code.get(b))
                .is_some_and(|b| matches!(b, b'"' | b'\'' | b',' | b'>' | b'\n' | b' '));
            let before = code.get(start.saturating_sub(40)..start).unwrap_or_default();
            let data_uri = memchr::memmem::find(before, b"base64,").is_some()
                || memchr::memmem::find(before, b"data:").is_some();
            if quoted && !data_uri && !known(run) && entropy(run) > 4.5 {
                runs.push((start, len));
            }
        }
        i += len.max(1);
    }
    let _ = start;
    runs
}

/// Whether encoded text begins like a format that applications carry.
fn known(run: &[u8]) -> bool {
    let first = decode(run.get(..64).unwrap_or(run));
    let magics: [&[u8]; 18] = [
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"BM",
        b"RIFF",
        b"\0\0\x01\0",
        b"\0\x01\0\0",
        b"OTTO",
        b"wOFF",
        b"wOF2",
        b"%PDF",
        b"<svg",
        b"<?xml",
        b"-----BEGIN",
        b"\x30\x82",
        b"PK\x03\x04",
        b"\0asm",
        b"ttcf",
    ];
    if magics.iter().any(|m| first.starts_with(m)) {
        return true;
    }
    // Tables of one repeated byte, hexadecimal keys and digests carry nothing hidden.
    run.iter().all(u8::is_ascii_hexdigit)
}

/// The first bytes that base64 stands for.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut have) = (0_u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 0xff) as u8);
            bits &= (1 << have) - 1;
        }
    }
    out
}

/// A line of 4 KiB or more whose bytes are as evenly spread as those of encrypted data.
fn long_dense_line(code: &[u8]) -> Option<usize> {
    let mut offset = 0;
    for line in code.split_inclusive(|&b| b == b'\n') {
        // Binary bytes in code are not what editors write.
        if line.len() > 4096 {
            let high = line.iter().filter(|b| !b.is_ascii()).count();
            let valid = std::str::from_utf8(line).is_ok();
            if high * 4 > line.len() && !valid && entropy(line) > 7.0 {
                return Some(offset);
            }
        }
        offset += line.len();
    }
    None
}

/// Bits a byte, of the first 16 KiB.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let cut = bytes.get(..bytes.len().min(16 << 10)).unwrap_or_default();
    let mut counts = [0_u32; 256];
    for &byte in cut {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = cut.len().max(1) as f64;
    counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| {
            let share = f64::from(*c) / total;
            -share * share.log2()
        })
        .sum()
}

/// The name at the start of a text.
pub(super) fn identifier(text: &[u8]) -> &[u8] {
    let len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    text.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_pass_and_loads_do_not() {
        let png =
            format!("header('x'); echo base64_decode('iVBORw0KGgo{}');", "AQdz8F3k".repeat(400));
        assert!(find(png.as_bytes()).is_empty());
        let mut load = String::new();
        let mut state = 7_u32;
        for _ in 0..4000 {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            load.push(char::from(alphabet[(state >> 16) as usize % 64]));
        }
        let planted = format!("$a='{load}';eval(gzinflate(base64_decode($a)));");
        let found = find(planted.as_bytes());
        assert_eq!(found.first().map(|b| b.rule), Some("hidden-load"));
        assert!(
            find(format!("$key = '{}';", "0123456789abcdef".repeat(100)).as_bytes()).is_empty()
        );
    }
}
