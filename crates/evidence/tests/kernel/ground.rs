//! Three namespaces in a row: a machine behind, the host with the firewall, one outside with
//! listeners. Neighbours are entered by hand: a firewall of IPv6 that stops neighbour discovery
//! stops everything, which is not what is measured here.

use super::agent::Agent;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) const OUTSIDE4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 25);
pub(crate) const OUTSIDE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x25, 0, 0, 0, 0, 0x25);
pub(crate) const HOST4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
pub(crate) const HOST6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);
pub(crate) const BEHIND4: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 23);
pub(crate) const BEHIND6: Ipv6Addr = Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 0x23);
/// Users that try, with their groups; the last is named by no rule.
pub(crate) const USERS: [(u32, u32); 5] =
    [(0, 0), (33, 33), (108, 115), (1000, 1000), (54321, 54321)];
pub(crate) const PORTS: [u16; 2] = [25, 587];
/// Where a redirect to this host is answered.
pub(crate) const HERE: u16 = 2525;

pub(crate) struct Ground {
    names: [String; 3],
    /// One a user, and the machine behind last.
    pub(crate) agents: Vec<Agent>,
}

pub(crate) fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        || Command::new(tool).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs a program in the calling thread's namespace; what it said on success.
pub(crate) fn run(words: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{}: {e}", words[0]))?;
    // The tools read all before they write: a dump is asked for with nothing to read.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)))
    }
}

fn enter(name: &str) -> Result<(), String> {
    let file = File::open(format!("/run/netns/{name}")).map_err(|e| e.to_string())?;
    nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).map_err(|e| e.to_string())
}

/// In a namespace, in a thread of its own that has not got to come back.
pub(crate) fn inside<T: Send + 'static>(
    name: &str,
    what: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let name = name.to_owned();
    std::thread::spawn(move || enter(&name).map(|()| what()))
        .join()
        .map_err(|_| "a thread failed".to_owned())?
}

impl Ground {
    pub(crate) fn make() -> Result<Self, String> {
        let id = std::process::id();
        let names = ["behind", "host", "outside"].map(|n| format!("hs-fw-{id}-{n}"));
        let mut ground = Self { names, agents: Vec::new() };
        ground.wire()?;
        Ok(ground)
    }

    pub(crate) fn host(&self) -> &str {
        &self.names[1]
    }

    fn wire(&mut self) -> Result<(), String> {
        let [behind, host, outside] = self.names.clone();
        for name in [&behind, &host, &outside] {
            run(&["ip", "netns", "add", name], "")?;
        }
        // Made inside: nothing of it is seen in the caller's namespace.
        let batch = format!(
            "link add eth0 type veth peer name up0 netns {outside}\n\
             link add eth1 type veth peer name up0 netns {behind}\n\
             link set lo up\nlink set eth0 address 02:00:00:00:00:01 up\n\
             link set eth1 address 02:00:00:00:00:02 up\n"
        );
        run(&["ip", "-n", &host, "-b", "-"], &batch)?;
        for (name, address) in [(&outside, "02:00:00:00:00:03"), (&behind, "02:00:00:00:00:04")] {
            let batch = format!("link set lo up\nlink set up0 address {address} up\n");
            run(&["ip", "-n", name, "-b", "-"], &batch)?;
        }
        // Connections of the trial before are forgotten soon: one that is known by its ports is
        // no new one, and meets no table of NAT.
        let switches = "for f in /proc/sys/net/ipv6/conf/*; do echo 0 >$f/accept_dad; echo 0 >$f/accept_ra; done; \
             echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; \
             for f in /proc/sys/net/ipv4/conf/*; do echo 0 >$f/rp_filter; done; \
             for f in /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_*; do [ ! -e $f ] || echo 1 >$f; done";
        for name in [&behind, &host, &outside] {
            inside(name, move || run(&["sh", "-c", switches], ""))??;
        }
        let plain = |batch: &str| batch.replace('|', "\n");
        run(
            &["ip", "-n", &outside, "-b", "-"],
            &plain(&format!(
                "addr add 198.51.100.1/24 dev up0|addr add {OUTSIDE4}/32 dev lo|addr add 2001:db8:1::1/64 dev up0 nodad|addr add {OUTSIDE6}/128 dev lo nodad|route add 192.168.7.0/24 via {HOST4}|neigh replace {HOST6} lladdr 02:00:00:00:00:01 dev up0 nud permanent|route add fd00:7::/64 via {HOST6}|neigh replace {HOST4} lladdr 02:00:00:00:00:01 dev up0 nud permanent|"
            )),
        )?;
        run(
            &["ip", "-n", &host, "-b", "-"],
            &plain(&format!(
                "addr add {HOST4}/24 dev eth0|addr add {HOST6}/64 dev eth0 nodad|addr add 192.168.7.1/24 dev eth1|addr add fd00:7::1/64 dev eth1 nodad|route add default via 198.51.100.1|route add ::/0 via 2001:db8:1::1|neigh replace 198.51.100.1 lladdr 02:00:00:00:00:03 dev eth0 nud permanent|neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:03 dev eth0 nud permanent|neigh replace {BEHIND4} lladdr 02:00:00:00:00:04 dev eth1 nud permanent|neigh replace {BEHIND6} lladdr 02:00:00:00:00:04 dev eth1 nud permanent|"
            )),
        )?;
        run(
            &["ip", "-n", &behind, "-b", "-"],
            &plain(&format!(
                "addr add {BEHIND4}/24 dev up0|addr add {BEHIND6}/64 dev up0 nodad|route add default via 192.168.7.1|route add ::/0 via fd00:7::1|neigh replace 192.168.7.1 lladdr 02:00:00:00:00:02 dev up0 nud permanent|neigh replace fd00:7::1 lladdr 02:00:00:00:00:02 dev up0 nud permanent|"
            )),
        )?;
        for port in PORTS {
            inside(&outside, move || listen(port, b"out\n"))??;
        }
        inside(&host, move || listen(HERE, b"own\n"))??;
        for (user, group) in USERS {
            let agent = inside(&host, move || Agent::start(user, group))?;
            self.agents.push(agent.map_err(|e| e.to_string())?);
        }
        let agent = inside(&behind, || Agent::start(1000, 1000))?;
        self.agents.push(agent.map_err(|e| e.to_string())?);
        Ok(())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.agents.clear();
        for name in &self.names {
            let _ = run(&["ip", "netns", "del", name], "");
        }
    }
}

/// Answers on a port from now on, of both families.
fn listen(port: u16, greeting: &'static [u8; 4]) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).map_err(|e| e.to_string())?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(4)));
                let _ = stream.write_all(greeting);
                let mut word = [0; 5];
                if stream.read_exact(&mut word).is_ok() {
                    let _ = stream.write_all(b"bye\n");
                }
            });
        }
    });
    Ok(())
}
