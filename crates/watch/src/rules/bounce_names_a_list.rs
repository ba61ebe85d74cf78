//! bounce-names-a-list: a server refuses our mail and names a blocklist. Often the first that is heard of a listing.
//!
//! The texts are read as notices are (`heloscope_model::notice`). Proof: the refusal, its recipient left out. Over when no
//! server named that list for the quiet time.

use super::{Desk, foreign_helo};
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::shown::{octets, redacted, shown};
use heloscope_maillog::live::Delivered;
use heloscope_maillog::mail::Status;
use heloscope_model::notice::{Subject, read};
use heloscope_model::{SourceId, Time};
use std::net::IpAddr;

/// Bytes of a refusal that are read.
const MOST: usize = 2000;

/// A recipient was refused or put off.
pub(crate) fn refused(
    desk: &mut Desk<'_>,
    names: &foreign_helo::Names,
    time: Time,
    delivered: &Delivered,
) {
    if !matches!(delivered.status, Status::Deferred | Status::Bounced | Status::Expired) {
        return;
    }
    let reply = delivered.reply.text().0;
    let reply: String = reply.chars().take(MOST).collect();
    let relay = octets(&delivered.relay);
    if let Some(name) = rejected_helo(&reply) {
        foreign_helo::quoted(desk, names, name, &reply, &relay);
    }
    let Some((list, address)) = named(&reply, &desk.settings.addresses) else { return };
    let (now, quiet) = (desk.now, desk.settings.limits.quiet_s);
    let list = shown(&list);
    let subject = match address {
        Some(address) => format!("{list}: {address}"),
        None => list.clone(),
    };
    desk.book.raise(now, Rule::BounceNamesAList, &subject, Some(quiet), || {
        let of = address.map_or_else(String::new, |address| format!(" of {address}"));
        Telling {
            severity: Severity::Alert,
            summary: format!("{relay} refuses our mail for a listing{of} in {list}"),
            proof: vec![format!(
                "{time} {}: {} said: {}",
                octets(&delivered.id),
                relay,
                redacted(&shown(&reply))
            )],
            advice: "Look at what the list says of the address, save it, and give it to heloscope investigate with the \
                     logs of that time."
                .to_owned(),
        }
    });
}

/// The list that a refusal names, and the address it speaks of.
fn named(reply: &str, own: &[IpAddr]) -> Option<(String, Option<IpAddr>)> {
    // Postfix puts the server's name and address first, which is not who is listed.
    let said = match reply.strip_prefix("host ").and_then(|rest| rest.split_once(" said: ")) {
        Some((server, said)) if server.ends_with(']') && !server.contains(' ') => said,
        _ => reply,
    };
    let first =
        |text: &str| read(text, SourceId(0)).into_iter().find_map(|n| Some((n.list?, n.subject)));
    if let Some((list, subject)) = first(said) {
        let address = match subject {
            Subject::Ip(ip) => Some(ip),
            _ => None,
        };
        return Some((list, address));
    }
    // One that names no address speaks of the only one there is.
    let [only] = own else { return None };
    first(&format!("{said} ({only})")).map(|(list, _)| (list, Some(*only)))
}

/// `504 5.5.2 <name>: Helo command rejected: …`
fn rejected_helo(reply: &str) -> Option<&str> {
    let (before, _) = reply.split_once(">: Helo command rejected")?;
    let name = before.rsplit('<').next()?;
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_told_from_full_mailboxes() {
        let own = ["203.0.113.10".parse().unwrap()];
        for (reply, want) in [
            (
                "host mx.example.net[192.0.2.25] said: 550 5.7.1 Service unavailable; Client host [203.0.113.10] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/203.0.113.10 (in reply to RCPT TO command)",
                Some("Spamhaus ZEN 203.0.113.10"),
            ),
            (
                "host mx.example.net[192.0.2.25] said: 554 5.7.1 Blocked using bl.spamcop.net (in reply to RCPT TO command)",
                Some("SpamCop 203.0.113.10"),
            ),
            ("host mx.example.net[192.0.2.25] said: 452 4.2.2 mailbox full", None),
            (
                "host mx.example.net[192.0.2.25] said: 450 4.2.0 Greylisted, see http://postgrey.example/",
                None,
            ),
            ("connect to mx.example.net[192.0.2.25]:25: Connection timed out", None),
            ("550 5.1.1 <list@example.net>: user unknown in the mailing list table", None),
        ] {
            let found = named(reply, &own).map(|(l, a)| format!("{l} {}", a.unwrap()));
            assert_eq!(found.as_deref(), want, "{reply}");
        }
    }
}
