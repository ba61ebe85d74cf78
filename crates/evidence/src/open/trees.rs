//! stub
use super::Opening;
use crate::opened::Body;
use crate::walk::Found;
use heloscope_model::Time;
#[derive(Default)]
pub(super) struct Trees {}
impl Trees {
    pub(super) fn plan(&mut self, _f: &mut Vec<Found>) {}
    pub(super) fn takes(&self, _f: &Found, _s: Option<&str>) -> bool {
        false
    }
    pub(super) fn keep(&mut self, _f: Found, _b: Body, _s: Option<String>) {}
    pub(super) fn listed(&mut self, _l: Vec<(String, Time)>) {}
}
impl Opening {
    pub(super) fn maybe_program(&mut self, _f: Found, _b: Body, _s: String) {}
    pub(super) fn read_trees(&mut self) {}
}
