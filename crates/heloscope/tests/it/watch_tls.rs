//! How `heloscope watch` tells over TLS: a letter by STARTTLS and AUTH to a real Postfix (Dovecot asks for the password), JSON to a web
//! service of Python's. Who is vouched for by another authority than the configured one gets nothing; what could not be said waits, and
//! goes out in the next run, once.

use crate::watch::Watching;
use lab::mta::Mta;
use lab::world::World;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const NEEDED: &[&str] = &[
    "/usr/sbin/postfix",
    "/usr/sbin/dovecot",
    "/usr/sbin/rsyslogd",
    "/usr/bin/openssl",
    "/usr/bin/python3",
];

/// Takes what is posted and prints it, a line each, behind its port.
const SERVICE: &str = r#"
import http.server, ssl, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(self.headers["Authorization"], body.decode(), flush=True)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Two authorities, and what the first vouches for: 127.0.0.1.
fn certificates(folder: &Path) {
    let script = r#"
set -e
for name in ca other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" -keyout $name.key -out $name.pem
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=relay -keyout relay.key -out relay.csr
echo 'subjectAltName = IP:127.0.0.1' > names
openssl x509 -req -in relay.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out relay.pem
"#;
    let made = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

const LINE: &str = "Nov 24 14:30:00 mx postfix/smtp[9]: ABCDEF1: to=<secret@example.net>, relay=mx.example.net[198.51.100.7]:25, delay=1, delays=0/0/1/0, dsn=5.7.1, status=bounced (host mx.example.net[198.51.100.7] said: 554 5.7.1 <secret@example.net>: Client host [203.0.113.10] blocked using zen.spamhaus.org (in reply to RCPT TO command))\n";

#[test]
fn letters_and_posts_go_out_to_whom_the_authority_vouches_for() {
    if !crate::can_play(NEEDED) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let world = World::new().unwrap();
    let relay = world.public("relay", "203.0.113.83", "UTC").unwrap();
    Mta {
        hostname: "mail.relay.example",
        domains: "relay.example",
        users: &[("wache", "Nachtwache+7")],
        submission: true,
        settings: "mydomain = relay.example\nsmtpd_tls_auth_only = yes\n",
        ..Mta::default()
    }
    .start(&relay)
    .unwrap();
    // Nobody has spoken to it yet: its first session reads these.
    relay.write("/etc/ssl/mail.pem", read("relay.pem"), 0o644).unwrap();
    relay.write("/etc/ssl/mail.key", read("relay.key"), 0o600).unwrap();

    let pid = relay.pid();
    let mut service = Command::new("nsenter")
        .args(["-n", "-t", &pid.to_string(), "--", "python3", "-c", SERVICE])
        .args([folder.path().join("relay.pem"), folder.path().join("relay.key")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut posted = BufReader::new(service.stdout.take().unwrap()).lines().map_while(Result::ok);
    let _service = Service(service);
    let port = posted.next().unwrap();

    let at = folder.path().display();
    for (file, text) in [("password", "Nachtwache+7\n"), ("token", "s3cret\n"), ("mail.log", "")] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let config = |ca: &str| {
        format!(
            "state = \"{at}/state\"\nlogs = [\"{at}/mail.log\"]\naddresses = [\"203.0.113.10\"]\nlists = {{ enabled = false }}\nrecord = {{ enabled = false }}\n\
             [mail]\nrelay = \"127.0.0.1:587\"\nlocal_queue = true\nca = \"{at}/{ca}\"\naccount = \"wache\"\npassword = \"{at}/password\"\n\
             from = \"heloscope@relay.example\"\nto = [\"wache@relay.example\"]\n\
             [webhook]\nurl = \"https://127.0.0.1:{port}/hook\"\ntoken = \"{at}/token\"\nca = \"{at}/{ca}\"\n"
        )
    };

    // Another authority: nobody is told anything, and that is said.
    let watching = Watching::within(pid, folder.path(), &config("other.pem"));
    std::fs::write(folder.path().join("mail.log"), LINE).unwrap();
    let refused = |way: &str| format!("{way}: not sent yet: ");
    let status = watching.until("both are refused", |status| {
        let blind = status["blind"].to_string();
        blind.contains(&refused("mail")) && blind.contains(&refused("webhook"))
    });
    let blind = status["blind"].as_array().unwrap();
    let of = |way: &str| {
        let refused = refused(way);
        blind.iter().find(|line| line.as_str().unwrap().contains(&refused)).unwrap().to_string()
    };
    for way in ["mail", "webhook"] {
        assert!(of(way).contains("certificate"), "{status:#}");
    }
    watching.end();
    let letters = "cat /home/wache/Maildir/new/* 2>/dev/null || true";
    assert_eq!(relay.sh(letters).unwrap(), b"");

    // The right one: what waited goes out.
    let watching = Watching::within(pid, folder.path(), &config("ca.pem"));
    let line = posted.next().unwrap();
    let (token, body) = line.split_at("Bearer s3cret".len());
    assert_eq!(token, "Bearer s3cret");
    let said: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(said["alert"]["rule"], "bounce-names-a-list", "{said:#}");
    relay.sh("for i in $(seq 100); do ls /home/wache/Maildir/new/* >/dev/null 2>&1 && exit 0; sleep 0.1; done; cat /var/log/mail.log >&2; exit 1").unwrap();
    let letter = String::from_utf8(relay.sh(letters).unwrap()).unwrap();
    for word in ["bounce-names-a-list", "with ESMTPSA id", "Return-Path: <heloscope@relay.example>"]
    {
        assert!(letter.contains(word), "{word}: {letter}");
    }
    assert!(!letter.contains("secret@"), "{letter}");
    let log = String::from_utf8(relay.read("/var/log/mail.log").unwrap()).unwrap();
    assert!(log.contains("sasl_method=PLAIN, sasl_username=wache"), "{log}");
    watching.until("nothing waits", |_| {
        let waiting = std::fs::read_to_string(folder.path().join("state/unsent.json")).unwrap();
        waiting == r#"{"mail":[],"webhook":[]}"#
    });
    watching.end();

    // Once: the next run has nothing to say.
    let watching = Watching::within(pid, folder.path(), &config("ca.pem"));
    watching.end();
    assert_eq!(relay.sh("ls /home/wache/Maildir/new | wc -l").unwrap(), b"1\n");
}
