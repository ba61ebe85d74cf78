//! The pages, as configured: who runs the list, what the desk is told of the sensors, and the socket.

use super::clock;
use super::config::Config;
use super::keys::Keys;
use super::metrics::Meters;
use super::names::Names;
use super::postman::Post;
use super::secrets::Secrets;
use anyhow::{Context, Result};
use heloscope_ledger::{Ledger, Policy};
use heloscope_web::{Limits, Postman, Rate, Rim, Sensor, Site, State};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the pages need that only the process has.
pub(crate) struct Pages {
    sockets: Vec<TcpListener>,
    site: Site,
    postman: Option<Post>,
}

impl Pages {
    pub(crate) fn bind(
        config: &Config,
        keys: &Keys,
        secrets: &Secrets,
        policy: Policy,
    ) -> Result<Self> {
        let web = &config.web;
        let bind = |address: &SocketAddr| {
            let socket = TcpListener::bind(address).with_context(|| {
                format!("listening on {address} for pages: is another server running there?")
            })?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let sockets = web.listen.iter().map(bind).collect::<Result<Vec<_>>>()?;
        let bound = sockets.first().and_then(|socket| socket.local_addr().ok());
        let site = Site {
            zone: config.zone.clone(),
            url: url(config, bound),
            operator: web.operator.clone(),
            contact: web.contact.clone(),
            key: keys.derive("web"),
            desk: secrets.desk.clone(),
            front_ends: web.forwarded_from.clone(),
            watchers: web.watchers.clone(),
            pages: Rate { burst: 60, every_ms: 500 },
            forms: Rate { burst: 10, every_ms: 10_000 },
            policy,
        };
        let postman = Post::new(config, secrets)?;
        Ok(Self { sockets, site, postman })
    }

    /// How people reach the pages.
    pub(crate) fn url(&self) -> &str {
        &self.site.url
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Serves until `stop`.
    pub(crate) async fn run(
        self,
        ledger: Ledger,
        names: Arc<Names>,
        meters: Arc<Meters>,
        sensors: Vec<Sensor>,
        stop: CancellationToken,
    ) -> Result<()> {
        let rim = Rim {
            now: Box::new(clock::now),
            resolver: names,
            postman: self.postman.map(|post| Arc::new(post) as Arc<dyn Postman>),
            metrics: {
                let meters = meters.clone();
                Box::new(move || meters.text())
            },
            sensors: Box::new(move || {
                let sessions = meters.sessions();
                sensors.iter().map(|s| Sensor { sessions, ..s.clone() }).collect()
            }),
        };
        let state = State::new(self.site, rim, ledger)?;
        let router = heloscope_web::router(state);
        let mut servers = tokio::task::JoinSet::new();
        for socket in self.sockets {
            let socket = tokio::net::TcpListener::from_std(socket)?;
            let (router, stop) = (router.clone(), stop.clone());
            servers.spawn(heloscope_web::serve(socket, router, Limits::default(), async move {
                stop.cancelled().await;
            }));
        }
        while let Some(ended) = servers.join_next().await {
            ended?.context("serving pages")?;
        }
        Ok(())
    }
}

/// How people reach the pages: as configured, else where they are bound, else by the zone's name.
pub(crate) fn url(config: &Config, bound: Option<SocketAddr>) -> String {
    match (&config.web.url, bound) {
        (Some(said), _) => said.trim_end_matches('/').to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => format!("http://{}", config.zone),
    }
}
