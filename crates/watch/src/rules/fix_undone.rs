//! fix-undone: something that was mended is seen again: the script that was removed sends, the account whose password was
//! changed, the machine that was shut out.
//!
//! In: the `[[fixed]]` statements, each with its time; what was seen before it says nothing. Proof: the connection or the
//! line. Over when it was not seen for the quiet time.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::session::Session;
use crate::settings::{Fixed, Gone};
use crate::shown::shown;
use heloscope_model::Time;
use std::net::IpAddr;

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
            Gone::Account(_) | Gone::Address(_) => false,
        };
        if meant {
            raise(desk, fixed, || session.proof(settings));
        }
    }
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
            Gone::Script(_) | Gone::Process(_) => false,
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
pub(crate) fn passing(desk: &mut Desk<'_>, time: Time, inside: IpAddr, what: &str) {
    for fixed in desk.settings.fixed.iter().filter(|fixed| time > fixed.time) {
        if matches!(&fixed.gone, Gone::Address(net) if net.contains(&inside)) {
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
    };
    desk.book.raise(now, Rule::FixUndone, &gone, Some(quiet), || Telling {
        severity: Severity::Alert,
        summary: format!("{gone} sends again; mended on {}: {}", fixed.time, shown(&fixed.what)),
        proof: proof(),
        advice: "The fix does not hold: whoever undid it has another way in. Look at who started it now.".to_owned(),
    });
}
