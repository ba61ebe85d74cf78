//! foreign-exe: a program under the MTA's user that is not the MTA's, connecting to a mail server. A firewall that lets
//! the MTA's user out lets this one out too.
//!
//! Proof: as of past-the-mta, and what the MTA's programs are. Over when it was not seen for the quiet time.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::session::Session;

/// A connection of such a program.
pub(crate) fn seen(desk: &mut Desk<'_>, session: &Session) {
    let (now, quiet) = (desk.now, desk.settings.limits.quiet_s);
    let settings = desk.settings;
    let subject = format!("{} (uid {})", session.culprit(), session.uid);
    desk.book.raise(now, Rule::ForeignExe, &subject, Some(quiet), || {
        let mta = &settings.mta;
        let own: Vec<&str> = mta.folders.iter().chain(&mta.programs).map(String::as_str).collect();
        let mut proof = session.proof(settings);
        proof.push(format!("the programs of {} are {}", mta.name, own.join(", ")));
        Telling {
            severity: Severity::Alert,
            summary: format!(
                "{} runs as the MTA's user {} and connects to the mail server {}",
                session.culprit(),
                settings.user(session.uid),
                session.server,
            ),
            proof,
            advice: "Somebody has the MTA's rights. Keep a copy of the file, end the process, and look for how it \
                     came to that user: pipe and spawn services, writable scripts, a break-in."
                .to_owned(),
        }
    });
}
