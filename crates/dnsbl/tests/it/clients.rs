//! Mail software as people run it, with our zone as its blocklist: Postfix (smtpd and postscreen),
//! SpamAssassin, Rspamd. Postfix asks whom `/etc/resolv.conf` names, so it runs in a mount namespace
//! with a file of its own there, and our server on port 53 of a loopback address. Clients' addresses
//! come in the PROXY protocol, so nothing but loopback is used.

use crate::world::{Child, World, listing, own_address, program, wait_for};
use heloscope_dnsbl::{Limits, Outcome, Transport};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// On port 53 of an address of its own; `None` where that may not be bound.
fn world() -> Option<World> {
    let address = SocketAddr::new(own_address().ip(), 53);
    if std::net::UdpSocket::bind(address).is_err() {
        eprintln!("skipped: port 53 of {} cannot be bound (needs root)", address.ip());
        return None;
    }
    let changes = [
        listing("192.0.2.99/32", &[(4, "Said HELO as a bot.")]),
        listing("192.0.2.100/32", &[(3, "A trap was hit.")]),
        listing("2001:db8:0:1::/64", &[(4, "A net of bots.")]),
    ];
    Some(World::start_at(address, &changes, Limits::default()))
}

/// A Postfix with a folder, addresses and a resolver of its own.
struct Postfix {
    folder: tempfile::TempDir,
    child: std::process::Child,
    smtpd: SocketAddr,
    postscreen: SocketAddr,
}

impl Postfix {
    fn start(resolver: IpAddr) -> Option<Postfix> {
        let (postfix, unshare) = (program("postfix")?, program("unshare")?);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        let (smtpd, postscreen) = (own_address(), own_address());
        fs::write(path.join("resolv.conf"), format!("nameserver {resolver}\n")).unwrap();
        let at = path.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\n\
             mail_owner = postfix\nsetgid_group = postdrop\ninet_protocols = all\n\
             myhostname = mx.example.org\nmydestination = example.org\nmynetworks = 127.9.9.9/32\n\
             alias_maps =\nalias_database =\nlocal_recipient_maps =\nsmtpd_peername_lookup = no\n\
             smtpd_upstream_proxy_protocol = haproxy\n\
             smtpd_recipient_restrictions = reject_unauth_destination,\n  reject_rbl_client bl.example.org=127.0.0.[3;4]\n\
             postscreen_upstream_proxy_protocol = haproxy\npostscreen_access_list =\n\
             postscreen_dnsbl_sites = bl.example.org=127.0.0.4*3 bl.example.org=127.0.0.3*1\n\
             postscreen_dnsbl_threshold = 3\npostscreen_dnsbl_action = enforce\n\
             postscreen_greet_wait = 3s\npostscreen_greet_banner =\n"
        );
        fs::write(path.join("main.cf"), main).unwrap();
        let inet = |address: SocketAddr, command: &str, most: &str| {
            format!("{address} inet n - n - {most} {command}\n")
        };
        let unix = ["rewrite trivial-rewrite", "anvil anvil", "dnsblog dnsblog"];
        let mut master = inet(smtpd, "smtpd", "-") + &inet(postscreen, "postscreen", "1");
        // What postscreen hands on comes with the client's address already.
        master += "smtpd pass - - n - - smtpd -o smtpd_upstream_proxy_protocol= \
                   -o smtpd_recipient_restrictions=reject_unauth_destination\n";
        master += "cleanup unix n - n - 0 cleanup\n";
        master += "qmgr unix n - n 300 1 qmgr\npostlog unix-dgram n - n - 1 postlogd\n";
        for service in unix {
            let (name, command) = service.split_once(' ').unwrap();
            // anvil counts for all and must be one.
            let most = u8::from(name == "anvil");
            master += &format!("{name} unix - - n - {most} {command}\n");
        }
        fs::write(path.join("master.cf"), master).unwrap();
        fs::create_dir(path.join("queue")).unwrap();
        fs::create_dir(path.join("data")).unwrap();
        let owned = Command::new("chown").arg("postfix").arg(path.join("data")).status().unwrap();
        assert!(owned.success());
        let script =
            r#"mount --bind "$1/resolv.conf" /etc/resolv.conf && exec "$2" -c "$1" start-fg"#;
        let mut command = Command::new(unshare);
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(path).arg(postfix);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postfix = Postfix { folder, child, smtpd, postscreen };
        wait_for("Postfix", || {
            TcpStream::connect(smtpd).is_ok() && TcpStream::connect(postscreen).is_ok()
        });
        Some(postfix)
    }

    /// What RCPT is answered to a client.
    fn recipient(&self, service: SocketAddr, client: &str) -> String {
        let mut stream = TcpStream::connect(service).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let family = if client.contains(':') { "TCP6 {} ::1" } else { "TCP4 {} 127.0.0.1" };
        let family = family.replace("{}", client);
        // In one segment: postscreen reads no header in pieces.
        let header = format!("PROXY {family} 40000 25\r\n");
        stream.write_all(header.as_bytes()).unwrap();
        let mut reply = || {
            let mut line = String::new();
            loop {
                line.clear();
                let read = lines.read_line(&mut line);
                assert!(read.is_ok_and(|n| n > 0), "no reply: {}", self.log());
                if line.as_bytes().get(3) != Some(&b'-') {
                    return line.clone();
                }
            }
        };
        assert!(reply().starts_with("220"), "{}", self.log());
        let mut last = String::new();
        for command in
            ["EHLO client.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.org>"]
        {
            stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
            last = reply();
        }
        let _ = stream.write_all(b"QUIT\r\n");
        last
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        // What it says of folders that are not the system's is of no interest.
        log.lines().filter(|line| !line.contains("postfix-script")).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let mut stop = Command::new("postfix");
        stop.arg("-c").arg(self.folder.path()).arg("stop").stderr(Stdio::null());
        let _ = stop.status();
        let _ = self.child.wait();
    }
}

#[test]
fn postfix_rejects_who_is_listed_and_says_why() {
    let Some(world) = world() else { return };
    let Some(postfix) = Postfix::start(world.address.ip()) else { return };
    let reply = postfix.recipient(postfix.smtpd, "192.0.2.99");
    assert!(
        reply.starts_with("554 5.7.1") && reply.contains("blocked using bl.example.org"),
        "{reply}"
    );
    assert!(reply.contains("Said HELO as a bot. https://example.org/lookup/192.0.2.99"), "{reply}");
    let reply = postfix.recipient(postfix.smtpd, "192.0.2.100");
    assert!(reply.starts_with("554") && reply.contains("A trap was hit."), "{reply}");
    let reply = postfix.recipient(postfix.smtpd, "2001:db8:0:1::77");
    assert!(reply.starts_with("554") && reply.contains("lookup/2001:db8:0:1::77"), "{reply}");
    for clean in ["192.0.2.98", "2001:db8:0:2::77"] {
        let reply = postfix.recipient(postfix.smtpd, clean);
        assert!(reply.starts_with("250"), "{reply}\n{}", postfix.log());
    }
}

#[test]
fn postscreen_blocks_bots_by_code() {
    let Some(world) = world() else { return };
    let Some(postfix) = Postfix::start(world.address.ip()) else { return };
    let reply = postfix.recipient(postfix.postscreen, "192.0.2.99");
    assert!(
        reply.starts_with("550 5.7.1") && reply.contains("blocked using bl.example.org"),
        "{reply}"
    );
    // One point for a trap is not enough, and nothing is none.
    for passed in ["192.0.2.100", "192.0.2.98"] {
        let reply = postfix.recipient(postfix.postscreen, passed);
        assert!(reply.starts_with("250"), "{reply}\n{}", postfix.log());
    }
    assert!(postfix.log().contains("DNSBL rank 3 for [192.0.2.99]"), "{}", postfix.log());
}

/// A mail as it lies in a mailbox: it came from `client`.
fn mail(client: &str) -> String {
    format!(
        "Received: from client.example (client.example [{client}])\r\n\tby mx.example.org (Postfix) with ESMTP id 4Xyz\r\n\tfor <b@example.org>; Tue, 24 Nov 2026 12:00:00 +0000 (UTC)\r\nFrom: a@example.com\r\nTo: b@example.org\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nHello.\r\n"
    )
}

#[test]
fn spamassassin_scores_who_is_listed() {
    let (Some(world), Some(spamassassin)) = (world(), program("spamassassin")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = format!(
        "loadplugin Mail::SpamAssassin::Plugin::Check\nloadplugin Mail::SpamAssassin::Plugin::DNSEval\n\
         add_header all Status \"_YESNO_, tests=_TESTS_\"\ndns_server {}\ndns_available yes\nuse_bayes 0\nclear_internal_networks\ninternal_networks 10.0.0.0/8\n\
         header BL eval:check_rbl('bl-lastexternal', 'bl.example.org.')\ntflags BL net\nscore BL 0.1\n\
         header BL_BOT eval:check_rbl_sub('bl-lastexternal', '127.0.0.4')\ntflags BL_BOT net\nscore BL_BOT 3\n\
         header BL_TRAP eval:check_rbl_sub('bl-lastexternal', '127.0.0.3')\ntflags BL_TRAP net\nscore BL_TRAP 1\n",
        world.address,
    );
    fs::write(folder.path().join("rules.cf"), rules).unwrap();
    let verdict = |client: &str| {
        let mut command = Command::new(&spamassassin);
        command.arg("--nocreate-prefs").arg("--configpath").arg(folder.path());
        command.arg("--siteconfigpath").arg(folder.path()).arg("--prefspath=/dev/null");
        fed(command.env("HOME", folder.path()), &mail(client))
    };
    let bot = verdict("192.0.2.99");
    assert!(bot.contains("BL_BOT") && !bot.contains("BL_TRAP"), "{bot}");
    let trap = verdict("192.0.2.100");
    assert!(trap.contains("BL_TRAP") && !trap.contains("BL_BOT"), "{trap}");
    let clean = verdict("192.0.2.98");
    assert!(clean.contains("X-Spam-Status: No") && !clean.contains("BL"), "{clean}");
}

#[test]
fn rspamd_knows_who_is_listed() {
    let (Some(world), Some(rspamd)) = (world(), program("rspamd")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let own = own_address();
    fs::write(
        folder.path().join("rspamd.conf"),
        rspamd_settings(folder.path(), own, world.address),
    )
    .unwrap();
    // Its own list of top-level domains takes long to be read.
    fs::write(folder.path().join("tld"), "org\ncom\nexample\n").unwrap();
    let mut command = Command::new(rspamd);
    command.args(["-f", "-i", "-c"]).arg(folder.path().join("rspamd.conf"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let _child = Child(command.spawn().unwrap());
    wait_for("Rspamd", || TcpStream::connect(own).is_ok());
    let verdict = |client: &str| {
        let mut rspamc = Command::new("rspamc");
        rspamc.args(["-h", &own.to_string(), "-i", client]);
        fed(&mut rspamc, &mail(client))
    };
    let bot = verdict("192.0.2.99");
    assert!(bot.contains("BL_BOT"), "{bot}");
    let trap = verdict("192.0.2.100");
    assert!(trap.contains("BL_TRAP") && !trap.contains("BL_BOT"), "{trap}");
    let six = verdict("2001:db8:0:1::77");
    assert!(six.contains("BL_BOT"), "{six}");
    let clean = verdict("192.0.2.98");
    assert!(clean.contains("Action:") && !clean.contains("BL_"), "{clean}");
    assert!(world.counters.answered(Transport::Udp, Outcome::Listed) >= 3);
}

fn rspamd_settings(folder: &Path, own: SocketAddr, dns: SocketAddr) -> String {
    format!(
        r#"options {{
  filters = "";
  pidfile = "{0}/pid";
  cache_file = "{0}/cache";
  dns {{ nameserver = ["{1}:{2}:1"]; timeout = 2s; }}
  control_socket = "{0}/control";
  url_tld = "{0}/tld";
}}
logging {{ type = "file"; filename = "{0}/log"; level = "info"; }}
metric {{ name = "default"; actions {{ reject = 100; }} }}
worker "normal" {{ bind_socket = "{3}"; count = 1; }}
modules {{ path = "/usr/share/rspamd/plugins/rbl.lua"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua";
rbl {{
  rbls {{
    bl {{
      rbl = "bl.example.org"; symbol = "BL"; checks = ["from"]; ipv4 = true; ipv6 = true;
      returncodes {{ BL_BOT = "127.0.0.4"; BL_TRAP = "127.0.0.3"; }}
    }}
  }}
}}
"#,
        folder.display(),
        dns.ip(),
        dns.port(),
        own,
    )
}

/// What a command prints when it is given a text.
fn fed(command: &mut Command, text: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
