//! Every frame of others' captures as `pcap-parser` reads it: stamp and bytes.

use super::Frames;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use std::path::Path;

type Read = Vec<(i64, Vec<u8>)>;

fn by_us(file: &[u8]) -> Read {
    let mut input = file;
    let mut frames = Frames::open(&mut input);
    let mut read = Vec::new();
    while frames.advance() {
        let frame = frames.frame();
        read.push((frame.at.nanos(), frame.data.to_vec()));
    }
    assert_eq!(frames.problem, None);
    read
}

/// Microseconds only: what the corpus has.
fn by_oracle(file: &[u8]) -> Read {
    let mut reader = create_reader(1 << 20, file).unwrap();
    let mut read = Vec::new();
    loop {
        match reader.next() {
            Ok((size, block)) => {
                match block {
                    PcapBlockOwned::Legacy(frame) => {
                        let at = i64::from(frame.ts_sec) * 1_000_000 + i64::from(frame.ts_usec);
                        read.push((at * 1000, frame.data.to_vec()));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(frame)) => {
                        let at = i64::from(frame.ts_high) << 32 | i64::from(frame.ts_low);
                        read.push((at, frame.packet_data().to_vec()));
                    }
                    _ => {}
                }
                reader.consume(size);
            }
            Err(PcapError::Eof) => return read,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn the_corpus_as_the_oracle_reads_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared/corpus/pcap"))
        .find(|dir| dir.is_dir());
    let Some(corpus) = corpus else {
        println!("skipped: no corpus");
        return;
    };
    let mut compared = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        if !super::recognise(&file) {
            continue;
        }
        let (ours, theirs) = (by_us(&file), by_oracle(&file));
        assert!(!ours.is_empty());
        let nano_stamps = ours[0].0 == theirs[0].0;
        assert_eq!(ours.len(), theirs.len());
        for (our, their) in ours.iter().zip(&theirs) {
            let at = if nano_stamps { their.0 } else { their.0 * 1000 };
            assert_eq!((our.0, &our.1), (at, &their.1));
        }
        compared += ours.len();
    }
    assert!(compared > 1000, "{compared}");
}
