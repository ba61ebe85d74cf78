//! The far side of a story, drawn from its seed: providers with their exchangers, people elsewhere, homes, strangers, scanners.
//!
//! Names, addresses and the manners of exchangers differ from case to case, so that nothing can be learnt from them. What the
//! story itself needs (its own domain, its server's address) is asked for here too, so that no address is given twice.

use crate::chance::Chance;
use crate::dns::Zone;
use crate::host::Host;
use crate::internet::{self, Internet, Provider};
use crate::sink::{self, Manner, Received};
use crate::world::World;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::rc::Rc;

/// Names and addresses before anything is built.
#[derive(Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    firsts: Vec<&'static str>,
    seconds: Vec<&'static str>,
}

/// The far side, standing.
#[derive(Debug)]
pub(super) struct Far {
    /// Exchangers and the name server.
    pub(super) net: Internet,
    /// Homes, visitors, strangers, scanners and the monitoring service: one host with many addresses.
    pub(super) crowd: Rc<Host>,
    /// Domains that take mail, the one with an exchanger that is down among them.
    pub(super) domains: Vec<&'static str>,
    /// The first exchanger of each domain: domain, name, address.
    pub(super) routes: Vec<(&'static str, &'static str, &'static str)>,
    /// People there whom ours write to; one of them has left.
    pub(super) contacts: Vec<&'static str>,
    /// Exchangers that keep what they get, readable with [`crate::sink::received`].
    pub(super) keepers: Vec<&'static str>,
    /// Those of `contacts` who write to us, with the host that sends for them.
    pub(super) writers: Vec<(Rc<Host>, &'static str)>,
    /// Where our people sit.
    pub(super) homes: Vec<&'static str>,
    /// Visitors of web sites.
    pub(super) visitors: Vec<&'static str>,
    /// For the story's evildoers.
    pub(super) strangers: Vec<&'static str>,
    /// Scanners and password guessers.
    pub(super) scanners: Vec<&'static str>,
    /// Someone's monitoring service: its address and what it says after EHLO.
    pub(super) monitor: (&'static str, &'static str),
    /// Hosts that stay up with the scene.
    others: Vec<Rc<Host>>,
}

impl Names {
    /// Nothing taken yet.
    pub(super) fn new(chance: &mut Chance) -> Self {
        let mut firsts = FIRSTS.to_vec();
        let mut seconds = SECONDS.to_vec();
        shuffle(chance, &mut firsts);
        shuffle(chance, &mut seconds);
        Self { taken: ["192.0.2.53".to_owned()].into(), firsts, seconds }
    }

    /// A free address in `network` (its first three numbers) with the last in `from..to`.
    pub(super) fn address(
        &mut self,
        chance: &mut Chance,
        network: &str,
        from: usize,
        to: usize,
    ) -> &'static str {
        loop {
            let address = format!("{network}.{}", from + chance.below(to - from));
            if self.taken.insert(address.clone()) {
                return kept(address);
            }
        }
    }

    /// A domain nobody has yet.
    pub(super) fn domain(&mut self, chance: &mut Chance) -> &'static str {
        let first = self.firsts.pop().unwrap_or("spare");
        let second = chance.pick(&self.seconds);
        kept(format!("{first}{second}.example"))
    }

    /// Builds the far side; `zone` holds the story's own names.
    pub(super) fn build(
        mut self,
        chance: &mut Chance,
        world: &World,
        mut zone: Zone,
    ) -> Result<Far> {
        let pool = |names: &mut Self, chance: &mut Chance, network: &str, from, to, count| {
            (0..count).map(|_| names.address(chance, network, from, to)).collect::<Vec<_>>()
        };
        let mut homes = pool(&mut self, chance, "198.51.100", 128, 200, 5);
        homes.extend(pool(&mut self, chance, "192.0.2", 130, 160, 2));
        let mut visitors = pool(&mut self, chance, "198.51.100", 128, 200, 4);
        visitors.extend(pool(&mut self, chance, "203.0.113", 130, 250, 4));
        let mut strangers = pool(&mut self, chance, "192.0.2", 161, 250, 4);
        strangers.extend(pool(&mut self, chance, "198.51.100", 200, 250, 3));
        let mut scanners = pool(&mut self, chance, "192.0.2", 161, 250, 2);
        scanners.extend(pool(&mut self, chance, "198.51.100", 200, 250, 2));
        let watcher = self.domain(chance);
        let monitor = (
            self.address(chance, "192.0.2", 2, 20),
            kept(format!("{}.{watcher}", chance.pick(&["probe3", "uptime", "check-eu", "poller"]))),
        );
        zone.host(monitor.1, monitor.0);
        let access = self.domain(chance);
        zone.pool(access, "198.51.100.128,198.51.100.199", chance.pick(&["c-", "dyn-", "host-"]));

        let (providers, domains, keepers) = self.providers(chance);
        let net = Internet::build(world, zone, &providers)?;
        let mut routes = Vec::new();
        for (of, exchangers) in &providers {
            if let Some((_, name, address, _)) = exchangers.first() {
                routes.extend(of.iter().map(|domain| (*domain, *name, *address)));
            }
        }
        // The first is what the crowd speaks from where nothing else is said: the monitoring service.
        let all = [&[monitor.0], &homes[..], &visitors, &strangers, &scanners].concat();
        let crowd = internet::crowd(world, "crowd", &all)?;
        let mut contacts = Vec::new();
        let mut people = PEOPLE.to_vec();
        shuffle(chance, &mut people);
        for (name, domain) in people.iter().zip(domains.iter().chain(domains.iter().take(2))) {
            contacts.push(kept(format!("{name}@{domain}")));
        }
        let gone = chance.pick(&["gone.away", "former.customer", "former"]);
        let mut writers = Vec::new();
        for (number, keeper) in keepers.iter().enumerate() {
            let at = format!("@{}", domains.get(number).context("a keeper has a domain")?);
            if let Some(writer) = contacts.iter().find(|contact| contact.ends_with(&at)) {
                writers.push((net.exchanger(keeper)?, *writer));
            }
        }
        if let Some(domain) = domains.first() {
            contacts.push(kept(format!("{gone}@{domain}")));
        }
        Ok(Far {
            net,
            crowd,
            domains,
            routes,
            contacts,
            keepers,
            writers,
            homes,
            visitors,
            strangers,
            scanners,
            monitor,
            others: Vec::new(),
        })
    }

    /// Providers, their domains (those of keepers first, in the keepers' order), and the exchangers that keep mail.
    fn providers(
        &mut self,
        chance: &mut Chance,
    ) -> (Vec<Provider>, Vec<&'static str>, Vec<&'static str>) {
        let dawdle = Manner::Slow(1 + chance.below(3) as u8);
        let sink = Manner::Sink(chance.pick(&["", "-w 1"]));
        let mut providers: Vec<Provider> = Vec::new();
        let (mut domains, mut keepers, mut more) = (Vec::new(), Vec::new(), Vec::new());
        for (manners, second) in [
            (&[Manner::Tls, Manner::Tls][..], false),
            (&[Manner::Plain], true),
            (&[Manner::Grey], false),
            (&[dawdle], false),
            (&[sink], true),
            (&[Manner::Refused, Manner::Plain], false),
        ] {
            let mut own = vec![self.domain(chance)];
            if second {
                own.push(self.domain(chance));
            }
            let Some(domain) = own.first().copied() else { continue };
            let stem = chance.pick(&["mx", "in", "mail", "gate", "mta"]);
            let network = chance.pick(&["198.51.100", "192.0.2"]);
            let hosts: Vec<_> = manners
                .iter()
                .enumerate()
                .map(|(number, manner)| {
                    let name = if manners.len() > 1 {
                        kept(format!("{stem}{}.{domain}", number + 1))
                    } else {
                        kept(format!("{stem}.{domain}"))
                    };
                    let address = self.address(chance, network, 20, 120);
                    (10 * (number as u16 + 1), name, address, *manner)
                })
                .collect();
            if let Some((_, name, _, Manner::Tls | Manner::Plain | Manner::Grey)) = hosts.first() {
                keepers.push(*name);
            }
            domains.push(domain);
            more.extend(own.iter().skip(1).copied());
            providers.push((Vec::leak(own), Vec::leak(hosts)));
        }
        domains.extend(more);
        (providers, domains, keepers)
    }
}

impl Far {
    /// An address of somebody who never asked for mail; a few do not exist.
    pub(super) fn victim(&self, chance: &mut Chance) -> String {
        let start = if chance.unit() < 0.08 { "x-" } else { "" };
        let (length, domain) = (5 + chance.below(4), chance.pick(&self.domains));
        format!("{start}{}@{domain}", chance.word("abcdeghiklmnoprstuvy", length))
    }

    /// A mail that holds `needle`, as the first provider that kept one stored it.
    pub(super) fn stored(&self, needle: &str) -> Result<Option<Received>> {
        for keeper in &self.keepers {
            if let Some(mail) = sink::received(&*self.net.exchanger(keeper)?, needle)? {
                return Ok(Some(mail));
            }
        }
        Ok(None)
    }

    /// The exchanger that keeps mail with this number, and its domain.
    pub(super) fn keeper(&self, number: usize) -> Result<(&'static str, &'static str)> {
        let (name, domain) = (self.keepers.get(number), self.domains.get(number));
        name.copied().zip(domain.copied()).with_context(|| format!("no keeper {number}"))
    }

    /// The first exchanger of a domain.
    pub(super) fn exchanger_of(&self, domain: &str) -> Option<&'static str> {
        self.routes.iter().find(|(of, ..)| *of == domain).map(|(_, name, _)| *name)
    }

    /// A web server elsewhere that hands out work to bots: exchangers' addresses with recipients, at `/t`. Gives its address.
    pub(super) fn control(&mut self, chance: &mut Chance, world: &World) -> Result<&'static str> {
        let mut list = String::new();
        for _ in 0..200 {
            let victim = self.victim(chance);
            let domain = victim.rsplit('@').next().unwrap_or_default();
            let found = self.routes.iter().find(|(of, ..)| *of == domain);
            if let Some((_, _, address)) = found {
                let _ = writeln!(list, "{address} {victim}");
            }
        }
        let address = kept(format!("203.0.113.{}", 251 + chance.below(3)));
        let host = world.public("control", address, "UTC")?;
        host.write("/srv/work/t", list, 0o644)?;
        host.daemon(&["busybox", "httpd", "-f", "-p", "80", "-h", "/srv/work"])?;
        self.others.push(host);
        Ok(address)
    }

    /// Several of them.
    pub(super) fn victims(&self, chance: &mut Chance, count: usize) -> Vec<String> {
        (0..count).map(|_| self.victim(chance)).collect()
    }
}

/// Names of a recording live as long as the program that records it.
pub(super) fn kept(text: String) -> &'static str {
    text.leak()
}

fn shuffle(chance: &mut Chance, things: &mut [&str]) {
    for at in (1..things.len()).rev() {
        things.swap(at, chance.below(at + 1));
    }
}

const FIRSTS: &[&str] = &[
    "amber", "birch", "cedar", "copper", "dune", "falcon", "fern", "garnet", "granite", "harvest",
    "heron", "hollow", "juniper", "kestrel", "lantern", "linden", "lupin", "maple", "meadow",
    "mistral", "orchard", "osprey", "pebble", "quarry", "rowan", "saffron", "sable", "sorrel",
    "summit", "thistle", "tundra", "umber", "velvet", "walnut", "willow", "zephyr",
];
const SECONDS: &[&str] = &["mail", "post", "net", "box", "letters", "online", "link", "wire"];
const PEOPLE: &[&str] = &[
    "a.novak",
    "b.lindgren",
    "carla",
    "d.ortega",
    "edith",
    "f.moreau",
    "gina.b",
    "h.tanaka",
    "ivo",
    "jens.k",
    "k.walsh",
    "lotte",
    "m.rossi",
    "nadia",
    "o.brandt",
    "p.silva",
    "rosa",
    "s.kaya",
    "tilda",
    "u.meyer",
];
