//! Connections as their headers show them: a mail, a refusal, a scan, translation, and floods.

use super::*;
use crate::packets::segment::{self, tests::packet};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

const LAPTOP: [u8; 6] = [0x52, 0x54, 0, 0, 0, 0x17];
const LAN: Origin = Origin { interface: 3, leaving: false, mac: Some(LAPTOP) };
const TO_LAN: Origin = Origin { interface: 3, leaving: true, mac: None };
const TO_WAN: Origin = Origin { interface: 2, leaving: true, mac: None };

fn at(milliseconds: i64) -> Time {
    Time::from_micros(1_764_000_000_000_000 + milliseconds * 1000)
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A router that hears port 25, and what it told.
struct Router {
    flows: Flows,
    own: BTreeSet<IpAddr>,
    now: i64,
}

impl Router {
    fn new() -> Self {
        let own = ["192.168.1.1", "203.0.113.5"].map(|ip| ip.parse().unwrap());
        Self { flows: Flows::new(&[25]), own: own.into(), now: 0 }
    }

    /// A segment of this length, through the parser.
    #[allow(clippy::too_many_arguments, reason = "a segment's fields, in their order")]
    fn hears(
        &mut self,
        origin: Origin,
        from: &str,
        to: &str,
        flags: u8,
        sequence: u32,
        acknowledged: u32,
        length: u32,
    ) -> Vec<Told> {
        let (from, to) = (socket(from), socket(to));
        let bytes =
            packet(&Segment { from, to, sequence, acknowledged, flags, length, payload: b"" });
        self.flows.take(&segment::tcp(&bytes).unwrap(), origin, &self.own, at(self.now))
    }

    fn after(&mut self, milliseconds: i64) -> Vec<Told> {
        self.now += milliseconds;
        self.flows.tick(at(self.now))
    }
}

const A: &str = "192.168.1.23:50001";
const B: &str = "192.0.2.25:25";
/// The numbers both begin with; the client's wraps.
const C0: u32 = u32::MAX - 3;
const S0: u32 = 7000;

fn outcome(told: &[Told]) -> Vec<Fate> {
    let tried = told.iter().filter_map(|told| match told {
        Told::Tried(tried) => Some(tried.outcome),
        Told::Ended { .. } => None,
    });
    tried.collect()
}

#[test]
fn a_mail_is_a_connection_with_its_bytes_both_ways() {
    let mut router = Router::new();
    assert_eq!(router.hears(LAN, A, B, SYN, C0, 0, 0), []);
    // As it comes by the bridge's port too, and again because nobody answered.
    assert_eq!(router.hears(LAN, A, B, SYN, C0, 0, 0), []);
    router.now += 20;
    assert_eq!(router.hears(TO_LAN, B, A, SYN | ACK, S0, C0.wrapping_add(1), 0), []);
    let told = router.after(1000);
    let [Told::Tried(tried)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((tried.outcome, tried.origin.mac, tried.start), (Fate::Open, Some(LAPTOP), at(0)));
    assert_eq!((tried.client, tried.server), (socket(A), socket(B)));
    // The client's last segment still carries something.
    let fin = C0.wrapping_add(1 + 990);
    assert_eq!(router.hears(LAN, A, B, FIN | ACK, fin, S0 + 1 + 300, 10), []);
    let told = router.hears(TO_LAN, B, A, FIN | ACK, S0 + 1 + 320, fin.wrapping_add(11), 0);
    let end = at(router.now);
    assert_eq!(told, [Told::Ended { number: tried.number, end, received: 320, sent: 1000 }]);
    assert!(router.flows.flows.is_empty() && router.flows.turns.is_empty());
}

#[test]
fn a_reset_says_as_much_as_it_knows() {
    let mut router = Router::new();
    router.hears(LAN, A, B, SYN, C0, 0, 0);
    router.hears(TO_LAN, B, A, SYN | ACK, S0, C0.wrapping_add(1), 0);
    let told = router.hears(LAN, A, B, RST | ACK, C0.wrapping_add(41), S0 + 91, 0);
    assert_eq!(outcome(&told), [Fate::Open], "told before it is over");
    assert!(matches!(told[1], Told::Ended { received: 90, sent: 40, .. }), "{told:?}");
}

#[test]
fn one_side_s_end_is_the_end_when_the_other_is_never_heard() {
    let mut router = Router::new();
    router.hears(LAN, A, B, SYN, C0, 0, 0);
    router.hears(TO_LAN, B, A, SYN | ACK, S0, C0.wrapping_add(1), 0);
    let told = router.hears(TO_LAN, B, A, FIN | ACK, S0 + 101, C0.wrapping_add(8), 0);
    assert_eq!(outcome(&told), [Fate::Open]);
    let told = router.after(121_000);
    let [Told::Ended { end, received: 100, sent: 7, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!(end, at(0), "when it was heard, not when the other was given up");
}

#[test]
fn what_came_of_those_that_failed() {
    let mut router = Router::new();
    router.hears(LAN, A, B, SYN, C0, 0, 0);
    // A stranger's reset knows no number.
    assert_eq!(router.hears(TO_LAN, B, A, RST | ACK, 0, 99, 0), []);
    let told = router.hears(TO_LAN, B, A, RST | ACK, 0, C0.wrapping_add(1), 0);
    assert_eq!(outcome(&told), [Fate::Refused]);
    router.hears(LAN, A, B, SYN, 5, 0, 0);
    assert_eq!(outcome(&router.after(131_000)), [Fate::Unanswered]);
    // A scan, or one who claims another's address: whoever has that refuses the answer.
    router.hears(LAN, A, B, SYN, 9, 0, 0);
    router.hears(TO_LAN, B, A, SYN | ACK, S0, 10, 0);
    assert_eq!(outcome(&router.hears(LAN, A, B, RST, 10, 0, 0)), [Fate::Aborted]);
    assert!(router.flows.flows.is_empty() && router.flows.untranslated.is_empty());
    assert!(router.flows.of_one.is_empty() && router.flows.counts == [0; 4]);
}

#[test]
fn both_sides_of_the_translation_are_one_connection() {
    let mut router = Router::new();
    router.hears(LAN, A, B, SYN, C0, 0, 0);
    router.hears(TO_WAN, "203.0.113.5:61000", B, SYN, C0, 0, 0);
    let from_wan = Origin { interface: 2, leaving: false, mac: Some([9; 6]) };
    router.hears(from_wan, B, "203.0.113.5:61000", SYN | ACK, S0, C0.wrapping_add(1), 0);
    router.hears(TO_LAN, B, A, SYN | ACK, S0, C0.wrapping_add(1), 0);
    let told = router.after(1500);
    let [Told::Tried(tried)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(tried.translated, Some(socket("203.0.113.5:61000")));
}

#[test]
fn only_what_comes_from_inside_and_goes_through_counts() {
    let mut router = Router::new();
    for (origin, from, to) in [
        (TO_LAN, "198.51.100.9:4000", "192.168.1.2:25"), // to a mail server inside
        (TO_WAN, "203.0.113.5:4000", B),                 // the router's own
        (LAN, A, "192.168.1.1:25"),                      // to the router itself
        (LAN, "203.0.113.5:4000", B),                    // claims to be it
        (LAN, A, "192.0.2.25:80"),
        (LAN, "0.0.0.0:4000", B),
    ] {
        router.hears(origin, from, to, SYN, 1, 0, 0);
        router.hears(TO_LAN, to, from, SYN | ACK, 1, 2, 0);
    }
    // An answer that nobody asked for begins nothing.
    router.hears(TO_LAN, B, A, SYN | ACK, S0, 1, 0);
    router.hears(TO_LAN, B, A, FIN | ACK, S0, 1, 0);
    assert_eq!(router.after(200_000), []);
}

#[test]
fn the_same_ports_again_are_another_connection() {
    let mut router = Router::new();
    for begins in [100, 9000] {
        router.hears(LAN, A, B, SYN, begins, 0, 0);
        router.hears(TO_LAN, B, A, SYN | ACK, S0, begins + 1, 0);
        assert_eq!(outcome(&router.after(1100)), [Fate::Open]);
    }
}

#[test]
fn a_flood_leaves_room_for_the_others_and_is_counted() {
    let mut router = Router::new();
    router.hears(Origin { mac: Some([7; 6]), ..LAN }, A, B, SYN, C0, 0, 0);
    let spoofed = |n: u32| SocketAddr::new(Ipv4Addr::from(0x0a00_0000 + n).into(), 4000);
    let mut told = 0;
    for n in 0..100_000 {
        let from = spoofed(n).to_string();
        told += router.hears(LAN, &from, B, SYN, n, 0, 0).len();
    }
    assert!(router.flows.flows.len() <= TRYING_OF_ONE + 1);
    // The machine beside the flooding one has its answer.
    router.hears(TO_LAN, B, A, SYN | ACK, S0, C0.wrapping_add(1), 0);
    assert_eq!(outcome(&router.after(1100)), [Fate::Open]);
    // Under as many link addresses too there is an end to it.
    for n in 0..100_000_u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let origin = Origin { mac: Some([2, 0, 0, a, b, c]), ..LAN };
        told +=
            router.hears(origin, &spoofed(n).to_string(), B, SYN, n.wrapping_add(7), 0, 0).len();
    }
    let flows = &router.flows;
    assert!(flows.count(Stage::Trying) <= TRYING && flows.of_one.len() <= TRYING);
    assert!(flows.untranslated.len() <= TRYING && flows.turns.len() <= TRYING + 1);
    let failed = router.after(140_000);
    told += failed.len();
    assert!(told <= FAILED as usize, "a flood does not push everything else out of the record");
    let (lost, since) = router.flows.lost();
    assert_eq!(lost as usize + told, 200_000, "each is told or counted");
    assert_eq!(since, Some(at(0)));
    assert_eq!(router.flows.lost(), (0, None));
}

#[test]
fn those_that_stay_open_are_bounded_too() {
    let mut router = Router::new();
    for n in 0..40_000_u32 {
        let from = SocketAddr::new(Ipv4Addr::from(0x0a00_0000 + n).into(), 4000).to_string();
        router.hears(LAN, &from, B, SYN, n, 0, 0);
        router.hears(TO_LAN, B, &from, SYN | ACK, S0, n + 1, 0);
        if n % 3 == 0 {
            router.hears(TO_LAN, B, &from, FIN | ACK, S0 + 1, n + 1, 0);
        }
    }
    router.after(1100);
    assert!(router.flows.flows.len() <= 2 * OPEN, "{}", router.flows.flows.len());
    assert_eq!(router.flows.lost().0, 0, "each was told when it opened");
}

proptest! {
    #[test]
    fn never_panics(packets in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u32>(), any::<u32>(), 0_u8..3, 0_i64..200_000), 0..60)) {
        let mut router = Router::new();
        for (forth, flags, sequence, acknowledged, near, later) in packets {
            // Numbers near to each other meet more often.
            let (sequence, acknowledged) = match near {
                0 => (sequence, acknowledged),
                1 => (C0, C0.wrapping_add(1)),
                _ => (C0.wrapping_add(2), S0),
            };
            let (from, to, origin) = if forth { (A, B, LAN) } else { (B, A, TO_LAN) };
            let _ = router.hears(origin, from, to, flags, sequence, acknowledged, 9);
            let _ = router.after(later);
        }
        let _ = router.flows.stop(at(router.now));
        prop_assert_eq!(router.flows.count(Stage::Trying), 0);
    }
}
