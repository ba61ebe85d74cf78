//! This host as evidence (`--live`), and an earlier answer held against newer evidence (`verify`, `ready`).

use super::*;

/// The answer of a case, as its administrator kept it.
fn answer(name: &str, folder: &Path) -> PathBuf {
    let kept = folder.join("answer.json");
    std::fs::write(&kept, investigate(&[&case(name)]).to_string()).unwrap();
    kept
}

fn verified(
    answer: &Path,
    since: Option<&str>,
    paths: &[&Path],
) -> (Option<i32>, serde_json::Value) {
    let mut words: Vec<&std::ffi::OsStr> =
        vec!["verify".as_ref(), "--json".as_ref(), answer.as_os_str()];
    if let Some(since) = since {
        words.extend(["--since".as_ref(), std::ffi::OsStr::new(since)]);
    }
    words.extend(paths.iter().map(|p| p.as_os_str()));
    let output = heloscope(words);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_fix_holds_came_back_or_nobody_can_tell() {
    let folder = tempfile::tempdir().unwrap();
    let answer = answer("seed-php-script", folder.path());
    let culprit = "/var/www/kirchweg/content/uploads/2026/10/thumb-cache.php";
    // The same evidence again, and a fix in the middle of it: it did not help.
    let middle = "2026-11-24T04:50:00Z";
    let (status, said) = verified(&answer, Some(middle), &[&case("seed-php-script")]);
    let cause = &said["causes"][0];
    assert_eq!((status, &cause["state"]), (Some(1), &"came-back".into()), "{said:#}");
    assert_eq!(cause["culprit"], culprit);
    assert!(cause["last_seen"].as_str().unwrap() > middle, "{said:#}");
    // The same server without the script: an hour is no day, and is said as it is.
    let (status, said) = verified(&answer, Some(middle), &[&case("twin-php-site")]);
    assert_eq!(
        (status, &said["causes"][0]["state"]),
        (Some(0), &"quiet-so-far".into()),
        "{said:#}"
    );
    // A fix days before it does not make the hour longer: what was not recorded shows nothing.
    let days_ago = "2026-11-22T00:00:00Z";
    let (status, said) = verified(&answer, Some(days_ago), &[&case("twin-php-site")]);
    assert_eq!(
        (status, &said["causes"][0]["state"]),
        (Some(0), &"quiet-so-far".into()),
        "{said:#}"
    );
    // Nothing newer than the answer itself.
    let (status, said) = verified(&answer, None, &[&case("seed-php-script")]);
    assert_eq!((status, &said["causes"][0]["state"]), (Some(1), &"cannot-tell".into()), "{said:#}");
}

/// The script of the case sent past the mail server: what a record of the next day says of it.
#[test]
fn a_day_of_what_would_show_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let answer = answer("seed-php-script", folder.path());
    let evidence = folder.path().join("newer");
    std::fs::create_dir(&evidence).unwrap();
    let site = "addresses = [\"203.0.113.25\"]\nmta = [\"postfix\"]\n";
    std::fs::write(evidence.join("site.toml"), site).unwrap();
    let watched = |from: &str, to: &str| {
        format!(
            r#"{{"event":"began","time":"{from}","means":"tp-btf","ports":[25,587],"unseen":[]}}
{{"event":"stopped","time":"{to}"}}
"#
        )
    };
    let connected = |port: u16, client: &str| {
        format!(
            r#"{{"event":"connection","socket":7,"start":"2026-11-25T09:00:00Z","client":"{client}","server":"198.51.100.20:{port}","outcome":"open","process":{{"pid":41,"uid":33,"comm":"php","exe":"/usr/sbin/php-fpm8.2","args":[]}},"cgroup":1,"netns":1,"script":"/var/www/kirchweg/content/uploads/2026/10/thumb-cache.php","ancestors":[]}}
"#
        )
    };
    let a_day = watched("2026-11-24T05:00:00Z", "2026-11-25T10:00:00Z");
    let with_a_gap = watched("2026-11-24T05:00:00Z", "2026-11-24T06:00:00Z")
        + &watched("2026-11-25T05:00:00Z", "2026-11-25T10:00:00Z");
    let log = "2026-11-26T10:00:00+00:00 mx postfix/qmgr[7]: 3A1B2C3D4E5: removed\n".repeat(3);
    let since = Some("2026-11-24T05:00:00Z");
    for (name, text, state) in [
        ("record.jsonl", a_day.clone(), "holds"),
        ("record.jsonl", with_a_gap, "quiet-so-far"),
        ("record.jsonl", a_day.clone() + &connected(25, "203.0.113.25:40001"), "came-back"),
        // To a port where one logs in: nobody's delivery.
        ("record.jsonl", a_day + &connected(587, "203.0.113.25:40001"), "holds"),
        // A log says nothing of what never went by the mail server.
        ("mail.log", log, "cannot-tell"),
    ] {
        let file = evidence.join(name);
        std::fs::write(&file, &text).unwrap();
        let (_, said) = verified(&answer, since, &[&evidence]);
        assert_eq!(said["causes"][0]["state"], state, "{text} {said:#}");
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn what_is_no_answer_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let said = |text: &str| {
        let file = folder.path().join("x.json");
        std::fs::write(&file, text).unwrap();
        let output =
            heloscope(["verify".as_ref(), file.as_os_str(), case("seed-php-script").as_os_str()]);
        assert_eq!(output.status.code(), Some(65));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("MAIL FROM").contains("not an answer of `heloscope investigate --json`"));
    let other = r#"{"format":"heloscope.check/1","causes":[],"coverage":[]}"#;
    assert!(said(other).contains("heloscope.check/1"));
    assert!(said(&other.replace("check", "investigation")).contains("named no cause"));
}

#[test]
fn ready_only_when_it_is_gone_for_a_day() {
    let ready = |fixed: Option<&str>| {
        let case = case("seed-php-script");
        let mut words: Vec<&std::ffi::OsStr> =
            vec!["ready".as_ref(), "--json".as_ref(), case.as_os_str()];
        if let Some(fixed) = fixed {
            words.extend(["--fixed".as_ref(), std::ffi::OsStr::new(fixed)]);
        }
        let output = heloscope(words);
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["format"], "heloscope.ready/1");
        (
            output.status.code(),
            said["ready"].as_str().unwrap().to_owned(),
            said["because"].to_string(),
        )
    };
    let (status, word, because) = ready(None);
    assert_eq!((status, word.as_str()), (Some(1), "not-yet"));
    assert!(because.contains("still went on"), "{because}");
    let (status, word, because) = ready(Some("2026-11-24T04:50:00Z"));
    assert_eq!((status, word.as_str()), (Some(1), "not-yet"));
    assert!(because.contains("went on after your last change"), "{because}");
}

#[test]
fn this_host_is_evidence_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let notice = folder.path().join("notice.txt");
    std::fs::write(&notice, "IP Address 203.0.113.10 is listed in the CBL. It was last detected at 2015:12:04 ~14:30 UTC +/- 15 minutes. This host HELOed as [127.0.0.1]\n").unwrap();
    let private = folder.path().join("private");
    std::fs::create_dir(&private).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_heloscope"))
        .args(["investigate", "--json", "--live", "--record"])
        .arg(folder.path().join("no-record"))
        .arg(&notice)
        .env("TMPDIR", &private)
        .output()
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let inputs = answer["inputs"].as_array().unwrap();
    let processes = inputs.iter().find(|i| i["path"] == "this host/host/ps.txt").unwrap();
    assert_eq!(processes["kind"], "processes");
    assert!(processes["records"].as_u64().unwrap() > 3, "{processes}");
    let shown: Vec<&str> = inputs.iter().map(|i| i["path"].as_str().unwrap()).collect();
    assert!(!shown.iter().any(|path| path.contains("this-host.tar")), "{shown:?}");
    assert!(stderr(&output).contains("no record of connections in"));
    assert_eq!(std::fs::read_dir(&private).unwrap().count(), 0, "the private folder is gone");
}
