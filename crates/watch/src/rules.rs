//! The rules, a file each: what it watches for, the proof it carries, and when it is over.

pub(crate) mod bounce_names_a_list;
pub(crate) mod fix_undone;
pub(crate) mod foreign_exe;
pub(crate) mod foreign_helo;
pub(crate) mod list_changed;
pub(crate) mod past_the_mta;
pub(crate) mod queue_growth;
pub(crate) mod rate;

use crate::book::Book;
use crate::settings::Settings;
use heloscope_model::Time;

/// Where a rule stands when it is asked.
pub(crate) struct Desk<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) book: &'a mut Book,
    pub(crate) now: Time,
}
