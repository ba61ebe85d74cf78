//! The text of a refusal: `RCPT from name[ip]: 550 5.1.1 …; from=<> to=<> proto= helo=<>`.
//!
//! Header and reply texts are strangers' words, so the closing fields are looked for from the
//! line's end.

use crate::field::{Endpoint, after, cut_byte, leading_endpoint, value};
use memchr::memmem;

/// Its parts.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(crate) struct Refused<'a> {
    pub(crate) stage: &'a [u8],
    pub(crate) client: Endpoint<'a>,
    pub(crate) text: &'a [u8],
    pub(crate) from: Option<&'a [u8]>,
    pub(crate) to: Option<&'a [u8]>,
    pub(crate) helo: Option<&'a [u8]>,
    pub(crate) account: Option<&'a [u8]>,
}

/// Reads what follows `reject: ` and its like.
pub(crate) fn refusal(text: &[u8]) -> Refused<'_> {
    let mut it = Refused::default();
    let fields = [&b"; from=<"[..], b"; to=<", b"; proto="]
        .iter()
        .filter_map(|start| memmem::rfind(text, start))
        .min();
    let (head, tail) = text.split_at_checked(fields.unwrap_or(text.len())).unwrap_or((text, b""));
    read_fields(tail.strip_prefix(b";").unwrap_or(tail), &mut it);
    if let Some((stage, rest)) = cut_byte(head, b' ') {
        it.stage = stage.strip_suffix(b":").unwrap_or(stage);
        it.text = rest;
        if let Some(rest) = after(rest, b"from ")
            && let Some((client, rest)) = leading_endpoint(rest)
        {
            // `RCPT from name[ip]: reply`, of milters also `END-OF-MESSAGE from name[ip]: reply`.
            it.client = client;
            it.text = after(rest, b": ").unwrap_or(rest);
        } else if let Some(at) = memmem::rfind(rest, b" from ")
            && let Some((client, tail)) = rest.get(at + 6..).and_then(leading_endpoint)
        {
            // `header Subject: … from name[ip]`, after it a milter's reason.
            it.client = client;
            it.text = if tail.is_empty() { rest.get(..at).unwrap_or(rest) } else { rest };
        }
    } else {
        it.text = head;
    }
    it
}

/// `from=<…>[,] to=<…>[,] proto=…[,] helo=<…>[,] sasl_username=<…>`.
fn read_fields<'a>(mut text: &'a [u8], it: &mut Refused<'a>) {
    loop {
        text = text.trim_ascii_start();
        text = text.strip_prefix(b",").unwrap_or(text).trim_ascii_start();
        let Some((key, rest)) = cut_byte(text, b'=') else { return };
        let Some((found, rest)) = value(rest) else { return };
        match key {
            b"from" => it.from = Some(found),
            b"to" => it.to = Some(found),
            b"helo" => it.helo = Some(found),
            b"sasl_username" => it.account = Some(found).filter(|a| !a.is_empty()),
            b"proto" => {}
            _ => return,
        }
        text = rest;
    }
}
