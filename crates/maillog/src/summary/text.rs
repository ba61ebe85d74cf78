//! The numbers for a person, 80 columns wide.

use super::{Named, Summary};
use std::fmt;

/// Names listed of each kind.
const LISTED: usize = 10;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (Some(first), Some(last)) => writeln!(f, "Mail log from {first} to {last}\n")?,
            _ => writeln!(f, "No line of a mail log\n")?,
        }
        let m = &self.messages;
        writeln!(f, "Messages")?;
        for (count, what) in [
            (m.received, "received"),
            (m.delivered, "delivered (recipients)"),
            (m.forwarded, "forwarded (recipients)"),
            (m.deferred, "deferred"),
            (m.deferrals, "deferrals (recipients, each time)"),
            (m.bounced, "bounced (recipients)"),
            (m.rejected, "rejected"),
            (m.held, "held"),
            (m.discarded, "discarded"),
            (self.bytes.received, "bytes received"),
            (self.bytes.delivered, "bytes delivered"),
            (self.senders, "senders"),
            (self.recipients, "recipients"),
        ] {
            writeln!(f, "{count:>16}  {what}")?;
        }
        list(f, "Accounts", &self.top.account)?;
        list(f, "Clients", &self.top.client)?;
        list(f, "User ids of programs", &self.top.uid)?;
        list(f, "Senders", &self.top.sender)?;
        list(f, "Domains delivered to", &self.top.recipient_domain)?;
        if !self.beyond.reasons.is_empty() {
            writeln!(f, "\nCounted here, not by pflogsumm 1.1.5")?;
            for (reason, lines) in &self.beyond.reasons {
                writeln!(f, "{lines:>16}  {}", cut(reason, 62))?;
            }
        }
        if self.beyond.estimated {
            writeln!(f, "\nSo many names that the least active are left out, or estimated.")?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, names: &[Named]) -> fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title:<48}{:>14}{:>14}", "messages", "recipients")?;
    for named in names.iter().take(LISTED) {
        let name = cut(&named.name, 46);
        writeln!(f, "  {name:<46}{:>14}{:>14}", named.messages, named.recipients)?;
    }
    Ok(())
}

/// At most so many characters, control characters made visible.
fn cut(text: &str, most: usize) -> String {
    let visible = text.chars().map(|c| if c.is_control() { '?' } else { c });
    if text.chars().count() <= most {
        return visible.collect();
    }
    visible.take(most - 1).chain(['…']).collect()
}
