//! One request in, one response out, and what came of it. Pure: no socket, no clock.
//!
//! ```text
//! read -> header not a question's: silence | FORMERR | NOTIMP | BADVERS
//!      -> class or name not ours: REFUSED
//!      -> name: apex | name server | listed | empty non-terminal | nothing
//!      -> type: records | NODATA with SOA | NXDOMAIN with SOA (RFC 2308)
//! ```
//!
//! Answers are minimal: no name servers or addresses that were not asked for, and ANY gets one set
//! of records (RFC 8482), so that UDP sends back no more than was asked.

use crate::change::{Codes, Value, text};
use crate::query::{Query, Question, Silence};
use crate::reply::{Reply, Section};
use crate::reversed;
use crate::table::Table;
use crate::zones::{Zone, Zones};
use domain::base::iana::{Class, Opcode, OptRcode, Rcode, Rtype};
use ipnet::IpNet;
use std::net::IpAddr;

/// How the request came: UDP has limits that TCP has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A frame of a stream.
    Tcp,
}

/// What came of a request; each is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The address is listed and the records asked for were given.
    Listed,
    /// Nothing is there: NXDOMAIN.
    NotListed,
    /// The name exists, without records of this type.
    NoData,
    /// SOA or NS records of a zone, or a name server's addresses.
    Zone,
    /// Answered, but cut: the asker must come by TCP.
    Truncated,
    /// Not a name or class of ours, or a transfer.
    Refused,
    /// FORMERR.
    Malformed,
    /// Another operation than a query.
    NotImplemented,
    /// An EDNS version that is not known.
    BadVersion,
    /// Shorter than a header: no answer.
    Short,
    /// A response itself: no answer.
    Response,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 11] = [
        Outcome::Listed,
        Outcome::NotListed,
        Outcome::NoData,
        Outcome::Zone,
        Outcome::Truncated,
        Outcome::Refused,
        Outcome::Malformed,
        Outcome::NotImplemented,
        Outcome::BadVersion,
        Outcome::Short,
        Outcome::Response,
    ];

    /// Its word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Listed => "listed",
            Outcome::NotListed => "not-listed",
            Outcome::NoData => "no-data",
            Outcome::Zone => "zone",
            Outcome::Truncated => "truncated",
            Outcome::Refused => "refused",
            Outcome::Malformed => "malformed",
            Outcome::NotImplemented => "not-implemented",
            Outcome::BadVersion => "bad-version",
            Outcome::Short => "short",
            Outcome::Response => "response",
        }
    }

    /// Whether a response is to be sent.
    pub fn responds(self) -> bool {
        !matches!(self, Outcome::Short | Outcome::Response)
    }
}

/// Answers a request. `out` is emptied and receives the response; it stays empty where none is to be
/// sent ([`Outcome::responds`]).
pub fn answer(
    zones: &Zones,
    table: &Table,
    request: &[u8],
    transport: Transport,
    out: &mut Vec<u8>,
) -> Outcome {
    out.clear();
    let query = match Query::read(request) {
        Ok(query) => query,
        Err(Silence::Short) => return Outcome::Short,
        Err(Silence::Response) => return Outcome::Response,
    };
    let mut reply = Reply::start(out, &query);
    let (outcome, code, aa) = decide(zones, table, &query, &mut reply);
    match reply.finish(&query, code, aa, transport == Transport::Udp) {
        true => Outcome::Truncated,
        false => outcome,
    }
}

/// What is answered: outcome, code, and whether with authority.
fn decide(
    zones: &Zones,
    table: &Table,
    query: &Query<'_>,
    reply: &mut Reply<'_>,
) -> (Outcome, OptRcode, bool) {
    const NO_ERROR: OptRcode = OptRcode::NOERROR;
    let refused = (Outcome::Refused, OptRcode::REFUSED, false);
    if query.opcode != Opcode::QUERY {
        return (Outcome::NotImplemented, OptRcode::NOTIMP, false);
    }
    // A version that is not known comes before anything else it may say (RFC 6891 section 6.1.3).
    if query.edns.is_some_and(|edns| edns.version > 0) {
        return (Outcome::BadVersion, OptRcode::BADVERS, false);
    }
    let Some(question) = query.question.as_ref().filter(|_| query.sound) else {
        return (Outcome::Malformed, OptRcode::from_rcode(Rcode::FORMERR), false);
    };
    if question.class != Class::IN || matches!(question.qtype, Rtype::AXFR | Rtype::IXFR) {
        return refused;
    }
    let Some(zone) = zones.of(question.name, question.starts()) else { return refused };
    let mut answering = Answering { zones, table, zone, question, reply };
    match answering.find() {
        Found::Nothing => {
            answering.negative();
            (Outcome::NotListed, OptRcode::NXDOMAIN, true)
        }
        Found::Empty => {
            answering.negative();
            (Outcome::NoData, NO_ERROR, true)
        }
        found => match answering.give(&found) {
            Some(outcome) => (outcome, NO_ERROR, true),
            None => {
                answering.negative();
                (Outcome::NoData, NO_ERROR, true)
            }
        },
    }
}

/// What stands at a name.
enum Found<'z> {
    Apex,
    Host(&'z [IpAddr]),
    /// An address under these codes; the value has their reasons, a test point has none.
    Listed(IpAddr, Codes, Option<Value>),
    Empty,
    Nothing,
}

struct Answering<'r, 'o, 'z> {
    zones: &'z Zones,
    table: &'z Table,
    zone: &'z Zone,
    question: &'r Question<'r>,
    reply: &'r mut Reply<'o>,
}

impl<'z> Answering<'_, '_, 'z> {
    fn find(&self) -> Found<'z> {
        let own = self.question.starts().len() - self.zone.labels;
        if own == 0 {
            return Found::Apex;
        }
        let name = self.question.name;
        let at = |host: &[u8]| host.eq_ignore_ascii_case(name);
        if let Some(host) = self.zone.hosts.iter().find(|host| at(&host.name)) {
            return Found::Host(&host.addresses);
        }
        let labels = || self.question.below(self.zone.labels);
        let asked = [reversed::v4(labels()), reversed::v6(labels())];
        let asked = asked.into_iter().flatten();
        let mut empty = false;
        for net in asked {
            if net.prefix_len() == net.max_prefix_len() {
                if let Some(found) = self.listed(net.addr()) {
                    return found;
                }
            } else {
                empty |= self.exists_below(net);
            }
        }
        // A name server two labels below the apex makes the label between exist.
        empty |= self.zone.hosts.iter().any(|host| is_below(&host.name, name));
        if empty { Found::Empty } else { Found::Nothing }
    }

    fn listed(&self, address: IpAddr) -> Option<Found<'z>> {
        let (codes, value) = match self.zone.test_point(address) {
            Some(codes) => (codes, None),
            None => {
                let value = self.table.get(address)?;
                (value.codes().and(self.zone.codes), Some(value))
            }
        };
        (!codes.is_empty()).then_some(Found::Listed(address, codes, value))
    }

    fn exists_below(&self, net: IpNet) -> bool {
        if self.zone.test_point_below(net) {
            return true;
        }
        // Nothing but test points stands in 127.0.0.0/8 and its IPv6 form.
        !is_loopback(net) && self.table.any_below(net, self.zone.codes)
    }

    /// The records of what was found; `None` where it has none of the type.
    fn give(&mut self, found: &Found<'_>) -> Option<Outcome> {
        let qtype = self.question.qtype;
        let any = qtype == Rtype::ANY;
        let times = self.zones.times;
        match found {
            Found::Apex if qtype == Rtype::SOA || any => {
                self.soa(Section::Answer, 0, times.zone);
                Some(Outcome::Zone)
            }
            Found::Apex if qtype == Rtype::NS => {
                for server in &self.zone.name_servers {
                    self.reply.record(Section::Answer, 0, Rtype::NS, times.zone, &[server]);
                }
                Some(Outcome::Zone)
            }
            Found::Host(addresses) => self.host(addresses, any),
            Found::Listed(_, codes, _) if qtype == Rtype::A || any => {
                for code in codes.iter() {
                    let octets = code.answer().octets();
                    self.reply.record(Section::Answer, 0, Rtype::A, times.listed, &[&octets]);
                }
                Some(Outcome::Listed)
            }
            Found::Listed(address, codes, value) if qtype == Rtype::TXT => {
                self.texts(*address, *codes, value.as_ref());
                Some(Outcome::Listed)
            }
            _ => None,
        }
    }

    fn texts(&mut self, address: IpAddr, codes: Codes, value: Option<&Value>) {
        let mut line = String::new();
        let mut give = |template: &str| {
            line.clear();
            text(template, &self.zones.link, address, &mut line);
            // Reason and link fit by construction.
            let Ok(length) = u8::try_from(line.len()) else { return };
            let ttl = self.zones.times.listed;
            self.reply.record(Section::Answer, 0, Rtype::TXT, ttl, &[&[length], line.as_bytes()]);
        };
        match value {
            None => give(TEST_REASON),
            Some(value) => {
                for (_, reason) in value.listed().filter(|(code, _)| codes.has(*code)) {
                    give(reason.template());
                }
            }
        }
    }

    fn host(&mut self, addresses: &[IpAddr], any: bool) -> Option<Outcome> {
        let qtype = self.question.qtype;
        let has_v4 = addresses.iter().any(IpAddr::is_ipv4);
        let mut outcome = None;
        for address in addresses {
            let (rtype, octets): (_, &[u8]) = match address {
                IpAddr::V4(v4) => (Rtype::A, &v4.octets()),
                IpAddr::V6(v6) => (Rtype::AAAA, &v6.octets()),
            };
            // ANY: the one set that is there, IPv4 where both are.
            if qtype == rtype || (any && has_v4 == address.is_ipv4()) {
                self.reply.record(Section::Answer, 0, rtype, self.zones.times.zone, &[octets]);
                outcome = Some(Outcome::Zone);
            }
        }
        outcome
    }

    /// The SOA record that says how long nothing may be remembered.
    fn negative(&mut self) {
        let owner = self.question.name.len() - self.zone.apex.len();
        self.soa(Section::Authority, owner, self.zones.times.negative);
    }

    fn soa(&mut self, section: Section, owner: usize, ttl: u32) {
        let times = self.zones.times;
        let numbers =
            [self.table.serial(), times.refresh, times.retry, times.expire, times.negative];
        let numbers: Vec<u8> = numbers.into_iter().flat_map(u32::to_be_bytes).collect();
        self.reply.record(section, owner, Rtype::SOA, ttl, &[&self.zone.people, &numbers]);
    }
}

/// What test points say.
pub(crate) const TEST_REASON: &str = "Test point: {address} is listed by construction.";

/// Whether a name in wire form ends in another, at a label.
fn is_below(name: &[u8], end: &[u8]) -> bool {
    let mut rest = name;
    while let Some((length, behind)) = rest.split_first() {
        if rest.eq_ignore_ascii_case(end) {
            return true;
        }
        let Some(next) = behind.get(usize::from(*length)..) else { return false };
        rest = next;
    }
    false
}

fn is_loopback(net: IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.prefix_len() >= 8 && net.network().is_loopback(),
        IpNet::V6(net) => {
            let mapped = net.network().to_ipv4_mapped();
            net.prefix_len() >= 104 && mapped.is_some_and(|v4| v4.is_loopback())
        }
    }
}
