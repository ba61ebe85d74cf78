//! The file around the frames: pcap and pcapng, recognised by their first bytes.
//!
//! In: a stream. Out: one [`Frame`] at a time, borrowed from the read buffer, with its number,
//! stamp, link type and length on the wire. A file that is cut or damaged ends the reading;
//! [`Frames::problem`] then says at which byte and why, and all frames before it were given out.
//! Several pcap files written one after the other (rotated captures joined by `cat`) are read
//! through.
//!
//! Own code rather than `pcap-parser`, which is as quick and serves the tests as an oracle: it
//! holds every block whole, also those to be skipped, however large they say they are; it does
//! not read joined files and the modified form of pcap; and a frame it gives still needs its
//! stamp, link type and padding worked out by the format.

mod pcap;
mod pcapng;
#[cfg(test)]
mod tests;
mod window;

use heloscope_model::Time;
use std::io::Read;
use window::Window;

/// No frame is longer; a record that claims to be is damage. libpcap's own limit is 256 KiB
/// for everything that carries IP; segmentation offload on some systems goes a little beyond.
const FRAME_LIMIT: usize = 1 << 20;

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// Counted from 1 over the whole file.
    pub(crate) number: u64,
    /// When it was captured.
    pub(crate) at: Time,
    /// The link type (LINKTYPE_ number).
    pub(crate) link: u16,
    /// The bytes kept.
    pub(crate) data: &'a [u8],
    /// Whether fewer bytes were kept than were on the wire.
    pub(crate) cut: bool,
}

/// Where the current frame stands and what its record says.
#[derive(Clone, Copy, Default)]
struct Record {
    at: Time,
    link: u16,
    /// Bytes of the record before the frame's bytes.
    head: usize,
    /// Bytes of the frame.
    kept: usize,
    /// Bytes of the frame on the wire.
    wire: usize,
    /// Bytes of the whole record, consumed when the next is asked for.
    whole: usize,
}

/// What the container says of the capture besides frames.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) interfaces: Vec<String>,
    pub(crate) filter: Option<String>,
    pub(crate) dropped: Option<u64>,
    pub(crate) notes: Vec<String>,
}

/// Interfaces named in the report.
const NAMED: usize = 64;

impl Facts {
    /// Notes an interface's name, once.
    fn interface(&mut self, name: String) {
        if self.interfaces.len() < NAMED && !self.interfaces.contains(&name) {
            self.interfaces.push(name);
        }
    }
}

enum Format {
    Pcap(pcap::Header),
    Pcapng(pcapng::Section),
    Over,
}

/// The frames of a capture stream.
pub(crate) struct Frames<'r> {
    window: Window<'r>,
    format: Format,
    record: Record,
    number: u64,
    facts: Facts,
    /// Why reading stopped before the end of the stream.
    pub(crate) problem: Option<String>,
}

impl<'r> Frames<'r> {
    /// Reads the head of the stream.
    pub(crate) fn open(input: &'r mut dyn Read) -> Self {
        let mut frames = Self {
            window: Window::new(input),
            format: Format::Over,
            record: Record::default(),
            number: 0,
            facts: Facts::default(),
            problem: None,
        };
        frames.window.fill(pcap::HEADER);
        if let Some(header) = pcap::header(frames.window.bytes()) {
            frames.facts.interface(crate::link::name(header.link));
            frames.window.consume(pcap::HEADER);
            frames.format = Format::Pcap(header);
        } else if pcapng::recognise(frames.window.bytes()) {
            frames.format = Format::Pcapng(pcapng::Section::default());
        } else if frames.window.bytes().is_empty() {
            let why = match frames.window.error.take() {
                Some(error) => format!("reading failed at byte 0: {error}"),
                None => "the file is empty".to_owned(),
            };
            frames.stop(why);
        } else if frames.window.bytes().len() < pcap::HEADER
            && pcap::magic(frames.window.bytes()).is_some()
        {
            frames.stop("the file ends inside its header".to_owned());
        } else {
            let why =
                "this is no capture file: its first bytes are those of neither pcap nor pcapng";
            frames.stop(why.to_owned());
        }
        frames
    }

    /// Moves to the next frame; false at the end or where the file is damaged.
    #[inline]
    pub(crate) fn advance(&mut self) -> bool {
        self.window.consume(self.record.whole);
        self.record = Record::default();
        let found = match &mut self.format {
            Format::Pcap(header) => pcap::next(&mut self.window, header, &mut self.facts),
            Format::Pcapng(section) => pcapng::next(&mut self.window, section, &mut self.facts),
            Format::Over => return false,
        };
        match found {
            Ok(Some(record)) => {
                self.record = record;
                self.number += 1;
                true
            }
            Ok(None) => {
                if let Some(error) = self.window.error.take() {
                    self.stop(format!("reading failed at byte {}: {error}", self.window.offset()));
                }
                self.format = Format::Over;
                false
            }
            Err(what) => {
                let at = self.window.offset();
                let what = match self.window.error.take() {
                    Some(error) => format!("reading failed after byte {at}: {error}"),
                    None => format!("byte {at}, after frame {}: {what}", self.number),
                };
                self.stop(what);
                false
            }
        }
    }

    /// The frame that [`Frames::advance`] moved to.
    #[inline]
    pub(crate) fn frame(&self) -> Frame<'_> {
        let record = &self.record;
        Frame {
            number: self.number,
            at: record.at,
            link: record.link,
            data: self
                .window
                .bytes()
                .get(record.head..record.head + record.kept)
                .unwrap_or_default(),
            cut: record.kept < record.wire,
        }
    }

    /// What the container says; whole after the last frame.
    pub(crate) fn facts(&mut self) -> Facts {
        if let Format::Pcapng(section) = &self.format {
            section.close(&mut self.facts);
        }
        std::mem::take(&mut self.facts)
    }

    fn stop(&mut self, why: String) {
        if let Format::Pcapng(section) = &self.format {
            section.close(&mut self.facts);
        }
        self.problem = Some(why);
        self.format = Format::Over;
    }
}

/// Whether bytes begin a pcap or pcapng file.
pub(crate) fn recognise(head: &[u8]) -> bool {
    pcap::header(head).is_some() || pcapng::recognise(head)
}
