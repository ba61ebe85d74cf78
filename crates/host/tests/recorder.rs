//! The recorder on this kernel: processes that live a millisecond, each named with its own arguments and ancestors.
#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "tests read the environment and wait by the clock")]

use heloscope_host::recorder::{Error, PORTS};
use heloscope_host::{Connection, Noted, Recorder};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// Says to whom this very program connects when it is started anew as the process to be seen.
const CONNECT: &str = "HELOSCOPE_TEST_CONNECT";

fn recorder(port: u16) -> Option<Recorder> {
    match Recorder::start(&[port]) {
        Ok(recorder) => Some(recorder),
        Err(error @ (Error::Btf(_) | Error::Load(_) | Error::Map(_))) => {
            println!("skipped: needs root and a kernel with BTF: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Connections of processes whose first argument is the word, until there are so many.
fn connections(recorder: &mut Recorder, word: &str, many: usize) -> Vec<Connection> {
    let (mut found, end) = (Vec::new(), Instant::now() + Duration::from_secs(20));
    while found.len() < many && Instant::now() < end {
        for noted in recorder.next(Duration::from_millis(100)).unwrap() {
            match noted {
                Noted::Connection(c) if c.process.args.first().is_some_and(|a| a == word) => {
                    found.push(*c);
                }
                Noted::Lost { events, .. } => panic!("{events} events were lost"),
                _ => {}
            }
        }
    }
    found
}

fn connector(name: &str, argument: &str, server: SocketAddr) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg0(name).args(["--exact", "connects_when_told", argument]);
    command.env(CONNECT, server.to_string()).stdout(std::process::Stdio::null());
    command
}

/// No test: what the others start.
#[test]
fn connects_when_told() {
    let Ok(server) = std::env::var(CONNECT) else { return };
    drop(TcpStream::connect(server));
    std::process::exit(0);
}

#[test]
fn a_thousand_short_lives_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let Some(mut recorder) = recorder(server.port()) else { return };
    std::thread::spawn(move || {
        for taken in listener.incoming() {
            drop(taken)
        }
    });
    for batch in 0..100 {
        let children: Vec<_> = (0..10)
            .map(|n| {
                connector("short-lived", &format!("number-{}", batch * 10 + n), server).spawn()
            })
            .collect();
        for child in children {
            assert!(child.unwrap().wait().unwrap().success());
        }
    }
    let found = connections(&mut recorder, "short-lived", 1000);
    let mut numbers: BTreeMap<&str, &Connection> = BTreeMap::new();
    for connection in &found {
        let number = connection.process.args.last().unwrap();
        assert!(numbers.insert(number, connection).is_none(), "{number} twice");
        assert_eq!(connection.server, server);
        assert_eq!(connection.outcome.as_deref(), Some("open"));
        assert_eq!(connection.client.unwrap().ip(), server.ip());
        let exe = std::env::current_exe().unwrap();
        assert_eq!(connection.process.exe.as_deref(), exe.to_str());
        assert_eq!(connection.ancestors[0].pid, std::process::id(), "{connection:?}");
    }
    assert_eq!(numbers.len(), 1000);
}

#[test]
fn a_false_name_and_an_exe_that_is_gone() {
    // Nobody listens there: the attempt is seen all the same.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    drop(listener);
    let Some(mut recorder) = recorder(server.port()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let hidden = folder.path().join(".x\n y");
    std::fs::create_dir(&hidden).unwrap();
    let bot = hidden.join("bot");
    std::fs::copy(std::env::current_exe().unwrap(), &bot).unwrap();
    // It removes itself before it connects, as bots do.
    let script = "exec 3< \"$0\"; rm \"$0\"; cd /var/tmp; \
                  exec -a '[kworker/0:1]' /proc/self/fd/3 --exact connects_when_told";
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(&bot).env(CONNECT, server.to_string());
    command.stdout(std::process::Stdio::null());
    command.status().unwrap();
    let found = connections(&mut recorder, "[kworker/0:1]", 1);
    let [connection] = &found[..] else { panic!("{found:?}") };
    assert_eq!(connection.outcome.as_deref(), Some("ECONNREFUSED"));
    assert_eq!(connection.process.folder.as_deref(), Some("/var/tmp"));
    assert!(connection.process.deleted, "{connection:?}");
    let exe = connection.process.exe.as_deref().unwrap();
    assert!(exe.ends_with(".x\\n y/bot"), "{exe}");
}

#[test]
fn other_ports_are_nobody_s_business() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(mut recorder) = recorder(PORTS[0]) else { return };
    drop(TcpStream::connect(listener.local_addr().unwrap()));
    let own = std::process::id();
    for noted in recorder.next(Duration::from_millis(300)).unwrap() {
        assert!(!matches!(noted, Noted::Connection(c) if c.process.pid == own));
    }
}
