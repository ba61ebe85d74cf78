//! The mail server's settings: whom it trusts without a password against the networks that are behind this host, which
//! ports take mail, and the name it says. Postfix's main.cf and master.cf, Exim's Debian macros and relay_from_hosts.
//! No name server is asked unless [`super::Names`] was given.

use super::Host;
use super::behind::{Network, networks};
use super::finding::{Grade, Rule, visible};
use super::out::Out;
use heloscope_evidence::{Setting, settings};
use heloscope_model::{At, SourceId};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::path::Path;

const RELAY: Rule = Rule {
    id: "open-relay",
    why: "Everybody may send through the mail server without a password.",
    todo: "Name only your own networks in mynetworks; relay for others only after SASL.",
    against: "A firewall may keep strangers from the port.",
};
const BRIDGE: Rule = Rule {
    id: "trusted-gateway",
    why: "What comes through NAT, Docker's proxy or a tunnel arrives with an address of this network, strangers' connections among it; each is trusted.",
    todo: "Take the network out of mynetworks; let containers and tunnels log in (SASL) or name single addresses.",
    against: "Where the port is not published to the outside, only containers come this way.",
};
const WIDE: Rule = Rule {
    id: "trusted-public-network",
    why: "Every neighbour in a public network may send through the mail server.",
    todo: "Name single addresses in mynetworks (mynetworks_style = host).",
    against: "The whole network may be yours.",
};
const NAME: Rule = Rule {
    id: "helo-name",
    why: "Lists and receivers take a name like this for that of a bot or of a dial-up line.",
    todo: "Set myhostname (or smtp_helo_name) to the full name that the address's PTR record has.",
    against: "",
};
const REVERSE: Rule = Rule {
    id: "helo-without-dns",
    why: "Receivers look the name up: one that does not lead to the address, and back, counts against the mail.",
    todo: "Let A/AAAA of the name and PTR of the address agree.",
    against: "Behind NAT the public address is another than this host's own.",
};
const PASSWORDS: Rule = Rule {
    id: "passwords-in-clear",
    why: "Passwords may be sent without TLS, where they are read and then used to send.",
    todo: "Set smtpd_tls_auth_only = yes.",
    against: "",
};
const RESTRICTIONS: Rule = Rule {
    id: "relay-restrictions",
    why: "Nothing refuses mail of strangers for strangers.",
    todo: "Put reject_unauth_destination at the end of smtpd_relay_restrictions.",
    against: "",
};
const SERVES: Rule = Rule {
    id: "mta-ports",
    why: "Which ports take mail of users decides where stolen passwords can be used.",
    todo: "Nothing, where it is as you mean it.",
    against: "",
};

/// Looks at each mail server's settings.
pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let networks = networks(host);
    postfix(host, &networks, out);
    exim(host, &networks, out);
}

/// Settings with their lines; the last word of a name counts.
struct Settings {
    text: Vec<u8>,
    values: BTreeMap<String, Setting>,
}

impl Settings {
    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|s| s.value.as_str())
    }

    fn line(&self, name: &str) -> usize {
        let at = match self.values.get(name).map(|s| s.place.at) {
            Some(At::Byte(at)) => usize::try_from(at).unwrap_or_default(),
            _ => 0,
        };
        memchr::memchr_iter(b'\n', self.text.get(..at).unwrap_or_default()).count() + 1
    }

    /// A value with its `$names` put in, a few levels deep.
    fn expanded(&self, value: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some(at) = rest.find('$') {
            out.push_str(rest.get(..at).unwrap_or_default());
            let after = rest.get(at + 1..).unwrap_or_default();
            let name: String = after
                .trim_start_matches(['{', '('])
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let skipped = after.len() - after.trim_start_matches(['{', '(']).len();
            if let Some(inner) = self.value(&name).filter(|_| depth < 5) {
                out.push_str(&self.expanded(inner, depth + 1));
            }
            rest = after.get(skipped + name.len()..).unwrap_or_default();
            if skipped > 0 {
                rest = rest.trim_start_matches(['}', ')']);
            }
            if out.len() > 16 << 10 {
                break;
            }
        }
        out.push_str(rest);
        out
    }
}

fn postfix(host: &Host<'_>, networks: &[Network], out: &mut Out) {
    let path = Path::new("/etc/postfix/main.cf");
    let Ok(text) = host.tree.read(path, 4 << 20) else { return };
    let values =
        settings::read(&text, SourceId(0), 0).into_iter().map(|s| (s.name.clone(), s)).collect();
    let main = Settings { text, values };
    let trusted = main.value("mynetworks").map(|v| main.expanded(v, 0)).unwrap_or_default();
    let style = main.value("mynetworks_style").unwrap_or("host");
    for (network, word) in prefixes(host, &trusted) {
        trust(
            host,
            networks,
            network,
            &format!("mynetworks = … {word}"),
            path,
            main.line("mynetworks"),
            out,
        );
    }
    if trusted.is_empty() && style != "host" {
        for network in networks.iter().filter(|n| style == "class" || !n.net.addr().is_loopback()) {
            let what = format!("mynetworks_style = {style}");
            trust(host, networks, network.net, &what, path, main.line("mynetworks_style"), out);
        }
    }
    for name in ["smtpd_relay_restrictions", "smtpd_recipient_restrictions"] {
        let Some(value) = main.value(name) else { continue };
        let other = main.value("smtpd_relay_restrictions").unwrap_or("reject_unauth_destination");
        let refuses = |v: &str| {
            ["reject_unauth_destination", "defer_unauth_destination", "reject", "defer"]
                .iter()
                .any(|w| v.split([',', ' ', '\t']).any(|x| x == *w))
        };
        if !refuses(&main.expanded(value, 0)) && !refuses(&main.expanded(other, 0)) {
            out.add(
                RESTRICTIONS
                    .found(Grade::Bad, 0.8, format!("{name} = {}", visible(value)))
                    .at(path)
                    .line(main.line(name)),
            );
            break;
        }
    }
    if main.value("smtpd_sasl_auth_enable") == Some("yes")
        && main.value("smtpd_tls_auth_only") != Some("yes")
        && main.value("smtpd_tls_security_level") != Some("encrypt")
    {
        let what = "smtpd_sasl_auth_enable = yes without smtpd_tls_auth_only = yes";
        out.add(
            PASSWORDS
                .found(Grade::Note, 0.6, what)
                .at(path)
                .line(main.line("smtpd_sasl_auth_enable")),
        );
    }
    let mailname = || {
        host.tree
            .read("/etc/hostname", 1024)
            .map(|b| String::from_utf8_lossy(&b).trim().to_owned())
            .unwrap_or_default()
    };
    let own = main.value("myhostname").map_or_else(mailname, |v| main.expanded(v, 0));
    let said = main.value("smtp_helo_name").map_or(own.clone(), |v| {
        main.expanded(&v.replace("$myhostname", &own).replace("${myhostname}", &own), 0)
    });
    let key = if main.value("smtp_helo_name").is_some() { "smtp_helo_name" } else { "myhostname" };
    // Who only hands on to a relay is judged by nobody for its name.
    let relayed = main.value("relayhost").is_some_and(|v| !v.is_empty());
    let local = matches!(main.value("inet_interfaces"), Some("loopback-only" | "localhost"))
        && main.value("default_transport").is_some_and(|t| t.starts_with("error"));
    if !relayed && !local {
        helo(host, &said, path, main.line(key), out);
    }
    master(host, out);
}

/// The name that the mail server says.
fn helo(host: &Host<'_>, name: &str, path: &Path, line: usize, out: &mut Out) {
    if let Some(because) = odd_name(name) {
        out.add(
            NAME.found(Grade::Suspect, 0.7, format!("it says {}: {because}", visible(name)))
                .at(path)
                .line(line),
        );
        return;
    }
    let Some(names) = host.options.names else { return };
    match names.of_name(name) {
        Ok(addresses) if addresses.is_empty() => {
            out.add(
                REVERSE
                    .found(Grade::Suspect, 0.7, format!("{} has no address", visible(name)))
                    .at(path)
                    .line(line),
            );
        }
        Ok(addresses) => {
            let agrees = addresses.iter().any(|ip| {
                names.of_address(*ip).is_ok_and(|n| {
                    n.iter().any(|n| n.trim_end_matches('.').eq_ignore_ascii_case(name))
                })
            });
            if !agrees {
                let what = format!(
                    "the addresses of {} ({}) have another name, or none",
                    visible(name),
                    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                );
                out.add(REVERSE.found(Grade::Suspect, 0.6, what).at(path).line(line));
            }
        }
        Err(error) => out.cannot(format!("the names of {}", visible(name)), error.to_string()),
    }
}

/// Why a name is none that a mail server should say.
fn odd_name(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.');
    let lower = name.to_ascii_lowercase();
    if name.is_empty() {
        // Postfix takes the kernel's then, which is not known here.
        return None;
    }
    if lower.starts_with('[') || lower.parse::<std::net::IpAddr>().is_ok() {
        return Some("an address and no name");
    }
    if lower == "localhost" || lower.ends_with(".localdomain") || lower.starts_with("localhost.") {
        return Some("every host's name for itself");
    }
    if !lower.contains('.') {
        return Some("no full name, it has no domain");
    }
    let inside =
        [".local", ".lan", ".internal", ".home", ".invalid", ".test", ".localdomain", ".corp"];
    if inside.iter().any(|i| lower.ends_with(i)) {
        return Some("a name that only the inside network knows");
    }
    // A provider's name for a line: the address's figures in it.
    let figures =
        lower.split(|c: char| !c.is_ascii_digit()).filter(|p| (1..=3).contains(&p.len())).count();
    (figures >= 4).then_some("a provider's name for an address")
}

/// Networks that a value names; files of networks are read.
fn prefixes(host: &Host<'_>, value: &str) -> Vec<(IpNet, String)> {
    let mut found = Vec::new();
    for word in value.split([',', ' ', '\t', '\n']).filter(|w| !w.is_empty()).take(2000) {
        if let Some(table) =
            word.strip_prefix("cidr:").or_else(|| word.starts_with('/').then_some(word))
        {
            let text = host.tree.read(table, 1 << 20).unwrap_or_default();
            for line in String::from_utf8_lossy(&text).lines().take(2000) {
                let first = line.split_whitespace().next().unwrap_or_default();
                let refused =
                    line.to_ascii_uppercase().contains("REJECT") || line.contains("DUNNO");
                found.extend(
                    prefix(first).filter(|_| !refused).map(|n| (n, format!("{word} {first}"))),
                );
            }
        } else {
            found.extend(prefix(word).map(|n| (n, word.to_owned())));
        }
    }
    found
}

/// `10.0.0.0/8`, `[::1]/128`, `192.168.1.7`.
fn prefix(word: &str) -> Option<IpNet> {
    let plain = word.replace(['[', ']'], "");
    plain.parse::<IpNet>().ok().or_else(|| plain.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

/// What trusting a network means here.
fn trust(
    host: &Host<'_>,
    networks: &[Network],
    trusted: IpNet,
    what: &str,
    path: &Path,
    line: usize,
    out: &mut Out,
) {
    if trusted.prefix_len() <= 1 {
        out.add(RELAY.found(Grade::Bad, 0.9, visible(what)).at(path).line(line));
        return;
    }
    if trusted.addr().is_loopback() {
        return;
    }
    let docker = host.tree.exists("/var/lib/docker") || host.tree.exists("/etc/docker/daemon.json");
    let usual: Option<IpNet> = "172.17.0.0/16".parse().ok().filter(|_| docker);
    let known = networks
        .iter()
        .filter(|n| n.is_behind())
        .map(|n| (n.net, n.interface.as_str()))
        .chain(usual.map(|n| (n, "docker0")));
    let hit = { known }.find(|(net, _)| trusted.contains(net) || net.contains(&trusted));
    if let Some((net, interface)) = hit {
        let what =
            format!("{} is trusted, and {net} is behind {}", visible(what), visible(interface));
        out.add(BRIDGE.found(Grade::Suspect, 0.6, what).at(path).line(line));
    } else if super::processes::is_outside(trusted.addr()) && !is_single(trusted) {
        out.add(
            WIDE.found(Grade::Suspect, 0.5, format!("{} is trusted", visible(what)))
                .at(path)
                .line(line),
        );
    }
}

fn is_single(net: IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.prefix_len() >= 29,
        IpNet::V6(net) => net.prefix_len() >= 64,
    }
}

/// The ports that master.cf opens.
fn master(host: &Host<'_>, out: &mut Out) {
    let path = Path::new("/etc/postfix/master.cf");
    let Ok(text) = host.tree.read(path, 4 << 20) else { return };
    let all = settings::services::read(&text, SourceId(0), 0);
    let ports: Vec<&str> = all
        .iter()
        .filter(|s| {
            s.value.ends_with("smtpd")
                || s.value.contains(" smtpd")
                || s.value.contains("postscreen")
        })
        .filter_map(|s| s.name.strip_suffix("/inet"))
        .collect();
    if !ports.is_empty() {
        out.list("mta", format!("postfix takes mail at {}", ports.join(", ")), "");
        out.add(
            SERVES
                .found(
                    Grade::Note,
                    0.9,
                    format!("Postfix takes mail at {}", visible(&ports.join(", "))),
                )
                .at(path),
        );
    }
    for setting in &all {
        let Some(service) = setting.name.strip_suffix("/mynetworks") else { continue };
        let loopback = service.starts_with("127.")
            || service.starts_with("localhost")
            || service.starts_with("[::1]");
        for (network, word) in prefixes(host, &setting.value).into_iter().filter(|_| !loopback) {
            if network.prefix_len() <= 1 {
                let what = format!("{}: mynetworks = … {word}", visible(service));
                out.add(RELAY.found(Grade::Bad, 0.9, what).at(path));
            }
        }
    }
}

/// Exim: Debian's macros, and `hostlist relay_from_hosts`.
fn exim(host: &Host<'_>, networks: &[Network], out: &mut Out) {
    let files = [
        "/etc/exim4/update-exim4.conf.conf",
        "/etc/exim4/exim4.conf",
        "/etc/exim/exim.conf",
        "/etc/exim.conf",
        "/etc/exim4/exim4.conf.localmacros",
    ];
    for path in files {
        let Ok(text) = host.tree.read(path, 4 << 20) else { continue };
        for (index, line) in String::from_utf8_lossy(&text).lines().enumerate() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            if let Some(name) =
                line.strip_prefix("primary_hostname").and_then(|r| r.trim_start().strip_prefix('='))
            {
                helo(host, name.trim(), Path::new(path), index + 1, out);
            }
            let value = line
                .strip_prefix("dc_relay_nets=")
                .or_else(|| line.strip_prefix("MAIN_RELAY_NETS"))
                .or_else(|| {
                    line.strip_prefix("hostlist")?.trim_start().strip_prefix("relay_from_hosts")
                });
            let Some(value) = value else { continue };
            let value = value.trim_start_matches([' ', '=', '\t']).trim_matches(['\'', '"']);
            // `<; ` chooses another separator than the colon, which addresses of IPv6 need doubled.
            let (separator, value) = match value.strip_prefix('<') {
                Some(rest) => {
                    (rest.chars().next().unwrap_or(':'), rest.get(1..).unwrap_or_default())
                }
                None => (':', value),
            };
            let doubled = value.replace("::::", "\u{1}").replace("::", "\u{1}");
            for word in
                if separator == ':' { doubled.as_str() } else { value }.split([separator, ';'])
            {
                let word = word.trim().replace('\u{1}', "::");
                if word == "*" {
                    out.add(RELAY.found(Grade::Bad, 0.9, visible(line)).at(path).line(index + 1));
                } else if let Some(net) = prefix(&word) {
                    trust(host, networks, net, line, Path::new(path), index + 1, out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mail_servers_should_not_say() {
        for (name, odd) in [
            ("mail.example.org", false),
            ("mx1.example.co.uk.", false),
            ("", false),
            ("localhost", true),
            ("localhost.localdomain", true),
            ("[127.0.0.1]", true),
            ("203.0.113.5", true),
            ("server", true),
            ("mail.office.lan", true),
            ("203-0-113-5.static.example.net", true),
            ("ip-10-0-0-5.example.net", true),
            ("web24.h3.example.net", false),
        ] {
            assert_eq!(odd_name(name).is_some(), odd, "{name}");
        }
    }

    #[test]
    fn names_are_put_in_and_never_for_ever() {
        let text = b"a = x $b y\nb = ${c}/8\nc = 10.0.0.0\nd = $d $d $d\n".to_vec();
        let values = settings::read(&text, SourceId(0), 0)
            .into_iter()
            .map(|s| (s.name.clone(), s))
            .collect();
        let main = Settings { text, values };
        assert_eq!(main.expanded("$a", 0), "x 10.0.0.0/8 y");
        assert!(main.expanded("$d", 0).len() < 64 << 10);
        assert_eq!(main.line("c"), 3);
    }
}
