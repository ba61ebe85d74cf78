//! Why a list or a provider says an address is bad, as data ([`Notice`]), as text for people
//! that reads back equal ([`Notice::to_text`]), and out of the texts that lists and providers
//! write ([`read`]).

mod cbl;
mod complaint;
mod flat;
mod json;
mod plain;
mod read;
mod refusal;
mod stamp;
mod words;

#[cfg(test)]
mod tests;

pub use read::read;

use crate::{Octets, Place, Time, Window};
use std::net::{IpAddr, SocketAddr};

/// One statement of a list or provider about one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The address, prefix or domain it speaks of, as text.
    pub subject: Subject,
    /// The list or provider ("CBL", "Spamhaus XBL", "Microsoft").
    pub list: Option<String>,
    /// What it says, one line.
    pub reason: String,
    /// When, and of what this is the time.
    pub time: Option<(Time, TimeKind)>,
    /// Seconds either way; 0 where it says "exactly".
    pub tolerance_s: Option<u32>,
    /// The HELO it quotes, brackets as written.
    pub helo: Option<Octets>,
    /// The family it names, lower case.
    pub botnet: Option<String>,
    /// Our side's port (sinkhole form).
    pub src_port: Option<u16>,
    /// Where the contact went (sinkhole form).
    pub dst: Option<IpAddr>,
    /// The port there.
    pub dst_port: Option<u16>,
    /// When the listing was removed, where it says so.
    pub removed_at: Option<Time>,
    /// When the text was written or fetched, where a stated age dates it.
    pub written_at: Option<Time>,
    /// How often it says the subject was listed, in how many days.
    pub times_listed: Option<(u32, u32)>,
    /// Where the text stands.
    pub place: Place,
}

/// What a notice speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One address.
    Ip(IpAddr),
    /// A range.
    Prefix(ipnet::IpNet),
    /// A domain name.
    Domain(String),
    /// The text names none.
    Unnamed,
}

/// Of what a notice's time is the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeKind {
    /// The offence was seen then.
    Detection,
    /// The entry was made then.
    Listing,
    /// A mail was refused then.
    Rejection,
    /// The entry was taken out then.
    Removal,
}

impl Notice {
    /// One that says nothing yet.
    pub fn empty(place: Place) -> Self {
        Self {
            subject: Subject::Unnamed,
            list: None,
            reason: String::new(),
            time: None,
            tolerance_s: None,
            helo: None,
            botnet: None,
            src_port: None,
            dst: None,
            dst_port: None,
            removed_at: None,
            written_at: None,
            times_listed: None,
            place,
        }
    }

    /// The window in which the offence lies, where the notice dates the offence itself.
    pub fn window(&self) -> Option<Window> {
        match self.time {
            Some((at, TimeKind::Detection)) => {
                Some(Window::around(at, f64::from(self.tolerance_s.unwrap_or(0))))
            }
            _ => None,
        }
    }

    /// The sinkhole the contact went to, where named whole.
    pub fn sinkhole(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.dst?, self.dst_port?))
    }
}
