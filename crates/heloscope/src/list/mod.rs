//! `heloscope list`: the operator's hand on a list, whether `serve` runs or not.
//!
//! In: what was typed. Out: what the list says, for a person or as JSON. Orders and questions go through
//! [`Access`]; `verify`, `replay` and the chain of `export` read the files, also beside `serve`.

pub(crate) mod access;
mod change;
mod check;
mod export;
pub(crate) mod order;
mod show;

pub(crate) use access::Access;

use crate::cli::List;
use crate::cli::list::{Place, What};
use crate::outcome::Outcome;
use crate::serve::config::Config;
use anyhow::Result;
use heloscope_model::Time;

pub(crate) fn run(args: List) -> Result<Outcome> {
    let List { what, place } = args;
    let config = config(&place)?;
    let json = place.json;
    match what {
        What::Show { of } => show::show(&Access::open(&config)?, of, json),
        What::Status => show::status(&Access::open(&config)?, json),
        What::Export { rbldnsd, zone } => {
            export::run(config, rbldnsd.as_deref(), zone.as_deref(), json)
        }
        What::Verify => check::verify(&config, json),
        What::Replay => check::replay(&config, json),
        order => change::run(&Access::open(&config)?, order, json),
    }
}

/// The configuration as `serve` would read it.
fn config(place: &Place) -> Result<Config> {
    Config::read(&crate::cli::Serve {
        config: place.config.clone(),
        state: place.state.clone(),
        lab: place.lab,
        ..crate::cli::Serve::default()
    })
}

/// A time as typed.
fn time(seconds: Option<i64>) -> Option<Time> {
    seconds.map(Time::from_secs)
}

/// To the second, as everywhere.
fn second(time: Time) -> String {
    Time::from_secs(time.secs()).rfc3339()
}

/// `3 listings`.
fn many(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Somebody else's words without what would move a reader's cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
