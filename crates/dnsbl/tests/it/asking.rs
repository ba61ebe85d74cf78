//! Requests are composed, and responses read, with `domain`: not with the code that is tested.

use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::{Message, MessageBuilder, Name, ToName};
use domain::rdata::AllRecordData;
use std::fmt::Write;
use std::str::FromStr;

/// What a scenario asks.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) name: String,
    pub(crate) rtype: Rtype,
    pub(crate) class: Class,
    pub(crate) opcode: Opcode,
    pub(crate) recursion: bool,
    pub(crate) size: Option<u16>,
    pub(crate) version: u8,
    pub(crate) dnssec_ok: bool,
}

impl Ask {
    /// A plain question.
    pub(crate) fn new(name: &str, rtype: Rtype) -> Ask {
        Ask {
            name: name.to_owned(),
            rtype,
            class: Class::IN,
            opcode: Opcode::QUERY,
            recursion: false,
            size: None,
            version: 0,
            dnssec_ok: false,
        }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self, id: u16) -> Vec<u8> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_id(id);
        builder.header_mut().set_opcode(self.opcode);
        builder.header_mut().set_rd(self.recursion);
        let mut builder = builder.question();
        let name: Name<Vec<u8>> = Name::from_str(&self.name).unwrap();
        builder.push((name, self.rtype, self.class)).unwrap();
        let mut builder = builder.additional();
        if let Some(size) = self.size {
            let opt = builder.opt(|opt| {
                opt.set_udp_payload_size(size);
                opt.set_version(self.version);
                opt.set_dnssec_ok(self.dnssec_ok);
                Ok(())
            });
            opt.unwrap();
        }
        builder.finish()
    }
}

/// A response as scenarios write it: code and flags, then a line a record.
pub(crate) fn printed(response: &[u8]) -> String {
    let message = Message::from_octets(response).unwrap();
    let header = message.header();
    assert!(header.qr() && !header.ra());
    let opt = message.opt();
    let code = match &opt {
        Some(opt) => opt.rcode(header).to_string(),
        None => header.rcode().to_string(),
    };
    let mut out = code;
    for (set, word) in [(header.aa(), "aa"), (header.tc(), "tc"), (header.rd(), "rd")] {
        if set {
            let _ = write!(out, " {word}");
        }
    }
    if let Some(opt) = &opt {
        let dnssec_ok = if opt.dnssec_ok() { " do" } else { "" };
        let _ = write!(out, " edns {}{dnssec_ok}", opt.udp_payload_size());
    }
    out.push('\n');
    let sections = [
        ("", message.answer().unwrap()),
        ("authority ", message.authority().unwrap()),
        ("additional ", message.additional().unwrap()),
    ];
    for (section, records) in sections {
        for record in records {
            let record = record.unwrap();
            let parsed = record.to_record::<AllRecordData<_, _>>().unwrap().unwrap();
            if parsed.rtype() == Rtype::OPT {
                continue;
            }
            let owner = parsed.owner().to_name::<Vec<u8>>();
            let (ttl, rtype) = (parsed.ttl().as_secs(), parsed.rtype());
            let _ = writeln!(out, "{section}{owner} {ttl} {rtype} {}", parsed.data());
        }
    }
    out
}

/// The code of a response that carries no EDNS.
pub(crate) fn code(response: &[u8]) -> Rcode {
    Message::from_octets(response).unwrap().header().rcode()
}
