//! foreign-helo: this host gave a name in HELO that is not the MTA's: as heard on the wire, or as a server's refusal
//! quotes it. It is the name by which lists tell a bot from the mail server.
//!
//! The MTA's names come from the configuration, or from its own connections that were heard. While none is known, nothing is
//! foreign. Proof: the connection, or the redacted refusal. Over when it was not heard for the quiet time.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::event::Heard;
use crate::session::Session;
use crate::settings::Settings;
use crate::shown::{redacted, shown};
use crate::standing::Standing;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Names that are learnt.
const MOST: usize = 16;

/// Names that the MTA was heard to give.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    fn are(&self, settings: &Settings, name: &str) -> bool {
        let mut said = settings.mta.helo.iter();
        said.any(|own| own.eq_ignore_ascii_case(name))
            || self.0.contains(&name.to_ascii_lowercase())
    }

    fn are_known(&self, settings: &Settings) -> bool {
        !settings.mta.helo.is_empty() || !self.0.is_empty()
    }
}

/// A HELO was heard; of which connection, where that is known.
pub(crate) fn heard(
    desk: &mut Desk<'_>,
    names: &mut Names,
    heard: &Heard,
    session: Option<&Session>,
) {
    let name = heard.helo.trim();
    let standing = session.map(|session| &session.standing);
    if standing == Some(&Standing::Mta) && desk.settings.mta.helo.is_empty() {
        if names.0.len() < MOST {
            names.0.insert(name.to_ascii_lowercase());
        }
        return;
    }
    let excused = matches!(standing, Some(Standing::Allowed(_) | Standing::Local));
    if excused || !names.are_known(desk.settings) || names.are(desk.settings, name) {
        return;
    }
    let settings = desk.settings;
    raise(desk, name, || {
        let mut proof =
            vec![format!("{} -> {}: HELO \"{}\"", heard.client, heard.server, shown(name))];
        proof.extend(session.map(|s| s.proof(settings)).unwrap_or_default());
        proof
    });
}

/// A server's refusal quotes a HELO.
pub(crate) fn quoted(desk: &mut Desk<'_>, names: &Names, name: &str, reply: &str, relay: &str) {
    if !names.are_known(desk.settings) || names.are(desk.settings, name) {
        return;
    }
    raise(desk, name, || vec![format!("{} said: {}", shown(relay), redacted(&shown(reply)))]);
}

fn raise(desk: &mut Desk<'_>, name: &str, proof: impl FnOnce() -> Vec<String>) {
    let (now, quiet) = (desk.now, desk.settings.limits.quiet_s);
    let helo = shown(name);
    desk.book.raise(now, Rule::ForeignHelo, &helo, Some(quiet), || Telling {
        severity: Severity::Alert,
        summary: format!("this host says HELO \"{helo}\", which is not the MTA's name"),
        proof: proof(),
        advice: "Find the program that gives this name (the connections on the status page). If it is the MTA's own, set \
                 its name (Postfix: smtp_helo_name) and mta.helo."
            .to_owned(),
    });
}
