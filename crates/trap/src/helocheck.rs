//! `helocheck`: an address that tells who writes to it what HELO he said.
//!
//! No mail is sent for it. RCPT to a configured address is refused with the answer in the reply,
//! `550 5.7.1 you said HELO <...> from <address>`, and the sender's own server puts that text into
//! the bounce it writes to its own user: he mails the address, and reads in the failure notice what
//! the world sees. So the check cannot be turned against a forged sender. The addresses are public
//! and no traps; all other recipients are answered alike.

use std::net::IpAddr;

/// Characters shown of a HELO: the reply must stay within 512 bytes (RFC 5321 4.5.3.1.5).
const SHOWN: usize = 255;

/// Whether a recipient is one of the addresses, which stand in lower case.
pub(crate) fn asks(recipient: &[u8], addresses: &[String]) -> bool {
    addresses.iter().any(|address| address.as_bytes().eq_ignore_ascii_case(recipient))
}

/// The refusal that answers. What is not printable is shown as `\xNN`.
pub(crate) fn answer(helo: &[u8], client: IpAddr) -> String {
    let mut shown = String::new();
    for &byte in helo {
        let escaped = byte.escape_ascii().to_string();
        if shown.len() + escaped.len() > SHOWN {
            shown.push_str("...");
            break;
        }
        shown.push_str(&escaped);
    }
    format!("550 5.7.1 you said HELO <{shown}> from <{client}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_said() {
        let client = "192.0.2.7".parse().unwrap();
        assert_eq!(
            answer(b"ylmf-pc", client),
            "550 5.7.1 you said HELO <ylmf-pc> from <192.0.2.7>"
        );
        assert!(answer(b"a\r\n250 ok\xff", client).contains("<a\\r\\n250 ok\\xff>"));
        assert!(answer(&[b'\\'; 5000], client).len() < 400);
        assert!(asks(b"HELOcheck@example.org", &["helocheck@example.org".into()]));
        assert!(!asks(b"joe@example.org", &["helocheck@example.org".into()]));
    }
}
