//! `heloscope check` against real lists: rbldnsd, a resolver (unbound) in front of it, our own `serve`; its exit
//! statuses, what it prints, and that `investigate` reads it. Beside it check_rbl (Debian's monitoring-plugins-contrib)
//! where it is installed.

use crate::serve::List;
use crate::{heloscope, investigate, stderr, stdout};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Where a program is; says that the test is skipped where it is nowhere.
fn program(name: &str, package: &str) -> Option<PathBuf> {
    let places = ["/usr/bin", "/usr/sbin", "/usr/lib/nagios/plugins"];
    let found = places.iter().map(|p| Path::new(p).join(name)).find(|p| p.exists());
    if found.is_none() {
        println!("skipped: needs {name} (Debian: {package})");
    }
    found
}

/// An address of 127.0.0.0/8 that no other test has, for programs that cannot say which port they took.
fn own_address() -> IpAddr {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let next = u8::try_from(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap();
    IpAddr::from([127, 100 + (high % 5) * 20 + next, middle, low.max(2)])
}

#[allow(clippy::disallowed_methods)] // a bound on waiting
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a name server answers a question at all.
fn answers(server: SocketAddr) -> bool {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let question = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x04good\x04test\0\0\x06\0\x01";
    let sent = socket.send_to(question, server);
    sent.is_ok() && socket.recv(&mut [0; 512]).is_ok()
}

/// A real rbldnsd with four zones: one that behaves, one that refuses, one that lists the world, one without the
/// test point.
struct Rbldnsd {
    address: SocketAddr,
    folder: tempfile::TempDir,
    _process: Running,
}

impl Rbldnsd {
    fn start(port: u16) -> Option<Self> {
        let rbldnsd = program("rbldnsd", "rbldnsd")?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let zone = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        zone("good", ":127.0.0.4:A bot. See https://good.test/?$\n127.0.0.2\n192.0.2.99\n");
        zone("policy", ":127.0.0.10:Dynamic.\n127.0.0.2\n192.0.2.97\n");
        zone("public", ":127.255.255.254:Public resolver\n0.0.0.0/0\n");
        zone("world", ":127.0.0.2:Closed\n0.0.0.0/0\n");
        zone("gone", ":127.0.0.2:x\n192.0.2.1\n");
        let address = SocketAddr::new(own_address(), port);
        let mut command = Command::new(rbldnsd);
        command
            .arg("-n")
            .args(["-b", &format!("{}/{port}", address.ip())])
            .arg("-w")
            .arg(folder.path());
        for (name, kind) in [
            ("good", "ip4set"),
            ("policy", "ip4set"),
            ("public", "ip4trie"),
            ("world", "ip4trie"),
            ("gone", "ip4set"),
        ] {
            command.arg(format!("{name}.test:{kind}:{name}"));
        }
        let mut process =
            Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        wait_for("rbldnsd", || answers(address) || process.0.try_wait().unwrap().is_some());
        if process.0.try_wait().unwrap().is_some() {
            println!("skipped: rbldnsd may not listen on {address} here");
            return None;
        }
        Some(Self { address, folder, _process: process })
    }

    /// The file of these lists.
    fn lists(&self) -> PathBuf {
        write_lists(self.folder.path(), &["good", "policy", "public", "world", "gone"])
    }
}

fn write_lists(folder: &Path, names: &[&str]) -> PathBuf {
    let mut text = "format = \"heloscope.lists/1\"\n".to_owned();
    for name in names {
        text.push_str(&format!(
            r#"
[[list]]
name = "{name}"
title = "The {name} list"
zone = "{name}.test"
for = ["ip4"]
test = {{ listed = ["127.0.0.2"], unlisted = "127.0.0.1" }}
look_up = "https://{name}.test/?{{subject}}"
code = [
    {{ answer = "127.0.0.4", name = "{name} XBL", kind = "exploited", means = "a bot was seen" }},
    {{ answer = "127.0.0.10", name = "{name} PBL", kind = "policy", means = "a dynamic range" }},
]
"#
        ));
    }
    let path = folder.join("lists.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn check(resolver: SocketAddr, lists: &Path, words: &[&str]) -> Output {
    let mut all = vec!["check".into(), "--lab".into(), "--own-lists-only".into(), "--lists".into()];
    all.push(lists.to_path_buf().into_os_string());
    all.extend(["--resolver".into(), resolver.to_string().into()]);
    all.extend(words.iter().map(|w| (*w).into()));
    heloscope(all)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(output)))
}

fn state<'a>(document: &'a Value, list: &str) -> &'a str {
    let answers = document["answers"].as_array().unwrap();
    let answer = answers.iter().find(|a| a["list"] == list).unwrap_or_else(|| panic!("{document}"));
    answer["state"].as_str().unwrap()
}

#[test]
fn what_rbldnsd_says_and_investigate_reads_it() {
    let Some(rbldnsd) = Rbldnsd::start(5353) else { return };
    let lists = rbldnsd.lists();
    let output = check(rbldnsd.address, &lists, &["--json", "192.0.2.99"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let document = json(&output);
    assert_eq!(document["format"], "heloscope.check/1");
    for (list, want) in [
        ("good", "listed"),
        ("policy", "clean"),
        ("public", "refused"),
        ("world", "dead"),
        ("gone", "dead"),
    ] {
        assert_eq!(state(&document, list), want, "{document}");
    }
    let good = &document["answers"][0];
    assert_eq!(good["codes"][0]["name"], "good XBL");
    assert_eq!(good["texts"][0], "A bot. See https://good.test/?192.0.2.99");
    assert_eq!(good["look_up"], "https://good.test/?192.0.2.99");
    assert_eq!(document["summary"]["listed"], 1);

    // The other end of the format.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("whatever.txt"), &output.stdout).unwrap();
    let answer = investigate(&[folder.path()]);
    assert_eq!(answer["inputs"][0]["kind"], "list-answers", "{answer}");
    assert_eq!(answer["inputs"][0]["records"], 5);
    let notices = answer["notices"].as_array().unwrap();
    assert_eq!(notices.len(), 1, "a refusal and a dead list are no notices: {answer}");
    assert_eq!(notices[0]["ip"], "192.0.2.99");
    assert_eq!(notices[0]["list"], "good XBL");
    assert!(notices[0]["reason"].as_str().unwrap().contains("a bot was seen"), "{answer}");
    let shown = heloscope(["investigate".as_ref(), folder.path().as_os_str()]);
    let shown = stdout(&shown).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("Dead lists, whose answers mean nothing: The gone list, The world list"),
        "{shown}"
    );
    assert!(shown.contains("a refusal is no listing): The public list"), "{shown}");

    // For a person.
    let shown = stdout(&check(rbldnsd.address, &lists, &["192.0.2.99", "192.0.2.98"]));
    for words in [
        "192.0.2.99: LISTED on 1 of 2 lists that answered",
        "LISTED     good XBL: a bot was seen (127.0.0.4, exploited)",
        "says: A bot. See https://good.test/?192.0.2.99",
        "next: find what sends",
        "page: https://good.test/?192.0.2.99",
        "refused    The public list: it answers 127.255.255.254",
        "dead       The world list: it lists 127.0.0.1",
        "192.0.2.98: not listed (2 lists answered)",
    ] {
        assert!(shown.contains(words), "{words:?} in\n{shown}");
    }
}

#[test]
fn statuses_of_the_command_and_of_the_plugin() {
    let Some(rbldnsd) = Rbldnsd::start(5354) else { return };
    let lists = rbldnsd.lists();
    // (lists, address, status, as a plugin, its line)
    for (only, address, status, plugin, line) in [
        (
            &["good", "policy"][..],
            "192.0.2.98",
            0,
            0,
            "HELOSCOPE OK - not listed, 2 answers | listed=0;;1;0 answered=2",
        ),
        (
            &["good", "policy"],
            "192.0.2.99",
            1,
            2,
            "HELOSCOPE CRITICAL - 192.0.2.99 on good XBL | listed=1",
        ),
        (
            &["good", "policy"],
            "192.0.2.97",
            1,
            1,
            "HELOSCOPE WARNING - 192.0.2.97 on policy PBL | listed=1",
        ),
        (
            &["good", "public"],
            "192.0.2.98",
            0,
            0,
            "HELOSCOPE OK - not listed, 1 answers; 1 could not be asked | ",
        ),
        (
            &["public"],
            "192.0.2.99",
            69,
            3,
            "HELOSCOPE UNKNOWN - no list could be asked (The public list: it answers 127.255",
        ),
        (
            &["world", "gone"],
            "192.0.2.99",
            69,
            3,
            "HELOSCOPE UNKNOWN - no list could be asked (The world list: it lists",
        ),
    ] {
        let mut words: Vec<&str> = only.iter().flat_map(|o| ["--list", o]).collect();
        words.push(address);
        let output = check(rbldnsd.address, &lists, &words);
        assert_eq!(output.status.code(), Some(status), "{only:?} {address}: {}", stdout(&output));
        words.push("--nagios");
        let output = check(rbldnsd.address, &lists, &words);
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(plugin), "{said}");
        assert!(said.starts_with(line) && said.lines().count() == 1, "{line}: {said}");
    }
    for (words, part) in [
        (&["192.168.1.5"][..], "a private address (RFC 1918): no list knows it"),
        (&["300.1.1.1"], "neither an address nor a domain"),
        (&["--list", "none", "8.8.8.8"], "there is no list \"none\""),
        (&["--key", "good=/dev/null", "8.8.8.8"], "a key is one word"),
        (&[], "required"),
    ] {
        let output = check(rbldnsd.address, &lists, words);
        assert_eq!(output.status.code(), Some(64), "{words:?}");
        assert!(stderr(&output).contains(part), "{words:?}: {}", stderr(&output));
    }
    let output = check(rbldnsd.address, &lists, &["--nagios", "192.168.1.5"]);
    assert_eq!(
        (
            output.status.code(),
            stdout(&output).starts_with("HELOSCOPE UNKNOWN - 192.168.1.5 is a private")
        ),
        (Some(3), true)
    );
    let strange = rbldnsd.folder.path().join("strange.toml");
    std::fs::write(&strange, "format = \"heloscope.lists/1\"\ncolour = 1\n").unwrap();
    let output = check(rbldnsd.address, &strange, &["8.8.8.8"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("strange.toml"), "{}", stderr(&output));
    let shown = heloscope(["check", "--show-lists"]);
    assert_eq!(shown.status.code(), Some(0));
    assert!(stdout(&shown).contains("dead since 2024-06-05"), "{}", stdout(&shown));
}

/// What administrators have today, side by side on the same servers.
#[test]
fn check_rbl_takes_a_refusal_for_a_listing() {
    let Some(peer) = program("check_rbl", "monitoring-plugins-contrib") else { return };
    // It can only ask port 53.
    let Some(rbldnsd) = Rbldnsd::start(53) else { return };
    let lists = rbldnsd.lists();
    let asked = |list: &str| {
        let output = Command::new(&peer)
            .args([
                "-H",
                "192.0.2.98",
                "-n",
                &rbldnsd.address.ip().to_string(),
                "-s",
                &format!("{list}.test"),
            ])
            .output()
            .unwrap();
        let ours = check(rbldnsd.address, &lists, &["--nagios", "--list", list, "192.0.2.98"]);
        (output, ours.status.code().unwrap())
    };
    let (theirs, _) = asked("good");
    if !stdout(&theirs).starts_with("CHECK_RBL") {
        println!("skipped: check_rbl does not run here: {}", stderr(&theirs));
        return;
    }
    // The address is on none of these lists.
    for (list, theirs, ours) in [("good", 0, 0), ("public", 2, 3), ("world", 2, 3), ("gone", 0, 3)]
    {
        let (output, status) = asked(list);
        assert_eq!(
            (output.status.code(), status),
            (Some(theirs), ours),
            "{list}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn through_a_resolver_as_people_have_it() {
    let Some(unbound) = program("unbound", "unbound") else { return };
    let Some(rbldnsd) = Rbldnsd::start(5355) else { return };
    let own = SocketAddr::new(own_address(), 5356);
    let stubs: String = ["good", "policy", "public", "world", "gone"]
        .iter()
        .map(|name| {
            let (ip, port) = (rbldnsd.address.ip(), rbldnsd.address.port());
            format!("stub-zone:\n  name: \"{name}.test\"\n  stub-addr: {ip}@{port}\n")
        })
        .collect();
    let configuration = format!(
        "server:\n  directory: \"{0}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  \
         interface: {1}@{2}\n  do-not-query-localhost: no\n  do-daemonize: no\n  module-config: \"iterator\"\n  \
         local-zone: \"test.\" nodefault\n  qname-minimisation: no\n{stubs}remote-control:\n  control-enable: no\n",
        rbldnsd.folder.path().display(),
        own.ip(),
        own.port(),
    );
    let file = rbldnsd.folder.path().join("unbound.conf");
    std::fs::write(&file, configuration).unwrap();
    let mut command = Command::new(unbound);
    command.arg("-d").arg("-c").arg(&file).stderr(Stdio::null());
    let _process = Running(command.spawn().unwrap());
    wait_for("unbound", || answers(own));
    let lists = rbldnsd.lists();
    let document = json(&check(own, &lists, &["--json", "192.0.2.99"]));
    for (list, want) in [
        ("good", "listed"),
        ("policy", "clean"),
        ("public", "refused"),
        ("world", "dead"),
        ("gone", "dead"),
    ] {
        assert_eq!(state(&document, list), want, "{document}");
    }
}

#[test]
fn our_own_list_says_who_it_lists() {
    let state_folder = tempfile::tempdir().unwrap();
    let list = List::start(state_folder.path());
    list.bot("198.51.100.7");
    list.wait_until_listed("198.51.100.7");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let text = r#"
format = "heloscope.lists/1"
[[list]]
name = "own"
title = "Our own list"
zone = "bl.test"
for = ["ip4", "ip6"]
test = { listed = ["127.0.0.2", "127.0.0.3", "127.0.0.4"], listed6 = ["::ffff:127.0.0.2"], unlisted = "127.0.0.1" }
code = [
    { answer = "127.0.0.3", name = "Own traps", kind = "spam-source", means = "wrote to traps" },
    { answer = "127.0.0.4", name = "Own bots", kind = "exploited", means = "behaves like a bot" },
]
"#;
    std::fs::write(&path, text).unwrap();
    let output = check(list.dns, &path, &["--json", "198.51.100.7", "198.51.100.8", "2001:db8::9"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let document = json(&output);
    let states: Vec<_> =
        document["answers"].as_array().unwrap().iter().map(|a| &a["state"]).collect();
    assert_eq!(states, ["listed", "clean", "clean"], "{document}");
    assert_eq!(document["answers"][0]["codes"][0]["name"], "Own bots");
    list.stop();
}
