//! Null clients, which hand everything to another server, and a provider's smarthost that takes it from its customers.

use super::far::kept;
use crate::host::Host;
use crate::mta::Mta;
use crate::world::World;
use anyhow::Result;
use std::rc::Rc;

/// Makes a machine a null client: no local delivery, nothing listens outside, all mail to `server`.
pub(super) fn start(host: &Host, name: &'static str, server: &str) -> Result<()> {
    Mta {
        hostname: name,
        domains: "localhost.localdomain",
        settings: kept(format!(
            "mydomain = {}\nmydestination =\ninet_interfaces = loopback-only\nlocal_transport = error:no local mail\nrelayhost = [{server}]\n",
            name.split_once('.').map_or(name, |(_, domain)| domain)
        )),
        ..Mta::default()
    }
    .start(host)
}

/// The smarthost: takes mail from the customer's address without a login.
pub(super) fn smarthost(
    world: &World,
    (name, address): (&'static str, &'static str),
    customer: &str,
) -> Result<Rc<Host>> {
    let host = world.public(name, address, "UTC")?;
    Mta {
        hostname: name,
        domains: "localhost.localdomain",
        networks: kept(format!("127.0.0.0/8 {customer}/32")),
        settings: kept(format!(
            "mydomain = {}\n",
            name.split_once('.').map_or(name, |(_, domain)| domain)
        )),
        ..Mta::default()
    }
    .start(&host)?;
    Ok(host)
}
