//! Configurations of proxies -> whether strangers may use them: squid, dante, 3proxy, tinyproxy, privoxy. The judging of
//! each is pure: lines in, an opinion with its line out.

use crate::scan::Host;
use crate::scan::finding::{Grade, Rule, visible};
use crate::scan::out::Out;
use crate::scan::tree::reason;

const OPEN: Rule = Rule {
    id: "open-proxy",
    why: "Whoever finds the port sends with this host's address; such ports are found within hours.",
    todo: "Let only the inside network use it, with passwords, and never to port 25.",
    against: "A firewall may keep strangers from the port.",
};

/// An opinion of one configuration.
type Said = Option<(usize, String)>;

/// What judges a configuration.
type Judge = fn(&str) -> Said;

/// Looks at each that is there.
pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let known: [(&str, &str, Judge); 9] = [
        ("squid", "/etc/squid/squid.conf", squid),
        ("squid", "/etc/squid3/squid.conf", squid),
        ("dante", "/etc/danted.conf", dante),
        ("dante", "/etc/sockd.conf", dante),
        ("3proxy", "/etc/3proxy/3proxy.cfg", three),
        ("3proxy", "/etc/3proxy.cfg", three),
        ("3proxy", "/usr/local/3proxy/conf/3proxy.cfg", three),
        ("tinyproxy", "/etc/tinyproxy/tinyproxy.conf", tinyproxy),
        ("privoxy", "/etc/privoxy/config", privoxy),
    ];
    for (program, path, judge) in known {
        match host.tree.read(path, 4 << 20) {
            Ok(bytes) => {
                if let Some((line, because)) = judge(&String::from_utf8_lossy(&bytes)) {
                    let what = format!("{program} lets everybody in: {}", visible(&because));
                    out.add(OPEN.found(Grade::Bad, 0.8, what).at(path).line(line));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                out.cannot(path, reason(&error))
            }
            Err(_) => {}
        }
    }
}

/// Lines without remarks, with their numbers and words.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.split('#').next()?.trim();
        (!line.is_empty()).then(|| (index + 1, line.split_whitespace().collect()))
    })
}

/// The first `http_access` that holds for everybody decides.
fn squid(text: &str) -> Said {
    let everybody = |name: &str| {
        name == "all" || rows(text).any(|(_, w)| matches!(w.as_slice(), ["acl", n, "src", rest @ ..] if *n == name && rest.iter().any(|r| matches!(*r, "all" | "0.0.0.0/0" | "0/0" | "::/0" | "0.0.0.0/0.0.0.0"))))
    };
    // A loopback port is nobody else's.
    let ports: Vec<&str> = rows(text)
        .filter_map(|(_, w)| if w.first() == Some(&"http_port") { w.get(1).copied() } else { None })
        .collect();
    if !ports.is_empty()
        && ports
            .iter()
            .all(|p| p.starts_with("127.") || p.starts_with("localhost") || p.starts_with("[::1]"))
    {
        return None;
    }
    for (line, words) in rows(text) {
        match words.as_slice() {
            ["http_access", "allow", acls @ ..]
                if !acls.is_empty() && acls.iter().all(|a| everybody(a)) =>
            {
                return Some((line, words.join(" ")));
            }
            ["http_access", "deny", acls @ ..]
                if !acls.is_empty() && acls.iter().all(|a| everybody(a)) =>
            {
                return None;
            }
            _ => {}
        }
    }
    None
}

/// `socks pass`/`client pass` from everywhere, without a method that asks who it is.
fn dante(text: &str) -> Said {
    let asks =
        rows(text).any(|(_, w)| {
            matches!(
                w.first().map(|f| f.trim_end_matches(':')),
                Some("socksmethod" | "method" | "clientmethod")
            ) && w.iter().skip(1).any(|m| {
                matches!(*m, "username" | "pam.username" | "pam.any" | "gssapi" | "bsdauth")
            }) && !w.iter().skip(1).any(|m| *m == "none")
        });
    if asks {
        return None;
    }
    let mut inside: Option<bool> = None;
    for (line, words) in rows(text) {
        let joined = words.join(" ");
        let first = words.first().copied().unwrap_or_default();
        if joined.contains("pass {") || joined == "pass {" {
            // Only rules for what is asked through the proxy count, where there are such; `client pass` alone only connects.
            inside = Some(!first.starts_with("client"));
        } else if joined.contains("block {") {
            inside = None;
        }
        let from = words
            .windows(2)
            .any(|w| matches!(w, ["from:", "0.0.0.0/0" | "0/0" | "::/0" | "0.0.0.0/0.0.0.0"]));
        if from && inside == Some(true) {
            return Some((line, joined));
        }
        if first == "}" {
            inside = None;
        }
    }
    None
}

/// `auth none` (or nothing) before a service, and no `allow` that names clients, is open.
fn three(text: &str) -> Said {
    let (mut asks, mut narrowed) = (false, false);
    for (line, words) in rows(text) {
        match words.as_slice() {
            ["auth", methods @ ..] => {
                asks =
                    methods.iter().any(|m| matches!(*m, "strong" | "cache" | "radius" | "nbname"));
                narrowed = methods.contains(&"iponly") && narrowed;
            }
            ["allow", users, sources, ..] if *users == "*" => narrowed = *sources != "*",
            ["deny", ..] => narrowed = true,
            ["flush"] => narrowed = false,
            ["proxy" | "socks" | "connect" | "admin", options @ ..] if !asks && !narrowed => {
                let loopback = options.iter().any(|o| {
                    o.starts_with("-i127.") || o.starts_with("-ilocalhost") || *o == "-i::1"
                });
                if !loopback && words.first() != Some(&"admin") {
                    return Some((line, words.join(" ")));
                }
            }
            _ => {}
        }
    }
    None
}

/// Without an `Allow`, everybody; with one for everything, too.
fn tinyproxy(text: &str) -> Said {
    let value = |name: &str| {
        rows(text)
            .filter(|(_, w)| w.first().is_some_and(|f| f.eq_ignore_ascii_case(name)))
            .collect::<Vec<_>>()
    };
    let listens = value("Listen");
    if !listens.is_empty()
        && listens
            .iter()
            .all(|(_, w)| w.get(1).is_some_and(|a| a.starts_with("127.") || *a == "::1"))
    {
        return None;
    }
    if !value("BasicAuth").is_empty() {
        return None;
    }
    let port = value("Port").first().map(|(line, _)| *line)?;
    let allows = value("Allow");
    let everybody = allows.iter().find(|(_, w)| matches!(w.get(1), Some(&("0.0.0.0/0" | "::/0"))));
    match (allows.is_empty(), everybody) {
        (true, _) if value("Deny").is_empty() => Some((port, "no Allow line".to_owned())),
        (_, Some((line, words))) => Some((*line, words.join(" "))),
        _ => None,
    }
}

/// `listen-address` beyond loopback and no `permit-access`.
fn privoxy(text: &str) -> Said {
    if rows(text).any(|(_, w)| w.first() == Some(&"permit-access")) {
        return None;
    }
    rows(text).find_map(|(line, w)| match w.as_slice() {
        ["listen-address", address, ..]
            if address.starts_with(':')
                || address.starts_with("0.0.0.0:")
                || address.starts_with("[::]:") =>
        {
            Some((line, w.join(" ")))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn open_ones_and_their_twins() {
        let cases: [(&str, Judge, &str, Option<usize>); 16] = [
            ("allowed to all", squid, "http_port 3128\nhttp_access allow all\n", Some(2)),
            (
                "by another name",
                squid,
                "acl world src 0.0.0.0/0\nhttp_access allow world\nhttp_access deny all\n",
                Some(2),
            ),
            (
                "as shipped",
                squid,
                "acl localnet src 10.0.0.0/8\nhttp_access deny !Safe_ports\nhttp_access allow localhost\nhttp_access deny all\nhttp_port 3128\n# http_access allow all\nhttp_access allow all\n",
                None,
            ),
            ("on loopback", squid, "http_port 127.0.0.1:3128\nhttp_access allow all\n", None),
            (
                "dante open",
                dante,
                "method: none\nclient pass {\n from: 0.0.0.0/0 to: 0.0.0.0/0\n}\nsocks pass {\n from: 0.0.0.0/0 to: 0.0.0.0/0\n}\n",
                Some(6),
            ),
            (
                "dante asks",
                dante,
                "socksmethod: username\nsocks pass {\n from: 0.0.0.0/0 to: 0.0.0.0/0\n}\n",
                None,
            ),
            ("dante inside", dante, "socks pass {\n from: 10.0.0.0/8 to: 0.0.0.0/0\n}\n", None),
            ("3proxy open", three, "nserver 127.0.0.1\nauth none\nsocks -p1080\n", Some(3)),
            ("3proxy asks", three, "users a:CL:b\nauth strong\nallow a\nsocks -p1080\n", None),
            ("3proxy inside", three, "auth iponly\nallow * 10.0.0.0/8\nproxy -p3128\n", None),
            ("3proxy loopback", three, "auth none\nproxy -i127.0.0.1\n", None),
            ("tinyproxy open", tinyproxy, "Port 8888\n", Some(1)),
            ("tinyproxy to all", tinyproxy, "Port 8888\nAllow 0.0.0.0/0\n", Some(2)),
            ("tinyproxy as shipped", tinyproxy, "Port 8888\nAllow 127.0.0.1\nAllow ::1\n", None),
            ("privoxy open", privoxy, "listen-address  0.0.0.0:8118\n", Some(1)),
            ("privoxy as shipped", privoxy, "listen-address  127.0.0.1:8118\n", None),
        ];
        for (name, judge, text, want) in cases {
            assert_eq!(judge(text).map(|(line, _)| line), want, "{name}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z:/{}#*0-9 \n-]{0,200}") {
            for judge in [squid, dante, three, tinyproxy, privoxy] {
                judge(&text);
            }
        }
    }
}
