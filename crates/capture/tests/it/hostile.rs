//! Damaged captures: any bytes changed, cut, repeated. Never a panic, never more sessions than
//! frames.

use crate::call::{mail, pcap, read_all};
use heloscope_capture::{frame_lines, recognise};
use proptest::prelude::*;

fn captures() -> Vec<Vec<u8>> {
    let packets = mail().packets;
    let mut call = crate::call::Call::new("[2001:db8::23]:50112", "[2001:db8:1::7]:8025");
    call.segment = 9;
    call.mail();
    vec![
        pcap(1, packets.iter().map(|p| (p.at, p.ethernet()))),
        pcap(101, call.packets.iter().map(|p| (p.at, p.ip()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn mutated_captures(
        which in 0..2_usize,
        // Mostly behind the file header, so that reading goes on.
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..60),
        cut in any::<proptest::sample::Index>(),
        keep_header in proptest::bool::weighted(0.9),
    ) {
        let mut file = captures().swap_remove(which);
        let from = if keep_header { 24 } else { 0 };
        for (at, byte) in changes {
            let at = from + at.index(file.len() - from);
            file[at] = byte;
        }
        file.truncate(from + cut.index(file.len() - from) + 1);
        let (sessions, report) = read_all(&file);
        prop_assert!(sessions.len() as u64 <= report.frames);
        frame_lines(&mut &file[..], &(1..40).collect::<Vec<_>>());
        recognise(&file);
    }

    /// Changes to numbers of TCP and IP only, so that every one reaches the reassembly.
    #[test]
    fn hostile_headers(
        changes in proptest::collection::vec((0..80_usize, 0..54_usize, any::<u8>()), 0..80),
    ) {
        let mut call = crate::call::Call::new("192.168.1.23:50112", "198.51.100.7:25");
        call.segment = 8;
        call.mail();
        let mut frames: Vec<_> = call.packets.iter().map(|p| (p.at, p.ethernet())).collect();
        for (frame, at, byte) in changes {
            let count = frames.len();
            frames[frame % count].1[at] = byte;
        }
        let (sessions, report) = read_all(&pcap(1, frames));
        prop_assert!(sessions.len() as u64 <= report.frames);
    }

    #[test]
    fn any_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), format in 0..3_u8) {
        let head: &[u8] = match format {
            0 => b"",
            1 => &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0],
            _ => &[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a],
        };
        let len = head.len().min(bytes.len());
        bytes[..len].copy_from_slice(&head[..len]);
        read_all(&bytes);
    }
}
