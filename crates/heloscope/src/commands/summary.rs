//! `heloscope summary`.
use crate::cli::Summary;
use crate::outcome::Outcome;
pub(crate) fn run(_args: &Summary) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
