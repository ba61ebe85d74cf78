//! Every case's report without people's data: who is known from the evidence is collected here by
//! other means than the program's, and none of it may appear in any output, while the answer stays.

use super::*;
use crate::transforms::case::Case;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Accounts of systems, and words for a host, that are nobody's.
const NOBODY: [&str; 16] = [
    "root",
    "www-data",
    "postfix",
    "nobody",
    "mail",
    "daemon",
    "double-bounce",
    "mailer-daemon",
    "unknown",
    "localhost",
    "gw",
    "web",
    "gateway",
    "host",
    "syslog",
    "postgrey",
];

/// What a case knows of people.
#[derive(Debug, Default)]
struct People {
    accounts: BTreeSet<String>,
    addresses: BTreeSet<String>,
    clients: BTreeSet<IpAddr>,
    hosts: BTreeSet<String>,
    macs: BTreeSet<String>,
    /// Servers that mail went to, our own addresses.
    servers: BTreeSet<IpAddr>,
    server_names: BTreeSet<String>,
    /// What the notice and the settings say may stay.
    said: String,
}

impl People {
    fn of(case: &Case) -> Self {
        let mut people = Self::default();
        for (name, bytes) in &case.files {
            if name == "expect.toml" {
                continue;
            }
            let text = String::from_utf8_lossy(bytes);
            let telling =
                name.contains("notice") || name == "site.toml" || name.contains("postconf");
            if telling {
                people.said.push_str(&text.to_lowercase());
            }
            if name.starts_with("captures/") || name.starts_with("var/") || name.starts_with("srv/")
            {
                continue;
            }
            for line in text.lines() {
                people.line(line, name.contains("leases"));
            }
        }
        for word in tokens(&people.said) {
            people.servers.extend(word.parse::<IpAddr>().ok());
        }
        let servers = people.servers.clone();
        people.clients.retain(|ip| is_public(*ip) && !servers.contains(ip));
        let said: BTreeSet<String> = tokens(&people.said).map(str::to_owned).collect();
        let known = std::mem::take(&mut people.server_names);
        people.hosts.retain(|h| !known.contains(h));
        people.hosts.retain(|h| !said.contains(h) && !NOBODY.contains(&h.as_str()) && h != "*");
        people.accounts.retain(|a| {
            !NOBODY.contains(&a.as_str()) && !a.chars().all(|c| c.is_ascii_digit()) && a.len() > 1
        });
        people
    }

    fn line(&mut self, line: &str, is_lease: bool) {
        let field = |key: &str| {
            let at = line.find(key)? + key.len();
            let rest = line.get(at..)?.trim_start_matches('<');
            let end = rest.find([',', ' ', '>', ';', ')', ']']).unwrap_or(rest.len());
            Some(rest.get(..end)?.to_lowercase()).filter(|v| !v.is_empty())
        };
        // A name that was only tried is nobody's.
        if line.contains("failed") || line.contains("failure") {
            return;
        }
        for key in ["sasl_username=", " user=<", " from=<", " to=<", "orig_to=<"] {
            let Some(value) = field(key) else { continue };
            if value.contains('@') {
                self.addresses.insert(value);
            } else if !value.contains('=') {
                self.accounts.insert(value);
            }
        }
        // client=NAME[ADDRESS], relay=NAME[ADDRESS]
        for (key, server) in [("client=", false), ("connect from ", false), ("relay=", true)] {
            let Some((_, rest)) = line.split_once(key) else { continue };
            let Some((name, rest)) = rest.split_once('[') else { continue };
            let Some((ip, _)) = rest.split_once(']') else { continue };
            let Ok(ip) = ip.parse::<IpAddr>() else { continue };
            if server {
                self.servers.insert(ip);
                self.server_names.insert(name.to_lowercase());
            } else {
                self.clients.insert(ip);
                if is_public(ip) && !name.contains(' ') {
                    self.hosts.insert(name.to_lowercase());
                }
            }
        }
        if let Some((_, rest)) = line.split_once(" DST=") {
            self.servers.extend(rest.split(' ').next().and_then(|ip| ip.parse::<IpAddr>().ok()));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        // A web log.
        if line.contains(" HTTP/1.")
            && let Some(ip) = words.first().and_then(|w| w.parse().ok())
        {
            self.clients.insert(ip);
        }
        if is_lease
            && let [_, mac, _, host, ..] = words.as_slice()
            && mac.len() == 17
        {
            self.macs.insert(mac.to_lowercase());
            self.hosts.insert(host.to_lowercase());
        }
        let of = |w: &[&str]| w[0] == "for" && !["user", "invalid"].contains(&w[1]);
        if let Some(at) = words.windows(2).position(|w| of(w) && line.contains("sshd")) {
            self.accounts.insert(words[at + 1].to_lowercase());
        }
    }

    /// What of it stands in a text as a word.
    fn found_in(&self, text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        let there: BTreeSet<&str> = tokens(&lower).collect();
        let names = self.accounts.iter().chain(&self.hosts);
        let mut found: Vec<String> =
            names.filter(|name| there.contains(name.as_str())).cloned().collect();
        let exact = self.addresses.iter().chain(&self.macs);
        found.extend(exact.filter(|name| lower.contains(name.as_str())).cloned());
        found.extend(
            self.clients.iter().map(IpAddr::to_string).filter(|ip| there.contains(ip.as_str())),
        );
        found
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !v4.is_private() && !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => {
            !v6.is_loopback()
                && (v6.segments()[0] & 0xfe00) != 0xfc00
                && (v6.segments()[0] & 0xffc0) != 0xfe80
        }
    }
}

/// Words, with what is part of names; once whole and once split at dots.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    text.split(move |c| !part(c)).flat_map(|word| {
        let word = word.trim_matches(['.', '-']);
        let is_address = word.parse::<IpAddr>().is_ok();
        let parts = word.split('.').filter(move |_| !is_address);
        std::iter::once(word).chain(parts)
    })
}

#[test]
fn no_case_s_report_names_anyone() {
    let (mut counted, mut wrong) = (0, Vec::new());
    for case in Case::all() {
        let mut people = People::of(&case);
        let folder = root().join("cases").join(&case.name);
        let page = tempfile::NamedTempFile::new().unwrap();
        let told = |args: &[&std::ffi::OsStr]| {
            let output = heloscope(
                ["investigate".as_ref(), folder.as_os_str()]
                    .into_iter()
                    .chain(args.iter().copied()),
            );
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
            stdout(&output)
        };
        let whole = told(&["--json".as_ref()]);
        let json = told(&[
            "--json".as_ref(),
            "--redact".as_ref(),
            "--html".as_ref(),
            page.path().as_os_str(),
        ]);
        let terminal = told(&["--redact".as_ref()]);
        let page = std::fs::read_to_string(page.path()).unwrap();
        // What was said to others' servers is no secret of the site.
        let answer: serde_json::Value = serde_json::from_str(&whole).unwrap();
        let sessions = answer["unexplained"].as_array().unwrap().iter();
        for server in sessions.filter_map(|s| s["dst"].as_str()) {
            people.clients.remove(&server.parse::<IpAddr>().unwrap());
        }
        let helos = answer["unexplained"].as_array().unwrap().iter();
        let helos: BTreeSet<&str> = helos.filter_map(|s| s["helo"].as_str()).collect();
        counted += people.found_in(&whole).len();
        // The folder's name is ours, not the evidence's.
        let ours = folder.display().to_string();
        for (what, text) in [("JSON", &json), ("terminal", &terminal), ("page", &page)] {
            let text = text.replace(&ours, "CASE");
            let text = helos.iter().fold(text, |text, helo| text.replace(helo, "HELO"));
            let found = people.found_in(&text);
            if !found.is_empty() {
                wrong.push(format!("{}, {what}: {found:?}", case.name));
            }
        }
        same_answer(&case.name, &whole, &json);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // It is not that nobody was named before.
    assert!(counted > 30, "{counted}");
}

/// What the list or hoster needs is as it was.
fn same_answer(name: &str, whole: &str, redacted: &str) {
    let [whole, redacted] = [whole, redacted].map(|text| {
        let mut answer: serde_json::Value = serde_json::from_str(text).unwrap();
        strip(&mut answer);
        answer
    });
    assert_eq!(whole, redacted, "{name}");
}

/// Takes out what may differ.
fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            for key in [
                "summary", "text", "source", "path", "value", "because", "what", "how", "note",
                "fix", "verify", "attrs", "src", "reason",
            ] {
                // `path` is a word of the contract in a cause, a file in an input.
                if !(key == "path" && map.contains_key("class")) {
                    map.remove(key);
                }
            }
            map.values_mut().for_each(strip);
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn the_same_again_and_the_listed_address_stays() {
    let run = || {
        stdout(&heloscope([
            "investigate".as_ref(),
            "--redact".as_ref(),
            case("stolen-mailbox").as_os_str(),
        ]))
    };
    let report = run();
    assert_eq!(report, run());
    let answer = investigate(&[&case("stolen-mailbox")]);
    assert!(report.contains(answer["notices"][0]["ip"].as_str().unwrap()), "{report}");
    assert!(report.contains("user-1"), "{report}");
}
