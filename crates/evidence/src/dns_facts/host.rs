//! `host`'s sentences and `nslookup`'s.

use super::{Found, Query};
use crate::scanners::texts;

/// What `host` puts between a name and what it has.
const SAID: [(&str, &str); 8] = [
    (" has address ", "A"),
    (" has IPv6 address ", "AAAA"),
    (" domain name pointer ", "PTR"),
    (" mail is handled by ", "MX"),
    (" descriptive text ", "TXT"),
    (" is an alias for ", "CNAME"),
    (" name server ", "NS"),
    (" has SPF record ", "SPF"),
];

/// What `nslookup` does.
const LOOKED: [(&str, &str); 5] = [
    ("\tname = ", "PTR"),
    ("\tmail exchanger = ", "MX"),
    ("\ttext = ", "TXT"),
    ("\tcanonical name = ", "CNAME"),
    ("\tnameserver = ", "NS"),
];

/// Reads both.
pub(super) fn read(text: &[u8], query: Option<&Query>, found: &mut Found) {
    let mut named: Option<String> = None;
    // Reverse names that are aliases: what they lead to is told of them, too.
    let mut alias: Option<(String, String)> = None;
    for (offset, line) in texts(text) {
        let line = line.trim_end();
        let pair = SAID.iter().chain(&LOOKED).find_map(|(words, kind)| {
            let (name, value) = line.split_once(words)?;
            (!name.is_empty() && !name.contains(char::is_whitespace))
                .then_some((name, *kind, value))
        });
        if let Some((name, kind, value)) = pair {
            found.add(offset, name, kind, Some(value));
            match &alias {
                Some((from, to)) if super::owner(name) == *to && kind != "CNAME" => {
                    found.add(offset, &from.clone(), kind, Some(value));
                }
                _ if kind == "CNAME" => {
                    alias = Some((super::owner(name), super::owner(value)));
                }
                _ => {}
            }
        } else if let Some(name) = line.strip_prefix("Name:") {
            named = Some(name.trim().to_owned());
        } else if let (Some(address), Some(name)) = (line.strip_prefix("Address: "), &named) {
            // The server's own address has its port behind it.
            if let Ok(ip) = address.trim().parse::<std::net::IpAddr>() {
                let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
                found.add(offset, name, kind, Some(address));
            }
        } else if let Some(name) = missing(line)
            // `host` asks for several types in turn: the last may be missing alone.
            && !found.knows(name)
        {
            let of_query = query.and_then(|q| q.kind.as_deref());
            let turned = name.trim_end_matches('.').ends_with(".arpa");
            let kind = of_query.unwrap_or(if turned { "PTR" } else { "A" });
            found.add(offset, name, kind, None);
        } else if let Some((name, kind)) = line
            .strip_suffix(" record")
            .and_then(|front| front.split_once(" has no "))
            .filter(|(name, _)| !name.contains(' '))
        {
            found.add(offset, name, kind, None);
        }
    }
}

/// The name that does not exist.
fn missing(line: &str) -> Option<&str> {
    let name = match line.strip_prefix("** server can't find ") {
        Some(rest) => rest.strip_suffix(": NXDOMAIN")?,
        None => line.strip_prefix("Host ")?.strip_suffix(" not found: 3(NXDOMAIN)")?,
    };
    (!name.contains(' ')).then_some(name)
}
