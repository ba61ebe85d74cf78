//! Packets to SMTP sessions: pcap and pcapng files as a stream, TCP reassembly, sessions
//! recognised by port and by content, sessions seen twice merged. Pure but for the reader it
//! is given; memory is bounded by [`Options`].

use heloscope_model::{Session, SourceId, Time};
use std::io::Read;

/// Bounds of one reading.
#[derive(Clone, Debug)]
pub struct Options {
    /// Ports whose connections are SMTP whatever they say.
    pub ports: Vec<u16>,
    /// Limits of each dialogue.
    pub limits: heloscope_smtp::Limits,
    /// Connections followed at a time; the one idle longest gives way.
    pub flows: usize,
    /// Bytes of out-of-order payload kept for one direction of one connection.
    pub reorder_bytes: usize,
    /// Seconds without a packet after which a connection is given up.
    pub idle_s: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: vec![25, 465, 587, 2525],
            limits: heloscope_smtp::Limits::default(),
            flows: 65_536,
            reorder_bytes: 256 << 10,
            idle_s: 1800,
        }
    }
}

/// What a capture was, besides its sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Frames read.
    pub frames: u64,
    /// Stamp of the earliest frame.
    pub first: Option<Time>,
    /// Stamp of the latest frame.
    pub last: Option<Time>,
    /// Sessions given out.
    pub sessions: u64,
    /// Interfaces as the file names them (pcapng), or the link type's name (pcap).
    pub interfaces: Vec<String>,
    /// Capture filter as the file names it (pcapng).
    pub filter: Option<String>,
    /// Frames the capturing program says it lost.
    pub dropped: Option<u64>,
    /// Frames cut short by the snapshot length.
    pub cut: u64,
    /// Why reading stopped early, with the byte: the rest before it was used.
    pub problem: Option<String>,
    /// Anything else worth telling: time running backwards, unknown link types, evicted flows.
    pub notes: Vec<String>,
}

/// Reads a pcap or pcapng stream and hands out each SMTP session once, in order of its end.
pub fn read(
    _source: SourceId,
    _input: &mut dyn Read,
    _options: &Options,
    _on: &mut dyn FnMut(Session),
) -> Report {
    Report::default()
}

/// Joins sessions that are one connection seen at several points, in one or several captures
/// (by the pair of initial sequence numbers, ports and time): the outermost client address is
/// kept as `client`, the innermost as `inside`, the fuller dialogue wins.
pub fn merge(sessions: Vec<Session>) -> Vec<Session> {
    sessions
}

/// Whether bytes begin a capture file that [`read`] understands.
pub fn recognise(head: &[u8]) -> bool {
    let _ = head;
    false
}
