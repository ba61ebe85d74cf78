//! A message that names a mail program which does not write so: its Message-ID or boundary has another
//! shape than that program gives. Only contradictions that SpamAssassin's rules have published for
//! years (FORGED_MUA_OUTLOOK, _MOZILLA, _EUDORA, _THEBAT_BOUN), with their exceptions, and only in
//! messages that the client originated.

use crate::header::field;
use crate::mail_program;
use crate::quote::Quote;
use crate::{Detector, Eye, Finding, Scope};
use heloscope_model::Session;
use heloscope_model::session::Message;

pub(crate) const DETECTOR: Detector = Detector {
    id: "forged-mua",
    version: 1,
    class: 'B',
    family: "message",
    innocent: "a gateway that rewrites messages and hides that they passed it",
    scope: Scope::Transfer,
    eye: Eye::Session(see),
};

fn see(session: &Session) -> Option<Finding> {
    let (program, what) = session.dialogue.messages.iter().find_map(contradiction)?;
    let program = Quote(program.as_bytes());
    Finding::new(format!("its message names the program {program}, which writes {what} otherwise"))
}

/// The program named, and the field that it did not write.
fn contradiction(message: &Message) -> Option<(String, &'static str)> {
    let program = mail_program::of(message)?;
    let section = message.header.as_bytes();
    if program.starts_with("The Bat!") {
        let kind = field(section, "Content-Type")?;
        return is_not_the_bats(&kind).then_some((program, "its boundaries"));
    }
    // Without one, a server that took it in may have given it its own.
    let id = field(section, "Message-ID")?;
    let id = id.trim().strip_prefix('<')?.strip_suffix('>')?;
    let (left, right) = id.rsplit_once('@')?;
    // Microsoft's servers replace what the program wrote.
    if right.ends_with(".outlook.com") || right.ends_with(".exchangelabs.com") || right == "phx.gbl"
    {
        return None;
    }
    let fits = if program.starts_with("Mozilla") {
        is_uuid(left) || is_old_mozilla(left)
    } else if is_outlook_express(&program) {
        is_dollars(left) || is_upper_hex(left, 32) || (left.len() == 27 && right == "hotmail.com")
    } else if is_old_outlook(&program) {
        let digits = [32, 36, 37, 38, 39, 40].iter().any(|&n| is_upper_hex(left, n));
        is_dollars(left) || digits || left.starts_with("!~!")
    } else if is_eudora(&program) {
        is_eudoras(left)
    } else {
        return None;
    };
    (!fits).then_some((program, "its Message-ID"))
}

fn is_outlook_express(program: &str) -> bool {
    let version = program.strip_prefix("Microsoft Outlook Express ");
    version.is_some_and(|v| v.starts_with(['4', '5', '6']) && v != "6.00.3790.3959")
}

fn is_old_outlook(program: &str) -> bool {
    ["Microsoft Outlook 8.", "Microsoft Outlook CWS, Build 9", "Microsoft Outlook, Build 10."]
        .iter()
        .any(|old| program.starts_with(old))
        && program != "Microsoft Outlook, Build 10.0.3416"
}

fn is_eudora(program: &str) -> bool {
    let version = program
        .strip_prefix("QUALCOMM Windows Eudora ")
        .map(|rest| rest.strip_prefix("Pro ").or(rest.strip_prefix("Light ")).unwrap_or(rest));
    version
        .and_then(|rest| rest.strip_prefix("Version "))
        .is_some_and(|v| v.starts_with(['3', '4', '5', '6']))
}

/// `------------0A1B2C3D4E5F` (ten hyphens and more) is how The Bat! parts a message.
fn is_not_the_bats(kind: &str) -> bool {
    let Some((_, after)) = kind.split_once("boundary=") else { return false };
    let boundary = after.trim_start_matches('"').split(['"', ';']).next().unwrap_or_default();
    let digits = boundary.trim_start_matches('-');
    boundary.len() < digits.len() + 10
        || digits.len() < 4
        || !digits.bytes().all(is_upper_hex_digit)
}

/// `8-4-4-4-12` hexadecimal digits.
fn is_uuid(left: &str) -> bool {
    let parts: Vec<_> = left.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `4C8F1A2B.3040506`: the time and a number.
fn is_old_mozilla(left: &str) -> bool {
    left.split_once('.').is_some_and(|(time, number)| {
        is_upper_hex(time, 8)
            && (1..=8).contains(&number.len())
            && number.bytes().all(is_upper_hex_digit)
    })
}

/// `000701c5a0c3$9e4c9f20$0100007f`.
fn is_dollars(left: &str) -> bool {
    let parts: Vec<_> = left.split('$').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    matches!(lengths.as_slice(), [8 | 12, 8, 8])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `5.1.0.14.2.20040101120000.0123abcd`.
fn is_eudoras(left: &str) -> bool {
    let parts: Vec<_> = left.split('.').collect();
    let [.., time, last] = parts.as_slice() else {
        return false;
    };
    time.len() == 14
        && time.bytes().all(|b| b.is_ascii_digit())
        && last.len() == 8
        && last.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_upper_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(is_upper_hex_digit)
}

fn is_upper_hex_digit(b: u8) -> bool {
    b.is_ascii_digit() || (b'A'..=b'F').contains(&b)
}
