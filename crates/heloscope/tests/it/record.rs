//! `heloscope record` on this kernel: a script that mails and dies is named, by what was kept and by
//! what `investigate` takes it for.

use crate::heloscope;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) struct Recording {
    process: Child,
    /// What it said on stderr, once it is over.
    says: Option<std::process::ChildStderr>,
}

impl Recording {
    /// Runs it; none where this user or kernel cannot, which is said.
    fn start(store: &Path, port: u16, means: &str) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heloscope"));
        command.args(["record", "--port", &port.to_string(), "--means", means, "--store"]);
        command.arg(store);
        Self::of(command)
    }

    /// Runs it where another process has its network; the files are ours.
    pub(crate) fn within(network_of: i32, store: &Path) -> Option<Self> {
        let mut command = Command::new("nsenter");
        command.args(["-n", "-t", &network_of.to_string(), "--"]);
        command
            .arg(env!("CARGO_BIN_EXE_heloscope"))
            .args(["record", "--means", "tp-btf", "--store"]);
        command.arg(store);
        Self::of(command)
    }

    /// The rights that it has now: effective, permitted.
    pub(crate) fn rights(&self) -> [String; 2] {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).unwrap();
        ["CapEff:\t", "CapPrm:\t"]
            .map(|set| status.lines().find_map(|line| line.strip_prefix(set)).unwrap().to_owned())
    }

    /// Runs this command of it; none where this user or kernel cannot, which is said.
    pub(crate) fn of(mut command: Command) -> Option<Self> {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut says = process.stderr.take();
        if line.starts_with("ready record ") {
            return Some(Self { process, says });
        }
        let status = process.wait().unwrap();
        let mut text = String::new();
        says.as_mut().unwrap().read_to_string(&mut text).unwrap();
        assert_ne!(status.code(), Some(0), "{text}");
        println!("skipped: needs root and a kernel with BTF: {text}");
        None
    }

    /// Ends it; what it said.
    pub(crate) fn end(mut self) -> String {
        let pid = nix::unistd::Pid::from_raw(self.process.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap();
        let mut text = String::new();
        self.says.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.process.wait().unwrap().success(), "{text}");
        text
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        drop(self.process.kill());
    }
}

/// The record's lines, as they are kept by now.
pub(crate) fn lines(store: &Path) -> Vec<serde_json::Value> {
    let shown =
        heloscope(["record".as_ref(), "--show".as_ref(), "--store".as_ref(), store.as_os_str()]);
    assert_eq!(shown.status.code(), Some(0));
    let text = String::from_utf8(shown.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a line of the record is as wanted, while it is written.
fn until(store: &Path, wanted: impl Fn(&serde_json::Value) -> bool) -> Vec<serde_json::Value> {
    for _ in 0..200 {
        let lines = lines(store);
        if lines.iter().any(&wanted) {
            return lines;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{:#?}", lines(store));
}

#[test]
fn a_script_that_mails_and_dies_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(recording) = Recording::start(&store, port, "tp-btf") else { return };
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", recording.process.id())).unwrap();
    // CAP_SYS_PTRACE: what php-fpm's workers run stands in their memory.
    for (set, kept) in [("CapEff:", 1 << 19), ("CapPrm:", 1 << 19), ("CapBnd:", 0)] {
        let line = status.lines().find(|line| line.starts_with(set)).unwrap();
        assert_eq!(line, format!("{set}\t{kept:016x}"));
    }
    let hidden = folder.path().join(".x y");
    std::fs::create_dir(&hidden).unwrap();
    std::fs::write(
        hidden.join("mailer.pl"),
        format!("use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => {port}) or die;"),
    )
    .unwrap();
    let ran = Command::new("sh").args(["-c", "perl mailer.pl; true"]).current_dir(&hidden).status();
    assert!(ran.unwrap().success());
    let script = format!("{}/mailer.pl", hidden.canonicalize().unwrap().display());
    // Read while it is written.
    until(&store, |line| line["event"] == "ended");
    let said = recording.end();
    assert!(said.contains("eBPF, tp-btf"), "{said}");

    let lines = lines(&store);
    let [connection] =
        &lines.iter().filter(|l| l["script"] == script.as_str()).collect::<Vec<_>>()[..]
    else {
        panic!("{lines:#?}")
    };
    assert_eq!(connection["outcome"], "open");
    assert_eq!(connection["ancestors"][0]["args"][2], "perl mailer.pl; true");
    assert!(lines.iter().any(|l| l["event"] == "ended" && l["socket"] == connection["socket"]));
    let events: Vec<_> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    assert_eq!((events[0], events[events.len() - 1]), ("began", "stopped"));
    assert_eq!((&lines[0]["means"], &lines[0]["ports"][0]), (&"tp-btf".into(), &port.into()));

    // The folder itself is evidence, and so is what is shown of it.
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let kept = folder.path().join("record.jsonl");
    std::fs::write(&kept, text).unwrap();
    for evidence in [&store, &kept] {
        let answer = crate::investigate(&[evidence]);
        let inputs: Vec<_> = answer["inputs"].as_array().unwrap().iter().collect();
        let input = inputs.iter().find(|i| i["kind"] == "connections").unwrap();
        assert_eq!(input["records"], 1, "{inputs:?}");
        let coverage = &answer["coverage"][0];
        // Evidence is told to the microsecond.
        let first = coverage["first"].as_str().unwrap().trim_end_matches(['Z', '0']);
        assert!(lines[0]["time"].as_str().unwrap().starts_with(first), "{first}");
        let what = coverage["what"].as_str().unwrap();
        assert!(what.contains("1 connections of the host") && what.contains("tp-btf"), "{what}");
    }
}

#[test]
fn without_programs_in_the_kernel_open_sockets_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let recording = Recording::start(&store, port, "polling").unwrap();
    let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let own = std::process::id();
    let kept = until(&store, |line| line["event"] == "connection");
    let found = kept.iter().find(|line| line["event"] == "connection").unwrap();
    assert_eq!(found["process"]["pid"], own);
    assert_eq!(found["client"], connection.local_addr().unwrap().to_string());
    assert_eq!((&found["outcome"], &found["late"]), (&"open".into(), &true.into()));
    assert!(found["ancestors"][0]["pid"].as_u64().unwrap() > 0);
    drop(connection);
    until(&store, |line| line["event"] == "ended");
    let said = recording.end();
    assert!(said.contains("shorter than 200 ms may be missed"), "{said}");
    assert!(!lines(&store)[0]["unseen"].as_array().unwrap().is_empty());
}

#[test]
fn where_the_firewall_announces_connections_none_is_too_short() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let mut command = Command::new("unshare");
    let script = "ip link set lo up && exec \"$0\" record --port 25 --means nft-log --store \"$1\"";
    command.args(["--net", "sh", "-c", script, env!("CARGO_BIN_EXE_heloscope")]).arg(&store);
    let Some(mut recording) = Recording::of(command) else { return };
    // Its network outlives it while this is open.
    let network = std::fs::File::open(format!("/proc/{}/ns/net", recording.process.id())).unwrap();
    let network = format!("--net=/proc/{}/fd/{}", std::process::id(), network.as_raw_fd());
    let inside = |words: &[&str]| {
        let ran = Command::new("nsenter").arg(&network).arg("--").args(words).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(inside(&["nft", "list", "tables"]).contains("heloscope_record"));
    // Nobody listens: each is over within a blink.
    let refused = "use IO::Socket::INET; IO::Socket::INET->new('127.0.0.1:25') for 1..50;";
    inside(&["setpriv", "--reuid", "33", "--clear-groups", "perl", "-e", refused]);
    // One that is held: its process is looked up at once.
    let held = "use IO::Socket::INET; my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1:25', Listen => 1); \
                my $s = IO::Socket::INET->new('127.0.0.1:25') or die; select undef, undef, undef, 0.15;";
    inside(&["perl", "-e", held]);
    let lines = until(&store, |l| l["process"]["comm"] == "perl" && l["process"]["uid"] == 0);
    let of_33 = lines.iter().filter(|l| l["process"]["uid"] == 33);
    let ports: BTreeSet<&str> = of_33.map(|l| l["client"].as_str().unwrap()).collect();
    assert_eq!(ports.len(), 50, "{lines:#?}");
    assert_eq!(lines[0]["means"], "nft-log");

    // The rule goes with it, however it ends.
    recording.process.kill().unwrap();
    recording.process.wait().unwrap();
    let gone = || !inside(&["nft", "list", "tables"]).contains("heloscope_record");
    let waited = (0..50).any(|_| {
        gone() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    });
    assert!(waited, "its table still stands");
}

#[test]
fn a_user_without_rights_sees_his_own_and_is_told_what_he_does_not() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: needs root to become somebody else");
    }
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("heloscope");
    std::fs::copy(env!("CARGO_BIN_EXE_heloscope"), &binary).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(65_534), None).unwrap();
    let store = folder.path().join("record");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut command = Command::new(&binary);
    std::os::unix::process::CommandExt::uid(&mut command, 65_534);
    command.args(["record", "--port", &port.to_string(), "--store"]).arg(&store);
    let recording = Recording::of(command).unwrap();
    let _connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let kept = until(&store, |line| line["event"] == "connection");
    let found = kept.iter().find(|line| line["event"] == "connection").unwrap();
    assert_eq!(found["process"]["pid"], 0, "another's process is not known");
    assert_eq!(found["process"]["uid"], 0, "but its user is");
    let said = recording.end();
    for words in ["eBPF is not used", "without root the processes of other users are not named"] {
        assert!(said.contains(words), "{said}");
    }

    let mut command = Command::new(&binary);
    std::os::unix::process::CommandExt::uid(&mut command, 65_534);
    command.args(["record", "--means", "tp-btf", "--store"]).arg(&store);
    assert_eq!(command.output().unwrap().status.code(), Some(77));
}

#[test]
fn a_disk_that_is_full_costs_lines_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let (none, flags) = (None::<&str>, nix::mount::MsFlags::empty());
    if nix::mount::mount(none, &disk, Some("tmpfs"), flags, Some("size=256k")).is_err() {
        return println!("skipped: needs root to mount a small file system");
    }
    let store = disk.join("record");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let recording = Recording::start(&store, port, "polling").unwrap();
    until(&store, |line| line["event"] == "began");
    // The rest of the disk is somebody else's.
    let fill = disk.join("fill");
    drop(std::fs::write(&fill, vec![0; 512 << 10]));
    let first = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let more: Vec<_> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(1500));
    std::fs::remove_file(&fill).unwrap();
    let client = first.local_addr().unwrap().to_string();
    // What waited is kept as soon as there is room.
    until(&store, |line| line["client"] == client.as_str());
    drop((first, more));
    let said = recording.end();
    nix::mount::umount(&disk).unwrap();
    assert_eq!(said.matches("connections wait in memory").count(), 1, "{said}");
    assert!(said.contains("can be written again; 0 lines were lost"), "{said}");
}

#[test]
fn other_network_namespaces_are_seen_by_the_kernel_s_programs() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let Some(recording) = Recording::start(&store, 2526, "tp-btf") else { return };
    // Nobody listens there, and it has no other way: loopback of a namespace of its own.
    let script = "ip link set lo up; exec 3<>/dev/tcp/127.0.0.1/2526";
    let ran = Command::new("unshare").args(["-n", "bash", "-c", script]).output();
    if ran.is_err() {
        return println!("skipped: needs unshare");
    }
    let kept = until(&store, |line| line["event"] == "connection");
    let found = kept.iter().find(|line| line["event"] == "connection").unwrap();
    assert_eq!(found["outcome"], "ECONNREFUSED");
    assert_eq!(found["process"]["comm"], "bash");
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self/ns/net").unwrap().ino();
    assert_ne!(found["netns"].as_u64().unwrap(), own);
    recording.end();
}

/// A FastCGI record (version 1, request 1).
fn fastcgi(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut record = vec![1, kind, 0, 1, length[0], length[1], 0, 0];
    record.extend(content);
    record
}

/// What a web server asks php-fpm: run this script.
fn call(socket: &Path, script: &Path) -> String {
    let mut params = Vec::new();
    for (name, value) in [("SCRIPT_FILENAME", script.to_str().unwrap()), ("REQUEST_METHOD", "GET")]
    {
        params.extend([u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap()]);
        params.extend([name.as_bytes(), value.as_bytes()].concat());
    }
    let (begin, no_keep) = (fastcgi(1, &[0, 1, 0, 0, 0, 0, 0, 0]), fastcgi(5, &[]));
    let asked = [begin, fastcgi(4, &params), fastcgi(4, &[]), no_keep].concat();
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(&asked).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_script_that_php_fpm_runs_is_named() {
    let fpm = std::fs::read_dir("/usr/sbin").unwrap().flatten().map(|entry| entry.path());
    let Some(fpm) =
        fpm.into_iter().find(|p| p.file_name().unwrap().to_str().unwrap().starts_with("php-fpm"))
    else {
        return println!("skipped: needs php-fpm");
    };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(recording) = Recording::start(&store, port, "tp-btf") else { return };
    let root = folder.path().canonicalize().unwrap().join("shop");
    std::fs::create_dir(&root).unwrap();
    let script = root.join("wp-cache.php");
    std::fs::write(root.join("lib.php"), format!("<?php fclose(fsockopen('127.0.0.1', {port}));"))
        .unwrap();
    std::fs::write(&script, "<?php include 'lib.php'; echo 'sent';").unwrap();
    let socket = folder.path().join("fpm.sock");
    let pool = format!(
        "[global]\nerror_log = {0}/log\n[shop]\nlisten = {1}\npm = static\npm.max_children = 1\n\
         clear_env = yes\nuser = root\ngroup = root\n",
        folder.path().display(),
        socket.display()
    );
    let file = folder.path().join("fpm.conf");
    std::fs::write(&file, pool).unwrap();
    let mut server = Command::new(&fpm);
    server.args(["-F", "-R", "-y"]).arg(&file).stderr(Stdio::null());
    let mut server = server.spawn().unwrap();
    for _ in 0..100 {
        if UnixStream::connect(&socket).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let answer = call(&socket, &script);
    // Its workers end with it.
    let pid = nix::unistd::Pid::from_raw(server.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap();
    server.wait().unwrap();
    assert!(answer.contains("sent"), "{answer}");
    let kept = until(&store, |line| line["event"] == "connection");
    let found = kept.iter().find(|line| line["event"] == "connection").unwrap();
    assert_eq!(found["script"], script.to_str().unwrap(), "{found:#}");
    assert_eq!(found["process"]["folder"], root.to_str().unwrap());
    recording.end();
}
