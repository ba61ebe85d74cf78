//! Bad input beside good: the good is still used, the bad is named, nothing panics.

use super::*;
use std::io::Write;

/// A copy of a case in a folder of its own.
fn copied(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&case(name), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// The note that the answer has on a file.
fn note(answer: &serde_json::Value, name: &str) -> String {
    let inputs = answer["inputs"].as_array().unwrap();
    let input = inputs
        .iter()
        .find(|i| i["path"].as_str().is_some_and(|p| p.ends_with(name)))
        .unwrap_or_else(|| panic!("{name} is not among the inputs"));
    input["note"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn garbage_beside_a_case_changes_nothing_and_is_named() {
    let folder = copied("seed-guest-laptop");
    let before = investigate(&[&case("seed-guest-laptop")]);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("empty.log", b"");
    write(
        "noise.bin",
        &(0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    );
    write("one-line.txt", &vec![b'x'; 3_000_000]);
    write("latin1.txt", b"caf\xe9 \xff\xfe nothing to see\n");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(
        "Nov 24 04:00:00 mail postfix/qmgr[1]: 4jYTcQ47NMz4m: removed\n".repeat(5000).as_bytes(),
    )
    .unwrap();
    let whole = gz.finish().unwrap();
    write("mail.log.2.gz", &whole[..whole.len() / 2]);
    let after = investigate(&[folder.path()]);
    assert_eq!(after["verdict"], before["verdict"]);
    assert_eq!(after["causes"][0]["culprit"], before["causes"][0]["culprit"]);
    assert!(note(&after, "empty.log").contains("empty"), "{}", note(&after, "empty.log"));
    assert!(!note(&after, "noise.bin").is_empty());
    assert!(!note(&after, "mail.log.2.gz").is_empty());
}

#[test]
fn a_capture_cut_short_is_used_up_to_the_cut() {
    let folder = copied("seed-php-script");
    let captures = folder.path().join("captures");
    let path = std::fs::read_dir(&captures).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
    let answer = investigate(&[folder.path()]);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(!note(&answer, name).is_empty(), "the cut is told");
    assert_eq!(answer["causes"][0]["class"], "compromised-site");
}

#[test]
fn words_of_strangers_do_not_reach_the_terminal_or_the_page_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let notice = "IP Address 203.0.113.25 is listed in the CBL.\n\n\
        It was last detected at 2026-11-24 04:05 GMT (+/- 15 minutes).\n\n\
        because it HELOs as <script>alert(1)</script>\x1b[2J\n";
    std::fs::write(folder.path().join("notice.txt"), notice).unwrap();
    let page = folder.path().join("report.html");
    let output = heloscope([
        "investigate".as_ref(),
        folder.path().join("notice.txt").as_os_str(),
        "--html".as_ref(),
        page.as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stdout(&output).contains('\x1b'));
    let html = std::fs::read_to_string(page).unwrap();
    assert!(!html.contains("<script") && !html.contains('\x1b'));
}

#[test]
fn a_notice_alone_says_what_to_collect_and_accuses_nobody() {
    let notice = case("seed-php-script").join("notice.txt");
    let answer = investigate(&[&notice]);
    assert_eq!(answer["verdict"], "insufficient-evidence");
    assert_eq!(answer["causes"].as_array().unwrap().len(), 0);
    let commands: Vec<_> =
        answer["needed"].as_array().unwrap().iter().map(|n| n["how"].as_str().unwrap()).collect();
    assert!(commands.iter().any(|c| c.contains("tcpdump")), "{commands:?}");
    // The command that is printed is one that works: its time is taken (then the folder is missing).
    let collect = commands.iter().find_map(|c| c.strip_prefix("heloscope collect --around '"));
    let time = collect.and_then(|c| c.split('\'').next()).expect("it says to collect");
    let out = "/nowhere/bundle.tar.gz";
    let output = heloscope(["collect", "--around", time, "--out", out]);
    assert_eq!(output.status.code(), Some(73), "{time}: {}", stderr(&output));
}

#[test]
fn words_of_strangers_in_tables_of_processes_and_crontabs_do_not_reach_the_reader_either() {
    let folder = copied("cron-perl");
    let mut changed = 0;
    for path in files(folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let evil = text.replace("NXqMLr", "<script>alert(1)</script>\x1b[31mNX");
        if evil != text && !path.ends_with("expect.toml") {
            changed += 1;
            std::fs::write(&path, evil).unwrap();
        }
    }
    assert!(changed > 0, "the case names its program somewhere");
    let page = folder.path().join("report.html");
    let output = heloscope([
        "investigate".as_ref(),
        folder.path().as_os_str(),
        "--html".as_ref(),
        page.as_os_str(),
    ]);
    let text = stdout(&output);
    assert!(text.contains("<script>alert"), "the name is quoted in the terminal: {text}");
    assert!(!text.contains('\x1b'));
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("&lt;script&gt;") || html.contains("&#60;script&#62;"));
    assert!(!html.contains("<script") && !html.contains('\x1b'));
}

#[test]
fn notices_that_contradict_each_other_are_both_read_and_each_cause_names_its_own() {
    let folder = copied("seed-guest-laptop");
    let other = "IP Address 198.51.100.77 is listed in the CBL.\n\n\
        It was last detected at 2026-11-20 01:00 GMT (+/- 15 minutes).\n\n\
        because it HELOs as mail.elsewhere.example\n";
    std::fs::write(folder.path().join("another.txt"), other).unwrap();
    let answer = investigate(&[folder.path()]);
    assert_eq!(answer["verdict"], "cause-found");
    assert_eq!(answer["notices"].as_array().unwrap().len(), 2);
    let cause = &answer["causes"][0];
    let explained = cause["notices"].as_array().unwrap();
    let helos: Vec<_> = explained
        .iter()
        .map(|i| answer["notices"][i.as_u64().unwrap() as usize]["helo"].as_str().unwrap())
        .collect();
    assert_eq!(helos, ["[127.0.0.1]"], "the other notice is not explained by it");
}

#[test]
fn a_table_that_a_terminal_cut_at_80_columns_says_so() {
    let folder = copied("cron-perl");
    let path = folder.path().join("host/ps.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let cut: String = text.lines().map(|l| format!("{:.80}\n", l)).collect();
    std::fs::write(&path, cut).unwrap();
    let answer = investigate(&[folder.path()]);
    assert!(note(&answer, "ps.txt").contains("cut at column 80"));
    assert_eq!(answer["causes"][0]["class"], "bot-process");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
