//! Plays the kinds, a few at a time: hosts, the driver (senders/drive.sh) or the bot on them, and waiting until each is done.

use super::kinds::{Configured, Kind, Place};
use super::office::Office;
use super::{Order, sources};
use crate::clock;
use crate::host::Host;
use crate::world::World;
use anyhow::{Context, Result};
use std::path::Path;
use std::rc::Rc;

/// Kinds that play at once.
const AT_ONCE: usize = 8;

/// Longest play of a kind.
const LONGEST_S: f64 = 400.0;

/// How a kind's play ended.
#[derive(Clone, Debug)]
pub(super) struct Played {
    /// Which.
    pub kind: Kind,
    /// The software's own word on its version.
    pub version: String,
    /// Why there is nothing recorded of it, where it did not play.
    pub skipped: Option<String>,
}

struct Running {
    kind: Kind,
    since: jiff::Timestamp,
    /// Hosts that play; done when each has written its report.
    hosts: Vec<Rc<Host>>,
    _office: Option<Office>,
}

/// Plays all, in order.
pub(super) fn all(
    world: &World,
    receiver: &Host,
    kinds: &[Kind],
    order: &Order,
    built: &Path,
) -> Result<Vec<Played>> {
    let certificate = receiver.read("/etc/ssl/mail.pem")?;
    let mut running: Vec<Running> = Vec::new();
    let mut played = Vec::new();
    for (number, kind) in kinds.iter().enumerate() {
        while running.len() >= AT_ONCE {
            reap(&mut running, &mut played);
        }
        let stage = Stage { world, number, kind, order, built, certificate: &certificate };
        running.push(stage.start().with_context(|| format!("cannot play {}", kind.name))?);
    }
    while !running.is_empty() {
        reap(&mut running, &mut played);
    }
    let place = |name: &str| kinds.iter().position(|kind| kind.name == name);
    played.sort_by_key(|one: &Played| place(&one.kind.name));
    Ok(played)
}

/// Takes those that are done; their hosts end.
fn reap(running: &mut Vec<Running>, played: &mut Vec<Played>) {
    clock::pause(0.2);
    running.retain(|one| {
        let late = clock::seconds_since(one.since) > LONGEST_S;
        if !late && !one.hosts.iter().all(|host| host.inside("/run/report").exists()) {
            return true;
        }
        let Some(host) = one.hosts.first() else { return false };
        let read = |path: &str| {
            host.read(path)
                .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
                .unwrap_or_default()
        };
        let report = read("/run/report");
        let why = read("/run/failed.err").lines().last().unwrap_or_default().to_owned();
        let skipped = if report.is_empty() {
            Some("it did not end in time".to_owned())
        } else {
            report
                .strip_prefix("skipped: ")
                .map(|what| format!("{what}: {}", read("/run/drive.err")))
        };
        println!(
            "{:<40} {:>4.0} s  {}{}",
            one.kind.name,
            clock::seconds_since(one.since),
            skipped.as_deref().map_or(report.clone(), |why| format!("skipped: {why}")),
            if why.is_empty() { String::new() } else { format!(" (last: {why})") }
        );
        played.push(Played { kind: one.kind.clone(), version: read("/run/version"), skipped });
        false
    });
}

/// One kind's play before it begins.
struct Stage<'a> {
    world: &'a World,
    number: usize,
    kind: &'a Kind,
    order: &'a Order,
    built: &'a Path,
    certificate: &'a [u8],
}

impl Stage<'_> {
    fn start(&self) -> Result<Running> {
        let kind = self.kind;
        let mut office = None;
        let mut hosts = Vec::new();
        if kind.place == Place::Public {
            let host = self.world.public(short(&kind.machine), &kind.address, "UTC")?;
            hosts.push(host);
        } else {
            let built = Office::build(self.world, self.number, &kind.address)?;
            hosts.push(built.host(self.world, short(&kind.machine), "192.168.9.10")?);
            if kind.place == Place::BesidePostfix {
                hosts.push(built.host(self.world, "mail", "192.168.9.25")?);
            }
            office = Some(built);
        }
        let since = clock::now();
        if let Some(host) = hosts.first() {
            if kind.configured == Configured::Bot {
                self.bot(host)?;
            } else {
                self.real(host, &kind.program, &kind.machine, &kind.says)?;
            }
        }
        if let Some(server) = hosts.get(1) {
            let name = kind.ptr.clone().unwrap_or_default();
            self.real(server, "postfix", &name, &name)?;
        }
        Ok(Running { kind: kind.clone(), since, hosts, _office: office })
    }

    /// A real program under the driver.
    fn real(&self, host: &Host, program: &str, machine: &str, says: &str) -> Result<()> {
        let sources = sources();
        let local = if machine == "localhost" {
            String::new()
        } else {
            format!("127.0.1.1\t{machine} {}\n", short(machine))
        };
        host.write("/etc/hosts", format!("127.0.0.1\tlocalhost\n{local}"), 0o644)?;
        host.write("/etc/hostname", format!("{machine}\n"), 0o644)?;
        host.sh(&format!("hostname {machine}; chmod 1777 /var/tmp"))?;
        host.write("/etc/ssl/receiver.pem", self.certificate, 0o644)?;
        let settings = format!(
            "HELO='{says}'\nFROM='orders@{}'\nCOUNT={}\nFIRST={}\nSEED={}\nBUILT='{}'\nPROGRAMS='{}'\nexport BARE_LF={}\n",
            self.kind.domain(),
            self.order.mails,
            // Short runs see other parts of the driver's round with each kind.
            if self.order.mails < 12 { self.number * self.order.mails as usize } else { 0 },
            self.order.seed.wrapping_add(self.number as u64) % 32768,
            self.built.display(),
            sources.join("programs").display(),
            if self.kind.bare_lf { "1" } else { "" },
        );
        host.write("/run/settings", settings, 0o644)?;
        let drive = sources.join("drive.sh");
        host.daemon(&["bash", "-c", &format!(
            "bash {} {program} /run/settings 2> /run/drive.err; [ -e /run/report ] || echo 'skipped: the driver ended' > /run/report",
            drive.display()
        )])
    }

    /// A bot; it reports by ending.
    fn bot(&self, host: &Host) -> Result<()> {
        let kind = self.kind;
        host.write("/run/version", "written by hand", 0o644)?;
        let script = sources().join("bots").join(format!("{}.py", kind.program));
        host.daemon(&["bash", "-c", &format!(
            "PYTHONDONTWRITEBYTECODE=1 python3 {} --count {} --seed {} --address {} 2> /run/failed.err; [ $? = 0 ] && echo 'all sessions held' > /run/report || echo 'skipped: the bot broke off' > /run/report",
            script.display(),
            self.order.mails.saturating_mul(2),
            self.order.seed.wrapping_add(self.number as u64),
            kind.address,
        )])
    }
}

fn short(machine: &str) -> &str {
    machine.split('.').next().unwrap_or(machine)
}
