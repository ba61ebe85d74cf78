//! Ready-made scenery, second kind: an office behind one public address. The gateway translates addresses and leases them
//! (dnsmasq or ISC dhcpd); the mail server stands inside; people's machines and devices around it.

use super::Plan;
use super::far::{Names, kept};
use super::scene::{Scene, Sitter, mail_program};
use crate::chance::Chance;
use crate::dns::Zone;
use crate::host::Host;
use crate::mta::Mta;
use crate::office::{self, Stack};
use crate::syslog::{self, Stamps};
use crate::world::{DNS, World};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::rc::Rc;

/// Who leases the addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Dhcp {
    /// dnsmasq, which also answers names.
    #[default]
    Dnsmasq,
    /// ISC dhcpd; names come from outside.
    Isc,
}

/// What a story says of its office.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Office {
    /// The gateway's host name.
    pub(super) gateway: &'static str,
    /// The mail server's host name.
    pub(super) name: &'static str,
    /// The domain whose mail it carries.
    pub(super) domain: &'static str,
    /// What its Postfix says; the reverse name of the public address.
    pub(super) hostname: &'static str,
    /// Zone of all clocks.
    pub(super) clock: &'static str,
    /// How logs are stamped; RFC 3339 where not given.
    pub(super) stamps: Option<Stamps>,
    /// The first three numbers of the inside network.
    pub(super) lan: &'static str,
    /// Who leases.
    pub(super) dhcp: Dhcp,
    /// People: account, password, machine name, system.
    pub(super) people: &'static [(&'static str, &'static str, &'static str, Option<Stack>)],
    /// Machines without an account: name, the last number of a fixed lease (0: any), system.
    pub(super) machines: &'static [(&'static str, u8, Option<Stack>)],
    /// `mynetworks`; loopback and the inside network where empty.
    pub(super) networks: &'static str,
    /// More lines for main.cf.
    pub(super) settings: &'static str,
    /// More commands on the gateway (firewall rules).
    pub(super) rules: &'static str,
    /// Prefix of the netfilter LOG lines the gateway keeps, where it logs packets.
    pub(super) packets: Option<&'static str>,
}

/// An office, standing.
#[derive(Debug)]
pub(super) struct Premises {
    /// The scene: its server is the mail server, `people` sit at their machines.
    pub(super) scene: Scene,
    /// Every inside machine but the mail server: name, host, address.
    pub(super) machines: Vec<(&'static str, Rc<Host>, String)>,
}

impl Premises {
    /// Builds the office and the far side.
    pub(super) fn build(plan: &Plan<'_>, says: &Office) -> Result<Self> {
        let mut chance = Chance::new(plan.seed);
        let world = World::new()?;
        let mut names = Names::new(&mut chance);
        let public = names.address(&mut chance, "203.0.113", 10, 120);
        let mut zone = Zone::default();
        zone.host(says.hostname, public).mx(says.domain, says.hostname, 10);
        let far = names.build(&mut chance, &world, zone)?;

        let server_at = kept(format!("{}.{}", says.lan, 2 + chance.below(8)));
        let mut fixed = vec![(says.name, server_at.to_owned(), mac(0))];
        for (number, (name, last, _)) in says.machines.iter().enumerate() {
            if *last > 0 {
                fixed.push((name, format!("{}.{last}", says.lan), mac(0x20 + number)));
            }
        }
        let gateway = gateway(&world, says, public, server_at, &fixed)?;

        let server = office::machine(&world, "br-lan", says.name, &mac(0), Stack::Linux)
            .context("server")?;
        let accounts: Vec<_> =
            says.people.iter().map(|(user, password, ..)| (*user, *password)).collect();
        let networks = if says.networks.is_empty() {
            kept(format!("127.0.0.0/8 {}.0/24", says.lan))
        } else {
            says.networks
        };
        Mta {
            hostname: says.hostname,
            domains: says.domain,
            users: accounts.leak(),
            networks,
            submission: true,
            stamps: Some(says.stamps.unwrap_or(Stamps::Rfc3339)),
            settings: kept(format!("mydomain = {}\n{}", says.domain, says.settings)),
            ..Mta::default()
        }
        .start(&server)?;
        server.sh("cron")?;

        let mut machines = Vec::new();
        for (number, (name, _, stack)) in says.machines.iter().enumerate() {
            let stack = stack.unwrap_or(Stack::Linux);
            let host = office::machine(&world, "br-lan", name, &mac(0x20 + number), stack)?;
            let address = office::address(&host)?;
            machines.push((*name, host, address));
        }
        let mut people = Vec::new();
        for (number, (user, password, name, stack)) in says.people.iter().enumerate() {
            let stack = stack.unwrap_or(Stack::Linux);
            let host = office::machine(&world, "br-lan", name, &mac(0x50 + number), stack)?;
            let address = office::address(&host)?;
            let (_, agent) = mail_program(&mut chance, user);
            people.push(Sitter {
                at: Rc::clone(&host),
                from_ip: "",
                ehlo: kept(format!("[{address}]")),
                user,
                password,
                address: kept(format!("{user}@{}", says.domain)),
                agent,
            });
            machines.push((*name, host, address));
        }
        let scene = Scene::of(
            plan,
            chance,
            world,
            far,
            server,
            gateway,
            (public, server_at),
            (says.domain, says.hostname),
            people,
        );
        Ok(Self { scene, machines })
    }

    /// A machine and its address by its name.
    pub(super) fn machine(&self, name: &str) -> Result<(Rc<Host>, &str)> {
        let found = self.machines.iter().find(|(of, ..)| *of == name);
        found
            .map(|(_, host, address)| (Rc::clone(host), address.as_str()))
            .context("no such machine")
    }

    /// `host:` decoys of all machines but the named ones.
    pub(super) fn others(&self, but: &[&str]) -> Vec<String> {
        let mut decoys = vec![format!("host:{}", self.scene.submission)];
        let rest = self.machines.iter().filter(|(name, ..)| !but.contains(name));
        decoys.extend(rest.map(|(_, _, address)| format!("host:{address}")));
        decoys
    }
}

/// Addresses of documentation (RFC 7042), one a machine.
fn mac(number: usize) -> String {
    format!("00:00:5e:00:53:{number:02x}")
}

fn gateway(
    world: &World,
    says: &Office,
    public: &str,
    server: &str,
    fixed: &[(&str, String, String)],
) -> Result<Rc<Host>> {
    let host = world.host(says.gateway, says.clock)?;
    world.plug(&host, "wan0", "br-inet", "")?;
    world.public_address(&host, "wan0", public)?;
    world.switch("br-lan")?;
    world.plug(&host, "lan0", "br-lan", "")?;
    let lan = says.lan;
    host.sh(&format!("ip addr add {lan}.1/24 dev lan0; sysctl -qw net.ipv4.ip_forward=1"))?;
    syslog::start(&host, says.stamps.unwrap_or(Stamps::Rfc3339), says.packets)?;
    match says.dhcp {
        Dhcp::Dnsmasq => {
            let mut text = format!(
                "user=root\ndhcp-leasefile=/var/lib/misc/dnsmasq.leases\nresolv-file=/etc/resolv.conf\nno-hosts\nexcept-interface=wan0\nbind-interfaces\n\
                 dhcp-authoritative\ninterface=lan0\ndhcp-range={lan}.60,{lan}.140,255.255.255.0,12h\n"
            );
            for (name, address, mac) in fixed {
                let _ = writeln!(text, "dhcp-host={mac},{address},{name}");
            }
            host.write("/etc/dnsmasq.conf", text, 0o644)?;
            host.sh("mkdir -p /var/lib/misc; dnsmasq --conf-file=/etc/dnsmasq.conf --pid-file=/run/dnsmasq.pid")?;
        }
        Dhcp::Isc => {
            let mut text = format!(
                "authoritative;\ndefault-lease-time 7200;\nmax-lease-time 14400;\nsubnet {lan}.0 netmask 255.255.255.0 {{\n  range {lan}.60 {lan}.140;\n\
                 \x20 option routers {lan}.1;\n  option domain-name-servers {DNS};\n}}\n"
            );
            for (name, address, mac) in fixed {
                let _ = writeln!(
                    text,
                    "host {name} {{ hardware ethernet {mac}; fixed-address {address}; }}"
                );
            }
            host.write("/etc/dhcp/dhcpd.conf", text, 0o644)?;
            host.sh("mkdir -p /var/lib/dhcp; : > /var/lib/dhcp/dhcpd.leases; dhcpd -4 -q -cf /etc/dhcp/dhcpd.conf -lf /var/lib/dhcp/dhcpd.leases -pf /run/dhcpd.pid lan0")?;
        }
    }
    host.sh(&format!(
        "iptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE
         iptables -t nat -A PREROUTING -i wan0 -p tcp -m multiport --dports 25,587 -j DNAT --to-destination {server}\n{}",
        says.rules
    ))?;
    Ok(host)
}
