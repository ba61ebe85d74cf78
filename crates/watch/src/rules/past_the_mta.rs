//! past-the-mta: a connection to a mail server by a program that is not the MTA, or by a machine behind this host.
//!
//! Proof: process, file, user, folder, command and who started it, from the recorder; of a machine behind, its address
//! and MAC. Over when nothing of the same program was seen for the quiet time, or a line of the mail log explains it. To the
//! ports of submission it is a warning: lists look at port 25.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::session::Session;
use crate::shown::shown;
use heloscope_host::forwarded::Passing;
use heloscope_model::Time;

/// Ports on which one needs an account at the other side.
const SUBMISSION: [u16; 2] = [465, 587];

/// A connection that should not be.
pub(crate) fn seen(desk: &mut Desk<'_>, session: &Session) {
    let subject = subject(session);
    let (now, quiet) = (desk.now, desk.settings.limits.quiet_s);
    let settings = desk.settings;
    desk.book.raise(now, Rule::PastTheMta, &subject, Some(quiet), || {
        let submission = SUBMISSION.contains(&session.server.port());
        Telling {
            severity: if submission { Severity::Warning } else { Severity::Alert },
            summary: format!(
                "{}, run by {}, connects to the mail server {} itself, past the MTA",
                session.culprit(),
                settings.user(session.uid),
                session.server,
            ),
            proof: session.proof(settings),
            advice: "If this program may send, name it under [[allowed]]. Else keep a copy of its file, end it, \
                     look at who started it, and let only the MTA out (heloscope guard plan)."
                .to_owned(),
        }
    });
}

/// A line of the mail log explains it after all.
pub(crate) fn explained(desk: &mut Desk<'_>, session: &Session) {
    let now = desk.now;
    desk.book.over(now, Rule::PastTheMta, &subject(session), "a line of the mail log explains it");
}

/// A machine behind this host connects to a mail server's port 25.
pub(crate) fn passing(desk: &mut Desk<'_>, time: Time, passing: &Passing) {
    let inside = passing.client.ip().to_canonical();
    let allowed = desk.settings.allowed_clients.iter().any(|net| net.contains(&inside));
    if allowed || SUBMISSION.contains(&passing.server.port()) {
        return;
    }
    let (now, quiet) = (desk.now, desk.settings.limits.quiet_s);
    desk.book.raise(now, Rule::PastTheMta, &format!("machine {inside}"), Some(quiet), || {
        let mac = passing.mac.as_deref().map_or_else(String::new, |m| format!(", MAC {}", shown(m)));
        let out = passing.translated.map_or_else(String::new, |t| format!(" as {t}"));
        Telling {
            severity: Severity::Alert,
            summary: format!(
                "the machine {inside}{mac} behind this host connects to the mail server {} itself",
                passing.server
            ),
            proof: vec![format!("{time} {} -> {}{out}{mac}", passing.client, passing.server)],
            advice: "Find that machine by its address and MAC. If it may send, name it under allowed.clients; else \
                     forbid port 25 to all but the mail server."
                .to_owned(),
        }
    });
}

fn subject(session: &Session) -> String {
    format!("{} (uid {})", session.culprit(), session.uid)
}
