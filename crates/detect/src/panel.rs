//! Which detections count: a switch per detector, shadow mode, and the pause that a detector takes
//! by itself when it goes wrong.
//!
//! In: the detections of a session, its time, and whose session it was. Out: those that count and
//! those that are only noted, in two lists. A detector pauses itself when it accuses a canary or a
//! known good sender, or when its rate leaves what it was in its own past (each hour against the
//! hours before). Paused is shadowed until the operator resumes it: no time heals a wrong rule.
//! Pure: time comes with the session.

use crate::{CATALOGUE, Detection, catalogue};
use heloscope_model::Time;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

const HOUR_S: i64 = 3600;
/// Hours remembered: a week.
const PAST: usize = 168;
/// Hours with sessions before a rate is known.
const LEARNING: usize = 12;
/// Detections in an hour below which no rate is abnormal.
const FEWEST: u64 = 20;
/// How many times its own past a rate may be.
const TIMES: f64 = 8.0;

/// How a detector is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Its detections count.
    #[default]
    On,
    /// Its detections are noted and never count.
    Shadow,
    /// Its detections are thrown away.
    Off,
}

/// Whose session it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Anybody's.
    Ordinary,
    /// A session of ours that does everything right: whoever accuses it is wrong.
    Canary,
    /// A sender of the shipped set of known good ones: classes A and B are wrong.
    KnownGood,
}

/// Why a detector paused.
#[derive(Clone, Debug, PartialEq)]
pub struct Pause {
    /// Which.
    pub detector: &'static str,
    /// When.
    pub at: Time,
    /// Why.
    pub cause: PauseCause,
}

/// What made a detector pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PauseCause {
    /// The operator said so.
    Operator,
    /// It accused a canary.
    Canary,
    /// It accused a known good sender.
    KnownGood,
    /// It fired in this share of an hour's sessions, against this share before.
    Rate {
        /// This hour.
        now: f64,
        /// Before.
        past: f64,
    },
}

impl fmt::Display for PauseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator paused it"),
            Self::Canary => f.write_str("it accused a canary"),
            Self::KnownGood => f.write_str("it accused a sender that is known to be good"),
            Self::Rate { now, past } => write!(
                f,
                "it fired in {:.1} % of the hour's sessions, {:.2} % of those before",
                now * 100.0,
                past * 100.0
            ),
        }
    }
}

/// Detections told apart by whether they count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruled {
    /// These count.
    pub counted: Vec<Detection>,
    /// These are noted and never count: shadowed or paused.
    pub shadowed: Vec<Detection>,
    /// Detectors that paused themselves on this session.
    pub paused: Vec<Pause>,
}

/// No detector has this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDetector(pub String);

impl fmt::Display for UnknownDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "switching detector {:?}: there is none of this id; see docs/detectors.md",
            self.0
        )
    }
}

impl std::error::Error for UnknownDetector {}

/// All switches and the state of each detector.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    states: BTreeMap<&'static str, State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    mode: Mode,
    paused: Option<Pause>,
    rate: Rate,
}

/// Sessions judged and detections, hour by hour.
#[derive(Clone, Debug, Default)]
struct Rate {
    hour: i64,
    now: (u64, u64),
    past: VecDeque<(u64, u64)>,
}

impl Panel {
    /// Switches a detector.
    pub fn switch(&mut self, id: &str, mode: Mode) -> Result<(), UnknownDetector> {
        self.state(id)?.mode = mode;
        Ok(())
    }

    /// Ends a pause; the detector's past begins anew.
    pub fn resume(&mut self, id: &str) -> Result<(), UnknownDetector> {
        let state = self.state(id)?;
        (state.paused, state.rate) = (None, Rate::default());
        Ok(())
    }

    /// Puts a detector back into a pause that was recorded, after a restart.
    pub fn restore(&mut self, pause: Pause) {
        if let Ok(state) = self.state(pause.detector) {
            state.paused = Some(pause);
        }
    }

    /// How a detector is switched.
    pub fn mode(&self, id: &str) -> Mode {
        self.states.get(id).map_or(Mode::On, |state| state.mode)
    }

    /// The pause a detector is in.
    pub fn pause(&self, id: &str) -> Option<&Pause> {
        self.states.get(id)?.paused.as_ref()
    }

    /// Takes the detections of one judged session. A detector that pauses itself on it does not
    /// count in it.
    pub fn rule(&mut self, at: Time, origin: Origin, detections: Vec<Detection>) -> Ruled {
        let mut ruled = Ruled::default();
        for detector in CATALOGUE {
            let fired = detections.iter().find(|d| d.detector == detector.id);
            let state = self.states.entry(detector.id).or_default();
            let class = fired.map(|detection| detection.class);
            if let Some(cause) = state.heed(at, origin, class) {
                let pause = Pause { detector: detector.id, at, cause };
                state.paused = Some(pause.clone());
                ruled.paused.push(pause);
            }
        }
        for detection in detections {
            let state = self.states.entry(detection.detector).or_default();
            match (state.mode, &state.paused) {
                (Mode::Off, _) => {}
                (Mode::On, None) => ruled.counted.push(detection),
                _ => ruled.shadowed.push(detection),
            }
        }
        ruled
    }

    fn state(&mut self, id: &str) -> Result<&mut State, UnknownDetector> {
        let detector = catalogue::find(id).ok_or_else(|| UnknownDetector(id.to_owned()))?;
        Ok(self.states.entry(detector.id).or_default())
    }
}

impl State {
    /// One session: whether the detector fired, and of what class. Out: why it must pause.
    fn heed(&mut self, at: Time, origin: Origin, fired: Option<char>) -> Option<PauseCause> {
        if self.paused.is_some() || self.mode == Mode::Off {
            return None;
        }
        match (origin, fired) {
            (Origin::Canary, Some('A' | 'B' | 'C')) => return Some(PauseCause::Canary),
            (Origin::KnownGood, Some('A' | 'B')) => return Some(PauseCause::KnownGood),
            (Origin::Canary | Origin::KnownGood, _) => return None,
            (Origin::Ordinary, _) => {}
        }
        // An exoneration too may go wrong, but then nobody is accused.
        let (now, past) = self.rate.note(at, fired.is_some_and(|class| class != 'X'))?;
        Some(PauseCause::Rate { now, past })
    }
}

impl Rate {
    /// Counts a session; the shares where this hour's is abnormal.
    fn note(&mut self, at: Time, fired: bool) -> Option<(f64, f64)> {
        let hour = at.secs().div_euclid(HOUR_S);
        // A clock that went back counts into the hour that runs.
        if hour > self.hour {
            if self.now.0 > 0 {
                self.past.push_back(self.now);
            }
            if self.past.len() > PAST {
                self.past.pop_front();
            }
            (self.hour, self.now) = (hour, (0, 0));
        }
        self.now.0 += 1;
        self.now.1 += u64::from(fired);
        let (judged, detections) = self.now;
        if !fired || self.past.len() < LEARNING || detections < FEWEST {
            return None;
        }
        let (all, hits) = self.past.iter().fold((0, 0), |(a, h), (j, f)| (a + j, h + f));
        // One more on either side: a rule that never fired has no rate of zero.
        let past = (hits + 1) as f64 / (all + 1) as f64;
        // The hour is measured against at least as many sessions as such an hour has.
        let usual = all as f64 / self.past.len() as f64;
        let now = detections as f64 / (judged as f64).max(usual);
        (now > past * TIMES).then_some((now, past))
    }
}
