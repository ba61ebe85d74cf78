//! fail2ban's and crowdsec's lines: who was refused or failed to log in, and when.

use crate::collect::read;
use crate::corpus;
use heloscope_maillog::Calendar;
use std::collections::BTreeMap;

/// `# failJSON: {…}` before a line says its time, host, and whether fail2ban acts on it.
fn fail2ban(path: &str) -> Option<Vec<(serde_json::Value, String)>> {
    let text = std::fs::read(corpus::find(path)?).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut cases = Vec::new();
    let mut says = None;
    for line in text.lines() {
        if let Some(json) = line.strip_prefix("# failJSON: ") {
            says = serde_json::from_str(json).ok();
        } else if !line.starts_with('#')
            && !line.is_empty()
            && let Some(says) = says.take()
        {
            cases.push((says, line.to_string()));
        }
    }
    Some(cases)
}

fn check_fail2ban(path: &str, at_least: usize) {
    let Some(cases) = fail2ban(path) else { return };
    let mut checked = 0;
    for (says, line) in &cases {
        let (out, _) = read(line.as_bytes(), 1);
        let failed = out.logins.iter().filter(|l| !l.success);
        let who: Vec<_> = failed
            .map(|l| (l.ip, l.time))
            .chain(out.rejects.iter().map(|r| (r.ip, r.time)))
            .collect();
        let [(ip, time)] = who.as_slice() else { continue };
        checked += 1;
        if says["match"] != true {
            continue;
        }
        assert_eq!(ip.map(|ip| ip.to_string()), says["host"].as_str().map(String::from), "{line}");
        let stamp = says["time"].as_str().unwrap();
        assert_eq!(time.rfc3339()[5..19], date(stamp)[5..19], "{line}");
    }
    println!("{path}: {checked} of {} lines compared", cases.len());
    assert!(checked >= at_least, "{checked}");
}

/// One of their stamps writes a day without its zero.
fn date(stamp: &str) -> String {
    let (day, time) = stamp.split_once('T').unwrap();
    let mut parts = day.split('-');
    let mut next = || parts.next().unwrap().parse::<u32>().unwrap();
    format!("{:04}-{:02}-{:02}T{time}", next(), next(), next())
}

#[test]
fn fail2ban_postfix() {
    check_fail2ban("logs/fail2ban/postfix", 40);
}

#[test]
fn fail2ban_dovecot() {
    check_fail2ban("logs/fail2ban/dovecot", 22);
}

/// `results["stage"]["parser"][n].Evt.Meta["key"] == "value"` lines, by n.
fn asserted(text: &str, parser: &str) -> BTreeMap<usize, BTreeMap<String, String>> {
    let start = format!("results[\"s01-parse\"][\"crowdsecurity/{parser}\"][");
    let mut found: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
    for line in text.lines() {
        let Some((n, rest)) = line.strip_prefix(&start).and_then(|rest| rest.split_once(']'))
        else {
            continue;
        };
        let fields = rest.strip_prefix(".Evt.Parsed[\"").or(rest.strip_prefix(".Evt.Meta[\""));
        if let Some((key, value)) = fields.and_then(|f| f.split_once("\"] == ")) {
            let value = value.trim_matches('"').to_string();
            found.entry(n.parse().unwrap()).or_default().insert(key.into(), value);
        }
    }
    found
}

#[test]
fn crowdsec() {
    let Some(files) = corpus::untar("logs/crowdsec/crowdsec-mail-tests.tar.xz") else { return };
    let file = |end: &str| {
        let found = files.iter().find(|(path, _)| path.ends_with(end)).unwrap();
        String::from_utf8_lossy(&found.1).into_owned()
    };
    let log = file("postfix-logs/postfix-logs.log");
    let want = asserted(&file("postfix-logs/parser.assert"), "postfix-logs");
    assert_eq!(want.len(), 7);
    for (n, line) in log.lines().filter(|line| !line.is_empty()).enumerate() {
        let want = &want[&n];
        let (out, report) = read(line.as_bytes(), 1);
        assert_eq!(report.understood, 1, "{line}");
        assert_eq!(report.hosts[0], want["machine"]);
        let ip = out.rejects.first().map(|r| r.ip).or(out.logins.first().map(|l| l.ip));
        let Some(ip) = ip else {
            assert!(line.contains("non-SMTP command"), "{line}");
            continue;
        };
        assert_eq!(ip.unwrap().to_string(), want["source_ip"], "{line}");
    }
    let log = file("dovecot-logs/dovecot-logs.log");
    let want = asserted(&file("dovecot-logs/parser.assert"), "dovecot-logs");
    for (n, line) in log.lines().filter(|line| !line.is_empty()).enumerate() {
        let (out, _) = read(line.as_bytes(), 1);
        let failed = want[&n].get("dovecot_login_result").is_some_and(|r| r == "auth_failed");
        let login = out.logins.first();
        assert_eq!(login.is_some_and(|l| !l.success), failed, "{line}");
        if let Some(login) = login {
            assert_eq!(login.ip.unwrap().to_string(), want[&n]["source_ip"], "{line}");
            let user = want[&n].get("dovecot_user").or(want[&n].get("user"));
            if let Some(user) = user {
                assert_eq!(&login.account.as_ref().unwrap().to_string(), user, "{line}");
            }
        }
    }
}

#[test]
fn all_logs_of_the_corpus_are_read_without_harm() {
    let Some(folder) = corpus::find("logs/exim") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let calendar: Calendar = crate::collect::utc(2026);
    for path in files {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).unwrap();
        let _ = std::io::Read::read_to_end(&mut std::io::BufReader::new(file), &mut bytes);
        let (_, one) = read(&bytes, 1);
        let mut summarizer = heloscope_maillog::Summarizer::new();
        let two = summarizer.read(&mut bytes.as_slice(), &calendar, None);
        assert_eq!(one, two, "{}", path.display());
    }
}
