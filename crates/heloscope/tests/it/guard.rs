//! `heloscope guard` against this kernel, in namespaces of its own: what is planned is what happens, others' rules stay as
//! they are to the byte, and what nobody confirms is taken back.
//!
//! The world is a process in a mount and a network namespace (so /etc/passwd, /sys/fs/cgroup and /run/netns are its own),
//! with a machine outside that listens and one behind.

use crate::{stderr, stdout};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const OUTSIDE: [&str; 2] = ["198.51.100.1", "2001:db8:1::1"];
const HOST: [&str; 2] = ["198.51.100.2", "2001:db8:1::2"];
const PORTS: [u16; 3] = [25, 465, 587];
const INSIDE: [&str; 4] = ["--inside", "192.168.7.0/24", "--inside", "fd00:7::/64"];
/// Postfix' user in the world's own /etc/passwd.
const POSTFIX: u32 = 40102;
/// Rules of somebody else.
const OTHERS: &str = "table inet others {\n\
    \tset s {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 192.0.2.0/24 }\n\t}\n\
    \tchain o {\n\t\ttype filter hook output priority filter; policy accept;\n\t\tip daddr @s drop\n\t}\n}\n\
    table ip nat {\n\tchain p {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\tip saddr 10.9.0.0/16 masquerade\n\t}\n}\n";

const SETUP: &str = r#"set -e
mount --make-rprivate /
mkdir -p /run/netns && mount -t tmpfs none /run/netns
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$UNIT"
mount --bind "$DIR/passwd" /etc/passwd
[ ! -d /etc/postfix ] || mount -t tmpfs none /etc/postfix
for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done
echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip link set lo up
ip netns add out; ip netns add behind
ip link add eth0 type veth peer name up0 netns out
ip link add eth1 type veth peer name up0 netns behind
ip link set eth0 up; ip link set eth1 up
ip addr add 198.51.100.2/24 dev eth0; ip addr add 2001:db8:1::2/64 dev eth0 nodad
ip addr add 192.168.7.1/24 dev eth1; ip addr add fd00:7::1/64 dev eth1 nodad
ip -n out link set lo up; ip -n out link set up0 up
ip -n out addr add 198.51.100.1/24 dev up0; ip -n out addr add 2001:db8:1::1/64 dev up0 nodad
ip -n out route add default via 198.51.100.2; ip -n out route add ::/0 via 2001:db8:1::2
ip -n behind link set lo up; ip -n behind link set up0 up
ip -n behind addr add 192.168.7.23/24 dev up0; ip -n behind addr add fd00:7::23/64 dev up0 nodad
ip -n behind route add default via 192.168.7.1; ip -n behind route add ::/0 via fd00:7::1
echo ready
exec sleep 600
"#;

struct World {
    holder: Child,
    folder: tempfile::TempDir,
    unit: String,
    master: Option<Child>,
}

impl World {
    /// None where it cannot be made here, which is said.
    fn make() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !nix::unistd::geteuid().is_root() {
            println!("skipped: needs root");
            return None;
        }
        for tool in ["ip", "nft", "iptables-restore", "unshare", "nsenter"] {
            if Command::new(tool).arg("-V").output().is_err() {
                println!("skipped: needs {tool}");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let unit = format!("hsguard{}x{number}.slice/postfix.service", std::process::id());
        let passwd = format!(
            "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\napp:x:40500:40500::/:/bin/sh\npostfix:x:{POSTFIX}:{POSTFIX}::/:/bin/sh\n"
        );
        fs::write(folder.path().join("passwd"), passwd).unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "--net", "sh", "-c", SETUP])
            .env("DIR", folder.path())
            .env("UNIT", &unit)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            let mut said = String::new();
            holder.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            holder.wait().unwrap();
            println!("skipped: needs namespaces and cgroup2: {said}");
            return None;
        }
        let world = Self { holder, folder, unit, master: None };
        for port in [22, 25, 465, 587, 2525] {
            world.listen("out", port);
        }
        world.listen("host", 25);
        world.nft(OTHERS);
        Some(world)
    }

    /// With something that looks as Debian's Postfix under systemd does.
    fn with_postfix() -> Option<Self> {
        let mut world = Self::make()?;
        let folder = world.folder.path().join("postfix/sbin");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(fs::canonicalize("/bin/sleep").unwrap(), folder.join("master")).unwrap();
        let script = format!("echo 0 >/sys/fs/cgroup/{}/cgroup.procs; exec \"$0\" 600", world.unit);
        let mut command = world.command("sh");
        let master = command.args(["-c", &script]).arg(folder.join("master")).spawn().unwrap();
        let id = master.id();
        world.master = Some(master);
        until("the master runs", || {
            fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe.ends_with("sbin/master"))
        });
        Some(world)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string(), "--mount", "--net", "--", program])
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words[0]).args(&words[1..]).output().unwrap()
    }

    fn guard(&self, words: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_heloscope"));
        command.arg("guard").args(words);
        if ["apply", "confirm", "revert", "status", "prove"].contains(&words[0]) {
            command.arg("--state").arg(self.state());
        }
        command.output().unwrap()
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.guard(words);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{words:?}: {} {}",
            stdout(&output),
            stderr(&output)
        );
        stdout(&output)
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_slice(&self.guard(&["status", "--json"]).stdout).unwrap()
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn nft(&self, rules: &str) {
        let mut child =
            self.command("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    fn ruleset(&self) -> String {
        stdout(&self.run(&["nft", "list", "ruleset"]))
    }

    /// Rules of others, as they are printed.
    fn others(&self) -> String {
        heloscope_host::guard::conflicts::without_ours(&self.ruleset())
    }

    /// A namespace's file: `host`, `out`, `behind`.
    fn namespace(&self, name: &str) -> File {
        let process = format!("/proc/{}", self.holder.id());
        let path = match name {
            "host" => format!("{process}/ns/net"),
            other => format!("{process}/root/run/netns/{other}"),
        };
        File::open(path).unwrap()
    }

    /// Answers on a port: what it hears.
    fn listen(&self, name: &str, port: u16) {
        let file = self.namespace(name);
        let listener = std::thread::spawn(move || {
            nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            TcpListener::bind(("::", port)).unwrap()
        });
        let listener = listener.join().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                std::thread::spawn(move || {
                    let mut from = stream.try_clone().unwrap();
                    drop(std::io::copy(&mut from, &mut stream));
                });
            }
        });
    }

    fn connect(&self, to: SocketAddr) -> TcpStream {
        let file = self.namespace("host");
        let connected = std::thread::spawn(move || {
            nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            TcpStream::connect_timeout(&to, Duration::from_secs(3)).unwrap()
        });
        connected.join().unwrap()
    }

    /// Connects as somebody; what happened to each.
    fn attempts(&self, who: &Who, to: &[SocketAddr]) -> Vec<String> {
        let (uid, place) = match who {
            Who::User(uid) => (*uid, None),
            Who::Postfix => (POSTFIX, Some(["--cgroup", self.unit.as_str()])),
            Who::Behind => (1000, Some(["--namespace", "/run/netns/behind"])),
        };
        let mut command = self.command(env!("CARGO_BIN_EXE_heloscope"));
        command.args(["guard", "attempt", "--uid", &uid.to_string(), "--gid", &uid.to_string()]);
        let output = command
            .args(place.into_iter().flatten())
            .args(to.iter().map(ToString::to_string))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect()
    }

    /// What of the wanted table did not happen.
    fn wrong(&self, table: &[(Who, &[u16], &str)]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (who, ports, want) in table {
            let to: Vec<SocketAddr> =
                OUTSIDE.iter().flat_map(|ip| ports.iter().map(|port| address(ip, *port))).collect();
            for (to, happened) in to.iter().zip(self.attempts(who, &to)) {
                if happened != *want {
                    wrong.push(format!("{who:?} to {to}: wanted {want}, {happened}"));
                }
            }
        }
        wrong
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.master.iter_mut().chain([&mut self.holder]) {
            drop(child.kill());
            drop(child.wait());
        }
        let unit = self.unit.clone();
        for base in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            let path = Path::new(base).join(&unit);
            drop(fs::remove_dir(&path));
            drop(fs::remove_dir(path.parent().unwrap()));
        }
    }
}

#[derive(Debug)]
enum Who {
    User(u32),
    /// In its unit.
    Postfix,
    Behind,
}

fn address(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse::<IpAddr>().unwrap(), port)
}

fn until(what: &str, is: impl Fn() -> bool) {
    let begun = now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(15), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[allow(clippy::disallowed_methods, reason = "a bound for waiting")]
fn now() -> Instant {
    Instant::now()
}

/// The whole table: who gets out where, over both families.
fn shut_but_for_postfix() -> Vec<(Who, &'static [u16], &'static str)> {
    let table: [(Who, &'static [u16], &'static str); 9] = [
        (Who::Postfix, &PORTS, "reached"),
        (Who::User(POSTFIX), &PORTS, "refused"),
        (Who::User(33), &PORTS, "refused"),
        (Who::User(0), &PORTS, "refused"),
        (Who::Behind, &PORTS, "refused"),
        (Who::Postfix, &[22, 2525], "reached"),
        (Who::User(33), &[22, 2525], "reached"),
        (Who::User(0), &[22], "reached"),
        (Who::Behind, &[22, 2525], "reached"),
    ];
    table.into()
}

fn all_open() -> Vec<(Who, &'static [u16], &'static str)> {
    [Who::Postfix, Who::User(33), Who::User(0), Who::Behind]
        .map(|w| (w, &PORTS[..], "reached"))
        .into()
}

const APPLY: [&str; 7] =
    ["apply", "--forward", "block", INSIDE[0], INSIDE[1], INSIDE[2], INSIDE[3]];

#[test]
fn only_the_mail_server_gets_out() {
    let Some(world) = World::with_postfix() else { return };
    let before = world.ruleset();
    assert_eq!(world.wrong(&all_open()), [""; 0]);
    let mut session = world.connect(address(OUTSIDE[0], 25));
    world.done(&APPLY);
    assert_eq!(world.wrong(&shut_but_for_postfix()), [""; 0]);
    // This host itself is no mail's way out, by whichever address.
    for ip in ["127.0.0.1", "::1", HOST[0], HOST[1]] {
        assert_eq!(world.attempts(&Who::User(33), &[address(ip, 25)]), ["reached"], "{ip}");
    }
    let mut heard = [0; 5];
    session.write_all(b"NOOP\n").unwrap();
    session.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"NOOP\n", "an open session lives on");
    assert_eq!(world.others(), before);

    world.done(&["confirm"]);
    world.done(&["confirm"]);
    assert_eq!(world.others(), before);
    let status = world.status();
    assert_eq!((&status["stands"], &status["confirmed"]), (&true.into(), &true.into()));
    assert_eq!(status["counted"]["ports"], serde_json::json!(PORTS));
    let tried = status["counted"]["tried"].as_array().unwrap();
    for (who, to) in [("33", OUTSIDE[0]), ("0", OUTSIDE[1]), ("192.168.7.23", OUTSIDE[0])] {
        assert!(tried.iter().any(|t| t["who"] == who && t["to"] == to), "{who}: {tried:#?}");
    }

    let proof = world.guard(&["prove"]);
    assert_eq!(proof.status.code(), Some(0), "{}{}", stdout(&proof), stderr(&proof));
    assert!(stdout(&proof).contains("in postfix.service"), "{}", stdout(&proof));
    assert_eq!(world.others(), before);

    world.done(&["revert"]);
    assert_eq!(world.ruleset(), before);
    world.done(&["revert"]);
    assert_eq!(world.ruleset(), before);
    assert_eq!(world.wrong(&all_open()), [""; 0]);
    assert!(world.done(&["status"]).contains("No guard stands"));
}

#[test]
fn a_mail_server_that_was_restarted_is_named_anew() {
    let Some(mut world) = World::with_postfix() else { return };
    world.done(&["apply"]);
    world.done(&["confirm"]);
    assert_eq!(world.wrong(&[(Who::Postfix, &PORTS, "reached")]), [""; 0]);
    let mut master = world.master.take().unwrap();
    master.kill().unwrap();
    master.wait().unwrap();
    let group = format!("/sys/fs/cgroup/{}", world.unit);
    until("the control group is gone", || world.run(&["rmdir", &group]).status.success());
    assert!(world.run(&["mkdir", &group]).status.success());
    assert_eq!(world.wrong(&[(Who::Postfix, &[25], "refused")]), [""; 0]);
    let status = world.guard(&["status"]);
    assert_eq!(status.status.code(), Some(1), "{}", stdout(&status));
    let state = world.state();
    world.done(&["renew", "--state", state.to_str().unwrap()]);
    let table: [(Who, &[u16], &str); 2] =
        [(Who::Postfix, &PORTS, "reached"), (Who::User(POSTFIX), &PORTS, "refused")];
    assert_eq!(world.wrong(&table), [""; 0]);
    world.done(&["status"]);
}

#[test]
fn what_nobody_confirms_is_taken_back() {
    let Some(world) = World::with_postfix() else { return };
    let before = world.ruleset();
    // A shell that dies in the middle, as it does when its connection is lost.
    let script = format!(
        "'{}' guard apply --confirm-within 2 --state '{}'; echo applied; while :; do sleep 1; done",
        env!("CARGO_BIN_EXE_heloscope"),
        world.state().display()
    );
    let mut shell =
        world.command("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "applied"));
    assert_ne!(world.ruleset(), before);
    shell.kill().unwrap();
    shell.wait().unwrap();
    until("the rules are taken back", || world.ruleset() == before);
    assert_eq!(world.wrong(&all_open()), [""; 0]);
    until("the state is gone", || !world.state().join("guard.json").exists());
    let late = world.guard(&["confirm"]);
    assert_eq!(late.status.code(), Some(1), "{}", stderr(&late));

    // A confirmed guard outlives its time, and a later trial falls back to it.
    world.done(&["apply", "--confirm-within", "2"]);
    world.done(&["confirm"]);
    let kept = world.ruleset();
    world.done(&["apply", "--allow-uid", "33", "--confirm-within", "2"]);
    assert_eq!(world.wrong(&[(Who::User(33), &PORTS, "reached")]), [""; 0]);
    until("the one before stands again", || {
        world.ruleset().matches("skuid").count() == kept.matches("skuid").count()
            && world.status()["confirmed"] == true
    });
    assert_eq!(
        world.wrong(&[(Who::User(33), &[25], "refused"), (Who::Postfix, &[25], "reached")]),
        [""; 0]
    );
    assert_eq!(world.others(), before);
    world.done(&["revert"]);

    // The watcher told to end acts at once; killed, the kernel forgets the ports by itself.
    world.done(&["apply", "--confirm-within", "600"]);
    signal(&world, nix::sys::signal::Signal::SIGTERM);
    until("the rules are taken back", || world.ruleset() == before);
    until("the state is gone", || !world.state().join("guard.json").exists());
    world.done(&["apply", "--confirm-within", "2"]);
    signal(&world, nix::sys::signal::Signal::SIGKILL);
    until("the ports are forgotten", || {
        world.status()["counted"]["ports"] == serde_json::json!([])
    });
    assert_eq!(world.wrong(&all_open()), [""; 0]);
    world.done(&["revert"]);
    assert_eq!(world.ruleset(), before);
}

/// To the watching process, by its number.
fn signal(world: &World, signal: nix::sys::signal::Signal) {
    let state = fs::read(world.state().join("guard.json")).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
    let pid = i32::try_from(state["watcher"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}

#[test]
fn it_can_only_log_and_the_mail_server_can_be_kept_to_its_relays() {
    let Some(world) = World::with_postfix() else { return };
    world.done(&[
        "apply",
        "--log-only",
        "--forward",
        "log",
        INSIDE[0],
        INSIDE[1],
        INSIDE[2],
        INSIDE[3],
    ]);
    assert_eq!(world.wrong(&all_open()), [""; 0]);
    let counted = world.status()["counted"].clone();
    assert_eq!((counted["others"].as_u64(), counted["behind"].as_u64()), (Some(12), Some(6)));
    assert_eq!(counted["allowed"], 6);
    world.done(&["prove"]);
    world.done(&["revert"]);

    world.done(&["apply", "--to", OUTSIDE[0], "--allow-uid", "app"]);
    for (who, ip, want) in [
        (Who::Postfix, OUTSIDE[0], "reached"),
        (Who::Postfix, OUTSIDE[1], "refused"),
        (Who::User(40500), OUTSIDE[1], "reached"),
        (Who::User(33), OUTSIDE[0], "refused"),
        // Forwarded traffic was not asked about.
        (Who::Behind, OUTSIDE[1], "reached"),
    ] {
        assert_eq!(world.attempts(&who, &[address(ip, 25)]), [want], "{who:?} to {ip}");
    }
}

#[test]
fn iptables_where_nft_is_not_there() {
    let Some(world) = World::with_postfix() else { return };
    let others = "*filter\n:INPUT ACCEPT [0:0]\n:SMTPOUTPUT - [0:0]\n-A OUTPUT -p tcp --dport 26 -j SMTPOUTPUT\n-A OUTPUT -j ACCEPT\n-A SMTPOUTPUT -j REJECT\nCOMMIT\n";
    for restore in ["iptables-restore", "ip6tables-restore"] {
        let mut child = world.command(restore).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(others.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
    // Comments name the time, brackets what was counted.
    let saved = || {
        let both = ["iptables-save", "ip6tables-save"].map(|save| stdout(&world.run(&[save])));
        let both = both.join("");
        let lines = both.lines().filter(|line| !line.starts_with('#'));
        lines.map(|l| l.split(" [").next().unwrap().to_owned() + "\n").collect::<String>()
    };
    let before = saved();
    assert!(before.contains("SMTPOUTPUT"));
    let ours = |text: &str| heloscope_host::guard::conflicts::without_ours(text);
    let nft = stdout(&world.run(&["sh", "-c", "readlink -f \"$(command -v nft)\""]));
    assert!(world.run(&["mount", "--bind", "/dev/null", nft.trim()]).status.success());

    assert_eq!(world.wrong(&all_open()), [""; 0]);
    let planned = world.done(&["plan", "--rules"]);
    assert!(planned.contains(&format!("--uid-owner {POSTFIX} -m cgroup --path")), "{planned}");
    world.done(&APPLY);
    assert_eq!(world.wrong(&shut_but_for_postfix()), [""; 0]);
    for ip in ["127.0.0.1", "::1", HOST[0], HOST[1]] {
        assert_eq!(world.attempts(&Who::User(33), &[address(ip, 25)]), ["reached"], "{ip}");
    }
    assert_eq!(ours(&saved()), before);
    // Again, in place of the first.
    world.done(&APPLY);
    assert_eq!(saved().matches("-A OUTPUT").count(), before.matches("-A OUTPUT").count() + 2);
    world.done(&["confirm"]);
    world.done(&["prove"]);
    assert!(world.status()["counted"]["others"].as_u64() > Some(0));
    world.done(&["revert"]);
    assert_eq!(saved(), before);
    world.done(&["revert"]);
    world.done(&["apply", "--confirm-within", "1"]);
    until("the rules are taken back", || saved() == before);

    // One program of several names.
    let script = "mount --bind /dev/null \"$(readlink -f \"$(command -v iptables-restore)\")\"";
    let hidden = world.run(&["sh", "-c", script]);
    assert!(hidden.status.success());
    let neither = world.guard(&["apply"]);
    assert_eq!(neither.status.code(), Some(69));
    assert!(stderr(&neither).contains("neither nft nor iptables is here"), "{}", stderr(&neither));
    assert!(world.done(&["plan"]).contains("neither nft nor iptables is here"));
}

#[test]
fn the_plan_is_proved_where_no_guard_stands() {
    let Some(world) = World::with_postfix() else { return };
    let before = world.ruleset();
    let proof = world.guard(&[
        "prove",
        "--json",
        "--to",
        "192.0.2.7",
        "--forward",
        "block",
        INSIDE[0],
        INSIDE[1],
        INSIDE[2],
        INSIDE[3],
    ]);
    let answer: serde_json::Value = serde_json::from_slice(&proof.stdout).unwrap();
    assert_eq!(proof.status.code(), Some(0), "{answer:#}");
    let rows = answer["rows"].as_array().unwrap();
    // www-data, root, postfix elsewhere: 2 families; postfix besides to its relay, the one behind by each of its addresses.
    assert_eq!(rows.len(), 3 * (2 + 2 + 3 + 3 + 2), "{answer:#}");
    assert!(rows.iter().any(|r| r["to"] == "192.0.2.7:25" && r["expected"] == "allowed"));
    assert_eq!(world.ruleset(), before);

    // A rule of somebody else's that stops the mail server is a disagreement.
    world.done(&["apply"]);
    world.nft("add rule inet others o tcp dport 465 reject");
    let proof = world.guard(&["prove"]);
    assert_eq!(proof.status.code(), Some(1), "{}", stdout(&proof));
    assert!(stdout(&proof).contains("DISAGREES"));
    let plan = world.done(&["plan"]);
    assert!(plan.contains("mail-server-stopped"), "{plan}");
}

#[test]
fn what_is_refused_and_why() {
    let Some(world) = World::make() else { return };
    let before = world.ruleset();
    let says = |words: &[&str], code: i32, word: &str| {
        let output = world.guard(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{words:?}: {}", stderr(&output));
        assert_eq!(world.ruleset(), before, "{words:?}");
    };
    says(&["apply"], 64, "--allow-uid");
    says(&["apply", "--allow-uid", "nosuchuser"], 64, "--allow-uid");
    says(&["apply", "--allow-uid", "33", "--port", "22"], 64, "SSH");
    says(&["apply", "--to", "mail.example.org"], 64, "names are not resolved");
    says(&["confirm"], 1, "nothing is on trial");
    says(&["prove", "--sink", OUTSIDE[0]], 64, "no guard stands");
    // Without the right to change rules.
    let exe = env!("CARGO_BIN_EXE_heloscope");
    let state = world.state();
    let less = world.run(&[
        "setpriv",
        "--bounding-set",
        "-net_admin",
        exe,
        "guard",
        "apply",
        "--allow-uid",
        "33",
        "--state",
        state.to_str().unwrap(),
    ]);
    assert_eq!(less.status.code(), Some(77), "{}", stderr(&less));
    assert!(stderr(&less).contains("CAP_NET_ADMIN"), "{}", stderr(&less));
    assert!(!state.join("guard.json").exists());

    // A state that a stranger wrote confirms nothing and stops no revert.
    world.done(&["apply", "--allow-uid", "33"]);
    let path = world.state().join("guard.json");
    fs::write(&path, "{\"format\":\"heloscope.guard-state/1\",\"policy\":\"; rm -rf /\"}").unwrap();
    let strange = world.guard(&["confirm"]);
    assert_eq!(strange.status.code(), Some(65), "{}", stderr(&strange));
    assert!(stderr(&strange).contains("guard revert"));
    world.done(&["revert"]);
    assert_eq!(world.ruleset(), before);
    assert!(!path.exists());
}

#[test]
fn the_plan_without_root_and_with_a_record() {
    let Some(world) = World::with_postfix() else { return };
    let folder = world.folder.path();
    // The build's folders may be shut to others.
    let exe = folder.join("heloscope");
    fs::copy(env!("CARGO_BIN_EXE_heloscope"), &exe).unwrap();
    Command::new("chmod").args(["755"]).arg(folder).arg(&exe).status().unwrap();
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        exe.to_str().unwrap(),
        "guard",
    ];
    let planned = world.run(&[&nobody[..], &["--json"]].concat());
    assert_eq!(planned.status.code(), Some(0), "{}", stderr(&planned));
    let plan: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert!(plan["kernel"].as_str().unwrap().contains("run it as root"), "{plan:#}");
    assert!(plan["unseen"].to_string().contains("without root"), "{plan:#}");
    let refused = world.run(&[&nobody[..], &["apply"]].concat());
    assert_eq!(refused.status.code(), Some(77), "{}", stderr(&refused));

    let record = folder.join("record");
    record_of(&record);
    let before = world.ruleset();
    let plan = world.done(&["plan", "--json", "--record", record.to_str().unwrap()]);
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["kernel"], "takes them", "{plan:#}");
    assert_eq!(plan["mailers"][0]["name"], "postfix");
    assert_eq!(plan["past"]["stopped"][0]["what"], "/var/www/x.php");
    assert_eq!(plan["past"]["stopped"][0]["connections"], 3);
    let told = world.done(&["plan", "--record", record.to_str().unwrap()]);
    assert!(
        told.contains(
            "/var/www/x.php (uid 33, www-data) to port 25: 3 times would have been refused"
        ),
        "{told}"
    );
    assert_eq!(world.ruleset(), before);
    // What is printed alone is what nft takes.
    let rules = world.done(&["plan", "--rules"]);
    world.nft(&rules);
    assert!(world.ruleset().contains("heloscope_guard"));
}

/// A record with a script that sent three times.
fn record_of(folder: &Path) {
    use heloscope_host::{Connection, Noted, Process, Store, store::Retention};
    let at = |secs: i64| heloscope_model::Time::from_secs(1_449_239_400 + secs);
    fs::create_dir(folder).unwrap();
    let mut store = Store::open(folder, Retention { days: 100_000, bytes: 1 << 30 }).unwrap();
    let noted: Vec<Noted> = (0..3)
        .map(|n| {
            Noted::Connection(Box::new(Connection {
                socket: n,
                start: at(n.try_into().unwrap()),
                late: false,
                client: None,
                server: address(OUTSIDE[0], 25),
                outcome: Some("open".to_owned()),
                process: Process { pid: 7, uid: 33, comm: "php".to_owned(), ..Process::default() },
                cgroup: 1,
                netns: 1,
                script: Some("/var/www/x.php".to_owned()),
                files: Vec::new(),
                ancestors: [].into(),
                place: heloscope_host::names::Place::default(),
            }))
        })
        .collect();
    store.append(&noted, at(10)).unwrap();
}
