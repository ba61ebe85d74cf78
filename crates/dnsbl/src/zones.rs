//! The zones: a configuration as said ([`ZoneConfig`]), made valid by type ([`Zones`]).
//!
//! One composite zone at the apex, whose answers carry the codes of all sublists; each sublist is a
//! zone of its own one label below (`bots.APEX`), with the same codes, so that a mail server can use
//! one list alone (RFC 5782 section 2.3). Test points come by construction (sections 2.1 and 2.4, one
//! for each value): 127.0.0.2 gives all codes of a zone, 127.0.0.x its own; in IPv6 the same as
//! `::ffff:127.0.0.x`. Nothing else in 127.0.0.0/8 is ever listed, whatever the table says.
//!
//! Refused: names that are none, a name server inside the zone without an address or in the place
//! of reversed addresses, sublists with one code or label twice, links too long for a TXT string.

use crate::change::{ADDRESS, Code, Codes, LINK_MAX, filled};
use domain::base::Name;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// What an operator says of his list.
#[derive(Clone, Debug)]
pub struct ZoneConfig {
    /// The composite zone's name.
    pub apex: String,
    /// The sublists and their codes.
    pub sublists: Vec<Sublist>,
    /// The name servers, the primary first.
    pub name_servers: Vec<NameServer>,
    /// Who answers for the zone: a mail address, or the name that stands for one in a SOA record.
    pub contact: String,
    /// Printed behind each reason; `{address}` in it stands for the address asked for.
    pub link: String,
    /// How long answers may be kept.
    pub times: Times,
}

/// One sublist: a label below the apex and its code.
#[derive(Clone, Debug)]
pub struct Sublist {
    /// `bots`.
    pub label: String,
    /// 127.0.0.4.
    pub code: Code,
}

/// A name server of the zones.
#[derive(Clone, Debug)]
pub struct NameServer {
    /// Its name.
    pub name: String,
    /// Its addresses: needed where the name stands inside the zone, and only answered there.
    pub addresses: Vec<IpAddr>,
}

/// Seconds that others may keep answers; the SOA's numbers.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// A listing.
    pub listed: u32,
    /// That something is not listed (RFC 2308).
    pub negative: u32,
    /// SOA and NS records and name servers' addresses.
    pub zone: u32,
    /// Secondaries ask so often.
    pub refresh: u32,
    /// And again after so long where nobody answered.
    pub retry: u32,
    /// And stop answering after so long.
    pub expire: u32,
}

impl Default for Times {
    fn default() -> Times {
        // A removal must be felt soon, so listings are kept for minutes only; an address that was just
        // listed even less long escapes through a cached "not listed".
        Times { listed: 300, negative: 60, zone: 3600, refresh: 300, retry: 60, expire: 604_800 }
    }
}

impl ZoneConfig {
    /// The list as CONTRACT.md has it: bots are 127.0.0.4, trap hits alone 127.0.0.3.
    pub fn new(apex: &str, name_servers: Vec<NameServer>, contact: &str, link: &str) -> ZoneConfig {
        let sublist = |label: &str, code| Sublist { label: label.to_owned(), code };
        ZoneConfig {
            apex: apex.to_owned(),
            sublists: vec![sublist("bots", Code::BOTS), sublist("traps", Code::TRAPS)],
            name_servers,
            contact: contact.to_owned(),
            link: link.to_owned(),
            times: Times::default(),
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadZone {
    /// A name that is none.
    #[error(
        "zone: {what} `{name}` is no domain name; write letters, digits and hyphens between dots, at most 63 a label"
    )]
    Name {
        /// Which.
        what: &'static str,
        /// As said.
        name: String,
    },
    /// An apex with which full IPv6 names would be too long, or none at all.
    #[error(
        "zone: the apex `{0}` leaves no room for reversed addresses; it may have 1 to {APEX_MAX} bytes with its sublists"
    )]
    Apex(String),
    /// No name server.
    #[error("zone: no name server is given; name at least one")]
    NoNameServer,
    /// A name server in the zone without an address.
    #[error(
        "zone: the name server `{0}` stands inside the zone, so nobody else can tell its address; give one"
    )]
    NoAddress(String),
    /// A name server where reversed addresses stand.
    #[error(
        "zone: the name server `{0}` stands where reversed addresses or sublists do; give it a label such as `ns1`"
    )]
    InTheWay(String),
    /// Two sublists alike.
    #[error("zone: the sublist `{0}` has the label or the code of another")]
    Twice(String),
    /// No sublist.
    #[error("zone: no sublist is given; without codes nothing can be listed")]
    NoSublist,
    /// A label that could be an address's.
    #[error(
        "zone: the sublist's label `{0}` is none, or could be part of a reversed address; use a word"
    )]
    Label(String),
    /// A link that does not fit.
    #[error(
        "zone: the link `{0}` is longer than {LINK_MAX} bytes with an address, or not printable ASCII without spaces"
    )]
    Link(String),
}

/// 32 nibbles with their dots are 64 bytes of the 255 a name may have.
const APEX_MAX: usize = 255 - 64;

/// All zones of a list, ready to answer.
#[derive(Clone, Debug)]
pub struct Zones {
    /// The deepest first, so that the first whose apex fits is the right one.
    zones: Vec<Zone>,
    pub(crate) link: String,
    pub(crate) times: Times,
    pub(crate) sublists: Vec<(String, Code)>,
}

/// One zone; names in wire form, lower case.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) apex: Vec<u8>,
    pub(crate) labels: usize,
    /// The apex for people, without a dot at its end.
    pub(crate) name: String,
    pub(crate) codes: Codes,
    pub(crate) name_servers: Vec<Vec<u8>>,
    /// SOA: MNAME and RNAME.
    pub(crate) people: Vec<u8>,
    /// Name servers inside this zone.
    pub(crate) hosts: Vec<Host>,
}

/// A name with addresses.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: Vec<u8>,
    pub(crate) addresses: Vec<IpAddr>,
}

impl Zones {
    /// Checks a configuration.
    pub fn new(config: &ZoneConfig) -> Result<Zones, BadZone> {
        let apex = name("the apex", &config.apex)?;
        let room = config.sublists.iter().map(|s| s.label.len() + 1).max().unwrap_or(0);
        if apex.len() == 1 || apex.len() + room > APEX_MAX {
            return Err(BadZone::Apex(config.apex.clone()));
        }
        check_sublists(&config.sublists)?;
        let link = &config.link;
        if filled(link) > LINK_MAX || !link.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadZone::Link(link.clone()));
        }
        let mut zone = Zone {
            labels: label_count(&apex),
            name: config.apex.trim_end_matches('.').to_ascii_lowercase(),
            codes: config.sublists.iter().map(|s| s.code).collect(),
            name_servers: Vec::new(),
            people: Vec::new(),
            hosts: Vec::new(),
            apex,
        };
        for server in &config.name_servers {
            zone.add_server(server, &config.sublists)?;
        }
        let primary = zone.name_servers.first().ok_or(BadZone::NoNameServer)?;
        zone.people = primary.clone();
        zone.people.extend(contact(&config.contact)?);

        let mut zones = Vec::new();
        for sublist in &config.sublists {
            let label = sublist.label.to_ascii_lowercase();
            let full = format!("{label}.{}", zone.name);
            zones.push(Zone {
                apex: name("the sublist", &full)?,
                labels: zone.labels + 1,
                name: full,
                codes: Codes::from_iter([sublist.code]),
                hosts: Vec::new(),
                ..zone.clone()
            });
        }
        zones.push(zone);
        let sublists =
            config.sublists.iter().map(|s| (s.label.to_ascii_lowercase(), s.code)).collect();
        Ok(Zones { zones, link: link.clone(), times: config.times, sublists })
    }

    /// The zone that a name (its wire form and where its labels begin) belongs to.
    pub(crate) fn of(&self, wire: &[u8], labels: &[u8]) -> Option<&Zone> {
        self.zones.iter().find(|zone| {
            let at = labels.len().checked_sub(zone.labels).and_then(|i| labels.get(i));
            let suffix = at.and_then(|at| wire.get(usize::from(*at)..));
            // Lengths are below 64 and letters above, so cases may be ignored in the whole.
            suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(&zone.apex))
        })
    }

    /// The composite zone first, then the sublists.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Zone> {
        self.zones.iter().rev()
    }
}

impl Zone {
    fn add_server(&mut self, server: &NameServer, sublists: &[Sublist]) -> Result<(), BadZone> {
        let wire = name("the name server", &server.name)?;
        let said = || server.name.clone();
        if wire.len() == 1 {
            return Err(BadZone::Name { what: "the name server", name: said() });
        }
        if let Some(own) = label_before(&wire, &self.apex) {
            if server.addresses.is_empty() {
                return Err(BadZone::NoAddress(said()));
            }
            let own = own.to_vec();
            let of_address = own.is_empty() || is_part_of_address(&own);
            if of_address || sublists.iter().any(|s| s.label.as_bytes().eq_ignore_ascii_case(&own))
            {
                return Err(BadZone::InTheWay(said()));
            }
            self.hosts.push(Host { name: wire.clone(), addresses: server.addresses.clone() });
        }
        self.name_servers.push(wire);
        Ok(())
    }

    /// Which codes a test point gives; `None` where the address is none of 127.0.0.0/8, so that the
    /// table decides.
    pub(crate) fn test_point(&self, address: IpAddr) -> Option<Codes> {
        let v4 = match address {
            IpAddr::V4(v4) => v4,
            IpAddr::V6(v6) => v6.to_ipv4_mapped()?,
        };
        if !v4.is_loopback() {
            return None;
        }
        if v4 == Ipv4Addr::new(127, 0, 0, 2) {
            return Some(self.codes);
        }
        Some(self.codes.iter().filter(|code| code.answer() == v4).collect())
    }

    /// Addresses of the test points, IPv4.
    pub(crate) fn test_points(&self) -> impl Iterator<Item = Ipv4Addr> {
        let all = Ipv4Addr::new(127, 0, 0, 2);
        std::iter::once(all).chain(self.codes.iter().map(Code::answer).filter(move |a| *a != all))
    }

    /// Whether a test point stands below the reversed prefix.
    pub(crate) fn test_point_below(&self, net: IpNet) -> bool {
        self.test_points().any(|v4| match net {
            IpNet::V4(net) => net.contains(&v4),
            IpNet::V6(net) => net.contains(&v4.to_ipv6_mapped()),
        })
    }
}

fn name(what: &'static str, said: &str) -> Result<Vec<u8>, BadZone> {
    let bad = || BadZone::Name { what, name: said.to_owned() };
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !said.chars().all(fine) || said.is_empty() {
        return Err(bad());
    }
    let name: Name<Vec<u8>> = Name::from_str(said).map_err(|_| bad())?;
    Ok(name.as_slice().to_ascii_lowercase())
}

/// A mail address becomes a name: dots before the @ belong to its first label (RFC 1035 section 8).
fn contact(said: &str) -> Result<Vec<u8>, BadZone> {
    let bad = || BadZone::Name { what: "the contact", name: said.to_owned() };
    let Some((user, host)) = said.split_once('@') else { return name("the contact", said) };
    let fine = user.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'@'));
    let length = u8::try_from(user.len()).ok().filter(|n| (1..64).contains(n) && fine);
    let host = name("the contact", host)?;
    let mut wire = vec![length.ok_or_else(bad)?];
    wire.extend_from_slice(user.as_bytes());
    wire.extend(host);
    if wire.len() > 255 { Err(bad()) } else { Ok(wire) }
}

fn check_sublists(sublists: &[Sublist]) -> Result<(), BadZone> {
    if sublists.is_empty() {
        return Err(BadZone::NoSublist);
    }
    for (i, sublist) in sublists.iter().enumerate() {
        let label = &sublist.label;
        let fine = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !(1..64).contains(&label.len()) || !fine || is_part_of_address(label.as_bytes()) {
            return Err(BadZone::Label(label.clone()));
        }
        let alike =
            |other: &Sublist| other.code == sublist.code || other.label.eq_ignore_ascii_case(label);
        if sublists.iter().skip(i + 1).any(alike) {
            return Err(BadZone::Twice(label.clone()));
        }
    }
    Ok(())
}

/// Whether a label could stand in a reversed address: all digits, or one nibble.
fn is_part_of_address(label: &[u8]) -> bool {
    label.iter().all(u8::is_ascii_digit)
        || (label.len() == 1 && label.iter().all(u8::is_ascii_hexdigit))
}

/// The label of `name` just before `apex`, if it ends in it; empty for the apex itself.
fn label_before<'a>(name: &'a [u8], apex: &[u8]) -> Option<&'a [u8]> {
    let mut rest = name;
    let mut last: &[u8] = &[];
    loop {
        if rest == apex {
            return Some(last);
        }
        let (length, behind) = rest.split_first()?;
        if *length == 0 {
            return None;
        }
        (last, rest) = behind.split_at_checked(usize::from(*length))?;
    }
}

fn label_count(wire: &[u8]) -> usize {
    let mut rest = wire;
    let mut count = 0;
    while let Some((length, behind)) = rest.split_first() {
        let Some(next) = behind.get(usize::from(*length)..) else { break };
        if *length == 0 {
            break;
        }
        count += 1;
        rest = next;
    }
    count
}

/// What a link or reason holds in place of an address, for rbldnsd.
pub(crate) fn with_dollar(template: &str) -> String {
    template.replace('$', "$$").replace(ADDRESS, "$")
}

#[cfg(test)]
mod tests;
