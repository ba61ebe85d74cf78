//! What `tcpdump -A` prints of a case's capture gives the sessions of the capture itself.

use crate::folder::{Folder, Kept, input};
use heloscope_model::{At, Session};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What is compared of a session.
fn key(session: &Session) -> (String, String, Option<String>, usize) {
    let helo = session.helo().map(|(_, name)| name.text().0.into_owned());
    (session.client.to_string(), session.server.to_string(), helo, session.mail_from().len())
}

#[test]
fn a_capture_that_tcpdump_printed() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../cases/nodemailer-direct/captures/app01-smtp.pcapng.xz");
    let mut packed = std::io::BufReader::new(std::fs::File::open(case).unwrap());
    let mut bytes = Vec::new();
    let mut xz = liblzma::bufread::XzDecoder::new(&mut packed);
    std::io::Read::read_to_end(&mut xz, &mut bytes).unwrap();
    let binary = Folder::new();
    binary.put("a.pcapng", bytes);
    let mut whole = Kept::default();
    binary.open().stream(&mut whole, &mut |_, _| {});
    assert!(whole.sessions.len() > 10);

    for form in ["-tttt", "-tt"] {
        let printed = Command::new("tcpdump")
            .env("TZ", "America/New_York")
            .args(["-n", form, "-A", "-r"])
            .arg(binary.path().join("a.pcapng"))
            .output();
        let Ok(printed) = printed else {
            eprintln!("skipped: no tcpdump");
            return;
        };
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let folder = Folder::new();
        folder.put("site.toml", "timezone = \"America/New_York\"\n");
        folder.put("pasted", printed.stdout);
        let mut evidence = folder.open();
        let mut kept = Kept::default();
        evidence.stream(&mut kept, &mut |_, _| {});
        assert!(input(&evidence, "pasted", "capture").records > 100);
        let of = |kept: &Kept| kept.sessions.iter().map(key).collect::<BTreeSet<_>>();
        let (want, got) = (of(&whole), of(&kept));
        let lost: Vec<_> = want.difference(&got).collect();
        assert!(
            lost.len() * 20 <= want.len(),
            "{form}: {} of {}: {lost:#?}",
            lost.len(),
            want.len()
        );
        // The stamps are the capture's to the microsecond, whatever zone they were printed in.
        let (a, b) = (&whole.sessions[0], &kept.sessions[0]);
        assert_eq!((a.start.nanos() / 1000, &a.client), (b.start.nanos() / 1000, &b.client));
        let place = b.place;
        assert!(matches!(place.at, At::Byte(_)));
        let quote = evidence.quote(place).unwrap();
        assert!(quote.locator.starts_with("line "), "{quote:?}");
        assert!(quote.text.contains("Flags ["), "{quote:?}");
    }
}
