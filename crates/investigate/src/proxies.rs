//! What proxies of this host were asked for, reduced to what matters here: connections to mail
//! ports, let through or not, and for whom.

use heloscope_evidence::Proxied;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Requests to mail ports kept.
const KEPT: usize = 20_000;
/// Distinct clients counted.
const CLIENTS: usize = 20_000;

/// All proxies' requests.
#[derive(Default)]
pub(crate) struct Proxies {
    /// Requests to mail ports that were let through.
    pub(crate) to_mail: Vec<Proxied>,
    /// Requests to mail ports that were refused.
    pub(crate) refused: Vec<Proxied>,
    /// Requests of any kind.
    pub(crate) total: u64,
    /// Requests of any kind by client.
    pub(crate) clients: BTreeMap<IpAddr, u64>,
}

impl Proxies {
    pub(crate) fn request(&mut self, request: Proxied) {
        self.total += 1;
        if let Some(ip) = request.client
            && (self.clients.len() < CLIENTS || self.clients.contains_key(&ip))
        {
            *self.clients.entry(ip).or_default() += 1;
        }
        if !is_mail_port(request.port) {
            return;
        }
        let list = if request.granted { &mut self.to_mail } else { &mut self.refused };
        if list.len() < KEPT {
            list.push(request);
        }
    }
}

/// The ports on which mail servers take mail from anybody. Submission asks for a password.
fn is_mail_port(port: u16) -> bool {
    matches!(port, 25 | 2525)
}
