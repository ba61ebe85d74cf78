//! Connections that the firewall announced and no table showed: told once each, by their user. Pure.

use crate::logged::Syn;
use crate::{Connection, Noted, Process};
use heloscope_model::Time;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Seconds in which two first packets of one pair of sockets are one connection: the kernel sends it again for so long.
const AGAIN_S: f64 = 130.0;
/// Pairs kept in mind.
const MOST: usize = 65_536;
/// The numbers of connections without a socket begin here; the kernel's cookies count from 1.
const FIRST: u64 = 1 << 62;

/// What was announced of late.
#[derive(Debug, Default)]
pub(super) struct Begun {
    known: HashMap<(SocketAddr, SocketAddr), Time>,
    told: u64,
}

impl Begun {
    /// Takes what was announced since the last time; `open` says what the table shows and so tells of by itself.
    pub(super) fn take(
        &mut self,
        now: Time,
        syns: Vec<Syn>,
        open: impl Fn(&Syn) -> bool,
        netns: u32,
    ) -> Vec<Noted> {
        self.known.retain(|_, at| (0.0..AGAIN_S).contains(&now.since(*at)));
        let mut noted = Vec::new();
        let mut lost = 0;
        for syn in syns {
            let pair = (syn.client, syn.server);
            if self.known.contains_key(&pair) {
                continue;
            }
            if self.known.len() < MOST {
                self.known.insert(pair, now);
            } else {
                lost += 1;
                continue;
            }
            if !open(&syn) {
                self.told += 1;
                noted.push(Noted::Connection(Box::new(connection(
                    syn,
                    now,
                    FIRST + self.told,
                    netns,
                ))));
            }
        }
        if lost > 0 {
            noted.push(Noted::Lost { events: lost, since: now, time: now });
        }
        noted
    }
}

fn connection(syn: Syn, now: Time, socket: u64, netns: u32) -> Connection {
    Connection {
        socket,
        start: now,
        late: false,
        client: Some(syn.client),
        server: syn.server,
        outcome: None,
        // Packets of the kernel itself have no user.
        process: Process { uid: syn.uid.unwrap_or_default(), ..Process::default() },
        files: Vec::new(),
        cgroup: 0,
        netns,
        script: None,
        ancestors: [].into(),
        place: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syn(port: u16) -> Syn {
        Syn {
            client: SocketAddr::from(([192, 0, 2, 1], port)),
            server: "192.0.2.25:25".parse().unwrap(),
            uid: Some(33),
        }
    }

    #[test]
    fn once_each_and_not_what_the_table_tells() {
        let mut begun = Begun::default();
        let at = Time::from_secs(7);
        let told = begun.take(at, vec![syn(1), syn(2)], |syn| syn.client.port() == 2, 9);
        let [Noted::Connection(one)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((one.process.pid, one.process.uid, one.netns), (0, 33, 9));
        assert!(
            begun.take(at.plus_secs(3.0), vec![syn(1), syn(2)], |_| false, 9).is_empty(),
            "sent again"
        );
        assert_eq!(
            begun.take(at.plus_secs(200.0), vec![syn(1)], |_| false, 9).len(),
            1,
            "the port again"
        );
    }

    #[test]
    fn a_flood_is_counted() {
        let many = |n: u16| (0..n).map(syn);
        let mut begun = Begun::default();
        let other = |s: Syn| Syn { server: "192.0.2.26:25".parse().unwrap(), ..s };
        let syns: Vec<Syn> = many(u16::MAX).chain(many(u16::MAX).map(other)).collect();
        let told = begun.take(Time::from_secs(7), syns, |_| true, 9);
        assert!(
            matches!(told[..], [Noted::Lost { events, .. }] if events == 2 * 65_535 - 65_536),
            "{told:?}"
        );
    }
}
