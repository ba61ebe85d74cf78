//! Captures taken apart into frames and written in another form.

/// A frame.
#[derive(Clone)]
pub(crate) struct Frame {
    /// Nanoseconds since 1970.
    pub(crate) at: i64,
    /// Link type.
    link: u16,
    /// Bytes on the wire.
    len: u32,
    data: Vec<u8>,
}

fn u16_at(bytes: &[u8], at: usize, swapped: bool) -> u16 {
    let raw = bytes[at..at + 2].try_into().unwrap();
    if swapped { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
}

fn u32_at(bytes: &[u8], at: usize, swapped: bool) -> u32 {
    let raw = bytes[at..at + 4].try_into().unwrap();
    if swapped { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
}

/// The frames of a whole file.
pub(crate) fn read(bytes: &[u8]) -> Vec<Frame> {
    if u32_at(bytes, 0, false) == 0x0a0d_0d0a { read_pcapng(bytes) } else { read_pcap(bytes) }
}

fn read_pcap(bytes: &[u8]) -> Vec<Frame> {
    let (swapped, unit) = match u32_at(bytes, 0, false) {
        0xa1b2_c3d4 => (false, 1000),
        0xa1b2_3c4d => (false, 1),
        0xd4c3_b2a1 => (true, 1000),
        0x4d3c_b2a1 => (true, 1),
        magic => panic!("no pcap: {magic:x}"),
    };
    let link = u32_at(bytes, 20, swapped) as u16;
    let mut frames = Vec::new();
    let mut at = 24;
    while at + 16 <= bytes.len() {
        let word = |n: usize| u32_at(bytes, at + n * 4, swapped);
        let (secs, part, kept, len) = (word(0), word(1), word(2) as usize, word(3));
        frames.push(Frame {
            at: i64::from(secs) * 1_000_000_000 + i64::from(part) * unit,
            link,
            len,
            data: bytes[at + 16..at + 16 + kept].to_vec(),
        });
        at += 16 + kept;
    }
    frames
}

fn read_pcapng(bytes: &[u8]) -> Vec<Frame> {
    assert_eq!(u32_at(bytes, 8, false), 0x1a2b_3c4d, "the cases' files are little-endian");
    let mut interfaces: Vec<(u16, i64)> = Vec::new();
    let mut frames = Vec::new();
    let mut at = 0;
    while at + 12 <= bytes.len() {
        let (kind, len) = (u32_at(bytes, at, false), u32_at(bytes, at + 4, false) as usize);
        let body = &bytes[at + 8..at + len - 4];
        match kind {
            1 => interfaces.push((u16_at(body, 0, false), resolution(&body[8..]))),
            6 => {
                let (link, unit) = interfaces[u32_at(body, 0, false) as usize];
                let stamp =
                    i64::from(u32_at(body, 4, false)) << 32 | i64::from(u32_at(body, 8, false));
                let kept = u32_at(body, 12, false) as usize;
                frames.push(Frame {
                    at: stamp * unit,
                    link,
                    len: u32_at(body, 16, false),
                    data: body[20..20 + kept].to_vec(),
                });
            }
            _ => {}
        }
        at += len;
    }
    frames
}

/// Nanoseconds of one unit of an interface's stamps.
fn resolution(options: &[u8]) -> i64 {
    let mut at = 0;
    while at + 4 <= options.len() {
        let (code, len) = (u16_at(options, at, false), u16_at(options, at + 2, false) as usize);
        if code == 9 {
            return 10_i64.pow(9 - u32::from(options[at + 4]));
        }
        at += 4 + len.div_ceil(4) * 4;
    }
    1000
}

/// Whether one pcap file can hold them.
pub(crate) fn is_of_one_link(frames: &[Frame]) -> bool {
    frames.windows(2).all(|pair| pair[0].link == pair[1].link)
}

/// A pcap file.
pub(crate) fn pcap(frames: &[Frame], nanoseconds: bool, swapped: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let word = |out: &mut Vec<u8>, word: u32| {
        out.extend(if swapped { word.to_be_bytes() } else { word.to_le_bytes() });
    };
    word(&mut out, if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
    let versions = [2_u16, 4];
    out.extend(
        versions.iter().flat_map(|v| if swapped { v.to_be_bytes() } else { v.to_le_bytes() }),
    );
    for field in [0, 0, 262_144, u32::from(frames[0].link)] {
        word(&mut out, field);
    }
    let unit = if nanoseconds { 1 } else { 1000 };
    for frame in frames {
        word(&mut out, (frame.at / 1_000_000_000) as u32);
        word(&mut out, (frame.at % 1_000_000_000 / unit) as u32);
        word(&mut out, frame.data.len() as u32);
        word(&mut out, frame.len);
        out.extend(&frame.data);
    }
    out
}

/// A pcapng file, an interface for each link type.
pub(crate) fn pcapng(frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let len = (12 + body.len().div_ceil(4) * 4) as u32;
        out.extend(kind.to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend(body);
        out.resize(out.len() + body.len().div_ceil(4) * 4 - body.len(), 0);
        out.extend(len.to_le_bytes());
    };
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &section);
    let mut links: Vec<u16> = frames.iter().map(|f| f.link).collect();
    links.sort_unstable();
    links.dedup();
    for link in &links {
        // if_tsresol: microseconds, then the end of options.
        let options = [9, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        block(1, &[&link.to_le_bytes()[..], &[0, 0, 0, 0, 4, 0], &options].concat());
    }
    for frame in frames {
        let stamp = (frame.at / 1000) as u64;
        let interface = links.binary_search(&frame.link).unwrap() as u32;
        let fields =
            [interface, (stamp >> 32) as u32, stamp as u32, frame.data.len() as u32, frame.len];
        let mut body: Vec<u8> = fields.iter().flat_map(|f| f.to_le_bytes()).collect();
        body.extend(&frame.data);
        block(6, &body);
    }
    out
}
