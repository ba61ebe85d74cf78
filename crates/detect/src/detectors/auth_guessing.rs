//! Log-ins tried where nobody logs in. C for several user names or many attempts: a stale client has
//! one name and few. A where the user name is one that never was: nobody has it in a client's settings.
//! The names themselves are for the operator only.

use crate::case::Case;
use crate::history::failed_logins;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope, is_transfer};

pub(crate) const DETECTOR: Detector = Detector {
    id: "auth-guessing",
    version: 1,
    class: 'C',
    family: "auth",
    innocent: "a mail program set up with the wrong server",
    scope: Scope::Any,
    eye: Eye::Case(see),
};

/// User names of one address from which on it guesses.
const NAMES: usize = 3;
/// Failed attempts in one session from which on it guesses.
const ATTEMPTS: usize = 4;

fn see(case: &Case<'_>) -> Option<Finding> {
    let session = case.session;
    let attempts: Vec<_> = failed_logins(session).collect();
    let first = attempts.first()?;
    let said = first.user.as_ref().map(|user| user.as_bytes()).unwrap_or_default();
    let operator =
        format!("it failed to log in {} times, first as {}", attempts.len(), Quote(said));
    if session.client.ip().to_canonical().is_loopback() {
        return None;
    }
    if case.trap_login {
        return Some(Finding {
            owner: "it tried to log in as somebody who does not exist".to_owned(),
            operator: Some(format!("{operator}; one of the names never was")),
            class: Some('A'),
            ..Finding::default()
        });
    }
    let names = case.around.history.logins_with(session).len();
    if !is_transfer(session) || names < NAMES && attempts.len() < ATTEMPTS {
        return None;
    }
    let owner = if names < NAMES {
        format!("it failed to log in {} times in one session", attempts.len())
    } else {
        format!("it failed to log in under {names} names")
    };
    Some(Finding { owner, operator: Some(operator), ..Finding::default() })
}
