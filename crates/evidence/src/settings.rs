//! Postfix settings: `postconf -n` and `postconf -P` output and `main.cf` (postconf(5)) ->
//! [`Setting`]s. Lines that begin with a blank continue the setting before; comments may stand
//! between. Services are read by [`services`].

pub mod services;

use crate::facts::Setting;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Settings taken from one file, and bytes of one value.
const MOST: usize = 10_000;
const LONGEST: usize = 64 << 10;

/// Beginnings and names by which Postfix's settings are told from other `name = value` files.
const OURS: [&str; 44] = [
    "smtpd_",
    "smtp_",
    "mydestination",
    "myhostname",
    "mynetworks",
    "mydomain",
    "myorigin",
    "inet_interfaces",
    "inet_protocols",
    "relayhost",
    "relay_domains",
    "alias_maps",
    "alias_database",
    "queue_directory",
    "mailbox_size_limit",
    "mailbox_command",
    "recipient_delimiter",
    "virtual_",
    "milter_",
    "compatibility_level",
    "always_bcc",
    "header_checks",
    "body_checks",
    "sender_",
    "transport_maps",
    "local_recipient_maps",
    "mail_owner",
    "command_directory",
    "daemon_directory",
    "biff",
    "append_dot_mydomain",
    "readme_directory",
    "non_smtpd_milters",
    "content_filter",
    "message_size_limit",
    "home_mailbox",
    "proxy_interfaces",
    "smtputf8_enable",
    "tls_",
    "postscreen_",
    "disable_vrfy_command",
    "unknown_local_recipient_reject_code",
    "html_directory",
    "enable_long_queue_ids",
];

/// Whether a text is Postfix's settings.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let mut settings = 0;
    let mut ours = 0;
    for (_, line) in lines::of(text).take(400) {
        if line.is_empty()
            || line.starts_with(b"#")
            || line.starts_with(b" ")
            || line.starts_with(b"\t")
        {
            continue;
        }
        settings += 1;
        if let Some((name, _)) = split(line) {
            // `postconf -P` puts the service in front: "submission/inet/smtpd_sasl_auth_enable".
            let parts: Vec<&str> = name.split('/').collect();
            let service = matches!(parts.as_slice(), [_, "inet" | "unix" | "fifo" | "pass", _]);
            ours += usize::from(service);
            ours += usize::from(
                OURS.iter()
                    .any(|o| if o.ends_with('_') { name.starts_with(o) } else { name == *o }),
            );
        }
    }
    ours > 0 && ours * 3 >= settings
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    let mut joining = false;
    for (offset, line) in lines::of(text) {
        let blank_first = matches!(line.first(), Some(b' ' | b'\t'));
        let trimmed = line.trim_ascii();
        if trimmed.is_empty() || trimmed.starts_with(b"#") {
            continue;
        }
        if blank_first {
            if let (true, Some(last)) = (joining, found.last_mut())
                && last.value.len() < LONGEST
            {
                if !last.value.is_empty() {
                    last.value.push(' ');
                }
                last.value.push_str(&lossy(trimmed));
            }
            continue;
        }
        joining = false;
        if let Some((name, value)) = split(line) {
            if found.len() >= MOST {
                break;
            }
            joining = true;
            found.push(Setting {
                name: name.to_owned(),
                value: lossy(value),
                place: Place::byte(source, base + offset),
            });
        }
    }
    found
}

/// `name = value` of a line.
fn split(line: &[u8]) -> Option<(&str, &[u8])> {
    let equals = memchr::memchr(b'=', line)?;
    let name = std::str::from_utf8(line.get(..equals)?).ok()?.trim();
    let right = !name.is_empty()
        && name.len() < 128
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'));
    right.then_some((name, line.get(equals + 1..)?.trim_ascii()))
}

fn lossy(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
    heloscope_model::octets::lossy_text(cut).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn continuation_lines_are_joined() {
        let text = b"# main.cf\nmyhostname = mail.example.org\nmynetworks = 127.0.0.0/8\n# inside\n    192.168.1.0/24\n\t[::1]/128\nrelayhost =\nsmtpd_tls_security_level=may\n";
        assert!(recognise(text));
        let found = read(text, SourceId(0), 5);
        let pairs: Vec<String> = found.iter().map(|s| format!("{}|{}", s.name, s.value)).collect();
        assert_eq!(
            pairs,
            [
                "myhostname|mail.example.org",
                "mynetworks|127.0.0.0/8 192.168.1.0/24 [::1]/128",
                "relayhost|",
                "smtpd_tls_security_level|may"
            ]
        );
        assert_eq!(found[0].place, Place::byte(SourceId(0), 15));
    }

    #[test]
    fn settings_of_services() {
        let text = b"submission/inet/syslog_name = x\nsubmission/inet/smtpd_sasl_auth_enable = yes\nsubmission/inet/syslog_name = postfix/submission\n";
        assert!(recognise(text));
        assert_eq!(read(text, SourceId(0), 0)[1].name, "submission/inet/smtpd_sasl_auth_enable");
    }

    #[test]
    fn other_files_are_not_ours() {
        assert!(!recognise(b"memory_limit = 128M\nupload_max_filesize = 2M\nsendmail_path = x\n"));
        assert!(!recognise(b"addresses = [\"203.0.113.10\"]\n"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(prop_oneof![Just(b'='), Just(b'\n'), Just(b' '), any::<u8>()], 0..200)) {
            read(&bytes, SourceId(0), 0);
            recognise(&bytes);
        }
    }
}
