//! A `heloscope scan --json` document (`heloscope.scan/1`) -> processes, the files they run, users, cron jobs, sockets,
//! and what the scan found. Each record's place is the line it stands on: the scan writes one a line.
//!
//! The document may be cut or changed by hand: lines that are no record are passed over.

use crate::facts::{
    Connection, CronEntry, Facts, Finding, Process, Running, ScanFinding, ScanKind, User, WebFile,
};
use crate::lines;
use heloscope_model::{Place, SourceId};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Records taken from one document.
const MOST: usize = 200_000;

/// Whether a text is such a document.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let head = text.get(..text.len().min(4096)).unwrap_or_default();
    head.trim_ascii_start().starts_with(b"{")
        && memchr::memmem::find(head, b"\"heloscope.scan/1\"").is_some()
}

#[derive(Deserialize)]
struct Of {
    pid: u32,
    parent: Option<u32>,
    uid: Option<u32>,
    user: Option<String>,
    #[serde(default)]
    comm: String,
    exe: Option<String>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    listening: Vec<SocketAddr>,
    #[serde(default)]
    connected: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    local: SocketAddr,
    remote: SocketAddr,
}

#[derive(Deserialize)]
struct Job {
    when: String,
    user: Option<String>,
    command: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    uid: u32,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    grade: String,
    what: String,
    path: Option<String>,
    sure: f32,
}

/// Reads a document that starts at `base` of its source; says how many records it had. Sockets go to `connections`.
pub(crate) fn read(
    text: &[u8],
    source: SourceId,
    base: u64,
    facts: &mut Facts,
    connections: &mut Vec<Connection>,
) -> usize {
    let mut records = 0;
    for (offset, line) in lines::of(text) {
        if records >= MOST {
            break;
        }
        let place = Place::byte(source, base + offset);
        let line = line.trim_ascii();
        let line = line.strip_suffix(b",").unwrap_or(line);
        let known = if line.starts_with(b"{\"pid\":") {
            serde_json::from_slice(line).map(|of| process(of, place, facts, connections)).is_ok()
        } else if line.starts_with(b"{\"id\":") {
            serde_json::from_slice(line).map(|of| finding(of, place, facts)).is_ok()
        } else if line.starts_with(b"{\"name\":") {
            let named = serde_json::from_slice(line);
            named.map(|Named { name, uid }| facts.users.push(User { name, uid, place })).is_ok()
        } else if line.starts_with(b"{\"path\":") {
            let job = serde_json::from_slice(line);
            job.map(|Job { when, user, command }| {
                facts.cron.push(CronEntry { when, user, command, place });
            })
            .is_ok()
        } else {
            false
        };
        records += usize::from(known);
    }
    records
}

fn process(of: Of, place: Place, facts: &mut Facts, connections: &mut Vec<Connection>) {
    let command = if of.args.is_empty() { format!("[{}]", of.comm) } else { of.args.join(" ") };
    let program =
        of.exe.as_deref().and_then(|e| e.rsplit('/').next()).unwrap_or(&of.comm).to_owned();
    let socket = |src: SocketAddr, dst: SocketAddr, state: &str| Connection {
        time: None,
        src: src.ip(),
        src_port: Some(src.port()),
        dst: dst.ip(),
        dst_port: dst.port(),
        translated: None,
        mac: None,
        in_interface: None,
        out_interface: None,
        pid: Some(of.pid),
        program: Some(program.clone()),
        opener: None,
        helo: None,
        sent: None,
        process_started: None,
        uid: of.uid,
        state: state.to_owned(),
        place,
    };
    let nobody = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    connections.extend(of.listening.iter().map(|a| socket(*a, nobody, "LISTEN")));
    connections.extend(of.connected.iter().map(|p| socket(p.local, p.remote, "ESTAB")));
    if let Some(exe) = &of.exe {
        let exe = if of.deleted { format!("{exe} (deleted)") } else { exe.clone() };
        facts.running.push(Running { pid: of.pid, exe, place });
    }
    facts.processes.push(Process {
        user: of.user.or_else(|| of.uid.map(|u| u.to_string())).unwrap_or_default(),
        uid: of.uid,
        pid: of.pid,
        parent: of.parent,
        started: None,
        command,
        place,
    });
}

/// What is above a note: planted code as the web-root reader would have told it, all else as a scanner's warning.
fn finding(of: Found, place: Place, facts: &mut Facts) {
    if of.grade == "note" {
        return;
    }
    let planted = matches!(of.id.as_str(), "planted-code" | "code-in-uploads-runs");
    if let Some(path) = of.path.as_ref().filter(|_| planted) {
        facts.web_files.push(WebFile {
            path: path.clone(),
            findings: vec![Finding {
                rule: of.id,
                because: of.what,
                weight: of.sure.clamp(0.0, 1.0),
                place,
            }],
            modified: None,
            can_mail: false,
            place,
        });
        return;
    }
    facts.scans.push(ScanFinding {
        scanner: "heloscope scan",
        path: of.path,
        what: format!("{}: {}", of.id, of.what),
        kind: ScanKind::Warning,
        place,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = r#"{
"format":"heloscope.scan/1",
"findings":[
{"id":"planted-code","grade":"bad","what":"x","path":"/var/www/x.php","line":1,"pid":null,"why":"","sure":0.9,"do":"","against":[]},
{"id":"exe-hidden","grade":"bad","what":"y","path":"/tmp/.x/a","line":null,"pid":5,"why":"","sure":0.9,"do":"","against":[]},
{"id":"logins","grade":"note","what":"z","path":null,"sure":0.3}
],
"users":[
{"name":"www-data","uid":33}
],
"processes":[
{"pid":5,"parent":1,"uid":33,"user":"www-data","comm":"a","kernel":false,"exe":"/tmp/.x/a","deleted":true,"args":["kworker/0:1"],"folder":null,"script":null,"listening":["0.0.0.0:1080"],"connected":[{"local":"192.0.2.1:5000","remote":"203.0.113.5:25"}]}
],
"cron":[
{"path":"/var/spool/cron/crontabs/www-data","line":1,"when":"* * * * *","user":"www-data","command":"/tmp/.x/a"}
]
}
"#;

    #[test]
    fn records_and_their_places() {
        assert!(recognise(TEXT.as_bytes()));
        let (mut facts, mut connections) = (Facts::default(), Vec::new());
        assert_eq!(read(TEXT.as_bytes(), SourceId(0), 0, &mut facts, &mut connections), 6);
        assert_eq!(facts.web_files[0].path, "/var/www/x.php");
        assert_eq!(facts.scans.len(), 1);
        assert_eq!(facts.running[0].exe, "/tmp/.x/a (deleted)");
        assert_eq!(
            (facts.processes[0].user.as_str(), facts.processes[0].uid),
            ("www-data", Some(33))
        );
        assert_eq!(facts.cron[0].command, "/tmp/.x/a");
        assert_eq!(connections.len(), 2);
        assert_eq!((connections[1].dst_port, connections[1].pid), (25, Some(5)));
        let heloscope_model::At::Byte(at) = facts.processes[0].place.at else { panic!() };
        assert!(TEXT[at as usize..].starts_with("{\"pid\":5,"));
    }

    proptest! {
        #[test]
        fn never_panics(cut in 0..1200_usize, byte: u8) {
            let mut text = TEXT.as_bytes().to_vec();
            if let Some(at) = text.get_mut(cut) {
                *at = byte;
            }
            text.truncate(1500 - cut.min(1400));
            read(&text, SourceId(0), 0, &mut Facts::default(), &mut Vec::new());
        }
    }
}
