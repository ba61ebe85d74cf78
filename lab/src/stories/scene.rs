//! Ready-made scenery, first kind: a server with a public address that carries web sites (Apache, mod_php) and the mail of
//! one domain (Postfix, Dovecot SASL, submission). A story says what is particular and adds its incident.
//!
//! In: what the story says of its server. Out: a [`Scene`] with the far side drawn from the seed, everyday traffic on demand,
//! and the usual evidence as one call ([`Scene::usual`] in `gathered`). The second kind, an office, is in `premises`.

use super::Plan;
use super::backdrop::{self, Person, Web};
use super::far::{Far, Names, kept};
use crate::chance::Chance;
use crate::dns::Zone;
use crate::host::Host;
use crate::mta::Mta;
use crate::syslog::{ROTATE, Stamps};
use crate::timeline::{Played, Timeline};
use crate::web::{self, Site};
use crate::world::World;
use anyhow::{Context, Result};
use std::rc::Rc;

/// What a story says of its server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Server {
    /// Short host name.
    pub(super) name: &'static str,
    /// The domain whose mail it carries.
    pub(super) domain: &'static str,
    /// What its Postfix says after EHLO; also its reverse name.
    pub(super) hostname: &'static str,
    /// Zone of its clock.
    pub(super) clock: &'static str,
    /// How its logs are stamped; RFC 3339 where not given.
    pub(super) stamps: Option<Stamps>,
    /// Accounts of people who write letters: name and password.
    pub(super) people: &'static [(&'static str, &'static str)],
    /// Accounts that nobody uses to send.
    pub(super) boxes: &'static [(&'static str, &'static str)],
    /// More lines for main.cf.
    pub(super) settings: &'static str,
    /// Its web sites with the pages that people visit; the first is the busiest.
    pub(super) sites: &'static [(Site, &'static [&'static str])],
    /// PHP settings.
    pub(super) php: &'static str,
    /// Prefix of the netfilter LOG lines it keeps, where it logs packets.
    pub(super) packets: Option<&'static str>,
}

/// Someone with an account, and where they sit.
#[derive(Clone, Debug)]
pub(super) struct Sitter {
    pub(super) at: Rc<Host>,
    pub(super) from_ip: &'static str,
    pub(super) ehlo: &'static str,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
    pub(super) address: &'static str,
    pub(super) agent: &'static str,
}

/// A world with its scenery up, and the story's timeline.
#[derive(Debug)]
pub(super) struct Scene {
    /// Seeded chance.
    pub(super) chance: Chance,
    /// Hosts and links, for what a story adds.
    pub(super) world: World,
    /// The rest of the Internet.
    pub(super) far: Far,
    /// The mail server: public, or inside an office.
    pub(super) server: Rc<Host>,
    /// The office's gateway, where there is one.
    pub(super) gateway: Option<Rc<Host>>,
    /// The public address.
    pub(super) address: &'static str,
    /// Where people submit.
    pub(super) submission: &'static str,
    /// The mail domain.
    pub(super) domain: &'static str,
    /// The MTA's name.
    pub(super) hostname: &'static str,
    /// Who writes letters.
    pub(super) people: Vec<Sitter>,
    /// Web sites: name and pages.
    pub(super) sites: Vec<(&'static str, &'static [&'static str])>,
    /// What happens.
    pub(super) line: Timeline,
    /// Seconds to play.
    pub(super) length: f64,
    name: String,
}

impl Scene {
    /// Builds the world of a public server and starts everything but the story.
    pub(super) fn server(plan: &Plan<'_>, says: &Server) -> Result<Self> {
        let mut chance = Chance::new(plan.seed);
        let world = World::new()?;
        let mut names = Names::new(&mut chance);
        let address = names.address(&mut chance, "203.0.113", 10, 120);
        let mut zone = Zone::default();
        zone.host(says.hostname, address).mx(says.domain, says.hostname, 10);
        for (site, _) in says.sites {
            zone.name(site.name, address);
        }
        let far = names.build(&mut chance, &world, zone)?;
        let server = world.public(says.name, address, says.clock)?;
        Mta {
            hostname: says.hostname,
            domains: says.domain,
            users: [says.people, says.boxes].concat().leak(),
            submission: true,
            stamps: Some(says.stamps.unwrap_or(Stamps::Rfc3339)),
            packets: says.packets,
            settings: kept(format!("mydomain = {}\n{}", says.domain, says.settings)),
            ..Mta::default()
        }
        .start(&server)?;
        let sites: Vec<Site> = says.sites.iter().map(|(site, _)| *site).collect();
        for site in &sites {
            server.sh(&format!("mkdir -p {}", site.root))?;
        }
        if !sites.is_empty() {
            web::start(&server, &sites, says.php)?;
        }
        server.sh("cron")?;
        let mut people = Vec::new();
        for ((user, password), from_ip) in says.people.iter().zip(&far.homes) {
            let (ehlo, agent) = mail_program(&mut chance, user);
            people.push(Sitter {
                at: Rc::clone(&far.crowd),
                from_ip,
                ehlo,
                user,
                password,
                address: kept(format!("{user}@{}", says.domain)),
                agent,
            });
        }
        Ok(Self {
            chance,
            world,
            far,
            server,
            gateway: None,
            address,
            submission: address,
            domain: says.domain,
            hostname: says.hostname,
            people,
            sites: says.sites.iter().map(|(site, pages)| (site.name, *pages)).collect(),
            line: Timeline::default(),
            length: plan.length,
            name: plan.name.to_owned(),
        })
    }

    /// A scene of other parts; `premises` builds one so.
    #[allow(clippy::too_many_arguments)] // the parts of a scene
    pub(super) fn of(
        plan: &Plan<'_>,
        chance: Chance,
        world: World,
        far: Far,
        server: Rc<Host>,
        gateway: Rc<Host>,
        (address, submission): (&'static str, &'static str),
        (domain, hostname): (&'static str, &'static str),
        people: Vec<Sitter>,
    ) -> Self {
        Self {
            chance,
            world,
            far,
            server,
            gateway: Some(gateway),
            address,
            submission,
            domain,
            hostname,
            people,
            sites: Vec::new(),
            line: Timeline::default(),
            length: plan.length,
            name: plan.name.to_owned(),
        }
    }

    /// What goes on anyway: letters both ways, unknown recipients, visits, scanners, password guessers, monitoring of port 25,
    /// the nightly rotation of logs.
    pub(super) fn everyday(&mut self) {
        let (line, chance, length) = (&mut self.line, &mut self.chance, self.length);
        let mut boxes: Vec<&str> = self.people.iter().map(|person| person.address).collect();
        let unknown = format!("{}@{}", chance.pick(&["sales", "info", "contact"]), self.domain);
        boxes.push(&unknown);
        let rate = chance.between(1.0, 1.5);
        backdrop::incoming(line, chance, length, rate, &self.far.writers, &boxes);
        for sitter in &self.people {
            let person = Person {
                at: &sitter.at,
                from_ip: sitter.from_ip,
                ehlo: sitter.ehlo,
                server: self.submission,
                user: sitter.user,
                password: sitter.password,
                address: sitter.address,
                agent: sitter.agent,
            };
            let rate = chance.between(0.45, 0.8);
            backdrop::correspondence(line, chance, length, rate, &person, &self.far.contacts);
        }
        for (number, (name, pages)) in self.sites.iter().enumerate() {
            let web = Web { address: self.address, name };
            let rate = if number == 0 { 6.0 } else { 2.5 };
            let from = &self.far.visitors;
            backdrop::visits(line, chance, length, rate, &self.far.crowd, from, web, pages);
            if number < 2 {
                let from = &self.far.scanners;
                backdrop::scanners(line, chance, length, &self.far.crowd, from, web);
            }
        }
        for at in chance.arrivals(1.2, 2.0, length - 10.0) {
            let user = chance.pick(&["admin", "info", "postmaster", "test", "office", "sales"]);
            let (from_ip, password) =
                (chance.pick(&self.far.scanners), chance.word("abcdefgh12345", 8));
            let guesser = Person {
                at: &self.far.crowd,
                from_ip,
                ehlo: "User",
                server: self.address,
                user,
                password: &password,
                address: user,
                agent: "",
            };
            backdrop::submit(line, at, "guess", &guesser, &["x@x.example"], "Subject: x\n\nx\n");
        }
        let (every, ehlo) = (chance.between(55.0, 110.0), self.far.monitor.1);
        backdrop::monitored(line, length, every, &self.far.crowd, self.address, ehlo);
        line.sh(length * chance.between(0.15, 0.3), &self.server, "rotate", ROTATE);
    }

    /// Plays the timeline.
    pub(super) fn play(&mut self) -> Result<Played> {
        std::mem::take(&mut self.line).play(&self.name, self.length)
    }

    /// The site's address and name, for requests; the first site where `name` is empty.
    pub(super) fn web<'a>(&self, name: &'a str) -> Web<'a> {
        let first = self.sites.first().map_or("", |(first, _)| first);
        Web { address: self.address, name: if name.is_empty() { first } else { name } }
    }

    /// A request with a form's fields, from an address of the crowd to a site (the first where `site` is empty).
    pub(super) fn post(
        &mut self,
        at: f64,
        tag: &str,
        from: &str,
        (site, path): (&str, &str),
        fields: &[(&str, &str)],
    ) {
        let pairs: Vec<String> =
            fields.iter().map(|(name, text)| format!("{name}={text}")).collect();
        let mut more = vec!["-A", browser(from)];
        for pair in &pairs {
            more.extend(["--data-urlencode", pair]);
        }
        let web = self.web(site);
        backdrop::request(&mut self.line, at, tag, &self.far.crowd, from, web, &more, path);
    }

    /// A visit to a page, as [`Scene::post`] posts.
    pub(super) fn get(&mut self, at: f64, tag: &str, from: &str, (site, path): (&str, &str)) {
        let web = self.web(site);
        let more = ["-A", browser(from)];
        backdrop::request(&mut self.line, at, tag, &self.far.crowd, from, web, &more, path);
    }

    /// A line of /etc/cron.d/`file` for a script that is written to `path`; cron runs already.
    pub(super) fn cron(
        &self,
        file: &str,
        when: &str,
        user: &str,
        path: &str,
        script: &str,
    ) -> Result<()> {
        self.server.write(path, script, 0o755)?;
        self.server.sh(&format!(
            "test -e /etc/cron.d/{file} || printf 'SHELL=/bin/sh\\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\\nMAILTO=postmaster@{}\\n' > /etc/cron.d/{file}
             echo '{when} {user} {path}' >> /etc/cron.d/{file}",
            self.domain
        ))?;
        Ok(())
    }

    /// Decoy: a cron script that greets an exchanger of a provider and leaves, without a line in the mail log.
    pub(super) fn reachability_check(&self, path: &str, every_minutes: u32) -> Result<()> {
        let exchanger = self.far.keepers.first().context("no exchanger")?;
        let script = include_str!("scene/reachable").replace("EXCHANGER", exchanger);
        self.cron("local", &format!("*/{every_minutes} * * * *"), "root", path, &script)
    }

    /// Decoy: a cron script that mails a report through sendmail as `user`.
    pub(super) fn figures(&self, path: &str, every_minutes: u32, user: &str) -> Result<()> {
        let to = self.far.contacts.first().context("nobody to report to")?;
        let script = include_str!("scene/figures")
            .replace("SENDER", &format!("{user}@{}", self.domain))
            .replace("RECIPIENT", to);
        self.cron("local", &format!("*/{every_minutes} * * * *"), user, path, &script)
    }
}

/// A visitor keeps the browser: which one, the address decides. The last of the list is a crawler and left out.
fn browser(from: &str) -> &'static str {
    let last: usize = from.rsplit('.').next().and_then(|n| n.parse().ok()).unwrap_or_default();
    let browsers = web::AGENTS.len().saturating_sub(1).max(1);
    web::AGENTS.get(last % browsers).copied().unwrap_or_default()
}

/// What a person's mail program says after EHLO, and its name.
pub(super) fn mail_program(chance: &mut Chance, user: &str) -> (&'static str, &'static str) {
    let last = 10 + chance.below(200);
    let ehlo = match chance.below(4) {
        0 => format!("[192.168.{}.{last}]", chance.pick(&[0_u8, 1, 2, 178])),
        1 => format!("[10.0.{}.{last}]", chance.below(4)),
        2 => format!("{user}-laptop.fritz.box"),
        _ => format!("{user}s-mbp.local"),
    };
    let agent = chance.pick(&[
        "Mozilla Thunderbird",
        "Evolution 3.46.4",
        "Microsoft Outlook 16.0",
        "Apple Mail (2.3776.700.51)",
        "K-9 Mail for Android",
    ]);
    (kept(ehlo), agent)
}
