//! Messages and what they say, a line each; the corpus' lines are in tests/it.

use super::*;
use crate::service::classify;

fn of<'a>(tag: &'a str, text: &'a str) -> Event<'a> {
    read(&classify(tag.as_bytes()), text.as_bytes())
}

#[test]
fn origins() {
    let Event::Client(client) = of(
        "postfix/submission/smtpd",
        "0F5383D: client=a.example.org[2001:db8::1]:39356, sasl_method=LOGIN, sasl_username=anna, sasl_sender=x@example.org",
    ) else {
        panic!()
    };
    assert_eq!((client.account, client.method), (Some(&b"anna"[..]), &b"LOGIN"[..]));
    let end = client_endpoint(client.client);
    assert_eq!((end.name, end.port), (&b"a.example.org"[..], Some(39356)));
    assert_eq!(without_port(client.client), b"a.example.org[2001:db8::1]");
    let Event::Client(client) = of("postfix/smtpd", "NOQUEUE: client=a[192.0.2.1]") else {
        panic!()
    };
    assert_eq!(client.id, None);
    assert_eq!(
        of("postfix/pickup", "0F5383D: uid=33 from=<www-data@example.org> orig_id=65AFB8B5"),
        Event::Program {
            id: b"0F5383D",
            uid: 33,
            from: b"www-data@example.org",
            requeued: Some(b"65AFB8B5")
        }
    );
}

#[test]
fn an_address_cannot_forge_a_delivery() {
    let text = r#"0F5383D: to=<"x>, relay=evil[192.0.2.66]:25, delay=1, dsn=2.0.0, status=sent (250 ok)"@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (no)"#;
    let Event::Delivered(d) = of("postfix/smtp", text) else { panic!() };
    assert_eq!((d.word, d.relay), (&b"bounced"[..], &b"mx.example.org[192.0.2.1]:25"[..]));
}

#[test]
fn replies_with_parentheses_are_whole() {
    let text = "0F5383D: to=<b@example.org>, relay=mx[192.0.2.1]:25, conn_use=7, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (host mx[192.0.2.1] said: 550 (no) (in reply to RCPT TO command))";
    let Event::Delivered(d) = of("postfix/relay/smtp", text) else { panic!() };
    assert_eq!(d.reply, b"host mx[192.0.2.1] said: 550 (no) (in reply to RCPT TO command)");
    assert_eq!((d.conn_use(), d.agent), (7, &b"smtp"[..]));
}

#[test]
fn successors_are_ours_alone() {
    let line = |relay: &str, reply: &str| {
        let text = format!(
            "0F5383D: to=<b@example.org>, relay={relay}, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent ({reply})"
        );
        let tag = classify(b"postfix/smtp");
        match read(&tag, text.as_bytes()) {
            Event::Delivered(d) => successor(&d).map(|(id, kind)| (id.to_vec(), kind)),
            _ => panic!(),
        }
    };
    let again = Some((b"65AFB8B5".to_vec(), LinkKind::Reinjected));
    assert_eq!(
        line(
            "127.0.0.1[127.0.0.1]:10024",
            "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 65AFB8B5"
        ),
        again
    );
    assert_eq!(line("mx.example.org[private/lmtp]", "250 2.0.0 Ok: queued as 65AFB8B5"), again);
    assert_eq!(line("localhost[::1]:10024", "250 queued as 65AFB8B5 now"), again);
    assert_eq!(line("mx.example.org[192.0.2.1]:25", "250 2.0.0 Ok: queued as 65AFB8B5"), None);
    assert_eq!(
        line("local", "forwarded as 65AFB8B5"),
        Some((b"65AFB8B5".to_vec(), LinkKind::Forwarded))
    );
    assert_eq!(line("127.0.0.1[127.0.0.1]:10024", "250 Ok: queued as 0F5383D"), None);
}

#[test]
fn refusals() {
    let parse = |text: &'static str| refusal(text.as_bytes());
    let r = parse(
        "RCPT from unknown[192.0.2.9]:4100: 550 5.1.1 <b@example.org>: Recipient address rejected: no; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<[127.0.0.1]> sasl_username=<anna>",
    );
    assert_eq!((r.stage, r.client.port), (&b"RCPT"[..], Some(4100)));
    assert_eq!(r.text, b"550 5.1.1 <b@example.org>: Recipient address rejected: no");
    assert_eq!((r.helo, r.account), (Some(&b"[127.0.0.1]"[..]), Some(&b"anna"[..])));
    let r = parse(
        "header Subject: x; from=<forged@example.org> to=<z> from c[192.0.2.9]; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<c>: 5.7.1 No",
    );
    assert_eq!((r.stage, r.from), (&b"header"[..], Some(&b"a@example.org"[..])));
    assert_eq!(r.client.ip, Some("192.0.2.9".parse().unwrap()));
    let r = parse(
        "END-OF-MESSAGE: 554 5.7.0 Reject, id=1-2 - spam; from=<> to=<b@example.org> proto=SMTP helo=<x>",
    );
    assert_eq!(
        (r.stage, r.text, r.from),
        (&b"END-OF-MESSAGE"[..], &b"554 5.7.0 Reject, id=1-2 - spam"[..], Some(&b""[..]))
    );
    let r = parse("CONNECT from [192.0.2.9]:1337: too many connections");
    assert_eq!((r.stage, r.text), (&b"CONNECT"[..], &b"too many connections"[..]));
}

#[test]
fn what_ends_a_mail_at_cleanup() {
    for (text, ends) in [
        ("0F5383D: reject: header Subject: x from c[192.0.2.9]; from=<> proto=ESMTP: no", true),
        ("0F5383D: milter-reject: END-OF-MESSAGE from c[192.0.2.9]: no; from=<>", true),
        ("0F5383D: discard: body x from c[192.0.2.9]; from=<>: no", true),
        ("0F5383D: discard: header Subject: x from c[192.0.2.9]; from=<>: no", false),
        ("0F5383D: hold: header Subject: x from c[192.0.2.9]; from=<>: no", false),
        ("0F5383D: warning: header Subject: x from c[192.0.2.9]; from=<>", false),
        (
            "0F5383D: milter-header-redirect: header X: y from c[192.0.2.9]; from=<>: z@example.org",
            false,
        ),
    ] {
        let Event::Action(action) = of("postfix/cleanup", text) else { panic!("{text}") };
        assert_eq!(action.ends_mail(), ends, "{text}");
    }
}

#[test]
fn logins_of_dovecot() {
    for (text, account, ip, success) in [
        (
            "imap-login: Login: user=<anna>, method=PLAIN, rip=192.0.2.7, lip=203.0.113.1, mpid=1, TLS, session=<x>",
            Some("anna"),
            "192.0.2.7",
            true,
        ),
        (
            "submission-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<anna@example.org>, method=PLAIN, rip=2001:db8::7, lip=::1",
            Some("anna@example.org"),
            "2001:db8::7",
            false,
        ),
        (
            "auth: passwd-file(anna,192.0.2.7,<s>): Password mismatch (SHA1 of given password: 21)",
            Some("anna"),
            "192.0.2.7",
            false,
        ),
        (
            "auth-worker(1): conn unix:auth-worker (pid=1,uid=2): auth-worker<4>: sql(a,b,192.0.2.7): unknown user",
            Some("a,b"),
            "192.0.2.7",
            false,
        ),
    ] {
        let Event::Login(login) = of("dovecot", text) else { panic!("{text}") };
        assert_eq!(login.account, account.map(str::as_bytes), "{text}");
        assert_eq!(login.client.ip.unwrap().to_string(), ip, "{text}");
        assert_eq!(login.success, success, "{text}");
    }
    assert_eq!(
        of("dovecot", "imap(anna)<1><x>: Disconnected: Logged out in=1 out=2"),
        Event::Noted
    );
}

#[test]
fn attempts_without_a_delivery_line() {
    for (text, id, relay, port) in [
        (
            "connect to mx.example.net[192.0.2.5]:25: Connection timed out",
            None,
            "192.0.2.5",
            Some(25),
        ),
        (
            "SSL_connect error to mx.example.net[192.0.2.5]:465: lost connection",
            None,
            "192.0.2.5",
            Some(465),
        ),
        (
            "0F5383D: host mx.example.net[192.0.2.5] refused to talk to me: 554 no",
            Some("0F5383D"),
            "192.0.2.5",
            None,
        ),
        (
            "0F5383D: host mx.example.net[2001:db8::5] said: 450 4.2.0 later (in reply to RCPT TO command)",
            Some("0F5383D"),
            "2001:db8::5",
            None,
        ),
        (
            "0F5383D: lost connection with mx.example.net[192.0.2.5] while sending RCPT TO",
            Some("0F5383D"),
            "192.0.2.5",
            None,
        ),
        (
            "0F5383D: conversation with mx.example.net[192.0.2.5] timed out while sending MAIL FROM",
            Some("0F5383D"),
            "192.0.2.5",
            None,
        ),
    ] {
        let Event::Attempt { id: given, relay: end, .. } = of("postfix/smtp", text) else {
            panic!("{text}")
        };
        assert_eq!(given, id.map(str::as_bytes), "{text}");
        assert_eq!((end.ip.unwrap().to_string().as_str(), end.port), (relay, port), "{text}");
    }
}

#[test]
fn words_we_do_not_know_are_strange() {
    assert_eq!(of("postfix/smtpd", "something else entirely"), Event::Strange);
    assert_eq!(of("postfix/cleanup", "0F5383D: unheard: of"), Event::Strange);
    assert_eq!(of("sshd", "Accepted password"), Event::Strange);
    assert_eq!(of("postfix/anvil", "statistics: max cache size 1"), Event::Noted);
}
