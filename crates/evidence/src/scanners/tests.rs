//! Reports as the scanners print them.

use super::*;
use proptest::prelude::*;

fn findings(text: &str, command: Option<&str>) -> Vec<String> {
    let found = read(text.as_bytes(), SourceId(0), 0, command);
    let shown = |f: &ScanFinding| {
        format!("{} {:?} {}: {}", f.scanner, f.kind, f.path.as_deref().unwrap_or("-"), f.what)
    };
    found.iter().map(shown).collect()
}

#[test]
fn clamscan_reports() {
    let text = "/var/www/x.php: Php.Trojan.Mailer-1 FOUND
/var/www/ok.txt: OK
/var/www/doc: x.pdf: Heuristics.Phishing.Email.SpoofedDomain FOUND
/var/www/tool.exe: PUA.Win.Tool-1 FOUND

----------- SCAN SUMMARY -----------
Known viruses: 1
Infected files: 3
";
    let want = [
        "clamscan Malware /var/www/x.php: Php.Trojan.Mailer-1",
        "clamscan Warning /var/www/doc: x.pdf: Heuristics.Phishing.Email.SpoofedDomain",
        "clamscan Warning /var/www/tool.exe: PUA.Win.Tool-1",
    ];
    assert_eq!(findings(text, None), want);
    let bare = text.split("\n\n").next().unwrap();
    assert_eq!(findings(&format!("{bare}\n"), None), want, "without a summary");
    let logged =
        "\n-----\n\nFri Dec  4 14:30:00 2015 -> /var/www/x.php: Php.Trojan.Mailer-1 FOUND\n";
    assert_eq!(findings(logged, Some("cat clamscan.log")), Vec::<String>::new());
    assert_eq!(findings(logged, Some("clamscan -r /var/www")), want[..1]);
    let clean = "\n----------- SCAN SUMMARY -----------\nInfected files: 0\n";
    assert_eq!(
        (recognise(clean.as_bytes(), None), findings(clean, None).len()),
        (Some("clamscan"), 0)
    );
}

#[test]
fn maldet_reports() {
    let text = "HOST:      mail
SCAN ID:   151204-1430.12345
TOTAL HITS:    2

FILE HIT LIST:
{HEX}php.cmdshell.unclassed.357 : /var/www/x.php
{CAV}Php.Malware.Agent : /var/www/y.php => /usr/local/maldetect/quarantine/y.php.123
===============================================
Linux Malware Detect v1.6.4 < proj@rfxn.com >
";
    assert_eq!(
        findings(text, None),
        [
            "maldet Malware /var/www/x.php: {HEX}php.cmdshell.unclassed.357",
            "maldet Malware /var/www/y.php: {CAV}Php.Malware.Agent",
        ]
    );
}

#[test]
fn rkhunter_reports_and_logs() {
    let log = "[14:30:00] Running Rootkit Hunter version 1.4.6 on mail
[14:30:01]   /usr/bin/curl                                   [ OK ]
[14:30:01]   /usr/bin/lwp-request                            [ Warning ]
[14:30:01] Warning: The command '/usr/bin/lwp-request' has been replaced by a script: /usr/bin/lwp-request: Perl script text executable
[14:30:02]   /usr/sbin/sshd                                  [ Warning ]
[14:30:02] Warning: The file properties have changed:
[14:30:02]          File: /usr/sbin/sshd
[14:30:02]          Current hash: 1
[14:30:03] Info: Starting test name 'strings'
[14:30:04] Warning: Hidden directory found: /etc/.java: directory
";
    assert_eq!(
        findings(log, None),
        [
            "rkhunter Warning /usr/bin/lwp-request: The command '/usr/bin/lwp-request' has been replaced by a script: /usr/bin/lwp-request: Perl script text executable",
            "rkhunter Changed /usr/sbin/sshd: The file properties have changed: File: /usr/sbin/sshd Current hash: 1",
            "rkhunter Warning /etc/.java: Hidden directory found: /etc/.java: directory",
        ]
    );
    let report = "[ Rootkit Hunter version 1.4.6 ]

  Performing file properties checks
    /usr/bin/curl                                            [ OK ]
    /usr/bin/lwp-request                                     [ Warning ]
    55808 Trojan - Variant A                                 [ Not found ]
    Checking for hidden files and directories                [ Warning ]
";
    assert_eq!(
        findings(report, None),
        [
            "rkhunter Warning /usr/bin/lwp-request: /usr/bin/lwp-request",
            "rkhunter Warning -: Checking for hidden files and directories",
        ]
    );
}

#[test]
fn rkhunter_with_rwo() {
    let text = "Warning: The file properties have changed:
         File: /usr/bin/ssh
         Current inode: 10199164    Stored inode: 247786
Warning: The file '/usr/bin/sudo' exists on the system, but it is not present in the 'rkhunter.dat' file.
Warning: The SSH configuration option 'PermitRootLogin' has not been set.
         The default value may be 'yes', to allow root access.
";
    assert_eq!(
        findings(text, None),
        [
            "rkhunter Changed /usr/bin/ssh: The file properties have changed: File: /usr/bin/ssh Current inode: 10199164    Stored inode: 247786",
            "rkhunter Warning /usr/bin/sudo: The file '/usr/bin/sudo' exists on the system, but it is not present in the 'rkhunter.dat' file.",
            "rkhunter Warning -: The SSH configuration option 'PermitRootLogin' has not been set. The default value may be 'yes', to allow root access.",
        ]
    );
}

#[test]
fn chkrootkit_reports() {
    let text = "ROOTDIR is `/'
Checking `amd'...                                           not found
Checking `ls'...                                            INFECTED
Checking `basename'...                                      not infected
Searching for suspicious files and dirs...                  WARNING

WARNING: The following suspicious files and directories were found:
/usr/lib/jvm/.java-1.17.0-openjdk-amd64.jinfo
/usr/lib/debug/.build-id

Searching for Linux.Xor.DDoS...                             WARNING

WARNING: Possible Linux.Xor.DDoS installed:
/tmp/x.sh

Searching for OBSD rootkit v1...                            not tested
Checking `bindshell'...                                     INFECTED PORTS: ( 465)
eth0: PACKET SNIFFER(/usr/sbin/tcpdump[4711])
lo: not promisc and no packet sniffer sockets
";
    assert_eq!(
        findings(text, None),
        [
            "chkrootkit Malware -: ls INFECTED",
            "chkrootkit Warning /usr/lib/jvm/.java-1.17.0-openjdk-amd64.jinfo: The following suspicious files and directories were found",
            "chkrootkit Warning /usr/lib/debug/.build-id: The following suspicious files and directories were found",
            "chkrootkit Warning /tmp/x.sh: Possible Linux.Xor.DDoS installed",
            "chkrootkit Warning -: bindshell INFECTED PORTS: ( 465)",
            "chkrootkit Warning /usr/sbin/tcpdump: eth0: PACKET SNIFFER(/usr/sbin/tcpdump[4711])",
        ]
    );
}

#[test]
fn chkrootkit_with_q() {
    let text = "WARNING: The following suspicious PHP files were found:\n/tmp/x.php\n\n";
    assert_eq!(
        findings(text, None),
        ["chkrootkit Warning /tmp/x.php: The following suspicious PHP files were found"]
    );
}

#[test]
fn aide_reports() {
    let new = "Start timestamp: 2026-11-24 07:30:39 +0000 (AIDE 0.18.3)
AIDE found differences between database and filesystem!!

---------------------------------------------------
Added entries:
---------------------------------------------------

f+++++++++++++++++: /var/www/new.php

---------------------------------------------------
Removed entries:
---------------------------------------------------

f-----------------: /var/www/x.php

---------------------------------------------------
Changed entries:
---------------------------------------------------

d = ... mc        : /var/www
f > ... mc  H     : /var/www/ok: x.txt

---------------------------------------------------
Detailed information about changes:
---------------------------------------------------

File: /var/www/ok: x.txt
 Size      : 3                                | 11
";
    let want = [
        "aide Changed /var/www/new.php: added",
        "aide Changed /var/www/x.php: removed",
        "aide Changed /var/www: changed",
        "aide Changed /var/www/ok: x.txt: changed",
    ];
    assert_eq!(findings(new, None), want);
    let old = "AIDE 0.15.1 found differences between database and filesystem!!\n\nAdded files:\n\nadded: /var/www/new.php\n\nRemoved files:\n\nremoved: /var/www/x.php\n";
    assert_eq!(findings(old, None), want[..2]);
}

#[test]
fn tripwire_reports() {
    let text = "Open Source Tripwire(R) 2.4.3.7 Integrity Check Report

Rule Summary:
* Web                             66                1        1        2
  (/var/www)

-------------------------------------------------------------------------------
Rule Name: Web (/var/www)
-------------------------------------------------------------------------------

Added:
\"/var/www/z.php\"

Removed:
\"/var/www/new.php\"

Modified:
\"/var/www\"

===============================================================================
Object Detail:
===============================================================================
Added object name:  /var/www/z.php
Modified object name:  /etc/passwd
";
    assert_eq!(
        findings(text, None),
        [
            "tripwire Changed /var/www/z.php: added",
            "tripwire Changed /var/www/new.php: removed",
            "tripwire Changed /var/www: changed",
            "tripwire Changed /etc/passwd: changed",
        ]
    );
}

#[test]
fn debsums_output() {
    let all = "/usr/sbin/adduser                                                             OK
/usr/lib/x y/cacert.pem                                                   FAILED
debsums: missing file /usr/lib/.npmrc (from nodejs package)
/usr/bin/php                                                            REPLACED
";
    assert_eq!(
        findings(all, None),
        [
            "debsums Changed /usr/lib/x y/cacert.pem: changed",
            "debsums Changed /usr/lib/.npmrc: missing against nodejs package",
            "debsums Warning /usr/bin/php: replaced",
        ]
    );
    let bare = "/usr/bin/ls\n/usr/lib/x y/cacert.pem\n";
    assert_eq!(findings(bare, Some("debsums -ac")).len(), 2);
    assert_eq!(recognise(bare.as_bytes(), None), None, "a list of paths alone says nothing");
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), pieces in prop::collection::vec(prop_oneof![
        Just("[14:30:00] "), Just("Warning: "), Just("[ Warning ]"), Just("\n"), Just("   "), Just("Checking `"), Just("'..."), Just("INFECTED"), Just("WARNING: The following suspicious x:\n"), Just("/"), Just(" /"),
        Just("Added entries:\n"), Just(": /"), Just("Added:\n"), Just("\""), Just(" object name:"), Just("debsums: changed file /"), Just(" (from "), Just(" OK\n"), Just("FILE HIT LIST:\n"), Just(" : "), Just(": x FOUND\n"), Just("é"), Just("PACKET SNIFFER(")
    ], 0..12)) {
        for text in [bytes, pieces.concat().into_bytes()] {
            recognise(&text, None);
            for scanner in SCANNERS {
                read(&text, SourceId(0), 0, Some(scanner));
            }
        }
    }
}
