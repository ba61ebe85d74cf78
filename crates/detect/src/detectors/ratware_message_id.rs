//! A forged Outlook message: Outlook takes the time once for the Message-ID and again for the MIME
//! boundary, so their low halves differ; mass mailers take it once.
//!
//! `Message-ID: <000701c5a0c3$9e4c9f20$…@host>` and `boundary="----=_NextPart_000_0004_01C5A0C3.9E4C9F20"`.
//! The marks survive forwarding, so only messages that the client originated (no Received) count.

use crate::header::field;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;
use heloscope_model::session::Message;

pub(crate) const DETECTOR: Detector = Detector {
    id: "ratware-message-id",
    version: 1,
    class: 'B',
    family: "message",
    innocent: "a message forwarded with its marks by somebody who hides where it came from",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    session.dialogue.messages.iter().any(is_forged).then(|| {
        Finding::new("its message bears Outlook's marks with one time stamp twice, as mass mailers forge them".to_owned())
    })?
}

fn is_forged(message: &Message) -> bool {
    let section = message.header.as_bytes();
    let halves = || {
        let (id, kind) = (field(section, "Message-ID")?, field(section, "Content-Type")?);
        Some((id_halves(&id)?, boundary_halves(&kind)?))
    };
    field(section, "Received").is_none() && halves().is_some_and(|(id, boundary)| id == boundary)
}

/// `<nnnnHHHHHHHH$LLLLLLLL$` in upper case.
fn id_halves(id: &str) -> Option<(String, String)> {
    let mut parts = id.trim().strip_prefix('<')?.split('$');
    let (first, low, _host) = (parts.next()?, parts.next()?, parts.next()?);
    let high = first.get(4..).filter(|_| first.len() == 12)?;
    (is_hex8(high) && is_hex8(low)).then(|| (high.to_ascii_uppercase(), low.to_ascii_uppercase()))
}

/// `_NextPart_000_nnnn_HHHHHHHH.LLLLLLLL` in upper case.
fn boundary_halves(kind: &str) -> Option<(String, String)> {
    let (_, after) = kind.split_once("_NextPart_")?;
    let time = after.split(['"', ';', ' ', '\t']).next()?.splitn(3, '_').nth(2)?;
    let (high, low) = time.split_once('.')?;
    (is_hex8(high) && is_hex8(low)).then(|| (high.to_ascii_uppercase(), low.to_ascii_uppercase()))
}

fn is_hex8(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
