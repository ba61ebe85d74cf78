//! Who has which address, as far as DHCP, the server's own file or the link headers tell. Pure: the time comes in.
//!
//! In: what a DHCP server here gives away, leases read from a file, and who used an address (the link header of a connection that was
//! answered). Out: a [`Lease`] where that is news, and the name to an address. An address that another machine uses than it was
//! leased to is told as that machine's, without a name: a lease names nobody else. An IPv6 address on the link has the name
//! that its machine has by its lease of IPv4.

use super::dhcp::Said;
use crate::connection::{text, utc, utc_or_none};
use heloscope_model::Time;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// Addresses that are remembered; more are told and not remembered.
const MOST: usize = 16_384;
/// Seconds between two looks which of too many are over.
const CLEARED_EVERY: f64 = 60.0;
/// Clients that asked and were not answered yet.
const ASKED: usize = 256;
/// Seconds by which the same lease may end differently: by its file and by what was heard.
const SAME: f64 = 10.0;
/// Seconds after which a lease in use is told again, so that a record whose beginning is gone still has it.
const AGAIN: f64 = 86_400.0;

/// Whose an address was from then on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lease {
    /// When that was seen.
    #[serde(serialize_with = "utc")]
    pub time: Time,
    /// Which address.
    pub address: IpAddr,
    /// Its machine.
    pub mac: String,
    /// What that calls itself, or the server calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From when, where that is known.
    #[serde(serialize_with = "utc_or_none", skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// Until when, unless it is given anew.
    #[serde(serialize_with = "utc_or_none", skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// How that is known: `dhcp` (a server here gave it), a file's name, `link` (the header of a packet).
    pub by: String,
}

/// What is known of addresses.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: BTreeMap<IpAddr, Lease>,
    /// By machine, the address of IPv4 that it was last given.
    given: BTreeMap<String, IpAddr>,
    asked: VecDeque<([u8; 6], Vec<u8>)>,
    /// When it was last looked which are over.
    cleared: Option<Time>,
}

impl Leases {
    /// Takes what was said by DHCP; `leaving` this host.
    pub(super) fn said(&mut self, said: Said, leaving: bool, now: Time) -> Option<Lease> {
        match said {
            Said::Asks { mac, name } if !leaving => {
                self.asked.retain(|(other, _)| *other != mac);
                if self.asked.len() >= ASKED {
                    self.asked.pop_front();
                }
                self.asked.push_back((mac, name));
                None
            }
            // Anyone inside can say that he gives; only what leaves by this host is its server's.
            Said::Gives { mac, address, name, seconds } if leaving => {
                let asked = self.asked.iter().position(|(other, _)| *other == mac);
                let asked = asked.and_then(|at| self.asked.remove(at)).map(|(_, name)| name);
                self.news(Lease {
                    time: now,
                    address: address.into(),
                    mac: written(mac),
                    name: name.or(asked).map(|name| text(&name)),
                    from: Some(now),
                    until: seconds.map(|seconds| now.plus_secs(f64::from(seconds))),
                    by: "dhcp".to_owned(),
                })
            }
            Said::Asks { .. } | Said::Gives { .. } => None,
        }
    }

    /// Takes a file's leases. What stands in it since it was last read (`before`) began after that.
    pub(super) fn file(
        &mut self,
        leases: &[heloscope_evidence::Lease],
        name: &str,
        before: Option<Time>,
        now: Time,
    ) -> Vec<Lease> {
        // A file that grows has an address again and again: the last word counts, the others were said when they came.
        let current = leases.iter().map(|lease| (lease.ip, lease)).collect::<BTreeMap<_, _>>();
        let told = current.into_values().filter_map(|lease| {
            if lease.until.is_some_and(|until| now.since(until) > 0.0) {
                return None;
            }
            self.news(Lease {
                time: now,
                address: lease.ip,
                mac: lease.mac.clone(),
                name: lease.name.as_ref().map(|name| text(name.as_bytes())),
                from: lease.from.or(before),
                until: lease.until,
                by: name.to_owned(),
            })
        });
        told.collect()
    }

    /// An answered connection came from this address with this link address, from the link itself; the name it has now, and what is
    /// news of it.
    pub(super) fn used(
        &mut self,
        address: IpAddr,
        mac: Option<[u8; 6]>,
        start: Time,
        now: Time,
    ) -> (Option<String>, Option<Lease>) {
        let Some(mac) = mac.map(written) else {
            return (self.held.get(&address).and_then(|lease| lease.name.clone()), None);
        };
        if let Some(lease) = self.held.get_mut(&address)
            && lease.mac == mac
        {
            let name = lease.name.clone();
            let again = now.since(lease.time) >= AGAIN;
            if again {
                lease.time = now;
            }
            return (name, again.then(|| lease.clone()));
        }
        // Of IPv6 the machine's name; an address of IPv4 has its own lease or none.
        let name = if address.is_ipv6() { self.name_of(&mac) } else { None };
        let before = self.held.get(&address);
        if name.is_none() && before.is_none() {
            return (None, None);
        }
        let told = Lease {
            time: now,
            address,
            mac,
            name: name.clone(),
            from: Some(start),
            until: before.and_then(|lease| lease.until),
            by: "link".to_owned(),
        };
        let told = self.news(told);
        (name, told)
    }

    fn name_of(&self, mac: &str) -> Option<String> {
        let lease = self.held.get(self.given.get(mac)?)?;
        lease.name.clone().filter(|_| lease.mac == mac)
    }

    /// Keeps a lease, and gives it out where it says more than was known.
    fn news(&mut self, mut lease: Lease) -> Option<Lease> {
        if let Some(before) = self.held.get(&lease.address)
            && before.mac == lease.mac
        {
            let same_end = match (before.until, lease.until) {
                (Some(a), Some(b)) => a.since(b).abs() <= SAME,
                (a, b) => a == b,
            };
            if same_end && (lease.name.is_none() || before.name == lease.name) {
                return None;
            }
            // A renewal that names nobody is still the same machine's.
            lease.name = lease.name.or_else(|| before.name.clone());
        }
        let now = lease.time;
        let cleared = self.cleared.is_some_and(|at| (0.0..CLEARED_EVERY).contains(&now.since(at)));
        if self.held.len() >= MOST && !cleared {
            self.cleared = Some(now);
            let over = |lease: &Lease| lease.until.is_some_and(|until| now.since(until) > 0.0);
            self.held.retain(|_, lease| !over(lease));
            let held = &self.held;
            self.given.retain(|_, address| held.contains_key(address));
        }
        if self.held.len() < MOST || self.held.contains_key(&lease.address) {
            if lease.address.is_ipv4() && lease.by != "link" {
                self.given.insert(lease.mac.clone(), lease.address);
            }
            let before = self.held.insert(lease.address, lease.clone());
            // Whoever had it before has it no longer.
            if let Some(before) = before.filter(|before| before.mac != lease.mac)
                && self.given.get(&before.mac) == Some(&lease.address)
            {
                self.given.remove(&before.mac);
            }
        }
        Some(lease)
    }
}

/// `aa:bb:cc:dd:ee:ff`.
pub(super) fn written(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::super::dhcp::tests::MAC;
    use super::*;
    use heloscope_model::{Place, SourceId};

    const LAPTOP: &str = "52:54:00:00:00:17";
    const STRANGER: [u8; 6] = [0x52, 0x54, 0, 0, 0, 0x99];

    fn at(seconds: i64) -> Time {
        Time::from_secs(1_764_000_000 + seconds)
    }

    fn address() -> IpAddr {
        [192, 168, 1, 23].into()
    }

    /// The laptop asks by its name at this second, and is given an hour.
    fn given(leases: &mut Leases, second: i64) -> Option<Lease> {
        leases.said(Said::Asks { mac: MAC, name: b"laptop".to_vec() }, false, at(second));
        let gives = Said::Gives {
            mac: MAC,
            address: [192, 168, 1, 23].into(),
            name: None,
            seconds: Some(3600),
        };
        leases.said(gives, true, at(second))
    }

    fn of_file(until: i64) -> heloscope_evidence::Lease {
        heloscope_evidence::Lease {
            ip: address(),
            mac: LAPTOP.to_owned(),
            name: Some("laptop".to_owned()),
            from: None,
            until: Some(at(until)),
            place: Place::whole(SourceId(0)),
        }
    }

    #[test]
    fn the_name_that_it_asked_with_and_the_time_that_it_got() {
        let mut leases = Leases::default();
        let lease = given(&mut leases, 0).unwrap();
        assert_eq!((lease.mac.as_str(), lease.name.as_deref()), (LAPTOP, Some("laptop")));
        assert_eq!((lease.from, lease.until), (Some(at(0)), Some(at(3600))));
        // The same by the server's own file is no news; a renewal is.
        assert_eq!(leases.file(&[of_file(3601)], "dnsmasq.leases", None, at(2)), []);
        assert!(given(&mut leases, 1800).is_some());
        assert_eq!(
            leases.used(address(), Some(MAC), at(1900), at(1900)).0.as_deref(),
            Some("laptop")
        );
    }

    #[test]
    fn somebody_else_s_word_gives_nothing() {
        let mut leases = Leases::default();
        let forged = Said::Gives {
            mac: STRANGER,
            address: [192, 168, 1, 23].into(),
            name: Some(b"boss".to_vec()),
            seconds: None,
        };
        assert_eq!(leases.said(forged, false, at(0)), None);
        assert_eq!(leases.used(address(), Some(STRANGER), at(1), at(1)), (None, None));
    }

    #[test]
    fn who_takes_another_s_address_does_not_take_its_name() {
        let mut leases = Leases::default();
        given(&mut leases, 0);
        let (name, told) = leases.used(address(), Some(STRANGER), at(60), at(61));
        let told = told.unwrap();
        assert_eq!((name, told.name), (None, None));
        assert_eq!((told.mac.as_str(), told.from), ("52:54:00:00:00:99", Some(at(60))));
        assert_eq!(
            leases.used(address(), Some(STRANGER), at(70), at(70)),
            (None, None),
            "said once"
        );
        // And the machine it belongs to has its name again, once its server says so.
        assert!(given(&mut leases, 90).is_some());
        assert_eq!(leases.used(address(), Some(MAC), at(99), at(99)).0.as_deref(), Some("laptop"));
    }

    #[test]
    fn an_address_of_ipv6_has_its_machine_s_name() {
        let mut leases = Leases::default();
        given(&mut leases, 0);
        let six: IpAddr = "2001:db8:1::17".parse().unwrap();
        let (name, told) = leases.used(six, Some(MAC), at(60), at(60));
        assert_eq!(name.as_deref(), Some("laptop"));
        assert_eq!(told.unwrap().address, six);
        assert_eq!(leases.used(six, Some(MAC), at(61), at(61)), (Some("laptop".to_owned()), None));
        assert_eq!(leases.used(six, None, at(61), at(61)).0.as_deref(), Some("laptop"));
    }

    #[test]
    fn a_file_s_new_line_began_after_it_was_last_read() {
        let mut leases = Leases::default();
        let first = leases.file(&[of_file(3600)], "dnsmasq.leases", None, at(0));
        assert_eq!((first[0].from, first[0].by.as_str()), (None, "dnsmasq.leases"));
        let second = leases.file(&[of_file(7200)], "dnsmasq.leases", Some(at(3500)), at(3505));
        assert_eq!(second[0].from, Some(at(3500)));
        assert_eq!(leases.file(&[of_file(-5)], "dnsmasq.leases", None, at(3600)), [], "it is over");
    }

    #[test]
    fn of_very_many_only_so_many_are_remembered() {
        let mut leases = Leases::default();
        for number in 0..40_000_u32 {
            let gives = Said::Gives {
                mac: [2, 0, 0, 0, (number >> 8) as u8, number as u8],
                address: number.saturating_add(1 << 24).into(),
                name: None,
                seconds: None,
            };
            assert!(leases.said(gives, true, at(0)).is_some());
        }
        assert!(leases.held.len() <= MOST && leases.given.len() <= MOST);
    }
}
