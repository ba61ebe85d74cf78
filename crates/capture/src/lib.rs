//! Packets to SMTP sessions: pcap and pcapng files as a stream, TCP reassembly, sessions
//! recognised by port and by content, sessions seen twice merged. Pure but for the reader it
//! is given; memory is bounded by [`Options`].
//!
//! ```text
//! container ── frame ──> link ──> ip (fragments) ──> tcp ──> tracker ──> flow ──> talk
//!  pcap, pcapng          VLAN …    v4, v6, tunnels    header    which       order   smtp
//!                                                              connection?
//! ```
//!
//! The tracker lets most frames go at once; a flow joins its two streams; finished sessions
//! that were seen at two points meet in `twins` and `merge`.

mod container;
mod flow;
mod fragments;
mod handshake;
mod ip;
mod link;
mod merge;
mod pair;
mod ports;
mod quote;
mod recent;
mod screen;
mod stream;
mod table;
mod talk;
mod tcp;
pub mod text;
mod tracker;
mod twins;
mod wire;

pub use merge::merge;
pub use quote::{FrameLine, frame_lines};

use container::Frames;
use heloscope_model::session::Syn;
use heloscope_model::{Place, Session, SourceId, Time};
use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use tracker::Tracker;

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
    /// Connections to mail ports that were tried and never came about, a line a client address
    /// and server, at most some thousands of them.
    pub attempts: Vec<Attempt>,
    /// Why reading stopped early, with the byte: the rest before it was used.
    pub problem: Option<String>,
    /// Anything else worth telling: time running backwards, unknown link types, evicted flows.
    pub notes: Vec<String>,
}

/// Connections that were tried: SYNs that nobody answered, or that were refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The first SYN's frame.
    pub place: Place,
    /// When the first was sent.
    pub first: Time,
    /// When the last was sent.
    pub last: Time,
    /// Who tried, with the first one's port.
    pub client: SocketAddr,
    /// Whom.
    pub server: SocketAddr,
    /// The link-layer source of the client's frames.
    pub client_mac: Option<[u8; 6]>,
    /// How many connections were tried; SYNs sent again are one.
    pub count: u64,
    /// Whether one was refused by a reset.
    pub refused: bool,
}

/// Reads a pcap or pcapng stream and hands out each SMTP session once, in order of its end.
pub fn read(
    source: SourceId,
    input: &mut dyn Read,
    options: &Options,
    on: &mut dyn FnMut(Session),
) -> Report {
    let mut frames = Frames::open(input);
    let mut tracker = Tracker::new(source, options, on);
    let mut report = Report::default();
    let mut stamps = Stamps::default();
    let mut unknown: BTreeMap<u16, u64> = BTreeMap::new();
    while frames.advance() {
        let frame = frames.frame();
        report.frames += 1;
        report.cut += u64::from(frame.cut);
        stamps.note(frame.at);
        if !link::known(frame.link) {
            // A damaged file may name any number; a few are enough to tell.
            if unknown.len() < 16 || unknown.contains_key(&frame.link) {
                *unknown.entry(frame.link).or_default() += 1;
            }
        }
        tracker.frame(&frame);
    }
    tracker.end();
    report.sessions = tracker.sessions;
    report.attempts = std::mem::take(&mut tracker.attempts).into_values().collect();
    if report.frames > 0 {
        report.first = Some(stamps.first);
        report.last = Some(stamps.last);
    }
    let facts = frames.facts();
    report.interfaces = facts.interfaces;
    report.filter = facts.filter;
    report.dropped = facts.dropped;
    report.problem = frames.problem.take();
    report.notes = facts.notes;
    if stamps.back > 0 {
        let steps = stamps.back;
        let most = stamps.most as f64 / 1e9;
        report.notes.push(format!("time runs backwards {steps} times, by up to {most:.6} s"));
    }
    for (link, count) in unknown {
        let name = link::name(link);
        report.notes.push(format!("{count} frames of {name} were not looked into"));
    }
    if tracker.evicted > 0 {
        report.notes.push(format!(
            "{} connections were ended early: more were open at a time than fit",
            tracker.evicted
        ));
    }
    report
}

/// The facts of a SYN as the kernel saves it (TCP_SAVED_SYN): an IP header, a TCP header.
pub fn syn_facts(packet: &[u8]) -> Option<Syn> {
    let ip = ip::tcp_envelope(packet)?;
    let segment = tcp::segment(ip.payload, ip.len)?;
    segment.has(tcp::SYN).then(|| tcp::syn_facts(&ip, &segment))
}

/// Whether bytes begin a capture file that [`read`] understands.
pub fn recognise(head: &[u8]) -> bool {
    container::recognise(head)
}

/// The span of the stamps, and where they run backwards.
#[derive(Default)]
struct Stamps {
    begun: bool,
    first: Time,
    last: Time,
    before: Time,
    back: u64,
    /// The largest step back, in nanoseconds.
    most: i64,
}

impl Stamps {
    #[inline]
    fn note(&mut self, at: Time) {
        if !self.begun {
            *self = Self { begun: true, first: at, last: at, before: at, ..Self::default() };
        }
        if at < self.before {
            self.back += 1;
            self.most = self.most.max(self.before.nanos().saturating_sub(at.nanos()));
        }
        self.before = at;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}
