//! Proxies that listen here, and whether strangers may use them: programs that are known as proxies, and what their
//! configurations say, read statically; the forwards that ssh was asked for. Nothing is connected to.

mod configured;

use super::Host;
use super::command::{hidden_part, is_temporary};
use super::finding::{Grade, Rule, visible};
use super::out::Out;
use super::processes::{Process, State};
use std::collections::BTreeSet;
use std::net::SocketAddr;

const LISTENS: Rule = Rule {
    id: "proxy-listens",
    why: "What leaves through a proxy leaves with this host's address, mail to others' servers, too.",
    todo: "See who may use it, and whether it lets port 25 out.",
    against: "A proxy for the inside network is what it should be.",
};
const FORWARD: Rule = Rule {
    id: "ssh-forward",
    why: "ssh's -D is a SOCKS proxy: whoever reaches the port leaves with the address of the other end, or of this one.",
    todo: "See who started it, and where it leads; bind it to loopback or end it.",
    against: "Administrators use it for themselves, on loopback.",
};
const ODD_LISTENER: Rule = Rule {
    id: "odd-listener",
    why: "It waits for connections from outside and lies where nobody installs a service.",
    todo: "See who started it, keep a copy of it, and who connects to it; then end it.",
    against: "Somebody may be trying out a program of his own.",
};

/// Programs that are proxies and tunnels and nothing else.
const PROXIES: [&str; 28] = [
    "squid",
    "squid3",
    "sockd",
    "danted",
    "3proxy",
    "tinyproxy",
    "privoxy",
    "polipo",
    "microsocks",
    "ss5",
    "srelay",
    "gost",
    "glider",
    "ssserver",
    "ss-server",
    "ss-local",
    "xray",
    "v2ray",
    "sing-box",
    "trojan",
    "trojan-go",
    "hysteria",
    "frpc",
    "frps",
    "chisel",
    "ngrok",
    "brook",
    "proxychains4",
];

/// Looks at processes and at configurations.
pub(super) fn look(host: &Host<'_>, processes: &[Process], out: &mut Out) {
    for process in processes {
        let listening: BTreeSet<SocketAddr> = process
            .sockets
            .iter()
            .filter(|s| s.state == State::Listening)
            .map(|s| s.local)
            .collect();
        for address in &listening {
            out.list("listening", format!("{address} {}", visible(&process.name())), "");
        }
        let outside: Vec<&SocketAddr> =
            listening.iter().filter(|a| !a.ip().is_loopback()).collect();
        let who = format!(
            "process {} of {}, {}",
            process.pid,
            visible(&host.users.name(process.uid)),
            process.shown()
        );
        let name = process.name();
        if PROXIES.contains(&name.as_str()) && !listening.is_empty() {
            let at = listening.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ");
            let packaged = process.exe.as_deref().is_some_and(|e| host.packages.owns(e));
            let (grade, sure) = match (outside.is_empty(), packaged) {
                (true, _) | (false, true) => (Grade::Note, 0.4),
                (false, false) => (Grade::Suspect, 0.6),
            };
            out.add(LISTENS.found(grade, sure, format!("{who}, listens at {at}")).pid(process.pid));
        } else if name == "ssh" || name == "autossh" || name == "plink" {
            ssh(process, &who, out);
        } else if let (Some(address), Some(exe)) = (outside.first(), &process.exe) {
            let script = process
                .script
                .as_ref()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
            let text = exe.to_string_lossy();
            let odd = |t: &str| hidden_part(t).is_some() || is_temporary(t);
            if odd(&text) || odd(&script) {
                out.add(
                    ODD_LISTENER
                        .found(Grade::Bad, 0.85, format!("{who}, listens at {address}"))
                        .pid(process.pid),
                );
            }
        }
    }
    configured::look(host, out);
}

/// `-D [bind:]port`, also written together with other letters, and `-g`.
fn ssh(process: &Process, who: &str, out: &mut Out) {
    let Some((bind, port)) = forward(&process.args) else { return };
    let open = !matches!(bind.as_str(), "" | "localhost" | "127.0.0.1" | "::1" | "[::1]")
        || process
            .args
            .iter()
            .any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains('g') && a.len() < 6);
    let (grade, sure) = if open { (Grade::Suspect, 0.7) } else { (Grade::Note, 0.5) };
    let place = if open { "for others, too" } else { "on loopback" };
    out.add(
        FORWARD
            .found(
                grade,
                sure,
                format!("{who}: a SOCKS proxy at {}:{} {place}", visible(&bind), visible(&port)),
            )
            .pid(process.pid),
    );
}

fn forward(args: &[String]) -> Option<(String, String)> {
    let mut words = args.iter().skip(1);
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').filter(|l| !l.starts_with('-'))?;
        let Some(at) = letters.find('D') else {
            // Letters that take a word of their own.
            if letters.chars().last().is_some_and(|c| "bcEeFIiJLlmOopQRSWw".contains(c)) {
                words.next();
            }
            continue;
        };
        let value = match letters.get(at + 1..) {
            Some("") | None => words.next()?.clone(),
            Some(value) => value.to_owned(),
        };
        return Some(match value.rsplit_once(':') {
            Some((bind, port)) => (bind.to_owned(), port.to_owned()),
            None => (String::new(), value),
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_of_ssh() {
        for (args, want) in [
            ("ssh -D 1080 host", Some(("", "1080"))),
            ("ssh -fND 0.0.0.0:1080 host", Some(("0.0.0.0", "1080"))),
            ("ssh -i key -p 22 -D[::1]:9 host", Some(("[::1]", "9"))),
            ("ssh -L 1:b:2 host", None),
            ("ssh host -D", None),
            ("ssh", None),
        ] {
            let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
            let found = forward(&args);
            assert_eq!(found.as_ref().map(|(a, b)| (a.as_str(), b.as_str())), want, "{args:?}");
        }
    }
}
