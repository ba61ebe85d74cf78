//! A notice, what the administrator knows, a capture and a mail log: the smallest whole case.

use crate::folder::{Folder, Kept, input, shown};
use heloscope_model::At;

pub(crate) const NOTICE: &str = "IP Address 203.0.113.10 is listed in the CBL. It was last detected at 2015:12:04 ~14:30 UTC +/- 15 minutes\n(approximately 3 days, 3 hours, 59 minutes ago). This IP is infected with the kelihos spambot.\nThis host HELOed as [127.0.0.1]\n";
pub(crate) const LOG: &str = "Dec  4 14:20:00 mail postfix/pickup[100]: 3A1B2C3D4E: uid=33 from=<www-data>\n\
Dec  4 14:20:00 mail postfix/cleanup[101]: 3A1B2C3D4E: message-id=<1@mail.example.org>\n\
Dec  4 14:20:00 mail postfix/qmgr[102]: 3A1B2C3D4E: from=<www-data@example.org>, size=500, nrcpt=1 (queue active)\n\
Dec  4 14:20:02 mail postfix/smtp[103]: 3A1B2C3D4E: to=<a@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=2, delays=0.1/0/1/0.9, dsn=2.0.0, status=sent (250 ok)\n\
Dec  4 14:20:02 mail postfix/qmgr[102]: 3A1B2C3D4E: removed\n";

/// A capture of one connection that is refused: enough to be a capture.
pub(crate) fn capture() -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        out.extend(word.to_le_bytes());
    }
    // Ethernet, IPv4, TCP SYN from 192.0.2.10:41000 to 198.51.100.25:25.
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 10, 198, 51, 100, 25]);
    frame.extend([0xa0, 0x28, 0, 25, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0]);
    for word in [1_449_239_405_u32, 250_000, frame.len() as u32, frame.len() as u32] {
        out.extend(word.to_le_bytes());
    }
    out.extend(frame);
    out
}

#[test]
fn a_whole_case() {
    let folder = Folder::new();
    folder.put("notice.txt", NOTICE);
    folder.put("site.toml", "addresses = [\"203.0.113.10\"]\ntimezone = \"UTC\"\n");
    folder.put("mail.log", LOG);
    folder.put("eth0.pcap", capture());
    folder.put("expect.toml", "verdict = \"cause-found\"\n");
    folder.put("README.md", "# a case\n");
    folder.put("sub/README.md", "IP Address 203.0.113.99 is listed in the CBL.\n");
    let mut evidence = folder.open();
    assert_eq!(evidence.facts.notices.len(), 2, "{:#?}", shown(&evidence));
    assert_eq!(evidence.facts.site.addresses.len(), 1);
    assert!(evidence.inputs.iter().all(|i| !i.path.ends_with("expect.toml")));
    // The year comes from the notice: the file itself was just written.
    let log = input(&evidence, "mail.log", "mail-log");
    assert_eq!(log.first.unwrap().rfc3339(), "2015-12-04T14:20:00Z");
    assert!(
        log.note.as_deref().unwrap().contains("2015 taken from the other evidence"),
        "{:?}",
        log.note
    );

    let mut told = Vec::new();
    let mut kept = Kept::default();
    evidence.stream(&mut kept, &mut |done, all| told.push((done, all)));
    assert_eq!(kept.mails.len(), 1);
    let mail = &kept.mails[0];
    assert_eq!(mail.first.rfc3339(), "2015-12-04T14:20:00Z");
    assert_eq!(mail.deliveries.len(), 1);
    let pcap = input(&evidence, "eth0.pcap", "capture");
    assert_eq!(pcap.records, 1);
    assert_eq!(pcap.first.unwrap().rfc3339(), "2015-12-04T14:30:05.250Z");
    let (done, all) = told.last().copied().unwrap();
    assert_eq!(done, all);

    let quote = evidence.quote(mail.deliveries[0].place).unwrap();
    assert_eq!(quote.locator, "line 4");
    assert!(quote.source.ends_with("mail.log"));
    assert!(quote.text.starts_with("Dec  4 14:20:02 mail postfix/smtp[103]"));
    assert_eq!(evidence.facts.notices[0].place.at, At::Byte(0));
    let quotes = evidence.quotes(&[
        mail.deliveries[0].place,
        evidence.facts.notices[0].place,
        mail.place,
        heloscope_model::Place::byte(mail.place.source, 999_999),
    ]);
    let locators: Vec<Option<&str>> =
        quotes.iter().map(|q| q.as_ref().map(|q| q.locator.as_str())).collect();
    assert_eq!(locators, [Some("line 4"), Some("line 1"), Some("line 1"), None]);
}
