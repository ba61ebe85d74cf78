//! Lines as the programs write them, and what they mean.

use super::*;
use crate::stamp::Clock;
use proptest::prelude::*;

fn events(log: &[u8]) -> Vec<String> {
    let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
    let mut found = Vec::new();
    let report = read(SourceId(0), log, &mut clock, &mut |e| found.push(show(&e)));
    assert_eq!(report.records, found.len() as u64);
    found
}

fn show(e: &AuthEvent) -> String {
    format!(
        "{} {}[{}] {}@{} {:?}",
        e.time.rfc3339(),
        e.service,
        e.pid.map_or("-".to_owned(), |p| p.to_string()),
        e.user.as_deref().unwrap_or("-"),
        e.ip.map_or("-".to_owned(), |ip| ip.to_string()),
        e.what
    )
}

/// What one line, stamped and named by the test, says.
fn one(line: &str) -> String {
    let found = events(format!("2015-12-04T14:30:00Z gw {line}\n").as_bytes());
    let cut = |e: &String| e.split_once(' ').unwrap().1.to_owned();
    found.iter().map(cut).collect::<Vec<_>>().join(" | ")
}

#[test]
fn lines_alone() {
    for (line, want) in [
        // sshd: logins.
        (
            "sshd[5]: Accepted password for anna from 192.0.2.9 port 5 ssh2",
            "sshd[5] anna@192.0.2.9 Accepted(\"password\")",
        ),
        (
            "sshd-session[5]: Accepted publickey for anna from 2001:db8::9 port 5 ssh2: ED25519 SHA256:SY7Ix+mf3ADQvF2i",
            "sshd[5] anna@2001:db8::9 Accepted(\"publickey SHA256:SY7Ix+mf3ADQvF2i\")",
        ),
        (
            "sshd[5]: Accepted keyboard-interactive/pam for anna from ::ffff:192.0.2.9 port 5 ssh2",
            "sshd[5] anna@192.0.2.9 Accepted(\"keyboard-interactive/pam\")",
        ),
        // Refusals; a stranger's name may hold anything, the address is the last.
        (
            "sshd[5]: Failed password for root from 192.0.2.9 port 5 ssh2",
            "sshd[5] root@192.0.2.9 Failed",
        ),
        (
            "sshd[5]: Failed password for invalid user x from 198.51.100.1 port 1 ssh2 from 192.0.2.9 port 5 ssh2",
            "sshd[5] x from 198.51.100.1 port 1 ssh2@192.0.2.9 Failed",
        ),
        (
            "sshd[5]: Failed none for invalid user  from 192.0.2.9 port 5 ssh2",
            "sshd[5] -@192.0.2.9 Failed",
        ),
        ("sshd[5]: Invalid user admin from 192.0.2.9 port 5", "sshd[5] admin@192.0.2.9 Failed"),
        (
            "sshd[5]: error: PAM: Authentication failure for anna from 192.0.2.9",
            "sshd[5] anna@192.0.2.9 Failed",
        ),
        (
            "sshd[5]: User root from 192.0.2.9 not allowed because not listed in AllowUsers",
            "sshd[5] root@192.0.2.9 Failed",
        ),
        (
            "sshd[5]: Connection closed by authenticating user test 127.0.0.1 port 1 192.0.2.9 port 5 [preauth]",
            "sshd[5] test 127.0.0.1 port 1@192.0.2.9 Failed",
        ),
        (
            "sshd[5]: message repeated 2 times: [ Failed password for root from 192.0.2.9 port 5 ssh2]",
            "sshd[5] root@192.0.2.9 Failed | sshd[5] root@192.0.2.9 Failed",
        ),
        // Tunnels.
        (
            "sshd[5]: error: connect_to mx.example.org port 25: failed.",
            "sshd[5] -@- Tunnel(\"mx.example.org\", 25)",
        ),
        (
            "sshd[5]: error: connect_to mx.example.org: unknown host (Name or service not known)",
            "sshd[5] -@- Tunnel(\"mx.example.org\", 0)",
        ),
        (
            "sshd[5]: connect to 198.51.100.25 port 25 failed: Network is unreachable",
            "sshd[5] -@- Tunnel(\"198.51.100.25\", 25)",
        ),
        (
            "sshd[5]: refused local port forward: originator 127.0.0.1 port 43452, target 198.51.100.25 port 25",
            "sshd[5] -@- Tunnel(\"198.51.100.25\", 25)",
        ),
        (
            "sshd[5]: debug1: server_request_direct_tcpip: originator 127.0.0.1 port 43452, target 2001:db8::25 port 25",
            "sshd[5] -@- Tunnel(\"2001:db8::25\", 25)",
        ),
        (
            "sshd[5]: Received request to connect to host mx.example.org port 25, but the request was denied.",
            "sshd[5] -@- Tunnel(\"mx.example.org\", 25)",
        ),
        // Sessions.
        (
            "sshd[5]: pam_unix(sshd:session): session opened for user anna(uid=1001) by (uid=0)",
            "sshd[5] anna@- Opened",
        ),
        ("sshd[5]: pam_unix(sshd:session): session closed for user anna", "sshd[5] anna@- Closed"),
        ("systemd-logind[9]: New session 12 of user anna.", "systemd-logind[9] anna@- Opened"),
        (
            "sshd[5]: Starting session: forced-command (command) '/usr/bin/rrsync -ro /' for anna from 192.0.2.9 port 5 id 0",
            "sshd[5] anna@192.0.2.9 Ran(\"/usr/bin/rrsync -ro /\")",
        ),
        // Files.
        (
            "internal-sftp[7]: open \"/var/www/x.php\" flags WRITE,CREATE,TRUNCATE mode 0644",
            "sshd[7] -@- Uploaded(\"/var/www/x.php\")",
        ),
        ("sftp-server[7]: open \"/var/www/x.php\" flags READ mode 0666", ""),
        // su, sudo, cron.
        (
            "sudo:     anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/bin/cat /etc/shadow",
            "sudo[-] anna@- Ran(\"/bin/cat /etc/shadow\")",
        ),
        (
            "sudo[8]:     anna : TTY=pts/0 ; PWD=/home/anna ; USER=www-data ; COMMAND=/usr/bin/php /tmp/x.php ; true",
            "sudo[8] anna@- Ran(\"sudo -u www-data /usr/bin/php /tmp/x.php ; true\")",
        ),
        (
            "sudo: www-data : user NOT in sudoers ; TTY=unknown ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
            "sudo[-] www-data@- Failed",
        ),
        ("su[9]: (to root) anna on pts/0", "su[9] root@- Accepted(\"su by anna\")"),
        ("su[9]: FAILED SU (to root) anna on pts/0", "su[9] root@- Failed"),
        (
            "CRON[10]: (www-data) CMD (php /var/www/shop/cron.php)",
            "CRON[10] www-data@- Ran(\"php /var/www/shop/cron.php\")",
        ),
        (
            "CRON[10]: pam_unix(cron:session): session opened for user www-data(uid=33) by (uid=0)",
            "",
        ),
        (
            "crontab[11]: (www-data) REPLACE (www-data)",
            "crontab[11] www-data@- Ran(\"crontab -u www-data\")",
        ),
        // FTP.
        (
            "vsftpd[12]: [anna] OK UPLOAD: Client \"192.0.2.9\", \"/my file.php\", 5 bytes, 7.59Kbyte/sec",
            "vsftpd[12] anna@192.0.2.9 Uploaded(\"/my file.php\")",
        ),
        (
            "vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=test rhost=192.0.2.9",
            "vsftpd[-] test@192.0.2.9 Failed",
        ),
        (
            "proftpd[13]: ftp.example.org (client.example.net[192.0.2.9]) - USER anna: Login successful.",
            "proftpd[13] anna@192.0.2.9 Accepted(\"password\")",
        ),
        (
            "proftpd[13] ftp.example.org (192.0.2.9[192.0.2.9]): USER anna (Login failed): Incorrect password.",
            "proftpd[13] anna@192.0.2.9 Failed",
        ),
        (
            "pure-ftpd: (?@192.0.2.9) [INFO] anna is now logged in",
            "pure-ftpd[-] anna@192.0.2.9 Accepted(\"password\")",
        ),
        (
            "pure-ftpd: (anna@192.0.2.9) [NOTICE] /home/anna//x.php uploaded  (5 bytes, 10.5KB/sec)",
            "pure-ftpd[-] anna@192.0.2.9 Uploaded(\"/home/anna/x.php\")",
        ),
        (
            "dropbear[14]: Password auth succeeded for 'root' from 192.0.2.9:40000",
            "dropbear[14] root@192.0.2.9 Accepted(\"password\")",
        ),
        // What tells nothing of a login.
        ("sshd[5]: Server listening on 0.0.0.0 port 22.", ""),
        ("sshd[5]: Connection closed by 192.0.2.9 port 5 [preauth]", ""),
        ("postfix/smtpd[5]: Accepted password for anna from 192.0.2.9 port 5 ssh2", ""),
        ("supervisord[5]: (to root) anna on pts/0", ""),
    ] {
        assert_eq!(one(line), want, "{line}");
    }
}

#[test]
fn logs_of_ftp_servers() {
    let log = b"Tue Nov 24 07:04:29 2026 [pid 2635] CONNECT: Client \"192.0.2.9\"\n\
Tue Nov 24 07:04:31 2026 [pid 2634] [anna] FAIL LOGIN: Client \"192.0.2.9\"\n\
Tue Nov 24 07:04:32 2026 [pid 2685] [anna] OK LOGIN: Client \"::ffff:192.0.2.9\"\n\
Tue Nov 24 07:04:32 2026 [pid 2688] [anna] OK DOWNLOAD: Client \"192.0.2.9\", \"/x.php\", 5 bytes, 17.19Kbyte/sec\n\
Tue Nov 24 07:04:32 2026 [pid 2688] [anna] FAIL UPLOAD: Client \"192.0.2.9\", \"/etc/no.php\", 0.00Kbyte/sec\n\
Tue Nov 24 07:04:32 2026 1 192.0.2.9 5 /home/anna/my file.php b _ i r anna ftp 0 * c\n\
Tue Nov 24 07:04:32 2026 1 192.0.2.9 5 /home/anna/my_file.php b _ o r anna ftp 0 * c\n\
Tue Nov 24 07:04:32 2026 1 192.0.2.9 0 /etc/no.php b _ i r anna ftp 0 * i\n\
192.0.2.9 - anna [24/Nov/2026:07:04:33 -0000] \"PUT /home/anna/y.php\" 200 5\n\
192.0.2.9 - - [24/Nov/2026:07:04:33 -0000] \"PUT /dav/y.php HTTP/1.1\" 200 5 \"-\" \"x\"\n";
    assert_eq!(
        events(log),
        [
            "2026-11-24T07:04:31Z vsftpd[2634] anna@192.0.2.9 Failed",
            "2026-11-24T07:04:32Z vsftpd[2685] anna@192.0.2.9 Accepted(\"password\")",
            "2026-11-24T07:04:32Z ftp[-] anna@192.0.2.9 Uploaded(\"/home/anna/my file.php\")",
            "2026-11-24T07:04:33Z pure-ftpd[-] anna@192.0.2.9 Uploaded(\"/home/anna/y.php\")",
        ]
    );
}

#[test]
fn tunnels_and_uploads_get_their_account() {
    // The monitor logs the login, its child the tunnel; the child is named at the end, or by the
    // monitor at a higher log level. SFTP names its user itself.
    let log = b"Dec 31 23:59:58 gw sshd[100]: Accepted password for anna from 192.0.2.9 port 5 ssh2\n\
Dec 31 23:59:58 gw sshd[100]: pam_unix(sshd:session): session opened for user anna(uid=1001) by (uid=0)\n\
Dec 31 23:59:59 gw sshd[107]: error: connect_to mx.example.org port 25: failed.\n\
Jan  1 00:00:05 gw sshd[107]: Received disconnect from 192.0.2.9 port 5:11: disconnected by user\n\
Jan  1 00:00:05 gw sshd[107]: Disconnected from user anna 192.0.2.9 port 5\n\
Jan  1 00:00:05 gw sshd[100]: pam_unix(sshd:session): session closed for user anna\n\
Jan  1 00:01:00 gw sshd[200]: Accepted publickey for ben from 192.0.2.10 port 6 ssh2: RSA SHA256:x\n\
Jan  1 00:01:00 gw sshd[200]: User child is on pid 207\n\
Jan  1 00:01:01 gw sshd[207]: connect to 198.51.100.25 port 25 failed: Connection refused\n\
Jan  1 00:02:00 gw internal-sftp[301]: session opened for local user cleo from [192.0.2.11]\n\
Jan  1 00:02:01 gw internal-sftp[301]: open \"/var/www/x.php\" flags WRITE,CREATE,TRUNCATE mode 0644\n\
Jan  1 00:03:00 gw sshd[400]: error: connect_to mx.example.net port 25: failed.\n";
    assert_eq!(
        events(log),
        [
            "2015-12-31T23:59:58Z sshd[100] anna@192.0.2.9 Accepted(\"password\")",
            "2015-12-31T23:59:58Z sshd[100] anna@192.0.2.9 Opened",
            "2015-12-31T23:59:59Z sshd[107] anna@192.0.2.9 Tunnel(\"mx.example.org\", 25)",
            "2016-01-01T00:00:05Z sshd[100] anna@192.0.2.9 Closed",
            "2016-01-01T00:01:00Z sshd[200] ben@192.0.2.10 Accepted(\"publickey SHA256:x\")",
            "2016-01-01T00:01:01Z sshd[207] ben@192.0.2.10 Tunnel(\"198.51.100.25\", 25)",
            "2016-01-01T00:02:01Z sshd[301] cleo@192.0.2.11 Uploaded(\"/var/www/x.php\")",
            "2016-01-01T00:03:00Z sshd[400] -@- Tunnel(\"mx.example.net\", 25)",
        ]
    );
}

#[test]
fn a_strangers_name_refused_is_told_once() {
    let log = b"Dec  4 14:30:00 gw sshd[5]: Invalid user admin from 192.0.2.9 port 5\n\
Dec  4 14:30:01 gw sshd[5]: Failed password for invalid user admin from 192.0.2.9 port 5 ssh2\n\
Dec  4 14:30:03 gw sshd[5]: Failed password for invalid user admin from 192.0.2.9 port 5 ssh2\n\
Dec  4 14:30:05 gw sshd[6]: Failed password for anna from 192.0.2.9 port 6 ssh2\n\
Dec  4 14:30:06 gw sshd[6]: Failed password for anna from 192.0.2.9 port 6 ssh2\n";
    assert_eq!(events(log).len(), 4);
}

#[test]
fn the_journal_as_json() {
    let log = br#"{"__REALTIME_TIMESTAMP":"1449239400123456","SYSLOG_IDENTIFIER":"sshd","_PID":"5","MESSAGE":"Accepted password for anna from 192.0.2.9 port 5 ssh2"}
{"__REALTIME_TIMESTAMP":"1449239401000000","SYSLOG_IDENTIFIER":"sshd","_PID":"6","MESSAGE":[70,97,105,108,101,100,32,112,97,115,115,119,111,114,100,32,102,111,114,32,255,32,102,114,111,109,32,49,57,50,46,48,46,50,46,57,32,112,111,114,116,32,53]}
{"__REALTIME_TIMESTAMP":"1449239402000000","SYSLOG_IDENTIFIER":"kernel","MESSAGE":"x"}
{"MESSAGE":"cut
"#;
    assert_eq!(
        events(log),
        [
            "2015-12-04T14:30:00.123456Z sshd[5] anna@192.0.2.9 Accepted(\"password\")",
            "2015-12-04T14:30:01Z sshd[6] \u{ff}@192.0.2.9 Failed",
        ]
    );
    let class =
        |line: &[u8]| log.split(|b| *b == b'\n').find(|l| *l == line).and_then(journal_class);
    let first = log.split(|b| *b == b'\n').next().unwrap();
    assert_eq!(class(first), Some(logline::Line::Auth));
}

/// Logs of other people, where they are at hand: every line said to be a refusal is one.
#[test]
fn refusals_in_other_peoples_logs() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .filter_map(|up| up.parent())
        .map(|up| up.join("shared/corpus/logs/fail2ban"))
        .find(|folder| folder.is_dir());
    let Some(folder) = folder else { return };
    for (name, at_least) in [("sshd", 57), ("vsftpd", 5), ("proftpd", 8), ("pure-ftpd", 1)] {
        let Ok(log) = std::fs::read(folder.join(name)) else { continue };
        let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2004);
        let mut refused = 0;
        read(SourceId(0), &log[..], &mut clock, &mut |event| {
            refused += usize::from(event.what == AuthWhat::Failed);
        });
        assert!(refused >= at_least, "{name}: {refused}");
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), program in prop_oneof![
        Just("sshd"), Just("sudo"), Just("su"), Just("CRON"), Just("crontab"), Just("vsftpd"), Just("proftpd"), Just("pure-ftpd"), Just("dropbear"), Just("internal-sftp"), Just("systemd-logind")
    ], pieces in prop::collection::vec(prop_oneof![
        Just("Accepted "), Just("Failed "), Just(" for "), Just(" from "), Just("192.0.2.9"), Just(" port 25"), Just("pam_unix(sshd:session): "), Just("session opened for user "),
        Just("connect_to "), Just(" target "), Just("open \""), Just("\" flags WRITE"), Just("[a] OK UPLOAD: Client \""), Just("\""), Just("("), Just(") CMD ("), Just("USER "), Just(": "), Just(" ; "),
        Just("COMMAND="), Just("message repeated 9999999999 times: ["), Just("Tue Nov 24 07:04:32 2026 1 192.0.2.9 5 "), Just("b _ i r anna ftp 0 * c"), Just("\u{ff}é"), Just("forced-command '")
    ], 0..10)) {
        let mut log = format!("2015-12-04T14:30:00Z gw {program}[5]: {}\n{}\n{{\"__REALTIME_TIMESTAMP\":\"1\",", pieces.concat(), pieces.concat()).into_bytes();
        log.extend(bytes);
        let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
        read(SourceId(0), &log[..], &mut clock, &mut |_| {});
        for line in log.split(|b| *b == b'\n') {
            is_transfer(line);
            journal_class(line);
        }
    }
}
