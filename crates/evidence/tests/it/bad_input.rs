//! Broken, odd and hostile files: the rest is still used, each is named with its reason.

use crate::folder::{Folder, Kept, input, shown};
use crate::thin_way;
use std::io::Write;

const WEB: &str = "192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"GET /n HTTP/1.1\" 200 5\n";

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Lines that do not compress to nothing.
fn web_lines(count: u64) -> String {
    let mut state = 1_u64;
    (0..count)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            WEB.replace("/n", &format!("/{i}/{state:x}"))
        })
        .collect()
}

#[test]
fn a_truncated_archive_gives_what_came() {
    let folder = Folder::new();
    let text = web_lines(20_000);
    let whole = gz(text.as_bytes());
    folder.put("access.gz", &whole[..whole.len() / 2]);
    folder.put("damaged.gz", {
        let mut broken = whole.clone();
        let middle = broken.len() / 2;
        for byte in &mut broken[middle..middle + 200] {
            *byte = 0xff;
        }
        broken
    });
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert!(kept.requests.len() > 10_000, "{:#?}", shown(&evidence));
    let note = input(&evidence, "access.gz", "web-log").note.clone().unwrap();
    assert!(note.contains("the archive is cut off after byte"), "{note}");
    let note = input(&evidence, "damaged.gz", "web-log").note.clone().unwrap();
    assert!(note.contains("the archive is damaged after byte"), "{note}");
}

#[test]
fn tables_cut_at_80_columns_and_in_german() {
    let folder = Folder::new();
    let row = |pid: u32, command: &str| {
        format!("www-data {pid:>7}  0.0  0.0  39460 13044 ?        S    06:52   0:01 {command}")
            [..80]
            .to_owned()
            + "\n"
    };
    let head = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n";
    let long = "/usr/bin/perl /tmp/.x/mailer --and-more";
    folder
        .put("ps.txt", format!("{head}{}{}", row(5, long), row(6, &long.replace("perl", "php7"))));
    folder.put(
        "netstat.txt",
        "Aktive Internetverbindungen (Server und stehende Verbindungen)\n\
         Proto Recv-Q Send-Q Local Address           Foreign Address         State       Benutzer   Inode      PID/Program name    \n\
         tcp        0      0 0.0.0.0:25              0.0.0.0:*               LISTEN      0          424320     3688/master         \n\
         tcp        0      0 192.0.2.10:50990        198.51.100.25:25        VERBUNDEN   33         424321     4711/perl           \n\
         tcp        0      0 192.0.2.10:50",
    );
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(
        input(&evidence, "ps.txt", "processes").note.as_deref(),
        Some("commands are cut at column 80: run ps auxww")
    );
    assert_eq!(evidence.facts.processes.len(), 2);
    assert_eq!(kept.connections.len(), 2, "{:#?}", shown(&evidence));
    assert_eq!((kept.connections[1].state.as_str(), kept.connections[1].uid), ("ESTAB", Some(33)));
}

#[test]
fn what_a_terminal_or_a_browser_would_obey_stays_data() {
    let odd = "\u{1b}[2J<script>alert(1)</script>";
    let folder = Folder::new();
    folder.put("auth", format!("Dec  4 14:30:00 mail sshd[1]: Failed password for invalid user {odd} from 192.0.2.9 port 5 ssh2\nDec  4 14:30:01 mail CRON[2]: (root) CMD ({odd})\n"));
    folder.put(
        "squid",
        format!("1449239400.123 1 192.0.2.9 TCP_DENIED/403 1 CONNECT {odd}:25 - HIER_NONE/- -\n"),
    );
    folder.put(
        "clam",
        format!("/var/www/{odd}.php: Php.Mailer-1 FOUND\n\n----------- SCAN SUMMARY -----------\n"),
    );
    folder.put("site.toml", "year = 2015\ntimezone = \"UTC\"\n");
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.auth[0].user.as_deref(), Some(odd), "{:#?}", shown(&evidence));
    assert_eq!(kept.proxied[0].host, odd);
    assert_eq!(
        evidence.facts.scans[0].path.as_deref(),
        Some(format!("/var/www/{odd}.php").as_str())
    );
    let quote = evidence.quote(kept.auth[1].place).unwrap();
    assert!(!quote.text.contains('\u{1b}') && quote.text.contains("<script>"), "{}", quote.text);
}

#[test]
fn a_truncated_capture_gives_what_came() {
    let folder = Folder::new();
    let mut capture = thin_way::capture();
    let second = capture[24..].to_vec();
    capture.extend(&second[..second.len() - 10]);
    folder.put("x.pcap", capture);
    let mut evidence = folder.open();
    Kept::of(&mut evidence);
    let found = input(&evidence, "x.pcap", "capture");
    assert_eq!(found.records, 1, "{:#?}", shown(&evidence));
    assert!(found.note.is_some());
}

#[test]
fn garbage_empty_and_foreign_files_are_named() {
    let folder = Folder::new();
    let mut state = 5_u32;
    let garbage: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    folder.put("garbage", &garbage);
    folder.put("empty", "");
    folder.put("empty.gz", gz(b""));
    folder.put("x.zip", b"PK\x03\x04rest");
    let mut tar = vec![0_u8; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    folder.put("x.tar", &tar);
    folder.put("notice.txt", thin_way::NOTICE);
    let mut evidence = folder.open();
    Kept::of(&mut evidence);
    for (name, why) in [
        ("garbage", "binary"),
        ("empty", "empty"),
        ("empty.gz", "empty"),
        ("x.zip", "zip"),
        ("x.tar", "damaged"),
    ] {
        let found = input(&evidence, name, "unrecognised");
        assert!(found.note.as_deref().unwrap().contains(why), "{name}: {:?}", found.note);
    }
    assert_eq!(evidence.facts.notices.len(), 1);
}

#[test]
fn not_utf8_and_endless_lines() {
    let folder = Folder::new();
    let mut text = WEB.repeat(3).into_bytes();
    text.extend(b"192.0.2.1 - caf\xe9 [04/Dec/2015:14:30:00 +0000] \"GET /\xff HTTP/1.1\" 200 5\n");
    text.extend(std::iter::repeat_n(b'x', 3 << 20));
    text.extend(b"\n");
    text.extend(WEB.replace("/n", "/last").as_bytes());
    folder.put("access.log", &text);
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.requests.len(), 5, "{:#?}", shown(&evidence));
    assert_eq!(kept.requests[3].target.as_bytes(), b"/\xff");
    let note = input(&evidence, "access.log", "web-log").note.clone().unwrap();
    assert!(note.contains("longer than 128 KiB cut"), "{note}");
    let last = evidence.quote(kept.requests[4].place).unwrap();
    assert_eq!(last.locator, "line 6");
    assert!(last.text.contains("/last"));
    let lossy = evidence.quote(kept.requests[3].place).unwrap();
    assert!(lossy.text.contains("caf\u{e9}"));

    let folder = Folder::new();
    let mut log = thin_way::LOG.as_bytes().to_vec();
    log.extend(b"Dec  4 14:21:00 mail postfix/smtpd[9]: ");
    log.extend(std::iter::repeat_n(b'y', 2 << 20));
    log.extend(b"\n");
    log.extend(
        thin_way::LOG.replace("14:2", "14:3").replace("3A1B2C3D4E", "3A1B2C3D4F").as_bytes(),
    );
    folder.put("mail.log", &log);
    let mut evidence = folder.open();
    assert_eq!(Kept::of(&mut evidence).mails.len(), 2, "{:#?}", shown(&evidence));
}

#[test]
fn a_log_of_another_year() {
    let folder = Folder::new();
    folder.put("mail.log", thin_way::LOG);
    folder.touch("mail.log", "2013-12-09T00:00:00Z");
    let evidence = folder.open();
    let log = input(&evidence, "mail.log", "mail-log");
    assert_eq!(log.first.unwrap().rfc3339(), "2013-12-04T14:20:00Z");
    assert!(log.note.as_deref().unwrap().contains("the file's modification"), "{:?}", log.note);
    assert!(log.note.as_deref().unwrap().contains("UTC assumed"));
}

#[test]
fn a_folder_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.put("open/notice.txt", thin_way::NOTICE);
    folder.put("shut/mail.log", thin_way::LOG);
    let shut = folder.path().join("shut");
    std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o000)).unwrap();
    let readable = std::fs::read_dir(&shut).is_ok();
    let evidence = folder.open();
    std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(evidence.facts.notices.len(), 1);
    if readable {
        println!("skipped: this user may read everything");
        return;
    }
    let found = input(&evidence, "shut", "unrecognised");
    assert!(found.note.as_deref().unwrap().contains("permission denied"), "{:?}", found.note);
}

#[test]
fn links_out_and_loops_are_not_followed() {
    let outside = Folder::new();
    outside.put("secret.txt", thin_way::NOTICE);
    let folder = Folder::new();
    folder.put("notice.txt", thin_way::NOTICE);
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), folder.path().join("out"))
        .unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    let evidence = folder.open();
    assert_eq!(evidence.facts.notices.len(), 1, "{:#?}", shown(&evidence));
    let out = input(&evidence, "out", "unrecognised");
    assert!(out.note.as_deref().unwrap().contains("not followed"));
}

#[test]
fn a_path_that_is_not_there() {
    let evidence = heloscope_evidence::open(&["/nonexistent/notice.txt".into()]);
    assert_eq!(evidence.inputs.len(), 1);
    assert!(
        evidence.inputs[0].note.as_deref().unwrap().contains("no such file"),
        "{:?}",
        evidence.inputs[0].note
    );
}

#[test]
fn a_site_file_with_nothing_right() {
    let folder = Folder::new();
    folder.put("site.toml", "adresses = 5\nzone = \"x\"\n");
    let evidence = folder.open();
    let note = input(&evidence, "site.toml", "site").note.clone().unwrap();
    assert!(note.contains("did you mean `addresses`?"), "{note}");
}

#[test]
fn a_bad_site_file_is_named_by_line() {
    let folder = Folder::new();
    folder.put(
        "site.toml",
        "addresses = [\"203.0.113.10\"]\nyaer = 2015\nnetworks = [\"10.0.0.0/8\"\nshared = true\n",
    );
    let evidence = folder.open();
    let note = input(&evidence, "site.toml", "site").note.clone().unwrap();
    assert!(note.contains("line 2: unknown key `yaer`: did you mean `year`?"), "{note}");
    assert!(note.contains("line 3"), "{note}");
    assert!(evidence.facts.site.shared);
    assert_eq!(evidence.facts.site.addresses.len(), 1);
}
