//! The list in memory, as its users see it.

use super::*;
use crate::{HeloClass, PastEvent, Rule};
use heloscope_model::sighting::TrapKind;

pub(crate) const START: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

pub(crate) fn at(secs: i64) -> Time {
    Time::from_secs(START + secs)
}

/// A session with one rule, `class:family:detector`, and a never-used trap.
pub(crate) fn session(address: &str, secs: i64, rule: &str) -> Detected {
    let mut parts = rule.split(':');
    let class = parts.next().unwrap().chars().next().unwrap();
    let family = parts.next().unwrap().to_owned();
    let detector = parts.next().unwrap_or("helo-ylmf-pc").to_owned();
    let owner = "HELO ylmf-pc".to_owned();
    let operator = "HELO ylmf-pc to trap@example.net".to_owned();
    Detected {
        address: address.parse().unwrap(),
        port: 4711,
        at: at(secs),
        arrived: at(secs),
        sensor: "north".into(),
        rules: vec![Rule { detector, version: 1, class, family, owner, operator }],
        traps: vec![("trap@example.net".into(), TrapKind::NeverUsed)],
        helo: Some("ylmf-pc".into()),
        helo_class: HeloClass::Dotless,
        key: 1,
        dialect: 1,
        session: "{}".into(),
    }
}

fn lab() -> Ledger {
    Ledger::open(Config::memory(true), at(0)).unwrap()
}

const BOT: &str = "203.0.113.9";

fn bot() -> IpAddr {
    BOT.parse().unwrap()
}

#[test]
fn a_bot_is_listed_told_of_and_forgotten() {
    let ledger = lab();
    let feed = ledger.subscribe().unwrap();
    assert_eq!(ledger.public(bot()), (None, vec![]));
    ledger.detected(session(BOT, 60, "A:helo")).unwrap();

    let (listing, past) = ledger.public(bot());
    let listing = listing.unwrap();
    assert_eq!((listing.sublist, listing.times_listed), (Sublist::Bots, 1));
    assert_eq!((listing.since, listing.expires), (at(60), at(60 + 7 * DAY)));
    assert_eq!((listing.last.tolerance_s, listing.helo), (900, HeloClass::Dotless));
    assert_eq!(listing.detectors, ["helo-ylmf-pc"]);
    assert_eq!(past.iter().map(|p| p.event).collect::<Vec<_>>(), [PastEvent::Listed]);
    let owner = ledger.owner(bot()).unwrap();
    assert_eq!((owner.seen[0].port, owner.seen[0].at), (4711, at(60)));
    assert_eq!(owner.seen[0].helo.as_deref(), Some("ylmf-pc"));
    assert!(!format!("{owner:?}").contains("trap@"), "the owner never sees a trap");
    let operator = ledger.operator(bot()).unwrap();
    assert_eq!(operator.seen[0].traps, [("trap@example.net".to_owned(), TrapKind::NeverUsed)]);

    ledger.tick(at(60 + 7 * DAY)).unwrap();
    let (listing, past) = ledger.public(bot());
    assert_eq!((listing, past[0].event), (None, PastEvent::Expired));
    let values: Vec<_> = feed.changes.try_iter().flatten().map(|c| c.value.is_some()).collect();
    assert_eq!(values, [true, false]);
    // In the end nothing is left at all.
    ledger.tick(at(200 * DAY)).unwrap();
    assert_eq!(ledger.public(bot()), (None, vec![]));
}

#[test]
fn removal_is_granted_once_then_locked_out_then_granted() {
    let ledger = lab();
    assert_eq!(ledger.remove(bot(), Asked::Anybody, at(1)).unwrap(), Removal::NotListed);
    ledger.detected(session(BOT, 60, "A:helo")).unwrap();
    assert_eq!(ledger.remove(bot(), Asked::Anybody, at(100)).unwrap(), Removal::Granted);
    assert_eq!(ledger.sublist(bot()), None);
    // A late report of what was before is forgiven too.
    ledger.detected(Detected { arrived: at(110), ..session(BOT, 90, "A:helo") }).unwrap();
    assert_eq!(ledger.sublist(bot()), None);

    ledger.detected(session(BOT, 200, "A:helo")).unwrap();
    assert_eq!(ledger.public(bot()).0.unwrap().times_listed, 2);
    let refused = ledger.remove(bot(), Asked::Owner, at(300)).unwrap();
    let Removal::Refused { retry_after_s, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(retry_after_s as i64, DAY - 100);
    assert_eq!(ledger.public(bot()).1[0].event, PastEvent::Refused);
    // A new detection starts the lock-out again.
    ledger.detected(session(BOT, DAY, "A:helo")).unwrap();
    let again = ledger.remove(bot(), Asked::Anybody, at(200 + DAY)).unwrap();
    assert!(matches!(again, Removal::Refused { .. }), "{again:?}");
    assert_eq!(ledger.remove(bot(), Asked::Anybody, at(2 * DAY)).unwrap(), Removal::Granted);
    assert_eq!(ledger.sublist(bot()), None);
}

#[test]
fn publication_waits_for_its_tick_and_removal_does_not() {
    let ledger = Ledger::open(Config::memory(false), at(0)).unwrap();
    let bot: IpAddr = "198.15.1.9".parse().unwrap();
    let seen = Detected { address: bot, ..session(BOT, 60, "A:helo") };
    ledger.detected(seen).unwrap();
    let visible = ledger.recent(1)[0].visible;
    assert!(visible.since(at(60)) >= 120.0);
    assert!(ledger.public(bot).0.is_none() && ledger.owner(bot).is_none());
    assert_eq!(ledger.evidence(bot).len(), 1, "the operator sees it at once");
    assert_eq!(ledger.remove(bot, Asked::Anybody, at(70)).unwrap(), Removal::NotListed);
    ledger.tick(visible.plus_secs(-1.0)).unwrap();
    assert_eq!(ledger.sublist(bot), None);
    ledger.tick(visible).unwrap();
    let listing = ledger.public(bot).0.unwrap();
    assert_eq!(listing.since, visible);
    assert!(at(60).since(listing.last.time).abs() <= f64::from(listing.last.tolerance_s));
    assert_eq!(ledger.remove(bot, Asked::Anybody, visible).unwrap(), Removal::Granted);
    assert_eq!(ledger.sublist(bot), None);
}

#[test]
fn a_recall_takes_back_what_rested_on_it_and_nothing_else() {
    let ledger = lab();
    ledger.detected(session(BOT, 60, "A:helo:misfires")).unwrap();
    let other = "203.0.113.10";
    ledger.detected(session(other, 60, "A:helo:misfires")).unwrap();
    ledger.detected(session(other, 61, "A:proxy:proxy-command")).unwrap();
    ledger.recall("misfires", 2, "not this version", at(70)).unwrap();
    assert_eq!(ledger.active(), 2);
    ledger.recall("misfires", 1, "It took a printer for a bot.", at(80)).unwrap();
    let (listing, past) = ledger.public(bot());
    assert_eq!((listing, past[0].event), (None, PastEvent::Recalled));
    assert_eq!(past[0].reason, "It took a printer for a bot.");
    let left = ledger.public(other.parse().unwrap()).0.unwrap();
    assert_eq!(left.detectors, ["proxy-command"]);
    assert_eq!(ledger.incidents().iter().map(|i| i.listings).collect::<Vec<_>>(), [0, 1]);
    // Its word is nothing any more, and the next listing is the first.
    ledger.detected(session(BOT, 90, "A:helo:misfires")).unwrap();
    assert_eq!(ledger.sublist(bot()), None);
    ledger.detected(session(BOT, 91, "A:helo:good")).unwrap();
    assert_eq!(ledger.public(bot()).0.unwrap().times_listed, 1);
}

#[test]
fn exempted_and_reserved_addresses_are_never_listed() {
    let ledger = lab();
    ledger.detected(session(BOT, 60, "A:helo")).unwrap();
    ledger.exempt("203.0.113.0/28".parse().unwrap(), "our own", Some(at(1000)), at(70)).unwrap();
    assert_eq!(ledger.public(bot()).1[0].event, PastEvent::Exempted);
    for address in [BOT, "127.0.0.1", "10.1.1.1", "192.168.3.4", "::1", "fe80::1"] {
        ledger.detected(session(address, 80, "A:helo")).unwrap();
        assert_eq!(ledger.sublist(address.parse().unwrap()), None, "{address}");
    }
    assert_eq!(ledger.statistics()[0].shielded, 6);
    ledger.tick(at(1000)).unwrap();
    ledger.detected(session(BOT, 1001, "A:helo")).unwrap();
    assert_eq!(ledger.sublist(bot()), Some(Sublist::Bots));
}

#[test]
fn a_network_is_listed_from_several_addresses_with_one_dialect() {
    let ledger = lab();
    let net: IpNet = "2001:db8:0:7::/64".parse().unwrap();
    let stands = |l: &Ledger| l.listed().iter().any(|(p, _)| *p == net);
    for host in 1..=3 {
        let other =
            Detected { dialect: host, ..session(&format!("2001:db8:0:7::{host}"), 60, "A:helo") };
        ledger.detected(other).unwrap();
    }
    assert!(!stands(&ledger), "three dialects are three customers' machines");
    for host in 4..=5 {
        ledger.detected(session(&format!("2001:db8:0:7::{host}"), 61, "A:helo")).unwrap();
    }
    assert!(stands(&ledger));
    let neighbour: IpAddr = "2001:db8:0:7:8::1".parse().unwrap();
    assert_eq!(ledger.public(neighbour).0.unwrap().prefix, net);
    assert_eq!(ledger.sublist("2001:db8:0:8::1".parse().unwrap()), None);
    assert_eq!(ledger.remove(neighbour, Asked::Owner, at(100)).unwrap(), Removal::Granted);
    assert_eq!(ledger.listed(), []);
}

#[test]
fn a_real_mail_server_clears_its_own_sessions_only() {
    let ledger = lab();
    ledger.detected(Detected { key: 7, ..session(BOT, 60, "A:helo") }).unwrap();
    assert_eq!(ledger.sublist(bot()), Some(Sublist::Bots));
    ledger.detected(Detected { key: 7, ..session(BOT, 70, "X:real:real-mta") }).unwrap();
    assert_eq!(ledger.sublist(bot()), None);
    ledger.detected(Detected { key: 8, ..session(BOT, 80, "A:helo") }).unwrap();
    assert_eq!(ledger.sublist(bot()), Some(Sublist::Bots));
}

#[test]
fn a_paused_detector_says_nothing_until_it_is_resumed() {
    let ledger = lab();
    ledger.pause("helo-ylmf-pc", "fired too often", at(10)).unwrap();
    ledger.detected(session(BOT, 60, "A:helo")).unwrap();
    assert_eq!((ledger.sublist(bot()), ledger.paused().len()), (None, 1));
    ledger.resume("helo-ylmf-pc", at(70)).unwrap();
    ledger.detected(session(BOT, 80, "A:helo")).unwrap();
    assert_eq!(ledger.sublist(bot()), Some(Sublist::Bots));
}

#[test]
fn followers_see_every_change_once_and_in_order() {
    let ledger = lab();
    ledger.detected(session("203.0.113.1", 1, "A:helo")).unwrap();
    let from = ledger.generation();
    let feed = ledger.subscribe().unwrap();
    assert_eq!(feed.listed.len(), 1);
    let clones: Vec<_> = (0..4)
        .map(|thread| {
            let ledger = ledger.clone();
            std::thread::spawn(move || {
                for host in 0..50 {
                    let address = format!("198.51.100.{}", thread * 50 + host);
                    ledger.detected(session(&address, 2, "A:helo")).unwrap();
                }
            })
        })
        .collect();
    clones.into_iter().for_each(|t| t.join().unwrap());
    let changes: Vec<Change> = feed.changes.try_iter().flatten().collect();
    assert_eq!(changes.len(), 200);
    assert!(changes.is_sorted_by_key(|c| c.generation));
    assert_eq!(ledger.changes(from).unwrap(), changes);
    assert_eq!(ledger.listed().len(), 201);
}

#[test]
fn an_erased_address_is_as_if_it_had_never_been() {
    let ledger = lab();
    ledger.detected(session(BOT, 60, "A:helo")).unwrap();
    ledger.erase("203.0.113.9/32".parse().unwrap(), at(70)).unwrap();
    assert_eq!(ledger.public(bot()), (None, vec![]));
    assert!(ledger.recent(10).is_empty() && ledger.evidence(bot()).is_empty());
}

#[test]
fn many_at_once_are_all_recorded_and_taken_out() {
    let ledger = lab();
    let before = ledger.generation();
    let addresses: Vec<String> = (1..=200).map(|n| format!("203.0.113.{n}")).collect();
    let mut all: Vec<_> = addresses.iter().map(|a| session(a, 60, "A:helo")).collect();
    ledger.detected_all(&mut all).unwrap();
    assert!(all.is_empty());
    assert_eq!(ledger.generation(), before + 200);
    assert_eq!(ledger.active(), 200);
    assert!(addresses.iter().all(|a| ledger.sublist(a.parse().unwrap()) == Some(Sublist::Bots)));
}

fn net(prefix: &str) -> IpNet {
    prefix.parse().unwrap()
}

#[test]
fn what_the_operator_lists_says_so_and_ends_in_its_time_whatever_is_seen() {
    let ledger = lab();
    let listing =
        ledger.add(net("203.0.113.9/32"), "Phishing by hand.", Some(at(5)), None, at(60)).unwrap();
    assert_eq!((listing.sublist, listing.by_hand), (Sublist::Bots, true));
    assert_eq!(listing.reason, "Listed by the operator of this list: Phishing by hand.");
    assert_eq!((listing.since, listing.expires), (at(60), at(60 + 7 * DAY)));
    assert!(ledger.listed()[0].1.is_by_hand(), "DNS is told that no detector said so");
    assert!(at(5).since(listing.last.time).abs() <= f64::from(listing.last.tolerance_s));

    // A detector agrees: its own term runs from what it saw, the operator's stays.
    ledger.detected(session(BOT, 6 * DAY, "A:helo")).unwrap();
    let both = ledger.public(bot()).0.unwrap();
    assert_eq!((both.by_hand, both.since), (false, at(60)));
    assert!(both.reason.ends_with("Phishing by hand."), "{}", both.reason);
    assert_eq!(both.expires, at(13 * DAY));
    ledger.tick(at(8 * DAY)).unwrap();
    let one = ledger.public(bot()).0.unwrap();
    assert!(!one.reason.contains("operator"), "his word has run out: {}", one.reason);
    ledger.tick(at(13 * DAY)).unwrap();
    assert_eq!(ledger.public(bot()).1[0].event, PastEvent::Expired);
}

#[test]
fn a_recall_leaves_what_the_operator_lists() {
    let ledger = lab();
    ledger.detected(session(BOT, 60, "A:helo:misfires")).unwrap();
    let until = Some(at(3 * DAY));
    ledger.add(net("203.0.113.9/32"), "It is a bot.", None, until, at(70)).unwrap();
    ledger.recall("misfires", 1, "A printer.", at(80)).unwrap();
    let left = ledger.public(bot()).0.unwrap();
    assert_eq!((left.by_hand, left.expires), (true, at(3 * DAY)));
    assert_eq!(ledger.incidents()[0].listings, 0);
    ledger.tick(at(3 * DAY)).unwrap();
    let past = &ledger.public(bot()).1[0];
    assert_eq!((past.event, past.last), (PastEvent::Expired, None));
    assert!(past.reason.ends_with("It is a bot."), "{}", past.reason);
}

#[test]
fn whoever_is_listed_by_hand_gets_out_as_everybody() {
    let ledger = lab();
    ledger.add(net("203.0.113.9/32"), "It is a bot.", None, None, at(60)).unwrap();
    assert_eq!(ledger.remove(bot(), Asked::Anybody, at(70)).unwrap(), Removal::Granted);
    ledger.add(net("203.0.113.9/32"), "It is one.", None, None, at(80)).unwrap();
    let again = ledger.remove(bot(), Asked::Anybody, at(90)).unwrap();
    assert!(matches!(again, Removal::Refused { .. }), "{again:?}");
    ledger.withdraw(net("203.0.113.0/24"), "We erred.", at(100)).unwrap();
    assert_eq!(ledger.listed(), []);
}

#[test]
fn what_cannot_be_listed_by_hand() {
    let ledger = lab();
    ledger.exempt(net("203.0.113.128/25"), "ours", None, at(1)).unwrap();
    let day = |n| Some(at(n * DAY));
    for (prefix, until, why) in [
        ("203.0.113.0/24", None, "single addresses"),
        ("2001:db8::/48", None, "single addresses"),
        ("10.0.0.1/32", None, "reserved"),
        ("127.0.0.2/32", None, "reserved"),
        ("203.0.113.200/32", None, "exempted"),
        ("203.0.113.9/32", day(29), "ends after now"),
        ("203.0.113.9/32", day(0), "ends after now"),
    ] {
        let error = ledger.add(net(prefix), "x", None, until, at(2)).unwrap_err().to_string();
        assert!(error.contains(why), "{prefix}: {error}");
    }
    assert_eq!(ledger.active(), 0);
    let wide = ledger.add(net("2001:db8::/64"), "Rotates.", None, day(28), at(2)).unwrap();
    assert_eq!(wide.prefix, net("2001:db8::/64"));
    assert_eq!(ledger.sublist("2001:db8::77".parse().unwrap()), Some(Sublist::Bots));
    // Its members come and go: the operator's word does not hang on them.
    ledger.detected(session("2001:db8::7", 60, "A:helo")).unwrap();
    ledger.withdraw(net("2001:db8::7/128"), "We erred.", at(70)).unwrap();
    assert!(ledger.listed().is_empty(), "a removal takes the /64 around it as well");
}

#[test]
fn a_recall_of_some_hours_leaves_the_others() {
    let ledger = lab();
    for (host, hour) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        let session = session(&format!("203.0.113.{host}"), hour * 3600, "A:helo:misfires");
        ledger.detected(session).unwrap();
    }
    let (from, to) = (Some(at(2 * 3600)), Some(at(4 * 3600)));
    let recall = Recall { detector: "misfires".into(), version: 1, from, to };
    assert_eq!(
        ledger.recall_between(recall, "A bad rule for two hours.", at(4 * 3600)).unwrap(),
        2
    );
    let left: Vec<String> = ledger.listed().iter().map(|(p, _)| p.to_string()).collect();
    assert_eq!(left, ["203.0.113.1/32", "203.0.113.4/32"]);
    // A late report of that time says nothing, a new one does.
    let late = Detected { arrived: at(5 * 3600), ..session(BOT, 3 * 3600, "A:helo:misfires") };
    ledger.detected(late).unwrap();
    assert_eq!(ledger.sublist(bot()), None);
    ledger.detected(session(BOT, 5 * 3600, "A:helo:misfires")).unwrap();
    assert_eq!(ledger.sublist(bot()), Some(Sublist::Bots));
    assert_eq!(ledger.reported(), [("misfires".to_owned(), 1)]);
}

#[test]
fn listings_in_pages_and_within_a_prefix() {
    let ledger = lab();
    for address in ["203.0.113.1", "203.0.113.2", "198.51.100.7", "2001:db8::1"] {
        ledger.detected(session(address, 60, "A:helo")).unwrap();
    }
    let page = |within: Option<&str>, after: Option<&str>, most| -> Vec<String> {
        let listings = ledger.listings(within.map(net), after.map(net), most);
        listings.iter().map(|l| l.prefix.to_string()).collect()
    };
    let (a, b, c, d) = ("198.51.100.7/32", "203.0.113.1/32", "203.0.113.2/32", "2001:db8::1/128");
    for (within, after, most, want) in [
        (None, None, 9, vec![a, b, c, d]),
        (None, None, 2, vec![a, b]),
        (None, Some(b), 2, vec![c, d]),
        (None, Some(d), 2, vec![]),
        (Some("203.0.113.0/24"), None, 9, vec![b, c]),
        (Some("203.0.113.0/24"), Some(b), 9, vec![c]),
        (Some("203.0.113.0/24"), Some(c), 9, vec![]),
        (Some("203.0.113.0/24"), Some(d), 9, vec![]),
        (Some("0.0.0.0/0"), None, 9, vec![a, b, c]),
        (Some("203.0.113.2/32"), None, 9, vec![c]),
        (Some("::/0"), Some(c), 9, vec![d]),
        (Some("255.255.255.255/32"), None, 9, vec![]),
    ] {
        assert_eq!(page(within, after, most), want, "{within:?} {after:?}");
    }
}

#[test]
fn history_tells_when_an_ended_listing_was_last_seen_as_it_was_told() {
    let ledger = lab();
    ledger.detected(session(BOT, 60, "A:helo")).unwrap();
    let told = ledger.public(bot()).0.unwrap().last;
    ledger.remove(bot(), Asked::Anybody, at(100)).unwrap();
    let past = ledger.public(bot()).1;
    assert_eq!((past[0].event, past[0].last), (PastEvent::Removed, Some(told)));
    assert_eq!((past[1].event, past[1].last), (PastEvent::Listed, None));
}
