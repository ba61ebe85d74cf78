//! `heloscope feed`: what strangers said to a mail server, from captures and its logs, to the list.
//!
//! In: files of any kind that `sessions` reads, and what the operator says of his server. Out: what the
//! ledger is told, as JSON lines, recorded in the list's state, or both; on stderr how many sessions counted
//! and why others did not. Judged by the same code as `serve`'s trap. Refused: captures without `--receiver`, since a
//! gateway's capture holds both directions.

mod fed;
mod logs;
mod ours;
mod postfix;
mod told;

use crate::cli::{Feed, Serve};
use crate::list::Access;
use crate::outcome::Outcome;
use crate::serve::clock;
use crate::serve::config::Config;
use crate::serve::dialects;
use anyhow::{Context, Result, ensure};
use fed::{Fed, Met};
use heloscope::report::Reporter;
use heloscope_detect::{Answer, History, ReverseName, Surroundings};
use heloscope_evidence::{Kind, Sink};
use heloscope_ledger::Detected;
use heloscope_model::sighting::Receiver;
use heloscope_model::{Session, Sighting};
use heloscope_trap::Traps;
use ours::{Ours, Passed, Servers};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::net::IpAddr;

/// Sessions kept until they are judged in order of time.
const SESSIONS: usize = 2_000_000;

pub(crate) fn run(args: &Feed) -> Result<Outcome> {
    ensure!(
        is_word(&args.sensor),
        "--sensor {:?}: letters, digits, dots, hyphens and underscores, at most 64",
        args.sensor
    );
    let config = Config::read(&Serve {
        config: args.config.clone(),
        state: args.state.clone(),
        lab: args.lab,
        ..Serve::default()
    })?;
    let judge = Reporter {
        off: config.detect.off.clone(),
        shadow: config.detect.shadow.clone(),
        dialects: dialects::dialects(&config.detect)?,
    };
    let ours = Ours::new(&args.receiver, &args.own);
    let access = args.state.as_ref().map(|_| Access::open(&config)).transpose()?;
    let mut fed = match &args.state {
        Some(state) => Fed::open(state, &args.sensor, clock::now())?,
        None => Fed::default(),
    };

    let mut gathered = Gathered::new(&ours);
    let readable = gathered.read(args)?;
    if !readable {
        eprintln!("heloscope: none of these is a capture or a log of Postfix");
        return Ok(Outcome::NothingReadable);
    }
    if ours.is_unknown() && gathered.of_captures > 0 {
        eprintln!(
            "heloscope: which of these servers is yours? Say --receiver ADDRESS or NAME: {}",
            gathered.servers.words()
        );
        return Ok(Outcome::BadUsage);
    }
    let traps = traps(args, &config)?;
    let mut passed = gathered.passed;
    let mut visitors = gathered.visitors;
    visitors.sort_by_key(|v| (v.session.start, v.session.client));
    let counted = visitors.len();
    let mut memory: HashMap<IpAddr, (History, bool)> = HashMap::new();
    let mut told = Vec::new();
    for visitor in visitors {
        let skip = match fed.meet(&visitor.session, visitor.file) {
            Met::New => None,
            Met::Before => Some(Passed::FedBefore),
            Met::TooOld => Some(Passed::TooOld),
            Met::Twice => {
                *passed.entry(Passed::Twice).or_default() += 1;
                continue;
            }
        };
        let sighting = sighting(args, &ours, visitor.session, &traps);
        let (history, reported) = memory.entry(sighting.session.client.ip()).or_default();
        let ptr = match visitor.name {
            Some(name) => Answer::Found(vec![ReverseName { name, confirmed: Some(true) }]),
            None => Answer::NotAsked,
        };
        let around = Surroundings { ptr, history: history.clone(), ..Surroundings::default() };
        // What was fed before is still its address's history.
        let judged = judge.judge(&sighting, &around, *reported, clock::now());
        history.note(&sighting, None, None);
        *reported |= judged.told.is_some();
        match skip {
            Some(why) => *passed.entry(why).or_default() += 1,
            None => told.extend(judged.told),
        }
    }
    if args.json {
        print(&told)?;
    }
    let count = told.len();
    if let Some(access) = access {
        access.detected(&mut told).context("telling the list")?;
        fed.save()?;
    }
    let others: Vec<String> =
        passed.iter().map(|(why, count)| format!("{count} {}", why.words())).collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!("; passed over: {}", others.join(", "))
    };
    eprintln!("heloscope: {counted} sessions of strangers, {count} told to the list{others}");
    Ok(if count == 0 { Outcome::Done } else { Outcome::Attention })
}

/// A word that may be a file's name.
fn is_word(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=64).contains(&text.len()) && text.chars().all(good) && !text.starts_with('.')
}

/// The traps of `--traps` and of the configuration.
fn traps(args: &Feed, config: &Config) -> Result<Traps> {
    let mut text = match &args.traps {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("reading the list of traps {}", path.display()))?,
        None => String::new(),
    };
    for (name, kind) in config.trap.domains.iter().chain(&config.trap.addresses) {
        text.push_str(&format!("\n{name} {}", kind.word()));
    }
    Traps::parse(&text).context("--traps, trap.domains and trap.addresses")
}

fn sighting(args: &Feed, ours: &Ours, session: Session, traps: &Traps) -> Sighting {
    let hits = traps.hits(session.rcpt_to().iter());
    Sighting {
        sensor: args.sensor.clone(),
        receiver: Receiver { names: ours.names.clone(), addresses: ours.addresses.clone() },
        session,
        traps: hits,
        hello: None,
        trap_login: false,
        bodies: Vec::new(),
    }
}

/// A stranger's session, and his name where the log confirmed it.
struct Visitor {
    session: Session,
    /// Which file it is of.
    file: u32,
    name: Option<String>,
}

/// Takes sessions of captures and logs, and keeps those of strangers.
struct Gathered<'a> {
    ours: &'a Ours,
    visitors: Vec<Visitor>,
    passed: BTreeMap<Passed, usize>,
    servers: Servers,
    of_captures: usize,
    beyond: usize,
}

impl<'a> Gathered<'a> {
    fn new(ours: &'a Ours) -> Self {
        Self {
            ours,
            visitors: Vec::new(),
            passed: BTreeMap::new(),
            servers: Servers::default(),
            of_captures: 0,
            beyond: 0,
        }
    }

    /// Reads everything; whether anything was readable.
    fn read(&mut self, args: &Feed) -> Result<bool> {
        let mut evidence = heloscope_evidence::open(&args.files);
        // Logs are read for connections here, not for mails; what is no log is streamed.
        let logs: Vec<_> = evidence
            .inputs
            .iter()
            .filter(|input| input.kind == Kind::MailLog)
            .map(|input| input.path.clone())
            .collect();
        evidence.stream(self, &mut |_, _| {});
        for input in &evidence.inputs {
            if let Some(note) = &input.note {
                eprintln!("heloscope: {}: {note}", input.path.display());
            }
        }
        let zone = logs::zone(args.zone.as_deref())?;
        for (number, path) in (0_u32..).zip(&logs) {
            let receiver = self.ours.addresses.first().copied();
            logs::read(path, &zone, &mut |visit| {
                let counts = match visit.logged_in
                    || visit.service.as_bytes().ends_with(b"/submission")
                    || visit.service.as_bytes().ends_with(b"/smtps")
                    || visit.service.as_bytes().ends_with(b"/submissions")
                {
                    true => Err(Passed::Submission),
                    false => self.ours.is_stranger(visit.client.ip()),
                };
                self.take(counts, || Visitor {
                    session: told::session(&visit, receiver),
                    // Apart from the numbers of captures.
                    file: u32::MAX.saturating_sub(number),
                    name: visit.name.clone(),
                });
            })?;
        }
        if self.beyond > 0 {
            eprintln!(
                "heloscope: {} sessions beyond {SESSIONS} were left out: feed fewer files at once",
                self.beyond
            );
        }
        Ok(evidence.inputs.iter().any(|i| matches!(i.kind, Kind::Capture | Kind::MailLog)))
    }

    fn take(&mut self, counts: Result<(), Passed>, visitor: impl FnOnce() -> Visitor) {
        match counts {
            Err(why) => *self.passed.entry(why).or_default() += 1,
            Ok(()) if self.visitors.len() >= SESSIONS => self.beyond += 1,
            Ok(()) => self.visitors.push(visitor()),
        }
    }
}

impl Sink for Gathered<'_> {
    fn session(&mut self, session: Session) {
        self.of_captures += 1;
        self.servers.note(&session);
        self.take(self.ours.holds(&session), || {
            let file = session.place.source.0;
            Visitor { session, file, name: None }
        });
    }
}

fn print(told: &[Detected]) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for one in told {
        let rules: Vec<_> = one
            .rules
            .iter()
            .map(|rule| {
                serde_json::json!({
                    "detector": rule.detector, "version": rule.version,
                    "class": rule.class, "family": rule.family, "evidence": rule.owner,
                })
            })
            .collect();
        let traps: Vec<_> = one
            .traps
            .iter()
            .map(|(recipient, kind)| serde_json::json!({ "recipient": recipient, "kind": kind.word() }))
            .collect();
        let line = serde_json::json!({
            "format": "heloscope.feed/1",
            "sensor": one.sensor,
            "address": one.address,
            "port": one.port,
            "time": one.at.rfc3339(),
            "helo": one.helo,
            "detections": rules,
            "traps": traps,
        });
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
