//! `[limits]`: from where on it is too much, in the words of the file.

use crate::settings::Limits;
use serde::Deserialize;

/// `[limits]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "as in Limits")]
pub struct LimitsSaid {
    pub host: u64,
    pub account: u64,
    pub user: u64,
    pub client: u64,
    pub script: u64,
    pub factor: f64,
    pub queue: u64,
    pub quiet_hours: f64,
}

impl Default for LimitsSaid {
    fn default() -> Self {
        let Limits { host, account, uid, client, script, factor, queue, quiet_s } =
            Limits::default();
        Self {
            host,
            account,
            user: uid,
            client,
            script,
            factor,
            queue,
            quiet_hours: quiet_s / 3600.0,
        }
    }
}

impl From<LimitsSaid> for Limits {
    fn from(said: LimitsSaid) -> Self {
        let LimitsSaid { host, account, user, client, script, factor, queue, quiet_hours } = said;
        Self {
            host,
            account,
            uid: user,
            client,
            script,
            factor,
            queue,
            quiet_s: quiet_hours * 3600.0,
        }
    }
}
