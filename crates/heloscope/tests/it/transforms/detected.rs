//! Innocent twins whose detection lies where it hurts: in the middle of what was recorded. Their own
//! notices are taken out and another is put in, in three forms, so that everything that went on
//! innocently went on in the notice's time.

use super::case::{Case, is_notice, judged};
use heloscope_model::Time;

/// What the notice quotes.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    /// A provider's complaint, which quotes nothing.
    Nothing,
    /// The mail server's own HELO.
    Own,
    /// A HELO that nobody here is known to say.
    Bot,
}

#[test]
fn twins_accuse_nobody_when_the_notice_names_the_recorded_time() {
    for quotes in [Quotes::Nothing, Quotes::Own, Quotes::Bot] {
        let twins: Vec<Case> = Case::all()
            .into_iter()
            .filter(|case| case.expect().verdict == "insufficient-evidence")
            .map(|case| detected(case, quotes))
            .collect();
        assert!(twins.len() >= 16, "{}", twins.len());
        for row in judged(&twins) {
            assert!(row.right, "{}: {}: {:?}", row.case, row.verdict, row.named);
        }
    }
}

/// A twin with another notice, of the middle of its recordings.
fn detected(mut case: Case, quotes: Quotes) -> Case {
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path());
    let answer = crate::investigate(&[&folder.path().join(&case.name)]);
    let address = answer["notices"][0]["ip"].as_str().expect("the notice names an address");
    let stamps = answer["coverage"].as_array().unwrap().iter().flat_map(|c| {
        [c["first"].as_str(), c["last"].as_str()].map(|s| s.and_then(|s| s.parse().ok()))
    });
    let stamps: Vec<jiff::Timestamp> = stamps.flatten().collect();
    let (first, last) = (stamps.iter().min().unwrap(), stamps.iter().max().unwrap());
    let middle = first.as_second() + (last.as_second() - first.as_second()) * 55 / 100;
    let at = Time::from_secs(middle).rfc3339().replace('T', " ");
    let at = at.trim_end_matches('Z');
    case.remove(is_notice);
    let site = String::from_utf8_lossy(&case.files["site.toml"]).into_owned();
    let own = site
        .lines()
        .find_map(|l| l.strip_prefix("helo = [\"")?.split('"').next())
        .unwrap_or("mail.example.org");
    let (name, text) = match quotes {
        Quotes::Nothing => (
            "abuse.eml",
            format!(
                "From: Abuse desk <abuse@hoster.example>\nTo: postmaster@site.example\n\
                 Subject: Spam from your IP address {address}\nDate: Tue, 24 Nov 2026 20:00:00 +0000\n\
                 Message-ID: <1@hoster.example>\n\nDear customer,\n\nwe have received a complaint about \
                 unsolicited mail (spam) sent from your IP address {address}.\n\nIP address: {address}\n\
                 Time: {at} UTC\nSource: spam trap\n"
            ),
        ),
        Quotes::Own | Quotes::Bot => {
            let helo = if quotes == Quotes::Own { own } else { "[127.0.0.1]" };
            let minute = at.get(..16).unwrap();
            let text = format!(
                "IP Address {address} is listed in the CBL. It appears to be infected with a spam \
                 sending trojan, proxy or some other form of botnet.\n\nIt was last detected at {minute} \
                 GMT (+/- 5 minutes), approximately 2 hours ago.\n\nbecause it HELOs as {helo}\n"
            );
            ("notice.txt", text)
        }
    };
    case.files.insert(name.to_owned(), text.into_bytes());
    case
}
