//! What name servers say of the mail server's name, asked only with `--dns`, each question for a bounded time.

use crate::serve::config::LookUps;
use crate::serve::names;
use anyhow::{Context, Result};
use heloscope_host::scan::Names;
use heloscope_web::Resolver;
use std::io;
use std::net::IpAddr;

/// Asks the system's name servers.
pub(super) struct Asked {
    runtime: tokio::runtime::Runtime,
    names: names::Names,
}

impl Asked {
    /// None where nothing is to be asked.
    pub(super) fn new(wanted: bool) -> Result<Option<Self>> {
        if !wanted {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting to ask name servers")?;
        let names = runtime.block_on(async { names::Names::new(&LookUps::default()) })?;
        Ok(Some(Self { runtime, names }))
    }
}

impl Names for Asked {
    fn of_address(&self, ip: IpAddr) -> io::Result<Vec<String>> {
        self.runtime.block_on(self.names.names(ip)).map_err(|e| io::Error::other(e.0))
    }

    fn of_name(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.runtime
            .block_on(self.names.addresses(name.to_owned()))
            .map_err(|e| io::Error::other(e.0))
    }
}
