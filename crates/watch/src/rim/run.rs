//! Puts it together: what needs rights first ([`prepare`]), then threads ([`Prepared::start`]), then the end.

use super::host::{Found, Unresolved};
use super::lists;
use super::notify::{self, Post};
use super::page::{self, Shared};
use super::{clock, journald, logs, queue, recorder};
use crate::Watch;
use crate::alert::Say;
use crate::config::Config;
use crate::event::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Events that wait for the core; a recorder or log that is faster waits.
const WAITING: usize = 4096;
const TICK: Duration = Duration::from_millis(500);
/// Ticks between two times at which what must outlive a restart is written.
const KEEP_EVERY: u32 = 60;
const KEPT: &str = "watch.json";

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Error {
    #[error("making the state folder {}: {source} (choose another with state = or --state)", .folder.display())]
    State { folder: PathBuf, source: io::Error },
    #[error(
        "listening on {address} for the status page: {source} (choose another with listen = or --listen)"
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    #[error(transparent)]
    Post(#[from] notify::Unready),
    #[error(transparent)]
    Lists(#[from] lists::Unready),
    #[error("starting threads: {0}")]
    Threads(io::Error),
}

/// What is bound and loaded, before rights are given up and threads begin.
pub struct Prepared {
    config: Config,
    found: Found,
    listener: std::net::TcpListener,
    address: SocketAddr,
    source: Option<recorder::Source>,
    ask: Option<lists::Ask>,
    posts: Vec<Box<dyn Post>>,
    blind: Vec<String>,
}

/// Binds, loads, reads secrets: all that may need rights. Starts no thread.
pub fn prepare(config: Config) -> Result<Prepared, Error> {
    let state = |source| Error::State { folder: config.state.clone(), source };
    // What people did on this host is nobody else's business.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.state).map_err(state)?;
    let mut found = Found::here(&config)?;
    let posts = notify::prepare(&config, &found.host)?;
    let listen = |source| Error::Listen { address: config.listen, source };
    let listener = std::net::TcpListener::bind(config.listen).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let mut blind = std::mem::take(&mut found.blind);
    let mut source = None;
    if config.record.enabled {
        match recorder::start(&config.ports, &config.record, &config.state) {
            Ok((started, said)) => {
                source = Some(started);
                blind.extend(said);
            }
            Err(error) => {
                blind.push(format!("connections and their processes are not seen: {error}"))
            }
        }
    }
    let ask = lists::prepare(&config.lists, &config.addresses, &mut blind)?;
    Ok(Prepared { config, found, listener, address, source, ask, posts, blind })
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prepared")
    }
}

/// Everything that runs.
#[derive(Debug)]
pub struct Running {
    ending: Ending,
    threads: Vec<JoinHandle<()>>,
    runtime: tokio::runtime::Runtime,
}

/// What a start has to say.
#[derive(Debug)]
pub struct Started {
    /// What ends it.
    pub running: Running,
    /// Where the status page is.
    pub address: SocketAddr,
    /// What is looked at, one line each.
    pub sees: Vec<String>,
    /// What cannot be seen, one line each.
    pub blind: Vec<String>,
}

impl Prepared {
    /// The rights that seeing connections still needs after the start.
    pub fn needs(&self) -> &'static [caps::Capability] {
        self.source.as_ref().map_or(&[], recorder::Source::needs)
    }

    /// Starts the threads; nothing of it needs a right that reading the logs does not.
    pub fn start(self) -> Result<Started, Error> {
        let Self { config, found, listener, address, source, ask, posts, mut blind } = self;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Error::Threads)?;
        let ending = Ending::default();
        let notes = Notes::default();
        let (to, events) = sync_channel(WAITING);
        let inbox = Inbox { to, ending: ending.clone() };
        let mut threads = Threads(Vec::new());
        let mut sees = vec![format!("MTA: {}", found.settings.mta.name)];

        if let Some(source) = source {
            sees.push(format!("connections to ports {}", words(&config.ports)));
            let (inbox, notes) = (inbox.clone(), notes.clone());
            threads.start("recorder", move || recorder::run(source, &inbox, &notes))?;
        }
        let (state, zone) = (config.state.clone(), found.zone.clone());
        if !found.logs.is_empty() {
            let (inbox, notes) = (inbox.clone(), notes.clone());
            sees.extend(found.logs.iter().map(|log| format!("mail log {}", log.display())));
            // Before anybody is told that it is ready: what is written then is not missed.
            let open = logs::open(&found.logs, &state, &zone);
            threads.start("logs", move || logs::follow(open, &inbox, &notes))?;
        } else if journald::is_here() {
            let (inbox, notes) = (inbox.clone(), notes.clone());
            sees.push("the journal's mail entries".to_owned());
            threads
                .start("journal", move || journald::follow("journalctl", &state, &inbox, &notes))?;
        } else {
            blind.push("no mail log is found: name it under logs".to_owned());
        }
        if let Some(spool) = found.queue.clone() {
            let (inbox, notes) = (inbox.clone(), notes.clone());
            sees.push(format!("the queue {}", spool.display()));
            threads.start("queue", move || queue::run(&spool, &inbox, &notes))?;
        }
        match ask {
            Some(ask) => {
                let (inbox, notes, asks) = (inbox.clone(), notes.clone(), runtime.handle().clone());
                let every = Duration::from_secs(config.lists.every_minutes.max(5) * 60);
                sees.push(format!("lists, for {} addresses", ask.targets()));
                threads.start("lists", move || lists::run(&ask, every, &asks, &inbox, &notes))?;
            }
            None if config.addresses.is_empty() => {
                blind.push(
                    "no list is asked: name your public addresses under addresses".to_owned(),
                );
            }
            None => {}
        }

        let mut watch = Watch::new(found.settings);
        let kept = config.state.join(KEPT);
        if let Ok(text) = std::fs::read(&kept) {
            let (with, failed) = watch.with_kept(&text);
            watch = with;
            blind.extend(failed.map(|error| {
                format!(
                    "what was kept in {} cannot be read ({error}): it begins anew",
                    kept.display()
                )
            }));
        }
        let post = notify::start(&runtime, posts, &found.host, &notes);
        let shared = Shared::new(found.host, blind.clone());
        let core = Core {
            watch,
            kept,
            shared: shared.clone(),
            notes,
            post,
            summary: found.summary,
            zone: found.zone,
        };
        // The last sender goes with its thread: then the core ends.
        drop(inbox);
        let over = ending.clone();
        threads.start("core", move || core.run(&events, &over))?;
        let shutdown = ending.clone();
        runtime.spawn(async move {
            if let Err(error) = page::serve(listener, shared, shutdown).await {
                tracing::error!(%error, "the status page is gone");
            }
        });
        let running = Running { ending, threads: threads.0, runtime };
        Ok(Started { running, address, sees, blind })
    }
}

impl Running {
    /// Ends it: what was seen is still judged and kept, what is to be said is given a few seconds to go out.
    pub fn end(self) {
        self.ending.end();
        for thread in self.threads {
            drop(thread.join());
        }
        self.runtime.shutdown_timeout(Duration::from_secs(3));
    }
}

struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        self.0.push(thread.map_err(Error::Threads)?);
        Ok(())
    }
}

/// The thread of the core.
struct Core {
    watch: Watch,
    kept: PathBuf,
    shared: Shared,
    notes: Notes,
    post: notify::Sender,
    summary: Option<jiff::civil::Time>,
    zone: jiff::tz::TimeZone,
}

impl Core {
    /// Tells the core this host's addresses, where they changed. Those that were known hold while they cannot be read.
    fn own_addresses(&mut self, known: &mut BTreeSet<IpAddr>) {
        match heloscope_host::addresses::own() {
            Ok(addresses) => {
                self.notes.set("addresses", None);
                if addresses != *known {
                    known.clone_from(&addresses);
                    self.take(Event::Addresses(addresses));
                }
            }
            Err(error) => self
                .notes
                .set("addresses", Some(format!("this host's addresses cannot be read: {error}"))),
        }
    }

    fn run(mut self, events: &Receiver<Event>, ending: &Ending) {
        let mut own = BTreeSet::new();
        let mut due = self.summary_after_now();
        let mut ticks = 0_u32;
        self.own_addresses(&mut own);
        let mut ticked = clock::now();
        loop {
            match events.recv_timeout(TICK) {
                Ok(event) => {
                    self.take(event);
                    // What waits is taken before anybody is shown how things stand.
                    for event in events.try_iter().take(WAITING) {
                        self.take(event);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => ending.pause(TICK),
            }
            let now = clock::now();
            if now.since(ticked).abs() >= TICK.as_secs_f64() {
                ticked = now;
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(10) {
                    self.own_addresses(&mut own);
                }
                if due.is_some_and(|due| now >= due) {
                    self.take(Event::SummaryDue);
                    due = self.summary_after_now();
                }
                self.take(Event::Tick);
                if ticks.is_multiple_of(KEEP_EVERY) {
                    self.keep();
                }
                self.show();
            }
            if ending.is_ending() && events.try_recv().is_err() {
                break;
            }
        }
        self.keep();
    }

    fn take(&mut self, event: Event) {
        let said = self.watch.take(clock::now(), event);
        if said.is_empty() {
            return;
        }
        for say in said {
            match &say {
                Say::Raised(alert) => {
                    tracing::warn!(id = alert.id, rule = alert.rule.word(), "{}", alert.summary)
                }
                Say::Resolved(alert) => tracing::info!(
                    id = alert.id,
                    rule = alert.rule.word(),
                    "over: {}",
                    alert.summary
                ),
                Say::Summary(_) => tracing::info!("summary of the day"),
            }
            self.post.send(say, &self.notes);
        }
        self.show();
        // An alert that was sent is not sent again by the next run.
        self.keep();
    }

    fn show(&self) {
        self.shared.set(self.watch.status(), self.notes.all());
    }

    fn keep(&self) {
        let failed = replace(&self.kept, &self.watch.keep()).err();
        let note = failed.map(|error| format!("{} cannot be kept: {error}", self.kept.display()));
        self.notes.set("kept", note);
    }

    /// The next time of the daily summary.
    fn summary_after_now(&self) -> Option<heloscope_model::Time> {
        let at = self.summary?;
        let now = jiff::Timestamp::from_nanosecond(i128::from(clock::now().nanos())).ok()?;
        let today = self.zone.to_datetime(now).date();
        [today, today.tomorrow().ok()?].into_iter().find_map(|day| {
            let due = self.zone.to_timestamp(day.to_datetime(at)).ok()?;
            (due > now).then(|| due.into())
        })
    }
}

fn words(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// Where threads bring their events.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    to: SyncSender<Event>,
    ending: Ending,
}

impl Inbox {
    /// Whether somebody listens.
    pub(crate) fn send(&self, event: Event) -> bool {
        self.to.send(event).is_ok()
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_ending()
    }

    /// Waits, but not beyond the end.
    pub(crate) fn pause(&self, long: Duration) {
        self.ending.pause(long);
    }
}

#[cfg(test)]
impl Inbox {
    /// One, what comes into it, and what ends it.
    pub(crate) fn for_tests() -> (Self, Receiver<Event>, impl FnOnce()) {
        let (to, events) = sync_channel(16);
        let ending = Ending::default();
        (Self { to, ending: ending.clone() }, events, move || ending.end())
    }
}

/// Whether it is to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<(Mutex<bool>, Condvar, tokio::sync::Notify)>);

impl Ending {
    fn end(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
        self.0.2.notify_waiters();
        self.0.2.notify_one();
    }

    fn is_ending(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self, long: Duration) {
        let ending = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_timeout_while(ending, long, |ending| !*ending));
    }

    pub(crate) async fn ended(self) {
        if !self.is_ending() {
            self.0.2.notified().await;
        }
    }
}

/// What goes wrong at the moment, by where: told on the status page, and in the log once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<BTreeMap<String, String>>>);

impl Notes {
    /// How it stands there: something wrong, or nothing.
    pub(crate) fn set(&self, place: &str, what: Option<String>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match what {
            None => {
                notes.remove(place);
            }
            Some(what) => {
                let before = notes.insert(place.to_owned(), what.clone());
                if before.is_none() {
                    tracing::warn!("{what}");
                }
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// Writes a file whole, or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
