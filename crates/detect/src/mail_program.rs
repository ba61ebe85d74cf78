//! What a message says of the program that wrote it, where the client itself originated it: no
//! Received, no trace of a list or of somebody who sent it on. Relays and lists rewrite what mail
//! programs wrote, so of their messages nothing is concluded.

use crate::header::field;
use heloscope_model::session::Message;

/// Fields of messages that were taken apart and sent on.
const SENT_ON: [&str; 9] = [
    "Received",
    "Resent-From",
    "Resent-Date",
    "List-Id",
    "List-Unsubscribe",
    "X-Mailing-List",
    "X-Mailman-Version",
    "X-BeenThere",
    "X-Loop",
];

/// The program's name, of a message that the client originated.
pub(crate) fn of(message: &Message) -> Option<String> {
    let section = message.header.as_bytes();
    if SENT_ON.iter().any(|name| field(section, name).is_some()) {
        return None;
    }
    field(section, "X-Mailer").or_else(|| field(section, "User-Agent"))
}
