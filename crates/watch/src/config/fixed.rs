//! `[[fixed]]`: what was mended and must not be seen again: one thing by its name, or all that an answer of
//! `heloscope investigate` named.

use super::{Net, Refused};
use crate::settings::{self, Gone};
use heloscope_model::Time;
use serde::Deserialize;
use std::path::PathBuf;

/// `[[fixed]]`: one of the five says what must not be seen again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// When; of an answer the end of its evidence, where it is not said.
    pub time: Option<toml::value::Datetime>,
    /// What was done.
    #[serde(default)]
    pub what: String,
    /// A script that must not send again.
    pub script: Option<String>,
    /// A program that must not.
    pub process: Option<String>,
    /// An account that must not.
    pub account: Option<String>,
    /// An address or network behind this host that must not.
    pub address: Option<Net>,
    /// What `heloscope investigate --json` printed: none of its causes may come back.
    pub answer: Option<PathBuf>,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// One thing.
    Thing(settings::Fixed),
    /// What an answer named.
    Answer {
        /// Its file.
        file: PathBuf,
        /// When it was mended.
        since: Option<Time>,
        /// What was done.
        what: String,
    },
}

impl Fixed {
    /// As it is meant.
    pub fn resolved(&self) -> Result<Resolved, Refused> {
        let what = self.what.clone();
        let things = [
            self.script.clone().map(Gone::Script),
            self.process.clone().map(Gone::Process),
            self.account.clone().map(Gone::Account),
            self.address.map(|net| Gone::Address(net.0)),
        ];
        let mut things = things.into_iter().flatten();
        let since = self.since()?;
        match (things.next(), things.next(), &self.answer) {
            (Some(gone), None, None) => {
                let time = since.ok_or_else(|| Refused::FixedTime(what.clone()))?;
                Ok(Resolved::Thing(settings::Fixed { time, what, gone }))
            }
            (None, None, Some(file)) => Ok(Resolved::Answer { file: file.clone(), since, what }),
            _ => Err(Refused::Fixed(what)),
        }
    }

    fn since(&self) -> Result<Option<Time>, Refused> {
        let Some(time) = &self.time else { return Ok(None) };
        let time: Result<jiff::Timestamp, _> = time.to_string().parse();
        time.map(|time| Some(time.into())).map_err(|_| Refused::FixedTime(self.what.clone()))
    }
}
