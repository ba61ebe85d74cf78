//! The names of a world, as dnsmasq's settings: hosts with their reverse names, mail exchangers, address pools.

use std::fmt::Write;

/// Names to serve. Nothing else exists in the world: unknown names are answered NXDOMAIN.
#[derive(Clone, Debug)]
pub struct Zone(String);

impl Default for Zone {
    fn default() -> Self {
        let mut text = String::from(
            "no-resolv\nno-hosts\nuser=root\nbind-interfaces\nlisten-address=192.0.2.53\ncache-size=0\nlocal-ttl=300\n",
        );
        for top in ["com", "net", "org", "example", "arpa", "test", "lan"] {
            let _ = writeln!(text, "local=/{top}/");
        }
        Self(text)
    }
}

impl Zone {
    /// A name with its address, both ways.
    pub fn host(&mut self, name: &str, address: &str) -> &mut Self {
        let _ = writeln!(self.0, "host-record={name},{address}");
        self
    }

    /// A name with its address, without a reverse name.
    pub fn name(&mut self, name: &str, address: &str) -> &mut Self {
        let _ = writeln!(self.0, "address=/{name}/{address}");
        self
    }

    /// A mail exchanger.
    pub fn mx(&mut self, domain: &str, exchanger: &str, preference: u16) -> &mut Self {
        let _ = writeln!(self.0, "mx-host={domain},{exchanger},{preference}");
        self
    }

    /// A text record.
    pub fn txt(&mut self, name: &str, text: &str) -> &mut Self {
        let _ = writeln!(self.0, "txt-record={name},\"{text}\"");
        self
    }

    /// Generic names for a pool of addresses, as access providers give them.
    pub fn pool(&mut self, domain: &str, network: &str, prefix: &str) -> &mut Self {
        let _ = writeln!(self.0, "synth-domain={domain},{network},{prefix}");
        self
    }

    /// The settings.
    pub fn text(&self) -> &str {
        &self.0
    }
}
