//! Puts it together: what needs rights first ([`prepare`]), then threads ([`Prepared::start`]), then the end.

use super::core::{Core, WAITING};
use super::host::{Found, Unresolved};
use super::inbox::{Ending, Inbox};
use super::notes::Notes;
use super::notify::{self, Outbox, Post};
use super::page::{self, Shared};
use super::{journald, lists, logs, queue, recorder};
use crate::Watch;
use crate::config::Config;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

const KEPT: &str = "watch.json";
const UNSENT: &str = "unsent.json";
/// How long the end waits for what is on its way out.
const LAST_WORDS: Duration = Duration::from_secs(3);

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
    outbox: Outbox,
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
        let inbox = Inbox::new(to, ending.clone());
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
        let (outbox, failed) = Outbox::open(config.state.join(UNSENT), &posts);
        blind.extend(failed);
        notify::start(&runtime, posts, &outbox, &found.host, &notes);
        let shared = Shared::new(found.host, blind.clone());
        let core = Core {
            watch,
            kept,
            shared: shared.clone(),
            notes,
            outbox: outbox.clone(),
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
        let running = Running { ending, threads: threads.0, outbox, runtime };
        Ok(Started { running, address, sees, blind })
    }
}

impl Running {
    /// Ends it: what was seen is still judged and kept, what is to be said is given a few seconds to go out. What has not gone
    /// out by then waits for the next run.
    pub fn end(self) {
        self.ending.end();
        for thread in self.threads {
            drop(thread.join());
        }
        self.outbox.wait(LAST_WORDS);
        self.runtime.shutdown_timeout(Duration::from_secs(1));
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

fn words(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
