//! Asking name servers: reverse names of clients, and the TXT records by which owners prove
//! themselves. "No such name" is an empty answer; only "nobody answered" is an error.

use super::config::LookUps;
use anyhow::{Context, Result};
use heloscope_web::{Later, Resolver, Unanswered};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::IpAddr;
use std::time::Duration;

/// Records of one answer that are looked at.
const RECORDS: usize = 32;

/// Answers that are kept.
const CACHED: u64 = 32_768;

/// The resolvers of the system, or those configured.
pub(crate) struct Names(TokioResolver);

impl Names {
    pub(crate) fn new(look_ups: &LookUps) -> Result<Self> {
        let mut builder = if look_ups.resolvers.is_empty() {
            TokioResolver::builder_tokio().context("reading the system's resolv.conf")?
        } else {
            let servers = look_ups.resolvers.iter().map(|address| {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                server.connections.iter_mut().for_each(|c| c.port = address.port());
                server
            });
            let config = ResolverConfig::from_name_servers(servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        builder.options_mut().timeout = Duration::from_millis(look_ups.timeout_ms);
        builder.options_mut().attempts = 2;
        // Reverse names of many clients: asked once as long as their answers hold.
        builder.options_mut().cache_size = CACHED;
        builder.build().context("setting up the resolver").map(Self)
    }

    async fn ask(&self, mut name: Name, kind: RecordType) -> Result<Vec<RData>, Unanswered> {
        // What is asked for is whole: the host's search domains are not ours.
        name.set_fqdn(true);
        match self.0.lookup(name, kind).await {
            Ok(found) => {
                let answers = found.answers().iter().take(RECORDS);
                Ok(answers.map(|record| record.data.clone()).collect())
            }
            Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(Unanswered(error.to_string())),
        }
    }
}

impl Resolver for Names {
    fn names(&self, address: IpAddr) -> Later<'_, Result<Vec<String>, Unanswered>> {
        Box::pin(async move {
            let found = self.ask(Name::from(address), RecordType::PTR).await?;
            let names = found.into_iter().filter_map(|data| match data {
                RData::PTR(name) => Some(name.to_utf8().trim_end_matches('.').to_owned()),
                _ => None,
            });
            Ok(names.collect())
        })
    }

    fn addresses(&self, name: String) -> Later<'_, Result<Vec<IpAddr>, Unanswered>> {
        Box::pin(async move {
            // A name that is none has no addresses.
            let Ok(name) = Name::from_utf8(&name) else { return Ok(Vec::new()) };
            let mut found = self.ask(name.clone(), RecordType::A).await?;
            found.extend(self.ask(name, RecordType::AAAA).await?);
            Ok(found.iter().filter_map(RData::ip_addr).collect())
        })
    }

    fn texts(&self, name: String) -> Later<'_, Result<Vec<String>, Unanswered>> {
        Box::pin(async move {
            let Ok(name) = Name::from_utf8(&name) else { return Ok(Vec::new()) };
            let found = self.ask(name, RecordType::TXT).await?;
            let texts = found.into_iter().filter_map(|data| match data {
                RData::TXT(text) => {
                    Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned())
                }
                _ => None,
            });
            Ok(texts.collect())
        })
    }
}
