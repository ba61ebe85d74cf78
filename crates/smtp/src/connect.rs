//! HTTP requests where SMTP belongs: a client that takes the server for a proxy, or a proxy that
//! is asked for a mail port.

use crate::opening::starts_with_ignoring_case;
use heloscope_model::Octets;

/// Whether a first word and the rest of its line look like an HTTP request.
pub(crate) fn is_http_request(word: &[u8], rest: &[u8]) -> bool {
    const METHODS: [&[u8]; 8] =
        [b"CONNECT", b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"TRACE"];
    let rest = rest.trim_ascii();
    let method = METHODS.iter().any(|method| word.eq_ignore_ascii_case(method));
    let versioned = memchr::memmem::find(rest, b" HTTP/").is_some();
    let addressed = rest.starts_with(b"/") || starts_with_ignoring_case(rest, b"http:");
    method && (versioned || addressed || (is_connect(word) && target(rest).is_some()))
}

/// `host:port` of a CONNECT line.
pub(crate) fn connect_target(line: &[u8]) -> Option<Octets> {
    let (word, rest) = crate::verb::split_word(line.trim_ascii());
    if is_connect(word) { target(rest.trim_ascii()) } else { None }
}

fn is_connect(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"CONNECT")
}

fn target(rest: &[u8]) -> Option<Octets> {
    let (target, _) = crate::verb::split_word(rest);
    let colon = target.iter().rposition(|&b| b == b':')?;
    let port = target.get(colon + 1..)?;
    let numbered = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    (numbered && colon > 0).then(|| Octets::new(target))
}

/// The status of a line `HTTP/1.x 200 …`.
pub(crate) fn http_status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/")?;
    let (_, rest) = crate::verb::split_word(rest);
    let (status, _) = crate::verb::split_word(rest.trim_ascii());
    std::str::from_utf8(status).ok()?.parse().ok().filter(|status| (100..600).contains(status))
}

/// A header line of a proxy request as it may be kept: credentials become `*`.
pub(crate) fn without_credentials(line: &[u8]) -> Option<Vec<u8>> {
    let secret = [&b"Authorization:"[..], b"Proxy-Authorization:", b"Cookie:"];
    let name = secret.iter().find(|name| starts_with_ignoring_case(line, name))?;
    let mut kept = line.get(..name.len()).unwrap_or_default().to_vec();
    kept.extend_from_slice(b" *");
    kept.extend_from_slice(crate::line::ending(line));
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_statuses() {
        let target = |line: &[u8]| connect_target(line).map(|t| t.to_string());
        assert_eq!(target(b"CONNECT mx.example.org:25 HTTP/1.0\r\n").unwrap(), "mx.example.org:25");
        assert_eq!(target(b"connect [2001:db8::1]:25\r\n").unwrap(), "[2001:db8::1]:25");
        assert_eq!(target(b"CONNECT mx.example.org HTTP/1.0\r\n"), None);
        assert_eq!(target(b"GET mx.example.org:25\r\n"), None);
        assert_eq!(http_status(b"HTTP/1.0 200 Connection established"), Some(200));
        assert_eq!(http_status(b"HTTP/1.1 407"), Some(407));
        assert_eq!(http_status(b"220 mx"), None);
    }

    #[test]
    fn credentials_are_not_kept() {
        let kept = without_credentials(b"proxy-authorization: Basic c2VjcmV0\r\n").unwrap();
        assert_eq!(kept, b"proxy-authorization: *\r\n");
        assert_eq!(without_credentials(b"Host: x\r\n"), None);
    }
}
