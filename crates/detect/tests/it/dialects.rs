//! A dialect is the program's and not its mail's: same program, same fingerprint; another way to say it,
//! another one.

use crate::session;
use heloscope_detect::Dialect;

/// A session whose client says these lines, each answered with 250.
fn said(lines: &[&str]) -> Dialect {
    let turns: String = lines.iter().map(|line| format!("C: {line}\nS: 250 ok\n")).collect();
    Dialect::of(&session::read(&format!("S: 220 mx\n{turns}")))
}

#[test]
fn names_addresses_and_the_number_of_recipients_are_not_in_it() {
    let one = said(&[
        "EHLO a.example",
        "MAIL FROM:<x@a.example> SIZE=100",
        "RCPT TO:<y@b.example>",
        "QUIT",
    ]);
    let other = said(&[
        "EHLO [192.0.2.1]",
        "MAIL FROM:<longer.name@c.example> SIZE=9",
        "RCPT TO:<z@d.example>",
        "RCPT TO:<zz@e.example>",
        "QUIT",
    ]);
    assert_eq!(one, other);
    assert_eq!(one.manner(), "EHLO upper tight angle crlf");
    assert_eq!(one.feature("path"), Some("EHLO MAIL RCPT QUIT"));
    assert_eq!(one.feature("params"), Some("SIZE"));
}

#[test]
fn another_way_to_say_it_is_another_dialect() {
    let plain = ["EHLO a.example", "MAIL FROM:<x@a.example>", "RCPT TO:<y@b.example>", "QUIT"];
    for (at, otherwise) in [
        (0, "HELO a.example"),
        (0, "ehlo a.example"),
        (1, "MAIL FROM: <x@a.example>"),
        (1, "MAIL FROM:x@a.example"),
        (1, "mail from:<x@a.example>"),
        (1, "MAIL FROM:<x@a.example> BODY=8BITMIME"),
        (3, "RSET"),
    ] {
        let mut lines = plain;
        lines[at] = otherwise;
        assert_ne!(said(&lines), said(&plain), "{otherwise}");
    }
}
