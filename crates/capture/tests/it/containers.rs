//! pcap and pcapng in every form, whole and cut anywhere.

use crate::call::{START, mail, pcap, read_all, story};
use heloscope_capture::{Report, frame_lines, recognise};
use heloscope_model::Time;

fn frames() -> Vec<(u64, Vec<u8>)> {
    mail().packets.iter().map(|p| (START + p.at, p.ethernet())).collect()
}

fn usual() -> String {
    story(&crate::call::one(&mail().packets))
}

/// The file gives the usual session, at the usual times.
fn check(name: &str, file: &[u8]) -> Report {
    assert!(recognise(file), "{name}");
    let (sessions, report) = read_all(file);
    assert_eq!(report.problem, None, "{name}");
    assert_eq!(sessions.iter().map(story).collect::<Vec<_>>(), [usual()], "{name}");
    assert_eq!(sessions[0].start.rfc3339(), "2026-11-24T14:31:07Z", "{name}");
    assert_eq!(sessions[0].end.rfc3339(), "2026-11-24T14:31:07.170Z", "{name}");
    assert_eq!(report.frames, 19, "{name}");
    report
}

#[test]
fn pcap_forms() {
    for big in [false, true] {
        for (magic, nanos) in [(0xa1b2_c3d4_u32, false), (0xa1b2_3c4d, true), (0xa1b2_cd34, false)]
        {
            let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
            let half = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
            let mut file = [&word(magic)[..], &half(2), &half(4), &[0; 8], &word(65_535)].concat();
            // Frame-check bits above the link type.
            file.extend(word(0x1400_0001));
            for (at, frame) in frames() {
                let fraction = (at % 1_000_000) as u32 * if nanos { 1000 } else { 1 };
                let len = word(frame.len() as u32);
                file.extend([word((at / 1_000_000) as u32), word(fraction), len, len].concat());
                if magic == 0xa1b2_cd34 {
                    file.extend([0; 8]);
                }
                file.extend(frame);
            }
            let report = check(&format!("{magic:x} big {big}"), &file);
            assert_eq!(report.interfaces, ["Ethernet"]);
        }
    }
}

#[test]
fn captures_joined_by_cat() {
    let packets = mail().packets;
    let part = |range: std::ops::Range<usize>| {
        pcap(1, packets[range].iter().map(|p| (p.at, p.ethernet())))
    };
    let raw = pcap(101, packets[12..].iter().map(|p| (p.at, p.ip())));
    let report = check("joined", &[part(0..5), part(5..12), raw].concat());
    assert_eq!(report.interfaces, ["Ethernet", "raw IP"]);
}

/// Writes pcapng blocks.
struct Ng {
    big: bool,
    file: Vec<u8>,
}

impl Ng {
    fn new(big: bool) -> Self {
        let mut ng = Self { big, file: Vec::new() };
        ng.section();
        ng
    }

    fn word(&self, n: u32) -> [u8; 4] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn long(&self, n: u64) -> [u8; 8] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn half(&self, n: u16) -> [u8; 2] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = self.word(body.len() as u32 + 12);
        let kind = self.word(kind);
        self.file.extend([&kind[..], &len, &body, &len].concat());
    }

    fn section(&mut self) {
        let body = [&self.word(0x1a2b_3c4d)[..], &self.half(1), &self.half(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body);
    }

    fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [&self.half(code)[..], &self.half(value.len() as u16), value].concat();
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    fn interface(&mut self, link: u16, options: &[(u16, &[u8])]) {
        let options: Vec<u8> =
            options.iter().flat_map(|(code, value)| self.option(*code, value)).collect();
        let body = [&self.half(link)[..], &[0, 0], &self.word(0), &options].concat();
        self.block(1, &body);
    }

    fn packet(&mut self, interface: u32, ticks: u64, frame: &[u8], options: &[u8]) {
        let len = self.word(frame.len() as u32);
        let mut body = [
            &self.word(interface)[..],
            &self.word((ticks >> 32) as u32),
            &self.word(ticks as u32),
            &len,
            &len,
            frame,
        ]
        .concat();
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body);
    }

    fn statistics(&mut self, interface: u32, options: &[(u16, u64)]) {
        let options: Vec<u8> =
            options.iter().flat_map(|(code, n)| self.option(*code, &self.long(*n))).collect();
        let body = [&self.word(interface)[..], &[0; 8], &options].concat();
        self.block(5, &body);
    }
}

#[test]
fn pcapng_with_all_its_blocks() {
    for big in [false, true] {
        let mut ng = Ng::new(big);
        ng.block(0x0000_0bad, b"custom block with a body");
        ng.interface(1, &[(2, b"eth0"), (11, b"\0port 25"), (9, &[6])]);
        // Nanoseconds; 2^-20 s; tenths of microseconds; all on other links or offsets.
        ng.interface(101, &[(2, b"wg0"), (9, &[9])]);
        let offset = ng.long(1_000_000);
        ng.interface(1, &[(9, &[9]), (14, &offset)]);
        let drop = ng.option(4, &ng.long(3));
        for (index, packet) in mail().packets.iter().enumerate() {
            let at = START + packet.at;
            match index % 3 {
                0 => ng.packet(0, at, &packet.ethernet(), if index == 0 { &drop } else { &[] }),
                1 => ng.packet(1, at * 1000, &packet.ip(), &[]),
                _ => ng.packet(2, (at - 1_000_000_000_000) * 1000, &packet.ethernet(), &[]),
            }
            ng.block(4, b"name resolution, skipped");
        }
        ng.statistics(0, &[(4, 100), (5, 1), (7, 1)]);
        ng.statistics(0, &[(4, 100), (5, 5), (7, 2)]);
        ng.statistics(1, &[(5, 4)]);
        let report = check(&format!("big {big}"), &ng.file);
        assert_eq!(report.interfaces, ["eth0", "wg0", "Ethernet"]);
        assert_eq!(report.filter.as_deref(), Some("port 25"));
        assert_eq!(report.dropped, Some(11));
    }
}

#[test]
fn pcapng_stamp_resolutions() {
    for (code, ticks_of) in [
        (6_u8, (|us| us) as fn(u64) -> u64),
        (9, |us| us * 1000),
        (7, |us| us * 10),
        (10, |us| us * 10_000),
        (0x80 | 20, |us| ((u128::from(us) << 20).div_ceil(1_000_000)) as u64),
    ] {
        let mut ng = Ng::new(false);
        ng.interface(1, &[(9, &[code])]);
        for (at, frame) in frames() {
            ng.packet(0, ticks_of(at), &frame, &[]);
        }
        let (sessions, report) = read_all(&ng.file);
        assert_eq!(report.problem, None);
        let start = sessions[0].start.since(Time::from_micros(START as i64));
        assert!((0.0..0.000_001).contains(&start), "{code}: {start}");
        let length = sessions[0].end.since(sessions[0].start);
        assert!((length - 0.17).abs() < 0.000_002, "{code}: {length}");
    }
}

#[test]
fn pcapng_sections_of_both_orders() {
    let all = frames();
    let mut whole = Vec::new();
    for (index, part) in all.chunks(7).enumerate() {
        let mut ng = Ng::new(index % 2 == 1);
        ng.interface(1, &[(2, b"eth0")]);
        for (at, frame) in part {
            ng.packet(0, *at, frame, &[]);
        }
        ng.statistics(0, &[(5, 10)]);
        whole.extend(ng.file);
    }
    let report = check("sections", &whole);
    assert_eq!(report.dropped, Some(30));
    assert_eq!(report.interfaces, ["eth0"]);
}

#[test]
fn pcapng_simple_and_old_packets() {
    let mut ng = Ng::new(false);
    ng.interface(1, &[]);
    let all = frames();
    for (index, (at, frame)) in all.iter().enumerate() {
        let len = ng.word(frame.len() as u32);
        if index == 3 {
            // A stamp of its own it has not; that of the packet before must do.
            ng.block(3, &[&len[..], frame].concat());
        } else {
            let stamp = [ng.word((at >> 32) as u32), ng.word(*at as u32)].concat();
            let body = [&ng.half(0)[..], &ng.half(1), &stamp, &len, &len, frame].concat();
            ng.block(2, &body);
        }
    }
    let report = check("simple and old", &ng.file);
    assert_eq!(report.dropped, Some(18));
    assert_eq!(report.notes.len(), 1, "{report:?}");
}

#[test]
fn a_file_cut_anywhere_gives_all_before_the_cut_and_says_where() {
    let packets = mail().packets;
    let classic = pcap(1, packets.iter().map(|p| (p.at, p.ethernet())));
    let mut ng = Ng::new(false);
    ng.interface(1, &[]);
    for (at, frame) in frames() {
        ng.packet(0, at, &frame, &[]);
    }
    for whole in [&classic, &ng.file] {
        let mut before = 0;
        let mut clean = 0;
        for cut in 0..whole.len() {
            let (sessions, report) = read_all(&whole[..cut]);
            assert!(report.frames >= before, "cut at {cut}");
            before = report.frames;
            assert_eq!(sessions.len(), usize::from(report.frames > 1));
            match &report.problem {
                None => clean += 1,
                Some(problem) if cut >= 24 && report.frames > 0 => {
                    assert!(problem.starts_with("byte "), "{problem}");
                    assert!(
                        problem.contains(&format!("after frame {}: the file ends", report.frames)),
                        "{problem}"
                    );
                }
                Some(_) => {}
            }
        }
        // Between records only, and behind the header and the interface.
        assert!((19..=21).contains(&clean), "{clean}");
    }
}

#[test]
fn damage_is_told_with_its_place() {
    let packets = mail().packets;
    let mut file = pcap(1, packets.iter().map(|p| (p.at, p.ethernet())));
    let third = 24 + 2 * 16 + packets[0].ethernet().len() + packets[1].ethernet().len();
    file[third + 8..third + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let (_, report) = read_all(&file);
    assert_eq!(
        report.problem.unwrap(),
        format!(
            "byte {third}, after frame 2: a record claims 2147483647 bytes: the file is damaged here"
        )
    );
    let (_, report) = read_all(b"");
    assert_eq!(report.problem.as_deref(), Some("the file is empty"));
    let (_, report) = read_all(b"PK\x03\x04 an archive of some kind, not a capture");
    assert!(report.problem.unwrap().contains("no capture file"));
    assert!(!recognise(b"PK\x03\x04") && !recognise(b"") && !recognise(&file[..20]));
}

#[test]
fn an_error_of_the_reader_is_told_and_what_came_before_is_used() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::other("the disk is gone"));
            }
            let n = buffer.len().min(self.0.len()).min(7);
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let file = pcap(1, mail().packets.iter().map(|p| (p.at, p.ethernet())));
    let mut count = 0;
    let options = heloscope_capture::Options::default();
    let source = heloscope_model::SourceId(0);
    for cut in [file.len(), file.len() - 5] {
        let mut reader = Failing(&file[..cut]);
        let report = heloscope_capture::read(source, &mut reader, &options, &mut |_| count += 1);
        assert!(report.problem.unwrap().contains("the disk is gone"));
    }
    assert_eq!(count, 2);
}

#[test]
fn frames_are_quoted_by_number() {
    let file = pcap(1, mail().packets.iter().map(|p| (p.at, p.ethernet())));
    let lines = frame_lines(&mut &file[..], &[5, 1, 0, 99, 5, 10]);
    let texts: Vec<_> = lines.iter().map(|l| (l.number, l.text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (
                1,
                "2026-11-24T14:31:07Z 192.168.1.23:50112 > 198.51.100.7:25 [SYN] ttl 63 window 64240"
            ),
            (
                5,
                "2026-11-24T14:31:07.040Z 192.168.1.23:50112 > 198.51.100.7:25 \"EHLO [127.0.0.1]\""
            ),
            (10, "2026-11-24T14:31:07.090Z 198.51.100.7:25 > 192.168.1.23:50112 \"250 2.1.5 Ok\""),
        ]
    );
    assert_eq!(frame_lines(&mut &b"garbage"[..], &[1]), []);
}
