//! What is being asked: the notices' windows and words, and which addresses are ours.
//!
//! The list's words are evidence too. A HELO may be quoted with or without its brackets, so
//! both forms match; a window is only taken from a notice that dates the offence itself (the
//! time of a bounce is not).

use heloscope_evidence::{Facts, Site};
use heloscope_model::notice::Subject;
use heloscope_model::{Notice, Octets, Window};
use std::net::IpAddr;

/// Slack added to a notice's window: the list's clock and ours.
const CLOCK_SLACK_S: f64 = 60.0;

/// The question.
pub(crate) struct Incident {
    /// The notices as read.
    pub(crate) notices: Vec<Notice>,
    /// (notice, window of the offence), for the notices that date it.
    pub(crate) windows: Vec<(usize, Window)>,
    /// Which addresses are ours.
    pub(crate) own: Own,
}

/// Which addresses are ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    site: Site,
    subjects: Vec<IpAddr>,
}

impl Incident {
    pub(crate) fn new(facts: &Facts) -> Self {
        let windows = facts
            .notices
            .iter()
            .enumerate()
            // A sinkhole's contact has nothing to do with mail: no session is held against it.
            .filter(|(_, n)| n.dst.is_none())
            .filter_map(|(i, n)| Some((i, n.window()?.widened(CLOCK_SLACK_S))))
            .collect();
        let subjects = facts
            .notices
            .iter()
            .filter_map(|n| match n.subject {
                Subject::Ip(ip) => Some(ip),
                _ => None,
            })
            .collect();
        let own = Own { site: facts.site.clone(), subjects };
        Self { notices: facts.notices.clone(), windows, own }
    }

    /// Whether the instant lies in the window of any notice.
    pub(crate) fn in_window(&self, at: heloscope_model::Time) -> bool {
        self.windows.iter().any(|(_, w)| w.holds(at))
    }

    /// Whether the stretch meets the window of any notice.
    pub(crate) fn meets_window(&self, stretch: &Window) -> bool {
        self.windows.iter().any(|(_, w)| w.meets(stretch))
    }

    /// The HELOs the notices quote.
    pub(crate) fn helos(&self) -> impl Iterator<Item = &Octets> {
        self.notices.iter().filter_map(|n| n.helo.as_ref())
    }

    /// Whether a notice quotes this HELO, brackets and case aside.
    pub(crate) fn quotes_helo(&self, helo: &Octets) -> bool {
        self.helos().any(|h| same_helo(h.as_bytes(), helo.as_bytes()))
    }
}

/// HELOs compared as lists write them: case and the brackets of a literal do not count.
pub(crate) fn same_helo(a: &[u8], b: &[u8]) -> bool {
    bare_helo(a).eq_ignore_ascii_case(bare_helo(b))
}

fn bare_helo(helo: &[u8]) -> &[u8] {
    let helo = helo.trim_ascii();
    helo.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(helo)
}

impl Own {
    /// A public address of the site.
    pub(crate) fn is_public(&self, ip: IpAddr) -> bool {
        self.site.addresses.contains(&ip) || self.subjects.contains(&ip)
    }

    /// Whether a text names a public address of the site.
    pub(crate) fn is_named_in(&self, text: &[u8]) -> bool {
        let ours = self.site.addresses.iter().chain(&self.subjects);
        let mut names = ours.map(IpAddr::to_string);
        names.any(|name| text.windows(name.len()).any(|w| w == name.as_bytes()))
    }

    /// Any address of the site: public, inside, or private where no networks are told.
    pub(crate) fn is_ours(&self, ip: IpAddr) -> bool {
        self.is_public(ip) || self.is_inside(ip)
    }

    /// An address behind the site's translation.
    pub(crate) fn is_inside(&self, ip: IpAddr) -> bool {
        if self.is_public(ip) {
            return false;
        }
        self.site.networks.iter().any(|n| n.contains(&ip)) || is_private(ip)
    }

    /// What the MTA should say, where the administrator told it.
    pub(crate) fn helos(&self) -> &[String] {
        &self.site.helo
    }
}

/// Private (RFC 1918, RFC 4193, RFC 6598) or link-local, not loopback.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_helo_matches_with_and_without_brackets() {
        assert!(same_helo(b"[127.0.0.1]", b"127.0.0.1"));
        assert!(same_helo(b"Mail.Example.ORG", b"mail.example.org"));
        assert!(!same_helo(b"[127.0.0.1]", b"[127.0.1.1]"));
    }

    #[test]
    fn private_is_not_loopback() {
        assert!(is_private("192.168.4.2".parse().unwrap()));
        assert!(is_private("100.64.0.1".parse().unwrap()));
        assert!(!is_private("127.0.0.1".parse().unwrap()));
        assert!(!is_private("203.0.113.4".parse().unwrap()));
    }
}
