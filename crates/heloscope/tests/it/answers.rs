//! The answers: the contract's shape, the first line, the page.

use super::*;

#[test]
fn every_case_is_answered_rightly() {
    let output = heloscope(["cases".as_ref(), root().join("cases").as_os_str()]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("wrong accusations  0"));
}

#[test]
fn a_case_that_expects_something_else_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let case_folder = folder.path().join("other");
    std::fs::create_dir(&case_folder).unwrap();
    std::fs::copy(case("seed-php-script").join("notice.txt"), case_folder.join("notice.txt"))
        .unwrap();
    let expect = "verdict = \"cause-found\"\nclass = \"nat-client\"\nculprit = \"192.168.1.2\"\n";
    std::fs::write(case_folder.join("expect.toml"), expect).unwrap();
    let output = heloscope(["cases".as_ref(), folder.path().as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("WRONG other"));
}

#[test]
fn the_json_has_the_contract_s_keys_and_the_exit_status_is_1() {
    let output = heloscope([
        "investigate".as_ref(),
        "--json".as_ref(),
        case("seed-guest-laptop").as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(
        keys(&answer),
        [
            "format",
            "verdict",
            "notices",
            "causes",
            "ruled_out",
            "needed",
            "sessions",
            "unexplained",
            "coverage",
            "inputs"
        ]
    );
    assert_eq!(answer["format"], "heloscope.investigation/1");
    assert_eq!(
        keys(&answer["causes"][0]),
        [
            "class",
            "confidence",
            "culprit",
            "summary",
            "path",
            "notices",
            "first_seen",
            "last_seen",
            "ongoing",
            "evidence",
            "against",
            "fix",
            "verify"
        ]
    );
    assert_eq!(keys(&answer["causes"][0]["culprit"]), ["kind", "value", "attrs"]);
    assert_eq!(keys(&answer["causes"][0]["evidence"][0]), ["source", "at", "locator", "text"]);
    assert_eq!(
        keys(&answer["notices"][0]),
        [
            "subject",
            "ip",
            "list",
            "reason",
            "time",
            "time_kind",
            "tolerance_s",
            "helo",
            "botnet",
            "src_port",
            "dst",
            "dst_port",
            "removed_at",
            "source"
        ]
    );
    assert_eq!(
        keys(&answer["unexplained"][0]),
        ["time", "src", "src_port", "dst", "dst_port", "helo", "locator"]
    );
    assert_eq!(keys(&answer["inputs"][0]), ["path", "kind", "records", "first", "last", "note"]);
    assert_eq!(keys(&answer["coverage"][0]), ["source", "first", "last", "gaps", "what"]);
}

#[test]
fn the_same_evidence_gives_the_same_answer_byte_for_byte() {
    let run = || stdout(&heloscope(["investigate".as_ref(), case("seed-php-script").as_os_str()]));
    let first = run();
    assert!(!first.is_empty());
    assert_eq!(first, run());
}

#[test]
fn the_first_line_is_the_answer_and_80_columns_hold_it() {
    let output = heloscope(["investigate".as_ref(), case("seed-php-script").as_os_str()]);
    let text = stdout(&output);
    let head: String = text.lines().take(3).collect();
    let script = std::fs::read_to_string(case("seed-php-script").join("expect.toml")).unwrap();
    let script =
        script.lines().find_map(|l| l.strip_prefix("culprit = \"")?.strip_suffix('"')).unwrap();
    let squeezed = |s: &str| s.replace([' ', '\n'], "");
    assert!(squeezed(&head).contains(&squeezed(script)), "{head}");
    // Commands and paths stand whole on their lines; all else is wrapped.
    let wide: Vec<_> = text.lines().filter(|l| l.len() > 80 && l.trim().contains(' ')).collect();
    assert!(wide.iter().all(|l| l.contains("tcpdump") || l.contains("cases/")), "{wide:#?}");
}

#[test]
fn the_page_is_one_file_without_anything_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    heloscope([
        "investigate".as_ref(),
        case("seed-guest-laptop").as_os_str(),
        "--html".as_ref(),
        page.as_os_str(),
    ]);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("<svg") && html.contains("nat-client"));
    for elsewhere in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn where_nothing_is_proved_it_says_what_to_collect() {
    for twin in ["twin-php-site", "twin-nodemailer-local", "twin-traveller", "twin-guest-laptop"] {
        let answer = investigate(&[&case(twin)]);
        assert_eq!(answer["verdict"], "insufficient-evidence", "{twin}");
        let needed = answer["needed"].as_array().unwrap();
        assert!(!needed.is_empty() && needed.iter().all(|n| n["how"].is_string()), "{twin}");
    }
}
