//! The policy as a table: what was seen, and what becomes of it.

use super::*;
use Because::{Days, Families, OneHit, Sensors};
use TrapKind::{NeverUsed, Recycled, Typo};

/// Rules by short words: class, family, detector.
fn rule(word: &str) -> RuleFacts {
    let mut parts = word.split(':');
    let class = parts.next().unwrap().chars().next().unwrap();
    let family = parts.next().unwrap().to_owned();
    let detector = parts.next().unwrap_or("some-detector").to_owned();
    RuleFacts { detector, version: 1, class, family }
}

/// One session: hour, sensor, key, rules, traps.
type Row<'a> = (i64, u16, u64, &'a [&'a str], &'a [(TrapKind, u64)]);

/// What it shows, the sessions, where it lists and why.
type Case<'a> = (&'a str, &'a [Row<'a>], Option<(Sublist, Because)>);

fn verdict(rows: &[Row<'_>]) -> Option<Verdict> {
    let rules: Vec<Vec<RuleFacts>> =
        rows.iter().map(|r| r.3.iter().map(|w| rule(w)).collect()).collect();
    let signs: Vec<Sign<'_>> = rows
        .iter()
        .zip(&rules)
        .map(|(row, rules)| Sign {
            at: Time::from_secs(row.0 * HOUR),
            sensor: row.1,
            key: row.2,
            rules: rules.iter().collect(),
            traps: row.4,
        })
        .collect();
    judge(&signs, &Policy::standard())
}

#[test]
fn what_lists_and_what_does_not() {
    let trap = [(NeverUsed, 1)];
    let rows: &[Case<'_>] = &[
        ("nothing", &[], None),
        ("A lists on one hit", &[(0, 0, 1, &["A:helo"], &[])], Some((Sublist::Bots, OneHit))),
        ("A of the message does not", &[(0, 0, 1, &["A:message"], &[])], None),
        ("B alone does not", &[(0, 0, 1, &["B:helo"], &[])], None),
        (
            "two rules of one family count once",
            &[(0, 0, 1, &["B:helo:helo-localhost", "B:helo:helo-bare-ip", "C:helo"], &[])],
            None,
        ),
        (
            "that an address is shared supports nothing",
            &[(0, 0, 1, &["B:helo", "C:reverse-name", "C:sharing:address-shared"], &[])],
            None,
        ),
        (
            "B repeated within an hour does not",
            &[(0, 0, 1, &["B:helo"], &[]), (1, 0, 1, &["B:helo"], &[])],
            None,
        ),
        (
            "nor just before and just after midnight",
            &[(23, 0, 1, &["B:helo"], &[]), (25, 0, 1, &["B:helo"], &[])],
            None,
        ),
        (
            "B on distinct days",
            &[(0, 0, 1, &["B:helo"], &[]), (30, 0, 1, &["B:helo"], &[])],
            Some((Sublist::Bots, Days)),
        ),
        (
            "B on days too far apart does not",
            &[(0, 0, 1, &["B:helo"], &[]), (15 * 24, 0, 1, &["B:helo"], &[])],
            None,
        ),
        (
            "B at distinct sensors",
            &[(0, 0, 1, &["B:helo"], &[]), (1, 1, 1, &["B:helo"], &[])],
            Some((Sublist::Bots, Sensors)),
        ),
        (
            "B and another family's B",
            &[(0, 0, 1, &["B:helo", "B:early"], &[])],
            Some((Sublist::Bots, Families)),
        ),
        (
            "B and a B of the message",
            &[(0, 0, 1, &["B:helo", "B:message"], &[])],
            Some((Sublist::Bots, Families)),
        ),
        ("two Bs of the message do not", &[(0, 0, 1, &["B:message", "B:header"], &[])], None),
        (
            "nor messages repeated at other sensors on other days",
            &[(0, 0, 1, &["B:message"], &[]), (40, 1, 1, &["B:message"], &[])],
            None,
        ),
        ("B and one C do not", &[(0, 0, 1, &["B:helo", "C:protocol"], &[])], None),
        (
            "B and two Cs",
            &[(0, 0, 1, &["B:helo", "C:protocol", "C:envelope"], &[])],
            Some((Sublist::Bots, Families)),
        ),
        (
            "B, a C and two never-used traps",
            &[(0, 0, 1, &["B:helo", "C:protocol"], &[(NeverUsed, 1), (NeverUsed, 2)])],
            Some((Sublist::Bots, Families)),
        ),
        (
            "B, a C and one trap, however often, do not",
            &[(0, 0, 1, &["B:helo", "C:protocol"], &trap), (1, 0, 1, &[], &trap)],
            None,
        ),
        (
            "a late trap hit does not push out what two days say",
            &[(0, 0, 1, &["B:helo"], &[]), (335, 0, 1, &["B:helo"], &[]), (340, 0, 1, &[], &trap)],
            Some((Sublist::Bots, Days)),
        ),
        (
            "B, a C and typo and recycled traps do not",
            &[(0, 0, 1, &["B:helo", "C:protocol"], &[(Typo, 1), (Recycled, 2), (Typo, 3)])],
            None,
        ),
        ("B and a trap do not", &[(0, 0, 1, &["B:helo", "C:trap"], &trap)], None),
        ("Cs alone never do", &[(0, 0, 1, &["C:a", "C:b", "C:c", "C:d"], &trap)], None),
        (
            "a real mail server covers its own sessions",
            &[
                (0, 0, 7, &["X:real"], &[]),
                (1, 0, 7, &["A:helo"], &[]),
                (2, 1, 7, &["B:early"], &[]),
            ],
            None,
        ),
        (
            "and not the guest's laptop beside it",
            &[(0, 0, 7, &["X:real"], &[]), (1, 0, 8, &["A:helo"], &[])],
            Some((Sublist::Bots, OneHit)),
        ),
        (
            "three never-used traps on two days",
            &[
                (0, 0, 1, &[], &[(NeverUsed, 1), (NeverUsed, 2)]),
                (30, 0, 1, &[], &[(NeverUsed, 3)]),
            ],
            Some((Sublist::Traps, Because::Traps)),
        ),
        (
            "three at two sensors",
            &[(0, 0, 1, &[], &[(NeverUsed, 1), (NeverUsed, 2)]), (1, 1, 1, &[], &[(NeverUsed, 3)])],
            Some((Sublist::Traps, Because::Traps)),
        ),
        (
            "three in one session do not",
            &[(0, 0, 1, &[], &[(NeverUsed, 1), (NeverUsed, 2), (NeverUsed, 3)])],
            None,
        ),
        (
            "one trap over and over does not",
            &[(0, 0, 1, &[], &trap), (30, 1, 1, &[], &trap), (60, 2, 1, &[], &trap)],
            None,
        ),
        (
            "typo and recycled traps never list",
            &[
                (0, 0, 1, &[], &[(Typo, 1), (Recycled, 2), (Typo, 3)]),
                (30, 1, 1, &[], &[(Typo, 4), (Recycled, 5)]),
                (60, 2, 1, &[], &[(Typo, 6), (NeverUsed, 7)]),
            ],
            None,
        ),
        (
            "traps beside a real mail server do not list",
            &[
                (0, 0, 7, &["X:real"], &[]),
                (1, 0, 1, &[], &[(NeverUsed, 1), (NeverUsed, 2)]),
                (30, 1, 1, &[], &[(NeverUsed, 3)]),
            ],
            None,
        ),
    ];
    for (what, signs, expected) in rows {
        let got = verdict(signs).map(|v| (v.sublist, v.because));
        assert_eq!(got, *expected, "{what}");
    }
}

#[test]
fn addresses_that_change_hands_are_known_by_their_detectors() {
    let seen = verdict(&[(0, 0, 1, &["A:helo", "C:helo:helo-dynamic-name"], &[])]).unwrap();
    assert!(seen.dynamic);
    assert!(!verdict(&[(0, 0, 1, &["A:helo"], &[])]).unwrap().dynamic);
}

#[test]
fn terms_double_up_to_the_longest() {
    let policy = Policy::standard();
    let days = |times, dynamic| term(times, dynamic, &policy) / DAY;
    assert_eq!([1, 2, 3, 4, 99].map(|n| days(n, false)), [7, 14, 28, 28, 28]);
    assert_eq!([1, 2, 3, 4, u32::MAX].map(|n| days(n, true)), [2, 4, 8, 8, 8]);
}

#[test]
fn lock_outs_grow_and_run_from_the_last_detection() {
    let policy = Policy::standard();
    let last = Time::from_secs(1_000_000);
    let until = |by, removals, hours: i64| {
        let now = last.plus_secs((hours * HOUR) as f64);
        refused_until(by, Standing { removals, last }, now, &policy)
            .map(|t| t.since(now) as i64 / HOUR)
    };
    // (who, removals before, hours after the last detection, hours still to wait)
    let rows = [
        (Asked::Anybody, 0, 0, None),
        (Asked::Anybody, 1, 0, Some(24)),
        (Asked::Owner, 1, 23, Some(1)),
        (Asked::Owner, 1, 24, None),
        (Asked::Anybody, 2, 24, Some(24)),
        (Asked::Anybody, 3, 24, Some(72)),
        (Asked::Anybody, 30, 0, Some(14 * 24)),
        (Asked::Operator, 30, 0, None),
    ];
    for (by, removals, hours, expected) in rows {
        assert_eq!(until(by, removals, hours), expected, "{by:?} {removals} {hours}");
    }
}
