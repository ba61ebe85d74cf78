//! What the log may know, what may be sent in an hour, and a letter as it goes out.

use super::*;

#[test]
fn the_log_knows_no_mailbox_in_full() {
    for (mailbox, said, want) in [
        (
            "postmaster@mail.example.org",
            "550 5.1.1 <Postmaster@Mail.Example.org>: unknown",
            "550 5.1.1 <p…@ma….org>: unknown",
        ),
        ("a@b.example", "no route to b.example", "no route to …"),
        ("a@b.example", "451 later, ü", "451 later, ü"),
    ] {
        assert_eq!(without(said, mailbox), want);
    }
}

#[test]
fn an_hour_has_so_many_and_no_more() {
    let mut budget = Budget::full(2);
    let begun = Instant::now();
    let minutes = |n: u64| begun + Duration::from_secs(60 * n);
    let taken = [0, 0, 0, 29, 31, 32, 61, 600, 600, 600].map(|n| budget.take(minutes(n)));
    assert_eq!(
        taken,
        [true, true, false, false, true, false, true, true, true, false],
        "two at once, then one in half an hour, and what was saved is two at most"
    );
    assert!(!Budget::full(0).take(begun));
}

#[test]
fn a_letter_is_plain_text_with_its_link_whole() {
    let link =
        format!("https://bl.example/lookup/192.0.2.7/owner/confirm?token={}", "a1".repeat(60));
    let letter = Letter {
        to: "postmaster@example.org".to_owned(),
        subject: "bl.example: details about 192.0.2.7".to_owned(),
        text: format!("Hello,\n\n{link}\n\nThe list\n"),
    };
    let from = "The list <list@bl.example>".parse().unwrap();
    let sent = String::from_utf8(message(&from, &letter).unwrap().formatted()).unwrap();
    assert!(sent.contains(&format!("\r\n{link}\r\n")), "{sent}");
    for header in [
        "To: postmaster@example.org\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Subject: bl.example: details about 192.0.2.7\r\n",
        "@bl.example>\r\n",
        "Date: ",
    ] {
        assert!(sent.contains(header), "{header} in {sent}");
    }
    let umlaut = Letter { text: "Grüße\n".to_owned(), ..letter.clone() };
    let sent = String::from_utf8(message(&from, &umlaut).unwrap().formatted()).unwrap();
    assert!(sent.is_ascii() && sent.contains("Content-Transfer-Encoding"), "{sent}");
    let bad = Letter { to: "a b@example.org\r\nBcc: c@example.org".to_owned(), ..letter };
    assert!(message(&from, &bad).is_err());
}

#[test]
fn authorities_come_in_bundles() {
    let one = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----";
    let bundle = format!("# a\n{one}\n# b\n{one}\n\n");
    assert_eq!(authorities(bundle.as_bytes()).len(), 2);
    assert!(authorities(b"no certificates").is_empty());
}
