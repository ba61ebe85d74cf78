//! Composes a response: header, the question as sent, records, OPT. All owners are names that end
//! the question's name, so they are pointers into it, and the case of its letters is kept.
//!
//! A response longer than the asker takes is cut to its question, with TC set: half an answer would
//! be of no use, and a small response makes the server useless for attacks on third parties.

use crate::query::{Edns, HEADER, Query};
use domain::base::iana::{Class, OptRcode, Rtype};

/// What is announced as the greatest UDP message taken, and the greatest sent: no fragments on any
/// usual path (RFC 9715).
pub(crate) const PAYLOAD: u16 = 1232;
/// Without EDNS (RFC 1035 section 4.2.1).
const PLAIN: usize = 512;
/// An OPT record without options.
const OPT: usize = 11;

/// Where a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Answer,
    Authority,
}

/// A response under way.
pub(crate) struct Reply<'o> {
    out: &'o mut Vec<u8>,
    behind_question: usize,
    answers: u16,
    authority: u16,
}

impl<'o> Reply<'o> {
    /// Empties `out` and writes a header and the question.
    pub(crate) fn start(out: &'o mut Vec<u8>, query: &Query<'_>) -> Reply<'o> {
        out.clear();
        out.extend_from_slice(&[0; HEADER]);
        if let Some(question) = &query.question {
            out.extend_from_slice(question.bytes);
        }
        Reply { behind_question: out.len(), out, answers: 0, authority: 0 }
    }

    /// Adds a record. Its owner is the question's name from the byte `owner` on; what is longer than
    /// a record can be is left out (nothing of ours is).
    pub(crate) fn record(
        &mut self,
        section: Section,
        owner: usize,
        rtype: Rtype,
        ttl: u32,
        data: &[&[u8]],
    ) {
        let length = data.iter().map(|piece| piece.len()).sum::<usize>();
        let (Ok(owner), Ok(length)) = (u16::try_from(HEADER + owner), u16::try_from(length)) else {
            return;
        };
        self.out.extend((0xc000 | owner).to_be_bytes());
        self.out.extend(rtype.to_int().to_be_bytes());
        self.out.extend(Class::IN.to_int().to_be_bytes());
        self.out.extend(ttl.to_be_bytes());
        self.out.extend(length.to_be_bytes());
        for piece in data {
            self.out.extend_from_slice(piece);
        }
        match section {
            Section::Answer => self.answers += 1,
            Section::Authority => self.authority += 1,
        }
    }

    /// Writes header and OPT; `limit` of the transport where the asker did not say one. True where
    /// it had to be cut.
    pub(crate) fn finish(mut self, query: &Query<'_>, code: OptRcode, aa: bool, udp: bool) -> bool {
        let limit = match (udp, query.edns) {
            (false, _) => usize::from(u16::MAX),
            (true, None) => PLAIN,
            (true, Some(edns)) => usize::from(edns.size.min(PAYLOAD)).max(PLAIN),
        };
        let opt = if query.edns.is_some() { OPT } else { 0 };
        let cut = self.out.len() + opt > limit;
        if cut {
            self.out.truncate(self.behind_question);
            (self.answers, self.authority) = (0, 0);
        }
        if let Some(edns) = query.edns {
            self.opt(edns, code);
        }
        let flags = 0x8000
            | u16::from(query.opcode.to_int()) << 11
            | u16::from(aa) << 10
            | u16::from(cut) << 9
            | u16::from(query.recursion_desired) << 8
            | u16::from(code.rcode().to_int());
        let words = [
            query.id,
            flags,
            u16::from(query.question.is_some()),
            self.answers,
            self.authority,
            u16::from(query.edns.is_some()),
        ];
        for (place, byte) in self.out.iter_mut().zip(words.into_iter().flat_map(u16::to_be_bytes)) {
            *place = byte;
        }
        cut
    }

    fn opt(&mut self, edns: Edns, code: OptRcode) {
        self.out.push(0);
        self.out.extend(Rtype::OPT.to_int().to_be_bytes());
        self.out.extend(PAYLOAD.to_be_bytes());
        // Upper bits of the code, version 0, and DO as it came (RFC 3225 section 3).
        let dnssec_ok = if edns.dnssec_ok { 0x80 } else { 0 };
        self.out.extend([code.ext(), 0, dnssec_ok, 0, 0, 0]);
    }
}
