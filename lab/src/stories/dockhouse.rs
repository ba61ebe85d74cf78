//! Ready-made scenery, third kind: a machine that carries its mail server in a container. The machine has IPv6; Docker's
//! userland proxy takes it and hands every such client on as the bridge's gateway, by IPv4 or by the containers' own IPv6.

use super::Plan;
use super::far::{Names, kept};
use super::gathered::Part;
use super::scene::{Scene, Sitter, mail_program};
use crate::chance::Chance;
use crate::container::{self, Network};
use crate::dns::Zone;
use crate::evidence::Folder;
use crate::host::Host;
use crate::mta::Mta;
use crate::world::World;
use anyhow::{Context, Result};
use std::rc::Rc;

/// What a story says of its machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dock {
    /// The machine's host name.
    pub(super) machine: &'static str,
    /// The mail domain.
    pub(super) domain: &'static str,
    /// The mail server's name, also the container's.
    pub(super) hostname: &'static str,
    /// The containers' network.
    pub(super) net: Network,
    /// The mail container's address.
    pub(super) mail_at: &'static str,
    /// The address of the container whose program hands its mail in without a login.
    pub(super) app_at: &'static str,
    /// `mynetworks`.
    pub(super) networks: &'static str,
    /// Accounts.
    pub(super) people: &'static [(&'static str, &'static str)],
    /// The end of the machine's IPv6 address, and the start of the strangers'.
    pub(super) six: (&'static str, &'static str),
    /// IPv6 addresses of the bridge and of the mail container, where their network has IPv6.
    pub(super) inner_six: Option<(&'static str, &'static str)>,
    /// More lines for main.cf.
    pub(super) settings: &'static str,
}

/// The machine, standing.
#[derive(Debug)]
pub(super) struct Dockhouse {
    /// Its server is the mail container, its gateway the machine.
    pub(super) scene: Scene,
    /// The machine.
    pub(super) machine: Rc<Host>,
    /// The container of the application.
    pub(super) app: Rc<Host>,
    /// The machine's IPv6 address.
    pub(super) six: &'static str,
    /// IPv6 addresses of the crowd.
    pub(super) strangers: Vec<&'static str>,
}

impl Dockhouse {
    /// Builds it and the far side; one provider sends to us by IPv6.
    pub(super) fn build(plan: &Plan<'_>, says: &Dock) -> Result<Self> {
        let mut chance = Chance::new(plan.seed);
        let world = World::new()?;
        let mut names = Names::new(&mut chance);
        let address = names.address(&mut chance, "203.0.113", 10, 120);
        let six = kept(format!("2001:db8:{}", says.six.0));
        let mut zone = Zone::default();
        zone.host(says.hostname, &format!("{address},{six}")).mx(says.domain, says.hostname, 10);
        let far = names.build(&mut chance, &world, zone)?;

        let machine = world.public(says.machine, address, "UTC")?;
        world.public_six(&machine, "eth0", six)?;
        container::network(&machine, says.net)?;
        let server = container::container(&world, &machine, says.net, says.hostname, says.mail_at)?;
        let app = container::container(&world, &machine, says.net, "app", says.app_at)?;
        if let Some((gateway, address)) = says.inner_six {
            container::six(&machine, says.net, gateway, (&server, address))?;
        }
        Mta {
            hostname: says.hostname,
            domains: says.domain,
            users: says.people,
            networks: says.networks,
            submission: true,
            settings: kept(format!("mydomain = {}\n{}", says.domain, says.settings)),
            ..Mta::default()
        }
        .start(&server)?;
        for port in [25, 587] {
            let inner = says.inner_six.map(|(_, address)| address);
            container::publish(&machine, says.net, says.mail_at, inner, port)?;
        }

        // One keeper has IPv6 and prefers it, as large providers do.
        let (modern, _) = far.writers.first().context("nobody writes to us")?;
        world.public_six(modern, "eth0", &format!("2001:db8:{}::25", says.six.1))?;
        modern.sh("postconf -e inet_protocols=all smtp_address_preference=ipv6; postfix stop >/dev/null 2>&1; sleep 1; postfix start >/dev/null 2>&1")?;
        let strangers: Vec<&'static str> = (0..5)
            .map(|_| {
                kept(format!(
                    "2001:db8:{}:{:x}::{:x}",
                    says.six.1,
                    chance.below(0xfff0),
                    1 + chance.below(0xfff)
                ))
            })
            .collect();
        for stranger in &strangers {
            world.public_six(&far.crowd, "eth0", stranger)?;
        }
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
        let scene = Scene::of(
            plan,
            chance,
            world,
            far,
            server,
            Rc::clone(&machine),
            (address, address),
            (says.domain, says.hostname),
            people,
        );
        Ok(Self { scene, machine, app, six, strangers })
    }

    /// The evidence of container and machine, and what the administrator knows.
    pub(super) fn usual(&self, folder: &mut Folder, says: &Dock, captured: bool) -> Result<()> {
        let Dock { net, hostname, .. } = says;
        let vantage = if captured { "vantage = \"host\"\n" } else { "" };
        folder.site(&format!(
            "addresses = [\"{}\", \"{}\"]\nnetworks = [\"{}\"]\nmta = [\"postfix\"]\nhelo = [\"{hostname}\"]\n{vantage}",
            self.scene.address, self.six, net.cidr
        ))?;
        self.scene.usual(
            folder,
            &[Part::Site, Part::AuthLog, Part::CronLog, Part::Crontabs, Part::Firewall],
        )?;
        let machine = &self.machine;
        folder.ask(machine, "iptables-save -c", "machine/iptables-save.txt")?;
        folder.ask(machine, "ss -tanpe", "machine/ss.txt")?;
        folder.ask(machine, "ps -eo pid,ppid,uid,user,lstart,args ww", "machine/ps.txt")?;
        folder.ask(machine, "ip -br addr", "machine/ip-br-addr.txt")
    }
}
