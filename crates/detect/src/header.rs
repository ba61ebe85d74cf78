//! Fields of a message's header section (RFC 5322 2.2), as far as it was kept.

/// The unfolded value of the first field of a name (without colon, any case).
pub(crate) fn field(section: &[u8], name: &str) -> Option<String> {
    let mut lines =
        section.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.by_ref().find_map(|line| value(line, name))?;
    let mut unfolded = first.to_vec();
    for line in lines.take_while(|line| matches!(line.first(), Some(b' ' | b'\t'))) {
        unfolded.extend_from_slice(line);
    }
    Some(heloscope_model::octets::lossy_text(unfolded.trim_ascii()).0.into_owned())
}

fn value<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(name.len())?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    head.eq_ignore_ascii_case(name.as_bytes()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded() {
        let section = b"X-A: 1\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"b\"\r\nTo: c\r\n";
        assert_eq!(field(section, "content-type").unwrap(), "multipart/mixed;\tboundary=\"b\"");
        assert_eq!(field(section, "X-A").unwrap(), "1");
        assert_eq!(field(section, "Received"), None);
        assert_eq!(field(b"", "To"), None);
    }
}
