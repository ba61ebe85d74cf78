//! How alerts go out: letters by a relay, a web service, the system's log; and when the day is told in numbers.

use super::Refused;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;

/// `[mail]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server that takes letters for us, with its port: not this host, whose mail may be refused.
    pub relay: String,
    /// Whether this host's own server may be that relay all the same.
    #[serde(default)]
    pub local_queue: bool,
    /// How it is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// The authorities that vouch for the relay, as PEM; else the system's.
    pub ca: Option<PathBuf>,
    /// The account there.
    pub account: Option<String>,
    /// A file with its password.
    pub password: Option<PathBuf>,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// The name in HELO; this host's where it is not said.
    pub helo: Option<String>,
}

/// How the way to the relay is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Asked for by STARTTLS, and required.
    #[default]
    Starttls,
    /// From the first byte (port 465).
    Wrapped,
    /// Not at all.
    None,
}

/// `[webhook]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where alerts are posted.
    pub url: String,
    /// A file with a token that is sent as `Authorization: Bearer`.
    pub token: Option<PathBuf>,
    /// The authorities that vouch for it, as PEM; else the system's.
    pub ca: Option<PathBuf>,
}

/// `[syslog]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Syslog {
    /// Whether alerts go to the system's log.
    pub enabled: bool,
    /// Its socket.
    pub socket: PathBuf,
}

/// `[summary]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Summary {
    /// At which time of day, `07:00`; never where it is not said.
    pub at: Option<String>,
}

impl Default for Syslog {
    fn default() -> Self {
        Self { enabled: false, socket: "/dev/log".into() }
    }
}

impl Summary {
    /// The time of day.
    pub fn time(&self) -> Result<Option<jiff::civil::Time>, Refused> {
        let Some(at) = &self.at else { return Ok(None) };
        let time = format!("{at}:00").parse().map_err(|_| Refused::SummaryTime(at.clone()))?;
        Ok(Some(time))
    }
}

impl Mail {
    /// The server and its port.
    pub fn relay(&self) -> Result<(String, u16), Refused> {
        let bad = || Refused::Relay(self.relay.clone());
        let (host, port) = self.relay.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad());
        }
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        let here = host.eq_ignore_ascii_case("localhost")
            || ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
        if here && !self.local_queue {
            return Err(Refused::LocalRelay(self.relay.clone()));
        }
        Ok((host.to_owned(), port))
    }
}
