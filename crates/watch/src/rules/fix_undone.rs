//! fix-undone: something that was mended is seen again: the script that was removed sends, the account whose password was
//! changed, the machine that was shut out.
//!
//! In: the `[[fixed]]` statements, each with its time; what was seen before it says nothing. The culprits of an answer of
//! `heloscope investigate` are known again by the decision that `heloscope verify` makes ([`Cause::is_seen_at`]). Proof: the connection or
//! the line. Over when it was not seen for the quiet time.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::session::Session;
use crate::settings::{Fixed, Gone};
use crate::shown::shown;
use crate::standing::Standing;
use heloscope_host::forwarded::Passing;
use heloscope_investigate::verify::{Cause, Recorded};
use heloscope_model::Time;
use std::net::{IpAddr, Ipv4Addr};

/// A connection of this host.
pub(crate) fn session(desk: &mut Desk<'_>, session: &Session) {
    let settings = desk.settings;
    for fixed in settings.fixed.iter().filter(|fixed| session.start > fixed.time) {
        let meant = match &fixed.gone {
            Gone::Script(path) => session.script.as_ref() == Some(path),
            Gone::Process(name) => {
                [session.exe.as_ref(), session.script.as_ref(), Some(&session.comm)]
                    .contains(&Some(name))
            }
            // What goes to the mail server here is for its log to tell.
            Gone::Cause(cause) => session.standing != Standing::Local && opens(cause, session),
            Gone::Account(_) | Gone::Address(_) => false,
        };
        if meant {
            raise(desk, fixed, || session.proof(settings));
        }
    }
}

fn opens(cause: &Cause, session: &Session) -> bool {
    let named = session.script.as_ref().or(session.exe.as_ref()).unwrap_or(&session.comm);
    cause.is_seen_at(&Recorded {
        program: Some(named),
        from: session.client.map_or(Ipv4Addr::UNSPECIFIED.into(), |client| client.ip()),
        port: session.server.port(),
    })
}

/// A mail was taken with a password, or from a client.
pub(crate) fn taken(
    desk: &mut Desk<'_>,
    time: Time,
    id: &str,
    account: Option<&str>,
    ip: Option<IpAddr>,
) {
    for fixed in desk.settings.fixed.iter().filter(|fixed| time > fixed.time) {
        let meant = match &fixed.gone {
            Gone::Account(name) => account == Some(name),
            Gone::Address(net) => ip.is_some_and(|ip| net.contains(&ip.to_canonical())),
            Gone::Script(_) | Gone::Process(_) | Gone::Cause(_) => false,
        };
        if meant {
            raise(desk, fixed, || {
                let ip = ip.map_or_else(|| "?".to_owned(), |ip| ip.to_string());
                let account =
                    account.map_or_else(String::new, |a| format!(", account {}", shown(a)));
                vec![format!("{time} mail {} came in from {ip}{account}", shown(id))]
            });
        }
    }
}

/// A machine behind this host connects.
pub(crate) fn passing(desk: &mut Desk<'_>, time: Time, passing: &Passing) {
    let inside = passing.client.ip().to_canonical();
    let recorded = Recorded { program: None, from: inside, port: passing.server.port() };
    for fixed in desk.settings.fixed.iter().filter(|fixed| time > fixed.time) {
        let meant = match &fixed.gone {
            Gone::Address(net) => net.contains(&inside),
            Gone::Cause(cause) => cause.is_seen_at(&recorded),
            Gone::Script(_) | Gone::Process(_) | Gone::Account(_) => false,
        };
        if meant {
            let what = format!("{} -> {}, from behind this host", passing.client, passing.server);
            raise(desk, fixed, || vec![format!("{time} {what}")]);
        }
    }
}

fn raise(desk: &mut Desk<'_>, fixed: &Fixed, proof: impl FnOnce() -> Vec<String>) {
    let (now, quiet) = (desk.now, desk.settings.limits.quiet_s);
    let gone = match &fixed.gone {
        Gone::Script(path) => format!("the script {}", shown(path)),
        Gone::Process(name) => format!("the program {}", shown(name)),
        Gone::Account(name) => format!("the account {}", shown(name)),
        Gone::Address(net) if net.prefix_len() == net.max_prefix_len() => {
            format!("the address {}", net.addr())
        }
        Gone::Address(net) => format!("the network {net}"),
        Gone::Cause(cause) => match cause.culprit() {
            Some(("host", address)) => format!("the machine {}", shown(address)),
            Some((kind, name)) => format!("the {kind} {}", shown(name)),
            None => format!("what was called {}", shown(cause.class())),
        },
    };
    desk.book.raise(now, Rule::FixUndone, &gone, Some(quiet), || Telling {
        severity: Severity::Alert,
        summary: format!("{gone} sends again; mended on {}: {}", fixed.time, shown(&fixed.what)),
        proof: proof(),
        advice: "The fix does not hold: whoever undid it has another way in. Look at who started it now.".to_owned(),
    });
}
