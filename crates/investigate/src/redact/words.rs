//! One text -> the same text with pseudonyms. First the pieces that form or field give away, then
//! the words that the evidence knows; what overlaps an earlier piece is part of it.

use super::known::{Known, is_service};
use super::pseudonym::{Kind, Pseudonyms};
use super::shapes;
use regex::Regex;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

/// Labels of a name that are looked up together.
const LABELS: usize = 24;

/// Keys before a mail address that are not part of it.
const KEYS: [&str; 12] = [
    "user",
    "from",
    "to",
    "rcpt",
    "login",
    "sender",
    "recipient",
    "mailfrom",
    "addr",
    "mail",
    "email",
    "username",
];

/// A piece of a text.
struct Piece {
    at: Range<usize>,
    kind: Kind,
}

/// Replaces.
pub(super) struct Redactor<'a> {
    known: &'a Known,
    pseudonyms: Pseudonyms,
    /// Domains of mail addresses.
    domains: HashSet<String>,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(known: &'a Known) -> Self {
        Self { known, pseudonyms: Pseudonyms::default(), domains: HashSet::new() }
    }

    /// Numbers anew; the domains that were met stay known.
    pub(super) fn begin(&mut self) {
        self.pseudonyms = Pseudonyms::default();
    }

    /// A sentence, a path, a label.
    pub(super) fn text(&mut self, text: &str) -> String {
        let pieces = self.pieces(text, false);
        self.replaced(text, pieces)
    }

    /// A line of someone's file.
    pub(super) fn line(&mut self, text: &str) -> String {
        let pieces = self.pieces(text, true);
        self.replaced(text, pieces)
    }

    /// A value that is of a type as a whole.
    pub(super) fn named(&mut self, value: &str, kind: Kind) -> String {
        if value.contains('@') || value.is_empty() {
            return self.text(value);
        }
        match kind {
            Kind::User if is_service(value) => value.to_owned(),
            // The list may have quoted it.
            _ if self.known.stays.contains(&value.to_lowercase()) => value.to_owned(),
            _ => self.pseudonyms.of(kind, value),
        }
    }

    fn replaced(&mut self, text: &str, mut pieces: Vec<Piece>) -> String {
        pieces.sort_by_key(|p| p.at.start);
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for piece in pieces {
            let original = text.get(piece.at.clone()).unwrap_or_default();
            out.push_str(text.get(done..piece.at.start).unwrap_or_default());
            out.push_str(&self.pseudonyms.of(piece.kind, original));
            done = piece.at.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    fn pieces(&mut self, text: &str, is_line: bool) -> Vec<Piece> {
        let mut found = Pieces { text, all: Vec::new() };
        if is_line {
            self.header(&mut found);
        }
        self.subjects(&mut found);
        queries(&mut found);
        self.peers(&mut found);
        self.shapes(&mut found);
        self.ipv6(&mut found);
        self.words(&mut found);
        found.all
    }

    /// The host of a syslog line, the user of a web log's line.
    fn header(&self, found: &mut Pieces<'_>) {
        for host in groups(&shapes::HEADER, found.text) {
            let stays = self.known.stays.contains(&host_name(found.text, &host));
            found.add(host, if stays { Kind::Kept } else { Kind::Host });
        }
        for user in groups(&shapes::VISITOR, found.text) {
            let dash = found.text.get(user.clone()) == Some("-");
            found.add(user, if dash { Kind::Kept } else { Kind::User });
        }
    }

    fn subjects(&self, found: &mut Pieces<'_>) {
        for subject in &self.known.subjects {
            let places: Vec<_> = found
                .text
                .match_indices(subject.as_str())
                .map(|(at, s)| at..at + s.len())
                .collect();
            places.into_iter().for_each(|at| found.add(at, Kind::Subject));
        }
    }

    /// `NAME[ADDRESS]`: a server's stays, a client's goes with its address.
    fn peers(&self, found: &mut Pieces<'_>) {
        let Some(peer) = &*shapes::PEER else { return };
        let text = found.text;
        for hit in peer.captures_iter(text) {
            let (Some(name), Some(ip)) = (hit.get(1), hit.get(2)) else { continue };
            let Ok(address) = ip.as_str().parse::<IpAddr>() else { continue };
            let nameless = ["unknown", "localhost"].contains(&name.as_str());
            let server = self.known.servers.contains(&address) && !self.known.is_client(address);
            // A delivery names the server it went to, also one that no capture shows.
            let before = text.get(..name.start()).unwrap_or_default();
            let relay =
                before.ends_with("relay=") || before.ends_with(" to ") || before.ends_with("host ");
            let stays = server || relay || self.known.stays.contains(&name.as_str().to_lowercase());
            found.add(name.range(), if nameless || stays { Kind::Kept } else { Kind::Host });
            let client = self.known.is_client(address) && !relay;
            found.add(ip.range(), if client { Kind::Client } else { Kind::Kept });
        }
    }

    fn shapes(&mut self, found: &mut Pieces<'_>) {
        for shape in shapes::SHAPES.iter() {
            let text = found.text;
            for hit in shape.expression.captures_iter(text) {
                // An expression without groups is one as a whole.
                let whole = usize::from(hit.len() > 1);
                for (index, kind) in shape.groups.iter().enumerate() {
                    let Some(group) = hit.get(index + whole) else { continue };
                    self.shape(group.range(), *kind, found);
                }
            }
        }
    }

    fn shape(&mut self, at: Range<usize>, kind: Kind, found: &mut Pieces<'_>) {
        let Some(word) = found.text.get(at.clone()) else { return };
        match kind {
            Kind::Client => {
                let client = word.parse::<IpAddr>().is_ok_and(|ip| self.known.is_client(ip));
                found.add(at, if client { Kind::Client } else { Kind::Kept });
            }
            Kind::Person => self.person(at, found),
            // `ssh root@HOST`, `/home/USER`: a place to fill in.
            Kind::User if is_service(word) || is_placeholder(word) => found.add(at, Kind::Kept),
            kind => found.add(at, kind),
        }
    }

    fn person(&mut self, at: Range<usize>, found: &mut Pieces<'_>) {
        let Some(mut word) = found.text.get(at.clone()) else { return };
        let mut start = at.start;
        if let Some((key, rest)) = word.split_once('=')
            && KEYS.contains(&key.to_lowercase().as_str())
        {
            start += key.len() + 1;
            word = rest;
        }
        match word.rsplit_once('@') {
            Some((_, domain)) if is_placeholder(domain) => {}
            Some((_, domain)) => {
                if domain.contains('.') {
                    self.domains.insert(domain.to_lowercase());
                }
                found.add(start..at.end, Kind::Person);
            }
            None if word.contains("%40") => found.add(start..at.end, Kind::Person),
            // A field without a domain: an account, or a number or command that is none.
            None => {
                let plain = word.chars().all(|c| c.is_alphanumeric() || "._+-$".contains(c));
                let number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
                if plain && !number && !is_service(word) && !is_placeholder(word) {
                    found.add(start..at.end, Kind::User);
                }
            }
        }
    }

    fn ipv6(&self, found: &mut Pieces<'_>) {
        for at in groups(&shapes::COLONS, found.text) {
            let word = found.text.get(at.clone()).unwrap_or_default();
            let short = word.trim_end_matches(['.', ':']);
            let Some(ip) = [word, short].into_iter().find_map(|w| w.parse::<Ipv6Addr>().ok())
            else {
                continue;
            };
            let len = if word.parse::<Ipv6Addr>().is_ok() { word.len() } else { short.len() };
            let client = self.known.is_client(ip.to_canonical());
            found.add(at.start..at.start + len, if client { Kind::Client } else { Kind::Kept });
        }
    }

    /// The words the evidence knows: whole, as domains within a longer name, part by part.
    fn words(&self, found: &mut Pieces<'_>) {
        let Some(word) = &*shapes::WORD else { return };
        let text = found.text;
        for hit in word.find_iter(text) {
            let whole = hit.as_str().trim_end_matches(['.', '-', '+']);
            self.word(whole, hit.start(), found);
        }
    }

    fn word(&self, whole: &str, start: usize, found: &mut Pieces<'_>) {
        let lower = whole.to_lowercase();
        if self.known.stays.contains(&lower) {
            found.add(start..start + whole.len(), Kind::Kept);
            return;
        }
        if let Some(kind) = self.kind_of(&lower) {
            found.add(start..start + whole.len(), kind);
            return;
        }
        let cuts: Vec<usize> = std::iter::once(0)
            .chain(whole.match_indices(['.', '-', '_', '+']).map(|(at, _)| at + 1))
            .take(LABELS)
            .collect();
        let mut from = 0;
        while let Some(&begin) = cuts.get(from) {
            // The longest name that begins here.
            let ends = cuts.iter().skip(from + 1).map(|c| c - 1).chain([whole.len()]);
            let longest =
                ends.enumerate().collect::<Vec<_>>().into_iter().rev().find_map(|(n, end)| {
                    let part = whole.get(begin..end)?;
                    let lower = part.to_lowercase();
                    // A single part stands alone where dots are around it: `anna.mbox`, not `anna-1`.
                    let alone = |at: Option<char>| at.is_none_or(|c| c == '.' || c == '+');
                    let edges = alone(whole.get(..begin)?.chars().next_back())
                        && alone(whole.get(end..)?.chars().next());
                    let kind = match self.kind_of(&lower) {
                        Some(Kind::Domain) => Some(Kind::Domain),
                        Some(kind) if edges => Some(kind),
                        _ => None,
                    };
                    kind.map(|kind| (n, begin..end, kind))
                });
            match longest {
                // What stands before a domain names a machine in it.
                Some((n, at, Kind::Domain)) if begin > 0 && at.end == whole.len() => {
                    found.add(start..start + whole.len(), Kind::Host);
                    from += n + 1;
                }
                Some((n, at, kind)) => {
                    found.add(start + at.start..start + at.end, kind);
                    from += n + 1;
                }
                None => from += 1,
            }
        }
    }

    fn kind_of(&self, lower: &str) -> Option<Kind> {
        if self.known.accounts.contains(lower) {
            Some(Kind::User)
        } else if self.known.hosts.contains(lower) {
            Some(Kind::Host)
        } else if self.domains.contains(lower) && !self.known.stays.contains(lower) {
            Some(Kind::Domain)
        } else {
            None
        }
    }
}

/// Pieces of one text; the first to take a place has it.
struct Pieces<'t> {
    text: &'t str,
    all: Vec<Piece>,
}

impl Pieces<'_> {
    fn add(&mut self, at: Range<usize>, kind: Kind) {
        let free = self.all.iter().all(|p| at.end <= p.at.start || p.at.end <= at.start);
        if free && !at.is_empty() && self.text.get(at.clone()).is_some() {
            self.all.push(Piece { at, kind });
        }
    }
}

/// Keys stay, values go.
fn queries(found: &mut Pieces<'_>) {
    for query in groups(&shapes::QUERY, found.text) {
        let text = found.text.get(query.clone()).unwrap_or_default();
        let mut at = query.start;
        for pair in text.split_inclusive(['&', ';']) {
            let len = pair.trim_end_matches(['&', ';']).len();
            let value = pair.get(..len).and_then(|p| p.find('=')).map_or(0, |equals| equals + 1);
            found.add(at + value..at + len, Kind::Value);
            at += pair.len();
        }
    }
}

/// The groups of every hit, in order.
fn groups(expression: &Option<Regex>, text: &str) -> Vec<Range<usize>> {
    let Some(expression) = expression else { return Vec::new() };
    let hits = expression.captures_iter(text);
    hits.flat_map(|hit| hit.iter().skip(1).flatten().map(|g| g.range()).collect::<Vec<_>>())
        .collect()
}

fn host_name(text: &str, at: &Range<usize>) -> String {
    text.get(at.clone()).unwrap_or_default().to_lowercase()
}

/// `HOST`, `USER`, `ID`: commands name what the reader puts in so.
fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-' || c == '_')
}
