//! `heloscope serve`: the list's roles in one process.
//!
//! ```text
//!  trap ──Sighting──> surround ──> station ──Detected──> ledger ──changes──> DNS table
//!                     (asks DNS)   (judges,               │ ^                    │
//!                                  remembers)  clock, ────┘ │                    v
//!                                              each second  └──removal── pages   name servers
//! ```
//!
//! Everything is bound first; then privileges are given up ([`privileges`]), the ledger is opened, the
//! sockets are said (`ready ROLE ADDRESS`) and run. SIGTERM and SIGINT stop the sensors first; what they
//! saw is judged and recorded before the ledger closes.

mod aside;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod dialects;
pub(crate) mod histories;
mod judge;
pub(crate) mod keys;
mod metrics;
pub(crate) mod names;
mod origin;
pub(crate) mod pages;
mod postman;
mod privileges;
pub(crate) mod publish;
mod secrets;
mod station;
mod surroundings;
#[cfg(test)]
mod washer;

use crate::cli::Serve;
use crate::outcome::Outcome;
use anyhow::{Context, Result, anyhow};
use config::{Config, Role};
use control::Control;
use heloscope_dnsbl::{Server, Table};
use heloscope_ledger::Ledger;
use heloscope_model::sighting::Receiver;
use heloscope_trap::{Bodies, Limits, Personality, Sensor, Traps};
use histories::Histories;
use judge::Judge;
use keys::Keys;
use metrics::Meters;
use names::Names;
use pages::Pages;
use privileges::Bounds;
use secrets::Secrets;
use station::Station;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use surroundings::surround;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Sessions that wait to be judged; beyond it the trap takes no new ones.
const SIGHTINGS: usize = 1024;
/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(flags: &Serve) -> Result<Outcome> {
    let config = Config::read(flags)?;
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let secrets = Secrets::read(&config)?;
    // Asked now, while the files can be read that say how much of the machine is ours.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let who = privileges::take(&config)?;
    let keys = Keys::open(&config.state)?;
    let bound = Bound::bind(&config, &keys, &secrets)?;
    privileges::alone()?;
    let held = privileges::confine(who, &Bounds::of(&config))?;
    tracing::info!("{held}");
    let list = bound.open(&keys)?;
    list.say_ready()?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(cores).enable_all().build();
    let runtime = runtime.context("starting the runtime")?;
    runtime.block_on(list.serve())?;
    Ok(Outcome::Done)
}

/// Every socket bound, no thread started.
struct Bound {
    config: Config,
    station: Station,
    histories: Arc<Histories>,
    sensor: Option<Sensor>,
    table: Arc<Table>,
    dns: Vec<Server>,
    pages: Option<Pages>,
    control: Control,
}

impl Bound {
    fn bind(config: &Config, keys: &Keys, secrets: &Secrets) -> Result<Self> {
        let sensor = match config.has(Role::Trap) {
            true => Some(Sensor::bind(sensor(config, keys)?)?),
            false => None,
        };
        let pages = match config.has(Role::Web) {
            true => Some(Pages::bind(config, keys, secrets, config.ledger.policy(config.lab))?),
            false => None,
        };
        let url = pages.as_ref().map_or_else(|| pages::url(config, None), |p| p.url().to_owned());
        let (table, mut dns) = (Arc::new(Table::new()), Vec::new());
        if config.has(Role::Dns) {
            let zones = Arc::new(publish::zones(config, &url)?);
            for &address in &config.dns.listen {
                let limits = heloscope_dnsbl::Limits::default();
                dns.push(Server::bind(address, zones.clone(), table.clone(), limits)?);
            }
        }
        let control = Control::bind(&config.state)?;
        let histories = Arc::new(Histories::open(&config.state)?);
        let known = dialects::dialects(&config.detect)?;
        let station = Station::new(&config.detect, known, histories.clone())?;
        let config = config.clone();
        Ok(Self { config, station, histories, sensor, table, dns, pages, control })
    }

    /// Opens the ledger, whose writer is the first thread.
    fn open(self, keys: &Keys) -> Result<List> {
        let Self { config, station, histories, sensor, table, dns, pages, control } = self;
        let folder = Some(config.state.join("ledger"));
        let key = keys.derive("ledger");
        let policy = config.ledger.policy(config.lab);
        let opened = heloscope_ledger::Config { folder, key, policy };
        let ledger = Ledger::open(opened, clock::now())?;
        control.open()?;
        for prefix in &config.ledger.exempt {
            if !ledger.exemptions().iter().any(|(known, _)| known == prefix) {
                ledger.exempt(*prefix, "exempt by the configuration", None, clock::now())?;
            }
        }
        if !dns.is_empty() {
            publish::follow(&ledger, &table)?;
        }
        Ok(List { config, ledger, station, histories, sensor, dns, pages, control })
    }
}

/// Everything bound, nothing running.
struct List {
    config: Config,
    ledger: Ledger,
    station: Station,
    histories: Arc<Histories>,
    sensor: Option<Sensor>,
    dns: Vec<Server>,
    pages: Option<Pages>,
    control: Control,
}

impl List {
    /// One line a socket, for whoever started us.
    fn say_ready(&self) -> Result<()> {
        let mut lines = String::new();
        let mut ready = |role: &str, address: SocketAddr| writeln!(lines, "ready {role} {address}");
        for address in self.sensor.iter().flat_map(Sensor::local_addrs) {
            ready("trap", address)?;
        }
        for address in self.sensor.iter().flat_map(Sensor::proxy_addrs) {
            ready("proxy", address)?;
        }
        for server in &self.dns {
            ready("dns", server.address())?;
        }
        for address in self.pages.iter().flat_map(Pages::addresses) {
            ready("web", address)?;
        }
        let mut out = std::io::stdout().lock();
        out.write_all(lines.as_bytes())?;
        Ok(out.flush()?)
    }

    async fn serve(self) -> Result<()> {
        let Self { config, ledger, station, histories, sensor, dns, pages, control } = self;
        let (sensing, serving) = (CancellationToken::new(), CancellationToken::new());
        let (sink, sightings) = mpsc::channel(SIGHTINGS);
        let (surrounded, judged) = mpsc::channel(SIGHTINGS);
        let names = Arc::new(Names::new(&config.look_ups)?);
        let patience = Duration::from_millis(config.look_ups.timeout_ms);
        tokio::spawn(surround(names.clone(), patience, sightings, surrounded));
        let mut servers = JoinSet::new();
        if let Some(pages) = pages {
            let meters = Meters {
                ledger: ledger.clone(),
                trap: sensor.as_ref().map(Sensor::counts),
                dns: dns.iter().map(Server::counters).collect(),
            };
            let (known, stop) = (known(&config, sensor.as_ref()), serving.clone());
            servers.spawn(pages.run(ledger.clone(), names.clone(), Arc::new(meters), known, stop));
        }
        for server in dns {
            let stop = serving.clone();
            servers.spawn(async move { server.run(stop).await.context("answering DNS") });
        }
        servers.spawn(tick(ledger.clone(), serving.clone()));
        servers.spawn(control.run(ledger.clone(), histories.clone(), serving.clone()));
        let mut sensors = JoinSet::new();
        if let Some(sensor) = sensor {
            let stop = sensing.clone();
            sensors.spawn(async move { sensor.run(sink, stop).await.context("the trap") });
        }
        let stop = sensing.clone();
        let mut judge = Judge::new(ledger, station, histories);
        let judging = tokio::task::spawn_blocking(move || {
            let ended = judge.sit(&stop, judged);
            if let Err(error) = &ended {
                tracing::error!(
                    "{error:#}: what is listed is still published, nothing else is taken"
                );
            }
            ended
        });

        let mut ended = tokio::select! {
            stopped = stop_signal() => stopped,
            Some(ended) = sensors.join_next() => flat(ended),
            Some(ended) = servers.join_next() => flat(ended),
        };
        // Sensors first: what they saw is still recorded.
        sensing.cancel();
        while let Some(sensor) = sensors.join_next().await {
            ended = ended.and(flat(sensor));
        }
        ended = ended.and(judging.await.context("the judge")?);
        serving.cancel();
        while let Some(server) = servers.join_next().await {
            ended = ended.and(flat(server));
        }
        ended
    }
}

fn flat(ended: Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    ended.context("a part of the list broke down")?
}

/// Tells the ledger the time. A ledger that takes nothing more is said once; DNS and pages go on with what
/// they have.
async fn tick(ledger: Ledger, stop: CancellationToken) -> Result<()> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = second.tick() => {}
        }
        let ledger = ledger.clone();
        let ticked = tokio::task::spawn_blocking(move || ledger.tick(clock::now())).await?;
        if let Err(error) = &ticked
            && !said
        {
            tracing::error!("{error}");
        }
        said = ticked.is_err();
    }
}

async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("taking SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("taking SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The sensors, for the desk.
fn known(config: &Config, sensor: Option<&Sensor>) -> Vec<heloscope_web::Sensor> {
    let traps = config.trap.domains.iter().chain(&config.trap.addresses);
    let traps: Vec<_> = traps.map(|(name, kind)| (name.clone(), kind.word().to_owned())).collect();
    let places = sensor.iter().flat_map(|s| s.local_addrs());
    let places = places.map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
    let name = config.trap.sensor.clone();
    sensor
        .map(|_| heloscope_web::Sensor { name, place: places, sessions: 0, traps })
        .into_iter()
        .collect()
}

/// The sensor as configured.
fn sensor(config: &Config, keys: &Keys) -> Result<heloscope_trap::Config> {
    let trap = &config.trap;
    let name = trap.name.clone().unwrap_or_else(|| format!("mx.{}", config.zone));
    let mut personality = Personality::new(&name);
    personality.software.clone_from(&trap.banner);
    personality.greeting_delay_s = trap.greeting_delay_s;
    personality.tarpit_s = trap.tarpit_s;
    personality.extensions.pipelining = trap.pipelining;
    personality.extensions.starttls = trap.starttls;
    personality.extensions.auth |= !trap.logins.is_empty();
    let entries = trap.domains.iter().chain(&trap.addresses);
    let list = entries.map(|(name, kind)| format!("{name} {}\n", kind.word())).collect::<String>();
    let traps = Traps::parse(&list).context("trap.domains and trap.addresses")?;
    let traps =
        traps.with_logins(trap.logins.clone()).map_err(|why| anyhow!("trap.logins: {why}"))?;
    let defaults = Limits::default();
    let mut key = [0; 16];
    key.iter_mut().zip(keys.derive("shingles")).for_each(|(to, from)| *to = from);
    Ok(heloscope_trap::Config {
        sensor: trap.sensor.clone(),
        listen: trap.listen.clone(),
        proxy: trap.proxy.clone(),
        proxy_protocol_from: trap.proxy_protocol_from.clone(),
        personality,
        receiver: Receiver {
            names: trap.domains.keys().map(|d| d.trim_start_matches('.').to_owned()).collect(),
            addresses: Vec::new(),
        },
        traps,
        helocheck: trap.helocheck.iter().cloned().collect(),
        limits: Limits {
            sessions: trap.sessions,
            sessions_per_address: trap.sessions_per_address,
            message_bytes: trap.message_bytes,
            idle_s: trap.idle_s as f64,
            session_s: trap.session_s as f64,
            ..defaults
        },
        state: config.state.clone(),
        shingle_key: key,
        bodies: bodies(config)?,
    })
}

/// Where messages are kept, if they are. Those of a time when they were are not left behind.
fn bodies(config: &Config) -> Result<Option<Bodies>> {
    let folder = config.state.join("bodies");
    let hours = config.trap.bodies_hours;
    if hours == 0 {
        return match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)
                .with_context(|| format!("removing the messages kept in {}", folder.display())),
            _ => Ok(None),
        };
    }
    Ok(Some(Bodies {
        folder,
        keep: Duration::from_secs(hours * 3600),
        session_bytes: usize::try_from(config.trap.message_bytes).unwrap_or(usize::MAX),
        all_bytes: config.trap.bodies_bytes,
    }))
}
