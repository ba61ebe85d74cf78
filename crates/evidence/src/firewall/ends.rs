//! Where packets end, as sets of states: what is joined where there are more than are followed, and
//! which rules are remembered as having decided.

use super::packet::{State, Untracked, Value32};
use heloscope_model::Place;
use std::collections::BTreeMap;

/// States followed side by side.
const STATES: usize = 48;
/// Places kept of one end.
pub(super) const PLACES: usize = 12;

/// Where a chain lets packets go.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// Back to where it was called from, or to the policy.
    pub(super) fall: Vec<State>,
    pub(super) accept: BTreeMap<State, Vec<Place>>,
    /// Dropped, rejected, sent elsewhere.
    pub(super) stop: Vec<Place>,
    /// A base chain of NAT let it pass translated: further ones are not asked.
    pub(super) translated: bool,
}

pub(super) fn accept(ends: &mut Ends, state: State, place: Place) {
    note(ends.accept.entry(state).or_default(), place);
}

pub(super) fn note(places: &mut Vec<Place>, place: Place) {
    if places.len() < PLACES && !places.contains(&place) {
        places.push(place);
    }
}

pub(super) fn push(states: &mut Vec<State>, state: State) {
    if !states.contains(&state) {
        states.push(state);
    }
}

/// Not more states than are followed: what they differ in becomes unknown.
pub(super) fn bounded(mut states: Vec<State>) -> Vec<State> {
    if states.len() <= STATES {
        return states;
    }
    for state in &mut states {
        state.supposed.clear();
    }
    states.sort();
    states.dedup();
    if states.len() <= STATES {
        return states;
    }
    joined(&states).into_iter().collect()
}

/// One state that stands for all.
pub(crate) fn joined(states: &[State]) -> Option<State> {
    let mut all = states.iter();
    let mut one = all.next()?.clone();
    one.supposed.clear();
    for other in all {
        if one.mark != other.mark {
            one.mark = Value32::Unknown;
        }
        if one.connection_mark != other.connection_mark {
            one.connection_mark = Value32::Unknown;
        }
        if one.untracked != other.untracked {
            one.untracked = Untracked::Perhaps;
        }
        one.translated |= other.translated;
    }
    Some(one)
}
