//! Answers of name servers, as `dig`, `drill`, `host` and `nslookup` print them -> [`DnsFact`]s.
//!
//! That a name does not exist is a fact, too; that a server was not reached, failed or refused is
//! none. What an alias leads to is told of the name asked for, because reverse names are often
//! aliases (RFC 2317).

mod dig;
mod host;

use crate::facts::DnsFact;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Facts taken from one text, and bytes of one value.
const MOST: usize = 20_000;
const LONGEST: usize = 4_000;

/// Types that are told of.
const TYPES: [&str; 10] = ["A", "AAAA", "PTR", "MX", "TXT", "NS", "CNAME", "SOA", "SRV", "SPF"];

/// Whether a text is an answer; `command` stood above it.
pub(crate) fn recognise(text: &[u8], command: Option<&str>) -> bool {
    if command.and_then(Query::of).is_some() {
        return true;
    }
    let front = || lines::of(text).take(200).filter(|(_, line)| !line.trim_ascii().is_empty());
    let marks = front().any(|(_, line)| {
        let has = |needle: &str| memchr::memmem::find(line, needle.as_bytes()).is_some();
        line.starts_with(b";; ->>HEADER<<-")
            || line.starts_with(b";; ANSWER SECTION:")
            || line.starts_with(b"** server can't find ")
            || line.starts_with(b"Host ") && has(" not found: ")
            || has(" domain name pointer ")
            || has(" mail is handled by ")
            || has("\tmail exchanger = ")
            || has(".arpa\tname = ")
    });
    // `dig +noall +answer`: nothing but records.
    let (mut seen, mut records) = (0, 0);
    for (_, line) in front().filter(|(_, line)| !line.starts_with(b";")) {
        seen += 1;
        let text = heloscope_model::octets::lossy_text(line).0;
        records += usize::from(dig::record(&text).is_some());
    }
    marks || seen > 0 && records == seen
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64, command: Option<&str>) -> Vec<DnsFact> {
    let query = command.and_then(Query::of);
    let mut found = Found { source, base, kept: Vec::new() };
    let long = [&b";; ->>HEADER<<-"[..], b"\tIN\t", b" IN "]
        .iter()
        .any(|mark| memchr::memmem::find(text, mark).is_some());
    match query {
        Some(query) if query.digs && !long => dig::short(text, &query, &mut found),
        query => {
            dig::read(text, &mut found);
            host::read(text, query.as_ref(), &mut found);
        }
    }
    found.kept
}

/// What a command asks for.
#[derive(Clone, Debug, PartialEq)]
struct Query {
    name: String,
    kind: Option<String>,
    /// `dig` or `drill`.
    digs: bool,
}

impl Query {
    /// `dig +short -x 203.0.113.10 @192.0.2.53`, `host -t mx example.org`.
    fn of(command: &str) -> Option<Self> {
        let mut words = command.split_whitespace().skip_while(|w| matches!(*w, "sudo" | "doas"));
        let program = words.next()?;
        let program = program.rsplit('/').next()?;
        let digs = match program {
            "dig" | "drill" => true,
            "host" | "nslookup" => false,
            _ => return None,
        };
        let (mut name, mut kind) = (None, None);
        while let Some(word) = words.next() {
            let upper = word.to_ascii_uppercase();
            if word.starts_with(['|', '>', '2']) && (word.len() < 4 || word.contains('>')) {
                break;
            }
            if let Some(value) = ["-type=", "-q=", "-querytype=", "-query="]
                .iter()
                .find_map(|o| word.strip_prefix(o))
            {
                kind = Some(value.to_ascii_uppercase());
            } else if word == "-t" {
                kind = words.next().map(str::to_ascii_uppercase);
            } else if word == "-x" && digs {
                name = words.next().and_then(reverse);
                kind = Some("PTR".to_owned());
            } else if word.starts_with(['+', '-', '@']) {
                continue;
            } else if digs && (TYPES.contains(&upper.as_str()) || upper == "ANY") {
                kind = Some(upper);
            } else if upper != "IN" && name.is_none() {
                name = Some(word.to_owned());
            }
        }
        let name = name?;
        // `host` and `nslookup` turn an address round themselves.
        let turned = if digs { None } else { reverse(&name) };
        if turned.is_some() {
            kind = Some("PTR".to_owned());
        }
        Some(Self { name: owner(&turned.unwrap_or(name)), kind, digs })
    }

    /// The type, where none was named.
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("A")
    }
}

/// The reverse name of an address.
fn reverse(address: &str) -> Option<String> {
    Some(match address.parse().ok()? {
        std::net::IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        std::net::IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|b| [b & 15, b >> 4]);
            let nibbles: Vec<String> = nibbles.map(|n| format!("{n:x}")).collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
    })
}

/// A name as it is kept: lower case, without the last dot.
fn owner(name: &str) -> String {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    name.chars().take(255).collect()
}

/// A value as it is kept: names like owners, texts without their quotes.
fn value(kind: &str, text: &str) -> String {
    let text = text.trim();
    match kind {
        "TXT" | "SPF" => {
            // Several strings are one text.
            let joined = text.replace("\" \"", "");
            let inner = joined.strip_prefix('"').unwrap_or(&joined);
            inner.strip_suffix('"').unwrap_or(inner).chars().take(LONGEST).collect()
        }
        "A" | "AAAA" => owner(text),
        _ => owner(&text.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// Takes facts.
struct Found {
    source: SourceId,
    base: u64,
    kept: Vec<DnsFact>,
}

impl Found {
    fn add(&mut self, offset: u64, name: &str, kind: &str, text: Option<&str>) {
        if self.kept.len() < MOST && TYPES.contains(&kind) {
            self.kept.push(DnsFact {
                name: owner(name),
                kind: kind.to_owned(),
                value: text.map(|text| value(kind, text)),
                place: Place::byte(self.source, self.base + offset),
            });
        }
    }

    fn knows(&self, name: &str) -> bool {
        let name = owner(name);
        self.kept.iter().rev().take(50).any(|fact| fact.name == name && fact.value.is_some())
    }
}

#[cfg(test)]
mod tests;
