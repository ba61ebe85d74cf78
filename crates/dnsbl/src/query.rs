//! Reads a request: header, one question, and what it says of EDNS (RFC 1035 section 4, RFC 6891).
//!
//! The question's name is read here, byte for byte as sent, because the response repeats it (0x20
//! included) and its owners point into it; a name that is compressed in a question has no place it
//! could point to, and is malformed. The rest of the message is walked with `domain`: a request that
//! carries records in its answer or authority section, two OPT records, a broken record or bytes
//! behind its end is malformed.

use domain::base::iana::{Class, Opcode, Rtype};
use domain::base::opt::{Opt, OptRecord};
use domain::base::{Message, ParsedRecord};

/// The header's length; the question begins behind it.
pub(crate) const HEADER: usize = 12;

/// What can be read of a request.
pub(crate) struct Query<'a> {
    pub(crate) id: u16,
    pub(crate) opcode: Opcode,
    pub(crate) recursion_desired: bool,
    /// Absent where the question cannot be read or is not one.
    pub(crate) question: Option<Question<'a>>,
    pub(crate) edns: Option<Edns>,
    /// Whether all of it could be read.
    pub(crate) sound: bool,
}

/// A question.
pub(crate) struct Question<'a> {
    /// Name, type and class as sent.
    pub(crate) bytes: &'a [u8],
    /// The name, in wire form.
    pub(crate) name: &'a [u8],
    /// Where its labels begin.
    starts: [u8; 127],
    labels: usize,
    pub(crate) qtype: Rtype,
    pub(crate) class: Class,
}

/// What an OPT record says.
#[derive(Clone, Copy)]
pub(crate) struct Edns {
    pub(crate) size: u16,
    pub(crate) version: u8,
    pub(crate) dnssec_ok: bool,
}

/// Why there is no answer at all, not even an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Shorter than a header.
    Short,
    /// A response itself: answering it could go on for ever.
    Response,
}

impl<'a> Query<'a> {
    pub(crate) fn read(request: &'a [u8]) -> Result<Query<'a>, Silence> {
        let message = Message::from_slice(request).map_err(|_| Silence::Short)?;
        let header = message.header();
        if header.qr() {
            return Err(Silence::Response);
        }
        let counts = message.header_counts();
        let one = counts.qdcount() == 1 && counts.ancount() == 0 && counts.nscount() == 0;
        let question =
            request.get(HEADER..).filter(|_| counts.qdcount() == 1).and_then(Question::read);
        let edns = additional(message);
        Ok(Query {
            id: header.id(),
            opcode: header.opcode(),
            recursion_desired: header.rd(),
            sound: one && question.is_some() && edns.is_ok(),
            question,
            edns: edns.unwrap_or_default(),
        })
    }
}

impl<'a> Question<'a> {
    fn read(body: &'a [u8]) -> Option<Question<'a>> {
        let mut starts = [0; 127];
        let mut labels = 0;
        let mut at = 0usize;
        loop {
            let length = *body.get(at)?;
            if length == 0 {
                break;
            }
            // 64 and more are pointers, or kinds of labels that are no more.
            if length > 63 {
                return None;
            }
            // A name of 255 bytes has 127 labels at most.
            *starts.get_mut(labels)? = u8::try_from(at).ok()?;
            labels += 1;
            at += 1 + usize::from(length);
            if at > 254 {
                return None;
            }
        }
        let name = body.get(..=at)?;
        let [t1, t2, c1, c2] = *body.get(at + 1..at + 5)? else { return None };
        Some(Question {
            bytes: body.get(..at + 5)?,
            name,
            starts,
            labels,
            qtype: Rtype::from_int(u16::from_be_bytes([t1, t2])),
            class: Class::from_int(u16::from_be_bytes([c1, c2])),
        })
    }

    /// Where the labels of the name begin.
    pub(crate) fn starts(&self) -> &[u8] {
        self.starts.get(..self.labels).unwrap_or_default()
    }

    /// The labels before the last `apex` ones, the last of them first.
    pub(crate) fn below(&self, apex: usize) -> impl Iterator<Item = &'a [u8]> + use<'a, '_> {
        let own = self.labels.saturating_sub(apex);
        self.starts().iter().take(own).rev().filter_map(|start| {
            let (length, rest) = self.name.get(usize::from(*start)..)?.split_first()?;
            rest.get(..usize::from(*length))
        })
    }
}

/// The OPT record, if there is one; an error where the message is broken.
fn additional(message: &Message<[u8]>) -> Result<Option<Edns>, ()> {
    let mut edns = None;
    let mut records = message.additional().map_err(drop)?;
    for record in records.by_ref() {
        let record: ParsedRecord<'_, [u8]> = record.map_err(drop)?;
        if record.rtype() != Rtype::OPT {
            continue;
        }
        let root = record.owner().is_root();
        let opt: OptRecord<&[u8]> =
            record.into_record::<Opt<&[u8]>>().map_err(drop)?.ok_or(())?.into();
        if edns.is_some() || !root {
            return Err(());
        }
        edns = Some(Edns {
            size: opt.udp_payload_size(),
            version: opt.version(),
            dnssec_ok: opt.dnssec_ok(),
        });
    }
    // What is behind the last record belongs to nothing.
    if records.pos() == message.as_slice().len() { Ok(edns) } else { Err(()) }
}
