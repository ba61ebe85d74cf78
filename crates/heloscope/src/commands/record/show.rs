//! `heloscope record --show`: the record's lines of a span of time, as they are kept or for a person. A record that is
//! being written is read as far as it goes.
//!
//! For a person a connection is one line, with what became of it; so the record is read twice: first what each
//! came to, then the lines. Of very many connections only the first million are given their ends.

use crate::cli::record::Record;
use crate::outcome::{Outcome, Unreadable};
use anyhow::Result;
use heloscope_host::store::read;
use heloscope_model::Time;
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{self, BufWriter, IsTerminal, Write};

/// Connections whose end is kept in mind.
const ENDS: usize = 1_000_000;

pub(super) fn run(args: &Record) -> Result<Outcome> {
    if !args.store.is_dir() {
        let text = format!(
            "{}: there is no record here; `heloscope record` begins one",
            args.store.display()
        );
        return Err(Unreadable(text).into());
    }
    let span = Span { since: args.since, until: args.until };
    // A segment that was last written before has nothing of it.
    let since = args.since.map(Time::from_secs);
    let stdout = io::stdout();
    let plain = !args.json && stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    let read = if plain {
        let mut fates = Fates::default();
        read::lines(&args.store, since, &mut |number, line| {
            fates.take(number, line);
            Ok(())
        })?;
        read::lines(&args.store, since, &mut |number, line| match span
            .holds(line)
            .then(|| sentence(line, fates.of(number)))
            .flatten()
        {
            Some(sentence) => writeln!(out, "{sentence}"),
            None => Ok(()),
        })?
    } else {
        read::lines(&args.store, since, &mut |_, line| {
            if span.holds(line) {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?
    };
    out.flush()?;
    for cut in read.cut {
        eprintln!("heloscope: {cut}; what stands before was read");
    }
    Ok(Outcome::Done)
}

/// A span of time in seconds since 1970.
struct Span {
    since: Option<i64>,
    until: Option<i64>,
}

impl Span {
    fn holds(&self, line: &[u8]) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        #[derive(Deserialize)]
        struct Stamped {
            #[serde(alias = "start", alias = "end")]
            time: jiff::Timestamp,
        }
        let Ok(stamped) = serde_json::from_slice::<Stamped>(line) else { return false };
        let at = stamped.time.as_second();
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }
}

/// What connections came to.
#[derive(Default)]
struct Fates {
    /// By the connection's line.
    ends: HashMap<u64, Fate>,
    /// The line that last told of a socket; its number is given anew after a restart of the machine.
    last: HashMap<u64, u64>,
}

#[derive(Clone)]
enum Fate {
    /// It is told again, by a later line.
    ToldLater,
    Ended {
        end: jiff::Timestamp,
        received: u64,
        sent: u64,
    },
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    Connection {
        socket: u64,
        outcome: Option<String>,
    },
    Ended {
        socket: u64,
        end: jiff::Timestamp,
        received: u64,
        sent: u64,
    },
    /// By its headers it has a number, too.
    Passing {
        socket: Option<u64>,
    },
    #[serde(other)]
    Other,
}

impl Fates {
    fn take(&mut self, number: u64, line: &[u8]) {
        if self.ends.len() >= ENDS || self.last.len() >= ENDS {
            return;
        }
        match serde_json::from_slice(line) {
            Ok(Event::Connection { socket, outcome }) => {
                if let Some(before) = self.last.insert(socket, number)
                    && outcome.is_some()
                    && !self.ends.contains_key(&before)
                {
                    self.ends.insert(before, Fate::ToldLater);
                }
            }
            Ok(Event::Passing { socket: Some(socket) }) => {
                self.last.insert(socket, number);
            }
            Ok(Event::Ended { socket, end, received, sent }) => {
                if let Some(line) = self.last.remove(&socket) {
                    self.ends.insert(line, Fate::Ended { end, received, sent });
                }
            }
            _ => {}
        }
    }

    fn of(&self, number: u64) -> Option<&Fate> {
        self.ends.get(&number)
    }
}

/// A line as it is kept, as far as it is shown.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Told {
    Connection(Box<Connection>),
    Passing(Box<Passing>),
    Lease {
        time: String,
        address: String,
        mac: String,
        name: Option<String>,
    },
    Words {
        time: String,
        client: String,
        server: String,
        over: bool,
        helo: Option<String>,
        #[serde(default)]
        answers: Vec<String>,
        #[serde(default)]
        tls: bool,
    },
    Began {
        time: String,
        means: String,
    },
    Stopped {
        time: String,
    },
    Lost {
        time: String,
        events: u64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Passing {
    time: String,
    client: String,
    server: String,
    outcome: Option<String>,
    translated: Option<String>,
    mac: Option<String>,
    via: Option<String>,
    interface: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Connection {
    start: String,
    client: Option<String>,
    server: String,
    outcome: Option<String>,
    process: Process,
    script: Option<String>,
    #[serde(default)]
    ancestors: Vec<Process>,
    unit: Option<String>,
    container: Option<Container>,
}

#[derive(Deserialize)]
struct Process {
    pid: u32,
    uid: u32,
    comm: String,
    exe: Option<String>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    args: Vec<String>,
    folder: Option<String>,
}

#[derive(Deserialize)]
struct Container {
    runtime: String,
    id: String,
    name: Option<String>,
}

/// A line for a person; none where another tells of it.
fn sentence(line: &[u8], fate: Option<&Fate>) -> Option<String> {
    Some(match serde_json::from_slice(line).ok()? {
        Told::Connection(told) => connection(&told, fate)?,
        Told::Passing(told) => passing(&told, fate),
        Told::Lease { time, address, mac, name } => {
            let name = name.as_deref().unwrap_or("a machine without a name");
            format!("{}  -- {address} is {name}, MAC {mac} --", stamp(&time))
        }
        Told::Words { over: false, .. } => return None,
        Told::Words { time, client, server, helo, answers, tls, .. } => {
            let mut words = vec![format!("{}  {client} -> {server}", stamp(&time))];
            words.push(format!("said {}", helo.as_deref().unwrap_or("no HELO")));
            words.extend(tls.then(|| "then TLS".to_owned()));
            words.extend(answers.into_iter().map(|answer| format!("answered {answer}")));
            words.join("  ")
        }
        Told::Began { time, means } => format!("{}  -- watching begins ({means}) --", stamp(&time)),
        Told::Stopped { time } => format!("{}  -- watching ends --", stamp(&time)),
        Told::Lost { time, events } => format!("{}  -- {events} events were lost --", stamp(&time)),
        Told::Other => return None,
    })
}

fn passing(told: &Passing, fate: Option<&Fate>) -> String {
    let mut words = vec![format!("{}  {} -> {}", stamp(&told.time), told.client, told.server)];
    match (told.outcome.as_deref(), fate) {
        (Some("open"), Some(Fate::Ended { end, received, sent })) => {
            words.push(lasted(&told.time, end, *sent, *received));
        }
        (Some(outcome), _) => words.push(outcome.to_owned()),
        // Connection tracking does not tell.
        (None, _) => {}
    }
    words.extend(told.translated.as_ref().map(|outside| format!("as {outside}")));
    words.push("from behind this host".to_owned());
    words.extend(told.name.clone());
    words.extend(told.mac.as_ref().map(|mac| format!("MAC {mac}")));
    words.extend(told.via.as_ref().map(|via| format!("by way of MAC {via}")));
    words.extend(told.interface.as_ref().map(|interface| format!("on {interface}")));
    words.join("  ")
}

fn lasted(start: &str, end: &jiff::Timestamp, sent: u64, received: u64) -> String {
    let lasted = start.parse::<jiff::Timestamp>().ok();
    let lasted = lasted.map_or(0.0, |start| end.duration_since(start).as_secs_f64());
    format!("{lasted:.1} s, {sent} out, {received} in")
}

fn connection(told: &Connection, fate: Option<&Fate>) -> Option<String> {
    let process = &told.process;
    let client = told.client.as_deref().unwrap_or("?");
    let mut words = vec![format!("{}  {client} -> {}", stamp(&told.start), told.server)];
    words.push(match (told.outcome.as_deref(), fate) {
        (None, Some(Fate::ToldLater)) => return None,
        (Some("open"), Some(Fate::Ended { end, received, sent })) => {
            lasted(&told.start, end, *sent, *received)
        }
        (Some(outcome), _) => outcome.to_owned(),
        (None, _) => "no answer".to_owned(),
    });
    let program = told.script.as_ref().or(process.exe.as_ref()).unwrap_or(&process.comm);
    let gone = if process.deleted { " (its file is gone)" } else { "" };
    words.push(match (process.pid, program.as_str()) {
        (0, _) | (_, "") => format!("process not known  uid {}", process.uid),
        (pid, program) => format!("{program}{gone}  pid {pid}  uid {}", process.uid),
    });
    if let (None, Some(folder)) = (&told.script, process.folder.as_deref())
        && folder != "/"
    {
        words.push(format!("in {folder}"));
    }
    if let Some(container) = &told.container {
        let name: String =
            container.name.as_ref().unwrap_or(&container.id).chars().take(40).collect();
        words.push(format!("{} {name}", container.runtime));
    }
    words.extend(told.unit.clone());
    if let Some(parent) = told.ancestors.first() {
        let name = if parent.args.is_empty() { parent.comm.clone() } else { parent.args.join(" ") };
        let name: String = name.chars().take(60).collect();
        words.push(format!("started by {name}"));
    }
    Some(words.join("  "))
}

/// A stamp to the millisecond, its `T` and `Z` left out.
fn stamp(text: &str) -> String {
    let Ok(time) = text.parse::<jiff::Timestamp>() else { return text.to_owned() };
    time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = r#"{"event":"connection","socket":7,"start":"2026-11-24T14:30:01.5Z","client":"198.51.100.7:40001","server":"192.0.2.25:25","outcome":"open","process":{"pid":41,"uid":33,"comm":"perl","exe":"/usr/bin/perl","args":[]},"script":"/tmp/.x/a.pl","ancestors":[{"pid":1,"uid":0,"comm":"cron","args":["/usr/sbin/CRON","-f"]}],"unit":"cron.service"}"#;
    const WAITS: &str = r#"{"event":"connection","socket":7,"start":"2026-11-24T14:30:01.5Z","client":null,"server":"192.0.2.25:25","outcome":null,"process":{"pid":41,"uid":33,"comm":"perl"},"ancestors":[]}"#;
    const ENDED: &str =
        r#"{"event":"ended","socket":7,"end":"2026-11-24T14:30:04Z","received":120,"sent":900}"#;

    #[test]
    fn one_line_a_connection() {
        let mut fates = Fates::default();
        for (number, line) in [WAITS, OPEN, ENDED, OPEN].iter().enumerate() {
            fates.take(number as u64, line.as_bytes());
        }
        assert_eq!(sentence(WAITS.as_bytes(), fates.of(0)), None, "told again");
        assert_eq!(
            sentence(OPEN.as_bytes(), fates.of(1)).unwrap(),
            "2026-11-24 14:30:01.500  198.51.100.7:40001 -> 192.0.2.25:25  2.5 s, 900 out, 120 in  \
             /tmp/.x/a.pl  pid 41  uid 33  cron.service  started by /usr/sbin/CRON -f"
        );
        let still = sentence(OPEN.as_bytes(), fates.of(3)).unwrap();
        assert!(still.contains("  open  "), "{still}");
        let unanswered = sentence(WAITS.as_bytes(), None).unwrap();
        assert!(
            unanswered.contains("? -> 192.0.2.25:25  no answer  /")
                || unanswered.contains("no answer  perl")
        );
        assert_eq!(sentence(ENDED.as_bytes(), None), None);
    }

    #[test]
    fn a_router_s_line_says_who_and_how_much() {
        let passing = r#"{"event":"passing","time":"2026-11-24T14:30:01.5Z","socket":9,"client":"192.168.1.23:50001","server":"192.0.2.25:25","outcome":"open","mac":"52:54:00:00:00:17","interface":"lan0","name":"laptop"}"#;
        let ended = ENDED.replace(":7,", ":9,");
        let mut fates = Fates::default();
        for (number, line) in [passing, &ended].iter().enumerate() {
            fates.take(number as u64, line.as_bytes());
        }
        assert_eq!(
            sentence(passing.as_bytes(), fates.of(0)).unwrap(),
            "2026-11-24 14:30:01.500  192.168.1.23:50001 -> 192.0.2.25:25  2.5 s, 900 out, 120 in  \
             from behind this host  laptop  MAC 52:54:00:00:00:17  on lan0"
        );
        let lease = r#"{"event":"lease","time":"2026-11-24T14:00:00Z","address":"192.168.1.23","mac":"52:54:00:00:00:17","name":"laptop","by":"dhcp"}"#;
        assert_eq!(
            sentence(lease.as_bytes(), None).unwrap(),
            "2026-11-24 14:00:00.000  -- 192.168.1.23 is laptop, MAC 52:54:00:00:00:17 --"
        );
    }

    #[test]
    fn a_span_holds_its_lines() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        let since = at("2026-11-24T14:30:02Z");
        let span = Span { since: Some(since), until: None };
        assert!(!span.holds(OPEN.as_bytes()));
        assert!(span.holds(ENDED.as_bytes()));
        assert!(Span { since: None, until: Some(since) }.holds(OPEN.as_bytes()));
        assert!(!span.holds(b"{"));
    }
}
