//! Which detections count, and when a detector stops itself.

use crate::session;
use heloscope_detect::panel::{Mode, Origin, PauseCause, Ruled};
use heloscope_detect::{Detection, Panel};
use heloscope_model::Time;

const HOUR: i64 = 3600;
/// A session in which `helo-ylmf-pc` (A) and `helo-dotless` (C) speak.
const BOT: &str = "S: 220 mx\nC: EHLO ylmf-pc\nS: 250 mx\nC: QUIT\nS: 221 bye";

fn detections() -> Vec<Detection> {
    session::judge(BOT)
}

fn at(hour: i64) -> Time {
    Time::from_secs(1_000_000 * HOUR + hour * HOUR)
}

fn ids(detections: &[Detection]) -> Vec<&'static str> {
    detections.iter().map(|detection| detection.detector).collect()
}

fn told(ruled: &Ruled) -> (Vec<&'static str>, Vec<&'static str>) {
    (ids(&ruled.counted), ids(&ruled.shadowed))
}

#[test]
fn switches_decide_what_counts() {
    for (mode, counted, shadowed) in [
        (Mode::On, &["helo-ylmf-pc", "helo-dotless"][..], &[][..]),
        (Mode::Shadow, &["helo-ylmf-pc"], &["helo-dotless"]),
        (Mode::Off, &["helo-ylmf-pc"], &[]),
    ] {
        let mut panel = Panel::default();
        panel.switch("helo-dotless", mode).unwrap();
        let ruled = panel.rule(at(0), Origin::Ordinary, detections());
        assert_eq!(told(&ruled), (counted.to_vec(), shadowed.to_vec()), "{mode:?}");
        assert_eq!(panel.mode("helo-dotless"), mode);
    }
    let unknown = Panel::default().switch("helo-dotles", Mode::Off).unwrap_err();
    assert!(unknown.to_string().contains("docs/detectors.md"), "{unknown}");
    assert!(Panel::default().resume("x").is_err());
}

#[test]
fn whoever_accuses_a_canary_stops_and_stays_stopped() {
    let mut panel = Panel::default();
    let ruled = panel.rule(at(0), Origin::Canary, detections());
    assert_eq!(told(&ruled), (vec![], vec!["helo-ylmf-pc", "helo-dotless"]));
    assert!(ruled.paused.iter().all(|pause| pause.cause == PauseCause::Canary));
    // No time heals it, and it is not paused twice.
    let later = panel.rule(at(1000), Origin::Canary, detections());
    assert!(later.counted.is_empty() && later.paused.is_empty());
    panel.resume("helo-ylmf-pc").unwrap();
    let resumed = panel.rule(at(1001), Origin::Ordinary, detections());
    assert_eq!(told(&resumed), (vec!["helo-ylmf-pc"], vec!["helo-dotless"]));
    // After a restart.
    let mut restarted = Panel::default();
    restarted.restore(panel.pause("helo-dotless").unwrap().clone());
    let ruled = restarted.rule(at(1002), Origin::Ordinary, detections());
    assert_eq!(told(&ruled), (vec!["helo-ylmf-pc"], vec!["helo-dotless"]));
}

#[test]
fn a_known_good_sender_may_be_described_but_not_accused() {
    let mut panel = Panel::default();
    let ruled = panel.rule(at(0), Origin::KnownGood, detections());
    assert_eq!(told(&ruled), (vec!["helo-dotless"], vec!["helo-ylmf-pc"]));
    assert_eq!(ruled.paused[0].cause, PauseCause::KnownGood);
    assert_eq!(panel.pause("helo-dotless"), None);
}

#[test]
fn a_detector_that_is_off_does_not_pause() {
    let mut panel = Panel::default();
    panel.switch("helo-ylmf-pc", Mode::Off).unwrap();
    let ruled = panel.rule(at(0), Origin::Canary, detections());
    assert_eq!(ruled.paused.len(), 1);
    assert_eq!(panel.pause("helo-ylmf-pc"), None);
}

/// An hour of ordinary sessions, some of them a bot's.
fn hour(panel: &mut Panel, hour: i64, sessions: usize, bots: usize) -> Option<PauseCause> {
    let found = detections();
    let mut cause = None;
    for number in 0..sessions {
        let detections = if number < bots { found.clone() } else { Vec::new() };
        let ruled = panel.rule(at(hour), Origin::Ordinary, detections);
        cause = cause.or(ruled.paused.first().map(|pause| pause.cause));
    }
    cause
}

#[test]
fn an_ordinary_day_pauses_nobody() {
    let mut panel = Panel::default();
    // Three days and nights: traffic swings by ten, bots come in waves.
    for number in 0..72 {
        let night = (number % 24) < 6;
        let (sessions, bots) =
            (if night { 20 } else { 200 }, [2, 4, 0, 10, 3, 18][number as usize % 6]);
        assert_eq!(hour(&mut panel, number, sessions, bots), None, "hour {number}");
    }
}

#[test]
fn a_rate_that_leaves_its_own_past_pauses() {
    let mut panel = Panel::default();
    for number in 0..24 {
        assert_eq!(hour(&mut panel, number, 100, 2), None);
    }
    let cause = hour(&mut panel, 24, 100, 60);
    let Some(PauseCause::Rate { now, past }) = cause else { panic!("{cause:?}") };
    assert!(now > 8.0 * past && past < 0.03, "{now} against {past}");
    assert!(panel.pause("helo-ylmf-pc").is_some());
}

#[test]
fn what_was_never_seen_long_enough_has_no_rate_to_leave() {
    let mut panel = Panel::default();
    for number in 0..11 {
        assert_eq!(hour(&mut panel, number, 100, 0), None);
    }
    assert_eq!(hour(&mut panel, 11, 100, 60), None);
}

#[test]
fn a_quiet_hour_is_measured_by_the_usual_ones() {
    let mut panel = Panel::default();
    for number in 0..24 {
        assert_eq!(hour(&mut panel, number, 400, 20), None);
    }
    // All there is in an hour are bots: 25 sessions of 25, but no more of them than usual.
    assert_eq!(hour(&mut panel, 24, 25, 25), None);
}
