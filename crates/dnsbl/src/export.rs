//! The zones as files for rbldnsd, so that mirrors can serve them.
//!
//! A sublist becomes two data sets, `LABEL.ip4` (ip4set) and `LABEL.ip6` (ip6trie); its own zone
//! has both, the composite zone those of all sublists, whose answers rbldnsd puts together. `hosts`
//! (generic) has the addresses of name servers inside the zone.
//! [`Exported::arguments`] is what rbldnsd is started with. Each file is written beside its place,
//! synced and renamed, so a mirror never reads half of one.
//!
//! ip4set has no longest prefix: it knows /32, /24, /16 and /8 and adds up what it finds at one of
//! them. So ranges are written that do not overlap, each the addresses that one value answers.
//! ip6trie takes the longest prefix, and a more specific prefix without the code is an exclusion.
//!
//! Where rbldnsd answers otherwise from the same data: NXDOMAIN at names between (empty
//! non-terminals), no TC and no TCP, its NS records in every answer.

use crate::answer::TEST_REASON;
use crate::change::{Code, Value};
use crate::table::Table;
use crate::zones::{Zone, Zones, with_dollar};
use ipnet::{Ipv4Net, Ipv6Net};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Prefixes taken from the table at a time.
const PIECE: usize = 1024;

/// The file of the name servers' addresses.
const HOSTS: &str = "hosts";

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The files, by name.
    pub files: Vec<PathBuf>,
    /// `ZONE:TYPE:FILE` arguments for rbldnsd, to be started with `-w` of the folder.
    pub arguments: Vec<String>,
    /// The serial in the SOA records.
    pub serial: u32,
    /// How many lines list something, test points apart.
    pub listings: u64,
}

/// Why the zones could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write the zone file {path}; the one that was there before stays")]
pub struct ExportError {
    path: PathBuf,
    source: io::Error,
}

/// Writes all zones to a folder.
pub fn rbldnsd(folder: &Path, zones: &Zones, table: &Table) -> Result<Exported, ExportError> {
    let serial = table.serial();
    let mut exported = Exported { files: vec![], arguments: vec![], serial, listings: 0 };
    for (label, code) in &zones.sublists {
        let head = head(zones, serial, *code);
        for (family, write) in [("ip4", v4 as Writer), ("ip6", v6 as Writer)] {
            let path = folder.join(format!("{label}.{family}"));
            let count = replace(&path, |out| {
                out.write_all(head.as_bytes())?;
                write(out, zones, table, *code)
            });
            let failed = |source| ExportError { path: path.clone(), source };
            exported.listings += count.map_err(failed)?;
            exported.files.push(path);
        }
    }
    let hosts = folder.join(HOSTS);
    let written = replace(&hosts, |out| glue(out, zones));
    let has_hosts = written.map_err(|source| ExportError { path: hosts.clone(), source })? > 0;
    exported.files.push(hosts);
    for zone in zones.all() {
        if has_hosts && !zone.hosts.is_empty() {
            exported.arguments.push(format!("{}:generic:{HOSTS}", zone.name));
        }
        for (label, _) in zones.sublists.iter().filter(|(_, code)| zone.codes.has(*code)) {
            exported.arguments.push(format!("{}:ip4set:{label}.ip4", zone.name));
            exported.arguments.push(format!("{}:ip6trie:{label}.ip6", zone.name));
        }
    }
    Ok(exported)
}

/// Name servers inside the composite zone; rbldnsd has no words for their IPv6 addresses.
fn glue(out: &mut dyn Write, zones: &Zones) -> io::Result<u64> {
    let mut count = 0;
    for zone in zones.all() {
        for host in &zone.hosts {
            let name = host.name.get(..host.name.len() - zone.apex.len()).unwrap_or_default();
            let name = presented(name);
            for address in host.addresses.iter().filter(|address| address.is_ipv4()) {
                writeln!(out, "{} {} A {address}", name.trim_end_matches('.'), zones.times.zone)?;
                count += 1;
            }
        }
    }
    Ok(count)
}

type Writer = fn(&mut dyn Write, &Zones, &Table, Code) -> io::Result<u64>;

/// SOA, name servers, times, and what entries without words say.
fn head(zones: &Zones, serial: u32, code: Code) -> String {
    let times = zones.times;
    let mut head = String::new();
    if let Some(zone) = zones.all().next() {
        // Writing to a String cannot fail.
        let people = people(zone);
        let _ = writeln!(
            head,
            "$SOA {} {people} {serial} {} {} {} {}",
            times.zone, times.refresh, times.retry, times.expire, times.negative
        );
        let _ = write!(head, "$NS {}", times.zone);
        for server in &zone.name_servers {
            let _ = write!(head, " {}", presented(server));
        }
        head.push('\n');
    }
    let _ = writeln!(head, "$TTL {}\n:{}:{}", times.listed, code.answer(), said(zones, ""));
    head
}

/// The text of an entry: reason and link, with `$` for the address.
fn said(zones: &Zones, reason: &str) -> String {
    let both = [reason, &zones.link];
    let both = both.into_iter().filter(|template| !template.is_empty());
    both.map(with_dollar).collect::<Vec<_>>().join(" ")
}

fn v4(out: &mut dyn Write, zones: &Zones, table: &Table, code: Code) -> io::Result<u64> {
    let test = said(zones, TEST_REASON);
    writeln!(out, "127.0.0.2 :{}:{test}", code.answer())?;
    if code.octet() != 2 {
        writeln!(out, "{0} :{0}:{test}", code.answer())?;
    }
    let mut listings = 0;
    let mut ranges = Ranges::default();
    let mut give = |first: u32, last: u32, value: &Value| {
        let Some(reason) = reason(value, code) else { return Ok(()) };
        // Only test points stand in 127.0.0.0/8.
        for (first, last) in around_loopback(first, last) {
            listings += 1;
            let text = said(zones, reason);
            let (first, last) = (Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last));
            if first == last {
                writeln!(out, "{first} :{}:{text}", code.answer())?;
            } else {
                writeln!(out, "{first}-{last} :{}:{text}", code.answer())?;
            }
        }
        Ok(())
    };
    let mut after = None;
    loop {
        let piece = table.some_v4(after, PIECE);
        let Some((last, _)) = piece.last() else { break };
        after = Some(*last);
        for (net, value) in piece {
            ranges.next(net, value, &mut give)?;
        }
    }
    ranges.end(&mut give)?;
    Ok(listings)
}

fn v6(out: &mut dyn Write, zones: &Zones, table: &Table, code: Code) -> io::Result<u64> {
    let test = said(zones, TEST_REASON);
    // A prefix around the test points must not list their neighbours.
    writeln!(out, "!::ffff:7f00:0/104")?;
    let all = Ipv4Addr::new(127, 0, 0, 2);
    for point in [Some(all), (code.answer() != all).then(|| code.answer())].into_iter().flatten() {
        writeln!(out, "{}/128 :{}:{test}", groups(point.to_ipv6_mapped()), code.answer())?;
    }
    let mut listings = 0;
    // The prefixes around the present one: whether they are written as listed.
    let mut around: Vec<(Ipv6Net, bool)> = Vec::new();
    let mut after = None;
    loop {
        let piece = table.some_v6(after, PIECE);
        let Some((last, _)) = piece.last() else { break };
        after = Some(*last);
        for (net, value) in piece {
            if is_loopback(net) {
                continue;
            }
            while around.last().is_some_and(|(wider, _)| !wider.contains(&net)) {
                around.pop();
            }
            let address = format!("{}/{}", groups(net.network()), net.prefix_len());
            let reason = reason(&value, code);
            match reason {
                Some(reason) => {
                    listings += 1;
                    writeln!(out, "{address} :{}:{}", code.answer(), said(zones, reason))?;
                }
                None if around.last().is_some_and(|(_, listed)| *listed) => {
                    writeln!(out, "!{address}")?;
                }
                None => {}
            }
            around.push((net, reason.is_some()));
        }
    }
    Ok(listings)
}

fn reason(value: &Value, code: Code) -> Option<&str> {
    value.listed().find(|(own, _)| *own == code).map(|(_, reason)| reason.template())
}

/// Prefixes in the order of their addresses, the wider first, become ranges that do not overlap.
#[derive(Default)]
struct Ranges {
    /// The prefixes around the place reached, the widest first, and their last addresses.
    open: Vec<(u32, Value)>,
    /// The first address not yet given; `None` behind the last of all.
    at: Option<u32>,
}

impl Ranges {
    fn next(
        &mut self,
        net: Ipv4Net,
        value: Value,
        give: &mut impl FnMut(u32, u32, &Value) -> io::Result<()>,
    ) -> io::Result<()> {
        let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
        self.close_before(Some(first), give)?;
        // What the prefix around it answers up to here.
        if let (Some((_, around)), Some(at)) = (self.open.last(), self.at)
            && at < first
        {
            give(at, first - 1, around)?;
        }
        self.at = Some(first);
        self.open.push((last, value));
        Ok(())
    }

    fn end(&mut self, give: &mut impl FnMut(u32, u32, &Value) -> io::Result<()>) -> io::Result<()> {
        self.close_before(None, give)
    }

    /// Ends the prefixes that end before an address, or all.
    fn close_before(
        &mut self,
        next: Option<u32>,
        give: &mut impl FnMut(u32, u32, &Value) -> io::Result<()>,
    ) -> io::Result<()> {
        while let Some((last, value)) = self.open.pop_if(|(last, _)| next.is_none_or(|n| *last < n))
        {
            if let Some(at) = self.at.filter(|at| *at <= last) {
                give(at, last, &value)?;
            }
            self.at = last.checked_add(1);
        }
        Ok(())
    }
}

/// A range without 127.0.0.0/8.
fn around_loopback(first: u32, last: u32) -> impl Iterator<Item = (u32, u32)> {
    const BEFORE: u32 = 0x7eff_ffff;
    const BEHIND: u32 = 0x8000_0000;
    let parts = [(first, last.min(BEFORE)), (first.max(BEHIND), last)];
    parts.into_iter().filter(|(first, last)| first <= last)
}

fn is_loopback(net: Ipv6Net) -> bool {
    net.prefix_len() >= 104 && net.network().to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
}

/// All eight groups: rbldnsd reads no dotted quad within an IPv6 address.
fn groups(address: Ipv6Addr) -> String {
    let groups = address.segments().map(|group| format!("{group:x}"));
    groups.join(":")
}

/// MNAME and RNAME, as text.
fn people(zone: &Zone) -> String {
    let primary = zone.name_servers.first().map_or(0, Vec::len);
    let (primary, contact) = zone.people.split_at_checked(primary).unwrap_or_default();
    format!("{} {}", presented(primary), presented(contact))
}

/// A name in wire form as master files have it.
fn presented(wire: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = wire;
    while let Some((length, behind)) = rest.split_first() {
        let Some((label, next)) = behind.split_at_checked(usize::from(*length)) else { break };
        for byte in label {
            if matches!(byte, b'.' | b'\\') {
                text.push('\\');
            }
            text.push(char::from(*byte));
        }
        if !label.is_empty() {
            text.push('.');
        }
        rest = next;
    }
    text
}

/// Writes a file beside its place and puts it there when it is whole and on the disk.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<u64>) -> io::Result<u64> {
    let beside = path
        .with_extension(format!("{}.new", path.extension().unwrap_or_default().to_string_lossy()));
    let mut out = BufWriter::new(File::create(&beside)?);
    let result = write(&mut out).and_then(|count| {
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, path)?;
        // The rename too must outlive a fall of the machine.
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(count)
    });
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}
