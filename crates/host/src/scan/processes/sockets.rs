//! The TCP sockets that processes hold, from `/proc/PID/net/tcp` of every network namespace: who listens, which
//! interpreters are connected to the outside, which shells talk to a socket. The table's reader is pure.

use super::Process;
use crate::scan::Host;
use crate::scan::finding::{Grade, Rule, visible};
use crate::scan::out::Out;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Bytes of one table that are read, and sockets kept.
const TABLE: u64 = 64 << 20;
const MOST: usize = 500_000;

const CONNECTED: Rule = Rule {
    id: "interpreter-connected",
    why: "A script that talks to the outside itself may be a bot, a proxy, or an application that does its work.",
    todo: "Read the script, and see whether it should talk to that address.",
    against: "Applications written in PHP, Python, Perl or Node talk to services of others.",
};
const MAILS: Rule = Rule {
    id: "interpreter-mails",
    why: "A script is connected to a mail port of a stranger, past the mail server: that is what blocklists see.",
    todo: "Read the script; let applications hand their mail to the mail server here.",
    against: "An application may be set to deliver by a provider's server.",
};
const SHELL: Rule = Rule {
    id: "shell-on-socket",
    why: "The input and output of the shell are a network connection: somebody far away types into it.",
    todo: "Note both ends, keep what /proc/PID shows, then end it and find what started it.",
    against: "A service of inetd written as a shell script looks alike.",
};

/// What a socket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Waits for connections.
    Listening,
    /// Connected or connecting.
    Connected,
}

/// A TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) state: State,
    inode: u64,
}

/// Gives each process its sockets; hands back the ports that are listened at.
pub(super) fn fill(host: &Host<'_>, processes: &mut [Process]) -> Vec<u16> {
    let mut spaces: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for process in processes.iter().filter(|p| !p.kernel) {
        use std::os::unix::ffi::OsStringExt;
        let space = std::fs::read_link(host.proc.join(process.pid.to_string()).join("ns/net"));
        let space = space.map(|s| s.into_os_string().into_vec()).unwrap_or_default();
        spaces.entry(space).or_insert(process.pid);
    }
    let mut sockets: BTreeMap<u64, Socket> = BTreeMap::new();
    for pid in spaces.values() {
        for table in ["tcp", "tcp6"] {
            let path = host.proc.join(pid.to_string()).join("net").join(table);
            let Some(text) = all_of(&path) else { continue };
            sockets.extend(read(&text).take(MOST).map(|s| (s.inode, s)));
        }
    }
    let (holders, channels) = super::descriptors(host, processes);
    let at: BTreeMap<u32, usize> = processes.iter().enumerate().map(|(i, p)| (p.pid, i)).collect();
    for (inode, pids) in holders {
        let Some(socket) = sockets.get(&inode) else { continue };
        for process in pids.iter().filter_map(|p| at.get(p)) {
            if let Some(process) = processes.get_mut(*process) {
                process.sockets.push(*socket);
            }
        }
    }
    for (pid, inode) in channels {
        if let (Some(socket), Some(index)) = (sockets.get(&inode), at.get(&pid))
            && let Some(process) = processes.get_mut(*index)
        {
            process.talks_to_socket = Some(*socket);
        }
    }
    sockets.values().filter(|s| s.state == State::Listening).map(|s| s.local.port()).collect()
}

fn all_of(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(TABLE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Rows of `/proc/net/tcp` and `tcp6` (proc(5)).
pub(crate) fn read(table: &str) -> impl Iterator<Item = Socket> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().take(10).collect();
        let state = match *fields.get(3)? {
            "0A" => State::Listening,
            "01" | "02" | "04" | "05" | "08" => State::Connected,
            _ => return None,
        };
        Some(Socket {
            local: address(fields.get(1)?)?,
            remote: address(fields.get(2)?)?,
            state,
            inode: fields.get(9)?.parse().ok()?,
        })
    })
}

/// `0100007F:0019`: words in the machine's order of bytes.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word =
        |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut bytes = [0; 16];
            for (part, at) in bytes.chunks_mut(4).zip([0, 8, 16, 24]) {
                part.copy_from_slice(&word(at)?);
            }
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Whether an address is somebody else's on the Internet.
pub(crate) fn is_outside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets().first() == Some(&100)
                && ip.octets().get(1).is_some_and(|b| b & 0xc0 == 64);
            !(ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_multicast()
                || shared)
                && ip != Ipv4Addr::BROADCAST
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_multicast())
        }
    }
}

/// Judges what interpreters and shells are connected to.
pub(super) fn judge(host: &Host<'_>, processes: &[Process], listening: &[u16], out: &mut Out) {
    for process in processes.iter().filter(|p| p.is_interpreter()) {
        let who = format!(
            "process {} of {}, {}",
            process.pid,
            visible(&host.users.name(process.uid)),
            process.shown()
        );
        let shell = ["sh", "bash", "dash", "zsh", "ksh", "ash"].contains(&process.name().as_str());
        if let Some(socket) =
            process.talks_to_socket.filter(|s| shell && s.state == State::Connected)
        {
            let served = listening.contains(&socket.local.port());
            let near = !is_outside(socket.remote.ip());
            let (grade, sure) = if served {
                (Grade::Suspect, 0.5)
            } else if near {
                (Grade::Bad, 0.8)
            } else {
                (Grade::Bad, 0.95)
            };
            out.add(
                SHELL
                    .found(
                        grade,
                        sure,
                        format!(
                            "{who}: its input and output are a connection with {}",
                            socket.remote
                        ),
                    )
                    .pid(process.pid),
            );
            continue;
        }
        let outside = |s: &&Socket| {
            s.state == State::Connected
                && is_outside(s.remote.ip())
                && !listening.contains(&s.local.port())
        };
        let all: Vec<&Socket> = process.sockets.iter().filter(outside).collect();
        let mail = all.iter().find(|s| matches!(s.remote.port(), 25 | 465 | 587 | 2525));
        if let Some(socket) = mail {
            let what = format!(
                "{who}: it is connected to {}, and to {} addresses outside in all",
                socket.remote,
                all.len()
            );
            // Some mail servers are written in Perl or JavaScript: they take mail, too.
            let takes = process.sockets.iter().any(|s| {
                s.state == State::Listening && matches!(s.local.port(), 25 | 465 | 587 | 2525)
            });
            let (grade, sure) = match (takes, socket.remote.port()) {
                (true, _) => (Grade::Note, 0.2),
                (false, 25) => (Grade::Bad, 0.8),
                (false, _) => (Grade::Suspect, 0.5),
            };
            out.add(MAILS.found(grade, sure, what).pid(process.pid));
        } else if let Some(socket) = all.first() {
            let what = format!(
                "{who}: it is connected to {}, and to {} addresses outside in all",
                socket.remote,
                all.len()
            );
            let (grade, sure) =
                if all.len() > 50 { (Grade::Suspect, 0.5) } else { (Grade::Note, 0.3) };
            out.add(CONNECTED.found(grade, sure, what).pid(process.pid));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn rows_of_the_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n   \
            1: 0200A8C0:D431 057100CB:0019 01 00000000:00000000 00:00000000 00000000    33        0 4712 1 0\n   \
            2: 0200A8C0:D431 057100CB:0019 06 0 0 0 0 0 0\n";
        let found: Vec<Socket> = read(table).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].local.to_string(), "127.0.0.1:25");
        assert_eq!(found[1].remote.to_string(), "203.0.113.5:25");
        assert_eq!(found[1].inode, 4712);
        let six = "h\n 0: B80D0120000000000000000001000000:01BB 0000000000000000FFFF00000100007F:1000 01 0 0 0 0 0 9\n";
        let found: Vec<Socket> = read(six).collect();
        assert_eq!(found[0].local.to_string(), "[2001:db8::1]:443");
        assert_eq!(found[0].remote.to_string(), "127.0.0.1:4096");
    }

    proptest! {
        #[test]
        fn never_panics(table in "h\n[0-9A-F: \n\u{e9}]{0,200}") {
            read(&table).for_each(drop);
        }
    }
}
