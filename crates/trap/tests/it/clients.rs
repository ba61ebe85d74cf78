//! Real clients: what they sent is what was seen.

use crate::trap::{Trap, run, said};
use heloscope_model::Sighting;
use heloscope_model::session::EndState;
use heloscope_model::sighting::TrapKind;

/// A whole mail to a trap, from a client that says QUIT, and nothing that lists on one hit.
fn assert_mail(sighting: &Sighting, helo: &str) {
    let session = &sighting.session;
    assert_eq!(session.helo().unwrap().1.to_string(), helo);
    assert_eq!((session.messages(), session.end_state), (1, EndState::Quit));
    assert_eq!(session.mail_from(), ["a@example.org".into()]);
    assert_eq!(sighting.traps.len(), 1);
    assert_eq!(sighting.traps[0].kind, TrapKind::NeverUsed);
    assert_eq!(sighting.bodies.len(), 1);
    assert_eq!(sighting.receiver.names, ["mx.example.net"]);
    let syn = session.syn.as_ref().expect("Linux saves SYNs");
    assert!(syn.ttl > 0 && syn.mss.is_some() && !syn.options.is_empty());
    let mut session = session.clone();
    session.client.set_ip("192.0.2.7".parse().unwrap());
    let found = heloscope_detect::judge(&session);
    assert!(found.iter().all(|detection| detection.class != 'A'), "{found:?}");
}

#[test]
fn swaks() {
    let mut trap = Trap::start(|config| {
        config.personality.extensions.auth = true;
        config.helocheck.push("helocheck@example.net".into());
    });
    let at = trap.mail.to_string();
    let common = [
        "--server",
        &at,
        "--helo",
        "mail.example.org",
        "-f",
        "a@example.org",
        "-t",
        "joe@spam.example",
    ];
    let with = |more: &[&str]| run("swaks", &[&common, more].concat(), "");
    let Some(plain) = with(&[]) else { return };
    assert!(said("swaks", &plain).contains("250 2.0.0 Ok: queued as"));
    let seen = trap.sighting();
    assert_mail(&seen, "mail.example.org");
    assert!(seen.session.dialogue.commands.iter().all(|command| !command.early));

    said("swaks -pipeline", &with(&["--pipeline"]).unwrap());
    let seen = trap.sighting();
    assert_mail(&seen, "mail.example.org");
    assert!(seen.session.dialogue.commands.iter().any(|command| command.early));

    let secure = said("swaks -tls", &with(&["-tls"]).unwrap());
    assert!(secure.contains("TLS started") && secure.contains("/CN=mx.example.net"), "{secure}");
    let seen = trap.sighting();
    assert_mail(&seen, "mail.example.org");
    let (hello, tls) = (seen.hello.unwrap(), seen.session.dialogue.tls.unwrap());
    assert!(hello.version >= 0x303 && !hello.ciphers.is_empty() && !hello.extensions.is_empty());
    assert!(tls.client_bytes > 500 && tls.server_bytes > 500 && !tls.implicit);
    assert!(seen.session.bytes.0 > tls.client_bytes);

    let failed = with(&["--auth", "LOGIN", "-au", "anna", "-ap", "geheim"]).unwrap();
    assert!(!failed.status.success());
    let seen = trap.sighting();
    assert_eq!(seen.session.dialogue.auth[0].user, Some("anna".into()));
    assert_eq!((seen.session.messages(), seen.traps.len()), (0, 0));
    assert!(!format!("{seen:?}").contains("Z2VoZWlt"), "a secret was kept");

    let check = ["--server", &at, "--helo", "ylmf-pc", "-t", "helocheck@example.net"];
    let told = run("swaks", &check, "").unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("550 5.7.1 you said HELO <ylmf-pc> from <127.0.0.1>"), "{told}");
    assert_eq!(trap.sighting().session.messages(), 0);
}

#[test]
fn postfix_smtp_source() {
    let mut trap = Trap::start(|_| {});
    let at = format!("inet:{}", trap.mail);
    let words = [
        "-s",
        "4",
        "-m",
        "20",
        "-r",
        "2",
        "-l",
        "3000",
        "-f",
        "a@example.org",
        "-t",
        "joe@spam.example",
        "-M",
        "mail.example.org",
        &at,
    ];
    let Some(output) = run("smtp-source", &words, "") else { return };
    said("smtp-source", &output);
    for _ in 0..20 {
        let seen = trap.sighting();
        assert_eq!(seen.session.rcpt_to().len(), 2);
        assert_eq!(seen.session.message_bytes() / 1000, 3);
        let mut session = seen.session;
        session.client.set_ip("192.0.2.7".parse().unwrap());
        let found = heloscope_detect::judge(&session);
        assert!(found.iter().all(|detection| detection.class != 'A'), "{found:?}");
    }
    trap.until("all are counted", |trap| trap.counts.snapshot().messages == 20);
}

#[test]
fn python_smtplib() {
    let mut trap = Trap::start(|_| {});
    let script = format!(
        "import smtplib, ssl\n\
         c = ssl._create_unverified_context()\n\
         with smtplib.SMTP('127.0.0.1', {}, local_hostname='mail.example.org') as s:\n\
         \x20 s.starttls(context=c)\n\
         \x20 print(s.sendmail('a@example.org', ['joe@spam.example'], 'Subject: x\\n\\none two three four five\\n.dot\\n'))\n",
        trap.mail.port()
    );
    let Some(output) = run("python3", &["-c", &script], "") else { return };
    said("python3", &output);
    let seen = trap.sighting();
    assert_mail(&seen, "mail.example.org");
    assert_eq!(seen.bodies[0].0.len(), 3);
    assert!(seen.hello.is_some());
}

#[test]
fn curl() {
    let mut trap = Trap::start(|_| {});
    let url = format!("smtp://{}/mail.example.org", trap.mail);
    let words = [
        "-sS",
        "--url",
        &url,
        "--mail-from",
        "a@example.org",
        "--mail-rcpt",
        "joe@spam.example",
        "-T",
        "-",
    ];
    let mail = "Subject: x\r\n\r\none two three four\r\n";
    let Some(output) = run("curl", &words, mail) else { return };
    said("curl", &output);
    assert_mail(&trap.sighting(), "mail.example.org");
    said(
        "curl --ssl-reqd",
        &run("curl", &[&words[..], &["--ssl-reqd", "-k"]].concat(), mail).unwrap(),
    );
    assert_mail(&trap.sighting(), "mail.example.org");
}

#[test]
fn openssl_s_client() {
    let mut trap = Trap::start(|_| {});
    let at = trap.mail.to_string();
    let words = [
        "s_client",
        "-starttls",
        "smtp",
        "-name",
        "mail.example.org",
        "-connect",
        &at,
        "-servername",
        "mx.example.net",
        "-crlf",
        "-quiet",
        "-ign_eof",
    ];
    let mail = "EHLO mail.example.org\nMAIL FROM:<a@example.org>\nrcpt to:<joe@spam.example>\n\
        DATA\nSubject: x\n\none two three four\n.\nQUIT\n";
    let Some(output) = run("openssl", &words, mail) else { return };
    let text = said("openssl", &output);
    assert!(text.contains("queued as"), "{text}");
    let seen = trap.sighting();
    assert_mail(&seen, "mail.example.org");
    assert_eq!(seen.hello.unwrap().server_name, Some("mx.example.net".into()));
    assert_eq!(seen.session.dialogue.tls.unwrap().server_name, Some("mx.example.net".into()));
}
