//! What the public is told does not depend on whom a session wrote to. Two lists are played side by side:
//! the same sessions, the same key and clock; in the one a recipient is a trap, in the other nobody is.
//! Whatever the washer does (sessions of every kind, long waits, removals), he sees the same.

use super::*;
use crate::{Past, PublicListing, Sublist};

const DAY: i64 = 86_400;

/// What the washer does.
#[derive(Clone, Debug)]
enum Step {
    /// A session from one of his addresses; to the recipient whom he asks about, or to nobody's.
    Mail { from: usize, rules: &'static [&'static str], asked: bool },
    /// He waits and looks meanwhile.
    Wait(i64),
    /// He has an address taken out.
    Remove(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let rules: [&[&str]; 7] = [
        &[],
        &["C:protocol"],
        &["B:helo"],
        &["B:helo", "C:protocol"],
        &["B:message"],
        &["A:helo"],
        &["X:real"],
    ];
    let waits = [60, 1800, DAY / 2, DAY, 7 * DAY, 14 * DAY - 300, 14 * DAY, 60 * DAY, 90 * DAY];
    prop_oneof![
        6 => (0..POOL, prop::sample::select(rules.to_vec()), any::<bool>())
            .prop_map(|(from, rules, asked)| Step::Mail { from, rules, asked }),
        3 => prop::sample::select(waits.to_vec()).prop_map(Step::Wait),
        1 => (0..POOL).prop_map(Step::Remove),
    ]
}

/// His addresses: two of IPv4, and of one IPv6 network as many as it takes to fill it.
const POOL: usize = 8;

fn pool(n: usize) -> IpAddr {
    match n {
        0 | 1 => IpAddr::from([9, 9, 9, n as u8]),
        _ => IpAddr::from((0x2a00_1450_u128 << 96 | n as u128).to_be_bytes()),
    }
}

/// A list, its clock, and whether the recipient whom he asks about is a trap.
struct List {
    book: Book,
    clock: i64,
    is_trap: bool,
}

/// What he can see at an instant.
type Seen =
    (Vec<(IpNet, Option<Sublists>)>, Vec<(Option<PublicListing>, Vec<Past>)>, Vec<[u64; 6]>);

impl List {
    fn new(is_trap: bool) -> Self {
        let mut book = Book::new(Policy { step_s: None, ..Policy::standard() }, Key::new([7; 32]));
        let clock = 1_700_000_000;
        book.apply(&Event::Ticked { at: Time::from_secs(clock) });
        Self { book, clock, is_trap }
    }

    fn mail(&mut self, from: IpAddr, rules: &[&str], asked: bool) -> Vec<Change> {
        let rule = |said: &&str| {
            let (class, family) = said.split_once(':').unwrap();
            let (detector, class) = (family.into(), class.chars().next().unwrap());
            RuleFacts { detector, version: 1, class, family: family.into() }
        };
        let at = Time::from_secs(self.clock);
        let traps = if asked && self.is_trap { vec![(TrapKind::NeverUsed, 1)] } else { vec![] };
        // The station reports nothing of a session in which nothing was seen.
        if rules.is_empty() && traps.is_empty() {
            return Vec::new();
        }
        self.book.apply(&Event::Detected(Facts {
            address: from,
            at,
            arrived: at,
            sensor: "s".into(),
            rules: rules.iter().map(rule).collect(),
            traps,
            helo: HeloClass::Name,
            key: 1,
            dialect: 1,
        }))
    }

    fn step(&mut self, step: &Step) -> Vec<Seen> {
        let changes = match step {
            Step::Mail { from, rules, asked } => self.mail(pool(*from), rules, *asked),
            Step::Remove(who) => {
                let (at, address) = (Time::from_secs(self.clock), pool(*who));
                let by = crate::Asked::Anybody;
                self.book.apply(&Event::RemovalAsked { at, address, by })
            }
            Step::Wait(seconds) => {
                return (1..=9).map(|_| self.tick(seconds / 9)).collect();
            }
        };
        vec![self.look(changes)]
    }

    fn tick(&mut self, seconds: i64) -> Seen {
        self.clock += seconds;
        let changes = self.book.apply(&Event::Ticked { at: Time::from_secs(self.clock) });
        self.look(changes)
    }

    fn look(&self, changes: Vec<Change>) -> Seen {
        let days = self.book.state.days.iter();
        (
            changes.into_iter().map(|c| (c.prefix, c.value)).collect(),
            (0..POOL).map(|n| self.book.public(pool(n))).collect(),
            days.filter(|d| d.detections + d.listed + d.expired + d.removed > 0)
                .map(|d| [d.detections, d.listed, d.expired, d.removed, d.refused, d.active])
                .collect(),
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whether_one_recipient_is_a_trap_shows_nowhere(steps in prop::collection::vec(step(), 1..40)) {
        let (mut with, mut without) = (List::new(true), List::new(false));
        for (n, step) in steps.iter().enumerate() {
            prop_assert_eq!(with.step(step), without.step(step), "step {}: {:?}", n, step);
        }
    }
}

/// A day's wait, in which everything that was hidden shows.
const SHOWN: Step = Step::Wait(DAY);

fn ask(from: usize) -> Step {
    Step::Mail { from, rules: &[], asked: true }
}

/// The ways that need more patience than chance has.
#[test]
fn nor_where_room_or_memory_is_short() {
    let say = |rules| Step::Mail { from: 0, rules, asked: false };
    let mut crowded: Vec<Step> = vec![say(&["B:helo"])];
    // Different days keep sessions apart; many of a trap must not push the first one out.
    for _ in 0..12 {
        crowded.extend([ask(0), SHOWN]);
    }
    crowded.extend([say(&["B:helo"]), SHOWN]);
    let stories = [
        (
            "a session in the same slot pushes another out of the window",
            vec![
                say(&["B:helo"]),
                Step::Wait(14 * DAY - 600),
                say(&["B:helo"]),
                Step::Wait(900),
                ask(0),
                SHOWN,
            ],
        ),
        (
            "a trap reminds the list of what it forgets",
            vec![
                say(&["B:helo", "C:protocol"]),
                Step::Wait(90 * DAY),
                say(&["A:helo"]),
                Step::Wait(1_800),
                ask(0),
                SHOWN,
            ],
        ),
        (
            "a trap makes it forget that a mail server spoke",
            vec![
                say(&["X:mta"]),
                Step::Wait(89 * DAY),
                say(&["A:helo"]),
                Step::Wait(DAY),
                ask(0),
                SHOWN,
            ],
        ),
        (
            "one trap tips the scale",
            vec![Step::Mail { from: 0, rules: &["B:helo", "C:protocol"], asked: true }, SHOWN],
        ),
        (
            "a listing is prolonged",
            vec![say(&["A:helo"]), SHOWN, ask(0), Step::Wait(7 * DAY), Step::Wait(DAY)],
        ),
        (
            "a history is told longer",
            vec![
                say(&["A:helo"]),
                Step::Wait(30 * DAY),
                ask(0),
                Step::Wait(80 * DAY),
                Step::Wait(20 * DAY),
                say(&["A:helo"]),
                SHOWN,
            ],
        ),
        (
            "a history is told until what is hidden shows",
            vec![
                say(&["A:helo"]),
                Step::Wait(8 * DAY),
                Step::Wait(89 * DAY),
                ask(0),
                Step::Wait(2 * DAY),
            ],
        ),
        (
            "what ran out comes back",
            vec![say(&["A:helo"]), Step::Wait(7 * DAY), Step::Wait(DAY), ask(0), SHOWN],
        ),
        ("sessions are pushed out", crowded),
    ];
    for (name, steps) in stories {
        let (mut with, mut without) = (List::new(true), List::new(false));
        for step in &steps {
            assert_eq!(with.step(step), without.step(step), "{name}: {step:?}");
        }
    }
}

#[test]
fn nor_by_filling_a_network() {
    let seen = |is_trap: bool| {
        let mut list = List::new(is_trap);
        // One place is left; the trap's session must not take it, nor hold it for its address.
        for n in 2..NET_RECORDS + 1 {
            list.mail(pool(n), &["C:protocol"], false);
        }
        list.mail(pool(500), &[], true);
        list.mail(pool(501), &["A:helo"], false);
        list.mail(pool(500), &["A:helo"], false);
        list.tick(DAY);
        [500, 501].map(|n| list.book.sublist(pool(n)))
    };
    assert_eq!(seen(true), seen(false));
    assert_eq!(seen(true)[1], Some(Sublist::Bots), "there was a place");
}

/// The game has teeth: several traps do show, that is what they are for.
#[test]
fn several_traps_do_show() {
    let mut list = List::new(true);
    let at = Time::from_secs(list.clock);
    let rules = ["B:helo", "C:protocol"].map(|said| RuleFacts {
        detector: said[2..].into(),
        version: 1,
        class: said.chars().next().unwrap(),
        family: said[2..].into(),
    });
    list.book.apply(&Event::Detected(Facts {
        address: pool(0),
        at,
        arrived: at,
        sensor: "s".into(),
        rules: rules.into(),
        traps: vec![(TrapKind::NeverUsed, 1), (TrapKind::NeverUsed, 2)],
        helo: HeloClass::Name,
        key: 1,
        dialect: 1,
    }));
    list.tick(DAY);
    assert_eq!(list.book.sublist(pool(0)), Some(Sublist::Bots));
}
