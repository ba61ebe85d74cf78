//! How often one visitor may ask: a token bucket for each address (an IPv6 visitor is his /64), kept as
//! the one instant at which his bucket will be full again (the generic cell rate algorithm).
//!
//! The map is bounded. When it is full of visitors that are all busy, newcomers share one bucket, so that
//! a flood from many addresses costs neither memory nor those that were there before. Pure: time comes in.

use ipnet::{IpNet, Ipv6Net};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

/// The most visitors that are told apart.
const VISITORS: usize = 50_000;
/// The bucket that newcomers share holds so many times one visitor's.
const SHARED: i64 = 50;

/// So many at once, and one more each so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Milliseconds until one more.
    pub every_ms: u32,
}

/// The visitors of late.
pub(crate) struct Visitors {
    rate: Rate,
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Milliseconds at which each one's bucket is full again.
    full_at: HashMap<IpNet, i64>,
    shared: i64,
    swept: i64,
}

impl Visitors {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, most: VISITORS, seen: Mutex::default() }
    }

    /// Lets one request in, or says after how many seconds to ask again.
    pub(crate) fn admit(&self, who: IpAddr, now_ms: i64) -> Result<(), u64> {
        let who = visitor(who);
        let mut seen = self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !seen.full_at.contains_key(&who) && seen.full_at.len() >= self.most {
            // Once a second at most: a sweep walks the whole map.
            if now_ms.saturating_sub(seen.swept) >= 1000 {
                seen.swept = now_ms;
                seen.full_at.retain(|_, full_at| *full_at > now_ms);
            }
            if seen.full_at.len() >= self.most {
                return self.take(&mut seen.shared, now_ms, SHARED);
            }
        }
        self.take(seen.full_at.entry(who).or_insert(now_ms), now_ms, 1)
    }

    fn take(&self, full_at: &mut i64, now_ms: i64, times: i64) -> Result<(), u64> {
        let every = (i64::from(self.rate.every_ms) / times).max(1);
        let room = every.saturating_mul(i64::from(self.rate.burst).saturating_mul(times));
        // A clock that went back must not shut anybody out for long.
        let from = (*full_at).clamp(now_ms, now_ms.saturating_add(room));
        let next = from.saturating_add(every);
        if next.saturating_sub(now_ms) > room {
            let wait = next.saturating_sub(now_ms).saturating_sub(room);
            return Err(u64::try_from(wait.saturating_add(999) / 1000).unwrap_or(1).max(1));
        }
        *full_at = next;
        Ok(())
    }
}

/// Who counts as one visitor: an IPv4 address, an IPv6 /64.
pub(crate) fn visitor(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four).into(),
        IpAddr::V6(six) => match Ipv6Net::new(six, 64) {
            Ok(net) => IpNet::V6(net.trunc()),
            Err(_) => IpAddr::V6(six).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitors(most: usize) -> Visitors {
        Visitors { most, ..Visitors::new(Rate { burst: 3, every_ms: 10_000 }) }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_then_one_each_ten_seconds() {
        let visitors = visitors(100);
        let answers: Vec<_> = [0, 0, 0, 0, 9_000, 10_000, 10_000]
            .map(|at| visitors.admit(ip("192.0.2.1"), 1_000_000 + at))
            .into();
        assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Err(10), Err(1), Ok(()), Err(10)]);
        assert_eq!(visitors.admit(ip("192.0.2.2"), 1_000_000), Ok(()), "others are not held up");
    }

    #[test]
    fn an_ipv6_visitor_is_his_64() {
        let visitors = visitors(100);
        for host in 1..=3 {
            assert_eq!(visitors.admit(ip(&format!("2001:db8::{host}")), 0), Ok(()));
        }
        assert!(visitors.admit(ip("2001:db8::4"), 0).is_err());
        assert_eq!(visitors.admit(ip("2001:db8:0:1::1"), 0), Ok(()));
    }

    #[test]
    fn a_flood_from_many_addresses_is_bounded_and_old_visitors_stay() {
        let visitors = visitors(10);
        for host in 0..10 {
            assert_eq!(visitors.admit(ip(&format!("192.0.2.{host}")), 1000), Ok(()));
        }
        let let_in = (0..2000u32)
            .filter(|n| visitors.admit(IpAddr::from((0x0a00_0000 + n).to_be_bytes()), 1000).is_ok())
            .count();
        assert_eq!(let_in, 150, "newcomers share one bucket");
        assert_eq!(visitors.seen.lock().unwrap().full_at.len(), 10);
        assert_eq!(visitors.admit(ip("192.0.2.1"), 1000), Ok(()));
        assert_eq!(visitors.admit(ip("198.51.100.1"), 40_000), Ok(()), "idle ones make room");
        assert_eq!(visitors.seen.lock().unwrap().full_at.len(), 1);
    }

    #[test]
    fn a_clock_that_went_back_shuts_nobody_out_for_long() {
        let visitors = visitors(10);
        assert_eq!(visitors.admit(ip("192.0.2.1"), 1_000_000_000), Ok(()));
        assert!(visitors.admit(ip("192.0.2.1"), 0).unwrap_err() <= 10);
    }
}
