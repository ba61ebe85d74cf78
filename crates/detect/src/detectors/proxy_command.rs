//! HTTP or SOCKS requests: a client that takes its peer for an open proxy, or uses one to reach a
//! mail port. A where mail follows, else C: scanners try everywhere.

use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;
use heloscope_model::session::Verb;

pub(crate) const DETECTOR: Detector = Detector {
    id: "proxy-command",
    version: 1,
    class: 'C',
    family: "proxy",
    innocent: "a scanner",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let commands = &session.dialogue.commands;
    let at = commands.iter().position(|command| command.verb == Verb::Proxy)?;
    if session.proxy.as_ref().is_some_and(|proxy| is_submission(proxy.target.as_bytes())) {
        return None; // a user's own mail, through a proxy
    }
    let (before, after) = commands.split_at(at);
    let request = after.first()?.raw.as_bytes();
    let mail = after.iter().any(|command| command.verb == Verb::Mail);
    let what = match request.first() {
        Some(4) => "a SOCKS4 request to a proxy".to_owned(),
        Some(5) => "a SOCKS5 request to a proxy".to_owned(),
        _ => format!("{}, a request to a proxy", Quote(request)),
    };
    let when = if before.is_empty() { "began with" } else { "said" };
    let then = if mail { ", and mail followed" } else { "" };
    let class = mail.then_some('A');
    Finding::classed(class, format!("it {when} {what}{then}"))
}

fn is_submission(target: &[u8]) -> bool {
    target.ends_with(b":587") || target.ends_with(b":465")
}
