//! What holds whatever happens: random histories, clocks that jump, addresses that may not be
//! listed; and the washer, who mails a thousand recipients and watches.

use super::*;
use crate::HeloClass;
use crate::event::RuleFacts;
use crate::snapshot::{self, Head};
use proptest::prelude::*;

mod washer;

fn address() -> impl Strategy<Value = IpAddr> {
    let pool = [
        "203.0.113.1",
        "203.0.113.2",
        "8.8.8.8",
        "9.9.9.9",
        "127.0.0.1",
        "127.0.0.2",
        "10.0.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::1",
        "::ffff:8.8.8.8",
        "fe80::1",
        "2a00:1450::1",
        "2a00:1450::2",
        "2a00:1450::3",
        "2a00:1450::4",
        "2a00:1450:0:1::1",
        "2001:db8::1",
        "2002:808:808::1",
    ];
    prop::sample::select(pool.map(|a| a.parse().unwrap()).to_vec())
}

fn prefix() -> impl Strategy<Value = IpNet> {
    let lengths = prop::sample::select(vec![0_u8, 8, 24, 30, 32, 48, 64, 128]);
    (address(), lengths).prop_map(|(address, length)| {
        IpNet::new(address, length).unwrap_or(IpNet::from(address)).trunc()
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let class = prop::sample::select(vec!['A', 'A', 'B', 'B', 'C', 'X']);
    let rule = (class, 0..4_usize, 1..3_u32).prop_map(|(class, n, version)| RuleFacts {
        detector: ["helo-ylmf-pc", "pregreet", "helo-dynamic-name", "ratware-message-id"][n].into(),
        version,
        class,
        family: ["helo", "early", "helo", "message"][n].into(),
    });
    let kind = prop::sample::select(vec![
        TrapKind::NeverUsed,
        TrapKind::NeverUsed,
        TrapKind::Typo,
        TrapKind::Recycled,
    ]);
    let rules = prop::collection::vec(rule, 0..3);
    let traps = prop::collection::vec((kind, 0..5_u64), 0..3);
    (address(), -200_000..200_000_i64, 0..3_u8, rules, traps, 0..3_u64).prop_map(
        |(address, late, sensor, rules, traps, key)| Facts {
            address,
            // Moved to its place by `history`.
            at: Time::from_secs(late),
            arrived: Time::from_secs(0),
            sensor: format!("s{sensor}"),
            rules,
            traps,
            helo: HeloClass::Name,
            key,
            dialect: key,
        },
    )
}

/// Events with the seconds that the clock moves before each: also back, also by years.
fn history(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let step = prop_oneof![
        8 => 0..4000_i64,
        2 => 0..400_000_i64,
        1 => -100_000..0_i64,
        1 => Just(400_000_000_i64),
        1 => Just(-400_000_000_i64),
    ];
    let detector = prop::sample::select(vec!["helo-ylmf-pc".to_owned(), "pregreet".into()]);
    let by = prop::sample::select(vec![Asked::Anybody, Asked::Owner, Asked::Operator]);
    let at = Time::from_secs(0);
    let since = prop::option::of(1_700_000_000..1_700_400_000_i64);
    let event = prop_oneof![
        12 => facts().prop_map(Event::Detected),
        8 => Just(Event::Ticked { at }),
        3 => (address(), by).prop_map(move |(address, by)| Event::RemovalAsked { at, address, by }),
        1 => (prefix(), prop::option::of(0..3_000_000_i64)).prop_map(move |(prefix, until)| {
            let until = until.map(|s| Time::from_secs(1_700_000_000 + s));
            Event::Exempted { at, prefix, why: "ours".into(), until }
        }),
        1 => prefix().prop_map(move |prefix| Event::Unexempted { at, prefix }),
        1 => prefix().prop_map(move |prefix| Event::Withdrawn { at, prefix, why: "asked".into() }),
        1 => prefix().prop_map(move |prefix| Event::Erased { at, prefix }),
        2 => (prefix(), prop::option::of(0..3_000_000_i64)).prop_map(move |(prefix, until)| {
            let until = until.map(|s| Time::from_secs(1_700_000_000 + s));
            Event::Added { at, prefix, why: "by hand".into(), seen: None, until }
        }),
        1 => (detector.clone(), 1..3_u32, since).prop_map(move |(detector, version, from)| {
            let (from, to) = (from.map(Time::from_secs), None);
            let recall = Recall { detector, version, from, to };
            Event::Recalled { at, recall, incident: "misfired".into() }
        }),
        1 => detector.clone().prop_map(move |detector| Event::Paused { at, detector, why: "rate".into() }),
        1 => detector.prop_map(move |detector| Event::Resumed { at, detector }),
    ];
    prop::collection::vec((step, event), 0..most).prop_map(|steps| {
        let mut clock = 1_700_000_000;
        let place = |(step, mut event): (i64, Event)| {
            clock += step;
            let now = Time::from_secs(clock);
            match &mut event {
                Event::Detected(facts) => {
                    facts.at = now.plus_secs(facts.at.secs() as f64);
                    facts.arrived = now;
                }
                Event::Ticked { at }
                | Event::RemovalAsked { at, .. }
                | Event::Exempted { at, .. }
                | Event::Unexempted { at, .. }
                | Event::Recalled { at, .. }
                | Event::Withdrawn { at, .. }
                | Event::Paused { at, .. }
                | Event::Resumed { at, .. }
                | Event::Erased { at, .. }
                | Event::Added { at, .. } => *at = now,
            }
            event
        };
        steps.into_iter().map(place).collect()
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let unstepped = Policy { step_s: None, ..Policy::standard() };
    prop::sample::select(vec![Policy::standard(), unstepped, Policy::lab()])
}

fn book(policy: &Policy) -> Book {
    Book::new(policy.clone(), Key::new([9; 32]))
}

fn bytes(book: &Book) -> Vec<u8> {
    snapshot::encode(&Head::default(), &book.state).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Also: what followers were told is what is listed, and the counts agree.
    #[test]
    fn never_lists_what_may_not_be_listed(events in history(60), policy in policies()) {
        let mut book = book(&policy);
        let mut followed = BTreeMap::new();
        for event in &events {
            for change in book.apply(event) {
                match change.value {
                    Some(value) => drop(followed.insert(change.prefix, value)),
                    None => drop(followed.remove(&change.prefix)),
                }
            }
            let listed: Vec<(IpNet, Sublists)> = book.listed().collect();
            for (prefix, _) in &listed {
                prop_assert!(book.may_list(*prefix), "{prefix} after {event:?}");
            }
            prop_assert_eq!(book.state.active as usize, listed.len());
            prop_assert_eq!(&followed.iter().map(|(p, v)| (*p, *v)).collect::<Vec<_>>(), &listed);
        }
    }

    #[test]
    fn a_snapshot_and_its_tail_are_the_whole(
        events in history(60), cut in 0..60_usize, policy in policies()
    ) {
        let mut whole = book(&policy);
        let mut resumed = book(&policy);
        for (n, event) in events.iter().enumerate() {
            if n == cut {
                let (_, state) = snapshot::decode(&bytes(&resumed)).unwrap();
                resumed = Book::from_state(state, policy.clone(), Key::new([9; 32]));
            }
            prop_assert_eq!(whole.apply(event), resumed.apply(event), "{} {:?}", n, event);
        }
        prop_assert_eq!(bytes(&whole), bytes(&resumed));
    }

    /// Whatever the clock does, no time that anybody sees goes back, and one jump moves little.
    #[test]
    fn visible_times_never_go_back(events in history(60)) {
        let policy = Policy::standard();
        let mut book = book(&policy);
        let mut seen: BTreeMap<IpNet, (Time, Time)> = BTreeMap::new();
        for event in &events {
            let before = book.now();
            book.apply(event);
            let now = book.now().unwrap();
            if let Some(before) = before {
                prop_assert!(before <= now && now.since(before) <= 3600.0);
            }
            let listed: Vec<IpNet> = book.listed().map(|(p, _)| p).collect();
            seen.retain(|prefix, _| listed.contains(prefix));
            for prefix in listed {
                let listing = book.state.records[&prefix].listing.as_ref().unwrap();
                let last = crate::delay::Slot::of(prefix.addr(), listing.last, &book.key, &policy).told().time;
                let old = seen.insert(prefix, (listing.since, last)).unwrap_or((listing.since, last));
                prop_assert!(old.0 == listing.since && old.1 <= last && listing.since <= now);
                let ticked = matches!(event, Event::Ticked { .. });
                prop_assert!(listing.expires > now || !ticked);
            }
        }
    }
}

#[test]
fn a_clock_ahead_for_a_moment_expires_nothing() {
    let mut book = book(&Policy { step_s: Some(3600), ..Policy::lab() });
    let at = |s: i64| Time::from_secs(1_700_000_000 + s);
    let address = "203.0.113.1".parse().unwrap();
    let rules =
        vec![RuleFacts { detector: "d".into(), version: 1, class: 'A', family: "helo".into() }];
    let (sensor, helo) = ("s".to_owned(), HeloClass::Name);
    let facts = Facts {
        address,
        at: at(0),
        arrived: at(0),
        sensor,
        rules,
        traps: vec![],
        helo,
        key: 1,
        dialect: 1,
    };
    book.apply(&Event::Detected(facts));
    book.apply(&Event::Ticked { at: at(400_000_000) });
    book.apply(&Event::Ticked { at: at(2) });
    assert_eq!(book.listed().count(), 1);
    // One that stays ahead is followed, an hour a tick.
    for _ in 0..7 * 24 {
        book.apply(&Event::Ticked { at: at(400_000_000) });
    }
    assert_eq!(book.listed().count(), 0);
}

#[test]
fn a_network_full_of_addresses_does_not_fill_the_memory() {
    let mut book = book(&Policy::standard());
    let at = Time::from_secs(1_700_000_000);
    for host in 0..10_000_u128 {
        let address = IpAddr::from((0x2a00_1450_u128 << 96 | host).to_be_bytes());
        let rules =
            vec![RuleFacts { detector: "d".into(), version: 1, class: 'B', family: "helo".into() }];
        let (sensor, helo) = ("s".to_owned(), HeloClass::Name);
        let facts = Facts {
            address,
            at,
            arrived: at,
            sensor,
            rules,
            traps: vec![],
            helo,
            key: 1,
            dialect: 1,
        };
        book.apply(&Event::Detected(facts));
    }
    assert_eq!(book.state.records.len(), NET_RECORDS);
}

/// How the washer does: a thousand recipients in ten sessions within a minute, one is a trap. He
/// knows policy and code, has no key, and sees all that the public sees: the second of publication,
/// the time told, its tolerance. The best that he can do is to rule out the sessions that these
/// cannot belong to, and to guess among the rest: what he wins is one in those.
fn washers_wins(policy: &Policy, games: u32) -> f64 {
    let mut won = 0.0;
    for game in 0..games {
        let key = Key::new([(game % 251) as u8; 32]);
        let address = IpAddr::from((0x0900_0000 + game).to_be_bytes());
        let start = 1_700_000_000 + i64::from(game) * 7919;
        let sessions: Vec<Time> = (0..10).map(|n| Time::from_secs(start + n * 6)).collect();
        let trap = key.number("game", &[&game.to_le_bytes()]) as usize % 10;
        let mut book = Book::new(policy.clone(), key);
        let rules =
            vec![RuleFacts { detector: "d".into(), version: 1, class: 'A', family: "helo".into() }];
        let (at, sensor, helo) = (sessions[trap], "s".to_owned(), HeloClass::Name);
        let traps = vec![(TrapKind::NeverUsed, 1)];
        book.apply(&Event::Ticked { at: sessions[0] });
        book.apply(&Event::Detected(Facts {
            address,
            at,
            arrived: at,
            sensor,
            rules,
            traps,
            helo,
            key: 1,
            dialect: 1,
        }));
        let mut clock = at;
        while book.sublist(address).is_none() {
            clock = clock.plus_secs(1.0);
            book.apply(&Event::Ticked { at: clock });
            assert!(clock.since(at) < 7200.0, "it is published in the end");
        }
        let listing = book.public(address).0.unwrap();
        let (least, most) = match policy.delay {
            Some(delay) => {
                (delay.least_s as f64, (delay.least_s + delay.spread_s + policy.slot_s) as f64)
            }
            None => (0.0, 1.0),
        };
        let possible = |t: &&Time| {
            let shown_after = listing.since.since(**t);
            t.since(listing.last.time).abs() <= f64::from(listing.last.tolerance_s)
                && (least..=most).contains(&shown_after)
        };
        let left: Vec<&Time> = sessions.iter().filter(possible).collect();
        assert!(left.contains(&&at), "the truth is never ruled out");
        won += 1.0 / (left.len() as f64 * 100.0);
    }
    won / f64::from(games)
}

#[test]
fn the_washer_learns_nothing_better_than_chance() {
    // But for where a slot's edge happens to fall into his minute: one game in thirty, and not his choice.
    let chance = 1.0 / 1000.0;
    let wins = washers_wins(&Policy::standard(), 900);
    assert!(wins <= chance * (1.0 + 1.0 / 30.0 + 0.03), "{wins}");
    // The game has teeth: where nothing is delayed he finds the session at once.
    let undelayed = Policy { delay: None, ..Policy::standard() };
    let wins = washers_wins(&undelayed, 50);
    assert!(wins > chance * 4.0, "{wins}");
}
