//! Whole mails out of whole logs.

use crate::collect::read;
use heloscope_maillog::{LinkKind, Origin, Status};

const SUBMITTED: &str = "\
Nov 24 03:40:00 mail postfix/submission/smtpd[12]: connect from laptop.example.org[192.0.2.7]
Nov 24 03:40:01 mail postfix/submission/smtpd[12]: 4jYTB66HcJz1SW8Z: client=laptop.example.org[192.0.2.7], sasl_method=PLAIN, sasl_username=anna@example.org
Nov 24 03:40:01 mail postfix/cleanup[13]: 4jYTB66HcJz1SW8Z: message-id=<a1@example.org>
Nov 24 03:40:01 mail postfix/qmgr[14]: 4jYTB66HcJz1SW8Z: from=<anna@example.org>, size=374, nrcpt=2 (queue active)
Nov 24 03:40:02 mail postfix/smtp[15]: connect to mx1.example.net[198.51.100.5]:25: Connection timed out
Nov 24 03:40:03 mail postfix/smtp[15]: Untrusted TLS connection established to mx2.example.net[198.51.100.6]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
Nov 24 03:40:04 mail postfix/smtp[15]: 4jYTB66HcJz1SW8Z: to=<bob@example.net>, relay=mx2.example.net[198.51.100.6]:25, delay=3.1, delays=0.1/0.01/2/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ABCDEF12)
Nov 24 03:40:04 mail postfix/smtp[16]: 4jYTB66HcJz1SW8Z: to=<eve@example.com>, orig_to=<e@example.org>, relay=none, delay=3.1, delays=0.1/0.01/3/0, dsn=4.4.1, status=deferred (connect to example.com[203.0.113.4]:25: Connection refused)
Nov 24 04:40:04 mail postfix/smtp[16]: 4jYTB66HcJz1SW8Z: to=<eve@example.com>, orig_to=<e@example.org>, relay=example.com[203.0.113.4]:25, conn_use=3, delay=3600, delays=3599/0/1/0, dsn=5.1.1, status=bounced (host example.com[203.0.113.4] said: 550 5.1.1 unknown (in reply to RCPT TO command))
Nov 24 04:40:04 mail postfix/cleanup[13]: 4jYTB705Fpz1SW8y: message-id=<4jYTB705Fpz1SW8y@mail.example.org>
Nov 24 04:40:04 mail postfix/bounce[17]: 4jYTB66HcJz1SW8Z: sender non-delivery notification: 4jYTB705Fpz1SW8y
Nov 24 04:40:04 mail postfix/qmgr[14]: 4jYTB66HcJz1SW8Z: removed
Nov 24 04:40:04 mail postfix/qmgr[14]: 4jYTB705Fpz1SW8y: from=<>, size=2320, nrcpt=1 (queue active)
";

#[test]
fn a_submitted_mail_from_login_to_bounce() {
    let (out, report) = read(SUBMITTED.as_bytes(), 1);
    assert_eq!((report.lines, report.understood), (13, 13));
    assert_eq!(report.hosts, ["mail"]);
    assert_eq!(report.first.unwrap().rfc3339(), "2026-11-24T03:40:00Z");
    let [mail, bounce] = out.mails.as_slice() else { panic!("{:#?}", out.mails) };
    assert_eq!(
        mail.origin,
        Origin::Client {
            name: "laptop.example.org".into(),
            ip: Some("192.0.2.7".parse().unwrap()),
            port: None,
            account: Some("anna@example.org".into()),
            service: "submission/smtpd".into(),
        }
    );
    assert_eq!(mail.message_id, Some("<a1@example.org>".into()));
    assert_eq!((mail.size, mail.recipients), (Some(374), Some(2)));
    assert!(mail.complete);
    let [sent, deferred, bounced] = mail.deliveries.as_slice() else { panic!() };
    assert_eq!((sent.status, sent.tls, sent.pid), (Status::Sent, true, Some(15)));
    assert_eq!(sent.relay_ip, Some("198.51.100.6".parse().unwrap()));
    assert_eq!((sent.relay_port, sent.conn_use), (Some(25), 1));
    assert_eq!(sent.delays, Some([0.1, 0.01, 2.0, 1.0]));
    assert_eq!((deferred.status, deferred.tls), (Status::Deferred, false));
    assert_eq!(deferred.relay_name, "none".into());
    assert_eq!(deferred.orig_to, Some("e@example.org".into()));
    assert_eq!((bounced.status, bounced.conn_use), (Status::Bounced, 3));
    assert_eq!(bounce.origin, Origin::Internal);
    assert_eq!(bounce.parent, Some("4jYTB66HcJz1SW8Z".into()));
    assert!(!bounce.complete);
    let [login] = out.logins.as_slice() else { panic!() };
    assert!(login.success);
    assert_eq!(login.account, Some("anna@example.org".into()));
    let [attempt] = out.attempts.as_slice() else { panic!() };
    assert_eq!(attempt.relay_ip, Some("198.51.100.5".parse().unwrap()));
    assert_eq!((attempt.port, attempt.pid), (Some(25), Some(15)));
    let [link] = out.links.as_slice() else { panic!() };
    assert_eq!(link.kind, LinkKind::Notified);
}
