//! The rest of the Internet: mail providers with their exchangers, the names, and a crowd of strangers.

use crate::dns::Zone;
use crate::host::Host;
use crate::sink::{self, Manner};
use crate::world::World;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A mail provider: its domains, and its exchangers as preference, name, address and manner.
pub type Provider = (&'static [&'static str], &'static [(u16, &'static str, &'static str, Manner)]);

/// The far side.
#[derive(Debug)]
pub struct Internet {
    /// The name server.
    pub names: Rc<Host>,
    exchangers: BTreeMap<&'static str, Rc<Host>>,
}

impl Internet {
    /// Builds the providers and serves `zone` with their names added.
    pub fn build(world: &World, mut zone: Zone, providers: &[Provider]) -> Result<Self> {
        let mut exchangers = BTreeMap::new();
        for (domains, hosts) in providers {
            for (preference, name, address, manner) in *hosts {
                zone.host(name, address);
                for domain in *domains {
                    zone.mx(domain, name, *preference);
                }
                let host = world.public(name, address, "UTC")?;
                sink::exchanger(&host, name, domains, *manner)?;
                exchangers.insert(*name, host);
            }
        }
        Ok(Self { names: world.names(&zone)?, exchangers })
    }

    /// An exchanger's host by its name.
    pub fn exchanger(&self, name: &str) -> Result<Rc<Host>> {
        self.exchangers.get(name).cloned().with_context(|| format!("no exchanger {name}"))
    }
}

/// One host with many addresses: people at home, scanners, visitors of web sites.
pub fn crowd(world: &World, name: &str, addresses: &[&str]) -> Result<Rc<Host>> {
    let first = addresses.first().context("a crowd needs addresses")?;
    let host = world.public(name, first, "UTC")?;
    for address in addresses.iter().skip(1) {
        host.sh(&format!("ip addr add {address}/24 dev eth0"))?;
    }
    Ok(host)
}
