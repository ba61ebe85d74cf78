//! What a server may still do, tried from within. Each trial is a process of its own: this test binary,
//! started again for the one test that gives its privileges up.

use super::*;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

const STATE: &str = "HELOSCOPE_TEST_STATE";
const USER: &str = "HELOSCOPE_TEST_USER";
/// The user that everything has and nothing belongs to.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    let root = nix::unistd::Uid::effective().is_root();
    if !root {
        println!("skipped: needs root");
    }
    root
}

/// A folder that everybody can enter.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn what_is_not_needed_is_refused_whoever_starts_it() {
    if !is_root() {
        return;
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    for (user, started_as) in [("nobody", 0), ("", 0), ("", NOBODY), ("nobody", NOBODY)] {
        let folder = folder();
        std::os::unix::fs::chown(folder.path(), Some(started_as), None).unwrap();
        let mut trial = Command::new(std::env::current_exe().unwrap());
        trial.args(["serve::privileges::tests::within", "--exact", "--nocapture"]);
        trial.env(STATE, folder.path().join("state")).env(USER, user).uid(started_as);
        let ended = trial.output().unwrap();
        let said = text(ended.stdout) + &text(ended.stderr);
        assert!(ended.status.success(), "{user:?} from {started_as}: {said}");
        assert!(said.contains("tried everything"), "{said}");
        let owner = if user.is_empty() { started_as } else { NOBODY };
        assert_eq!(fs::metadata(folder.path().join("state")).unwrap().uid(), owner);
    }
}

/// The trial itself; nothing where nobody asks for it.
#[test]
fn within() {
    let Some(state) = std::env::var_os(STATE).map(PathBuf::from) else { return };
    let user = std::env::var_os(USER).and_then(|u| u.into_string().ok()).filter(|u| !u.is_empty());
    let config = Config { state: state.clone(), user, ..Config::default() };
    let (relay, other) = (listener(), listener());
    let at = |listener: &TcpListener| listener.local_addr().unwrap();
    let root = nix::unistd::Uid::effective().is_root();

    let who = take(&config).unwrap();
    // Low ports can be had by the user that root became, and by nobody else.
    let low = SocketAddr::from(([127, 90, 0, 1], 25));
    assert_eq!(TcpListener::bind(low).is_ok(), root);
    let ports = BTreeSet::from([at(&relay).port()]);
    let held = confine(who, &Bounds { state: &state, ports, sandbox: true }).unwrap().to_string();
    println!("{held}");
    assert!(held.contains("seccomp: "), "{held}");

    // Everybody may read it, so that it is Landlock that forbids.
    if held.contains("Landlock") {
        assert_denied(fs::read("/etc/passwd"));
        assert_denied(fs::read_dir("/"));
        assert_denied(fs::write(std::env::temp_dir().join("heloscope-probe"), "x"));
        assert_denied(fs::write(state.with_file_name("beside"), "x"));
    }
    if held.contains("TCP to ports") {
        assert_denied(TcpStream::connect(at(&other)));
        assert_denied(TcpListener::bind("127.0.0.1:0"));
    }
    assert_denied(fs::read("/etc/shadow"));
    assert_denied(TcpListener::bind(low));
    assert_denied(Command::new("/bin/true").status());
    assert_denied(UnixListener::bind(state.join("socket")));
    // They need no privilege, so that it is seccomp that forbids.
    let refused = Err(nix::Error::EPERM);
    assert_eq!(nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS), refused);
    let uid = nix::unistd::Uid::effective();
    assert_eq!(nix::unistd::setuid(uid), refused, "not even to oneself");
    assert_eq!(nix::unistd::setuid(0.into()), refused);

    // What a server needs.
    TcpStream::connect(at(&relay)).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
    assert!(("localhost", 25).to_socket_addrs().unwrap().next().is_some());
    if Path::new("/etc/resolv.conf").exists() {
        fs::read("/etc/resolv.conf").unwrap();
    }
    let of_thread = std::thread::spawn(|| fs::read("/etc/shadow"));
    assert_denied(of_thread.join().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let blocking = runtime.block_on(async { tokio::task::spawn_blocking(|| 7).await });
    assert_eq!(blocking.unwrap(), 7);
    state_is_ours(&state);
    println!("tried everything");
}

/// Journal, snapshot and certificate: made, replaced and removed.
fn state_is_ours(state: &Path) {
    crate::serve::keys::Keys::open(state).unwrap();
    let prefix = "192.0.2.0/24".parse().unwrap();
    let now = |seconds: i64| heloscope_model::Time::from_secs(1_700_000_000 + seconds);
    let open = |seconds| {
        let config = heloscope_ledger::Config {
            folder: Some(state.join("ledger")),
            ..heloscope_ledger::Config::memory(true)
        };
        heloscope_ledger::Ledger::open(config, now(seconds)).unwrap()
    };
    let ledger = open(0);
    ledger.exempt(prefix, "a trial", None, now(1)).unwrap();
    ledger.erase(prefix, now(2)).unwrap();
    drop(ledger);
    assert_eq!(open(3).exemptions().len(), 1);
    let (aside, file) = (state.join("file.new"), state.join("file"));
    fs::write(&aside, "x").unwrap();
    fs::rename(&aside, &file).unwrap();
    fs::File::open(state).unwrap().sync_all().unwrap();
    fs::remove_file(&file).unwrap();
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[track_caller]
fn assert_denied<T>(tried: std::io::Result<T>) {
    match tried {
        Ok(_) => panic!("it was allowed"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}"),
    }
}

#[test]
fn a_state_that_root_made_becomes_the_users_and_nothing_else_does() {
    if !is_root() {
        return;
    }
    let state = |prepare: &dyn Fn(&Path)| {
        let folder = folder();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        fs::create_dir(state.join("ledger")).unwrap();
        fs::write(state.join("ledger/segment"), "x").unwrap();
        fs::write(folder.path().join("outside"), "x").unwrap();
        symlink(folder.path().join("outside"), state.join("link")).unwrap();
        prepare(&state);
        user::hand_over(&state, NOBODY.into(), NOBODY.into()).unwrap();
        let owner = |path: &str| fs::symlink_metadata(folder.path().join(path)).unwrap().uid();
        ["state", "state/ledger/segment", "state/link", "outside"].map(owner)
    };
    let key = |state: &Path| fs::write(state.join("list.key"), [0; 32]).unwrap();
    let mode = |state: &Path, mode| {
        fs::set_permissions(state, fs::Permissions::from_mode(mode)).unwrap();
    };
    assert_eq!(state(&|state| key(state)), [NOBODY, NOBODY, NOBODY, 0]);
    assert_eq!(state(&|_| ()), [0; 4], "a folder of somebody's, named by mistake");
    let open = |state: &Path| {
        key(state);
        mode(state, 0o777);
    };
    assert_eq!(state(&open), [0; 4], "everybody could have put a link there");
    let another = |state: &Path| {
        key(state);
        std::os::unix::fs::chown(state.join("ledger"), Some(7), None).unwrap();
    };
    assert_eq!(state(&another), [NOBODY, 0, NOBODY, 0], "what is another's is not entered");
}

#[test]
fn a_user_that_cannot_be_is_refused() {
    let folder = folder();
    let state = folder.path().join("state");
    let error = |user: &str| {
        let user = Some(user.to_owned());
        let taken = take(&Config { state: state.clone(), user, ..Config::default() });
        format!("{:#}", taken.err().unwrap())
    };
    assert!(error("no-such-user").contains("useradd --system"), "{}", error("no-such-user"));
    assert!(error("root").contains("name one without rights"), "{}", error("root"));
    assert!(!state.exists());
}

#[test]
fn connections_go_to_name_servers_and_the_relay() {
    let mut config = Config::default();
    assert_eq!(Bounds::of(&config).ports, BTreeSet::from([53]));
    config.mail.relay = Some("127.0.0.1:25".to_owned().try_into().unwrap());
    config.look_ups.resolvers = vec!["127.0.0.1:5300".parse().unwrap()];
    assert_eq!(Bounds::of(&config).ports, BTreeSet::from([25, 5300]));
}
