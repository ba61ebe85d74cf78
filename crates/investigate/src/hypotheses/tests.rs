//! The judging core on made-up incidents: each class with what must not be taken for it.
//!
//! The recorded cases in `cases/` show the whole way on real software; here one fact at a time is
//! changed and the judgement must follow.

use super::*;
use crate::gather::Gathered;
use crate::incident::Incident;
use heloscope_evidence::facts::{Finding, Vantage};
use heloscope_evidence::{Connection, Facts, Input, Kind, Lease, Process, Request, Sink, WebFile};
use heloscope_maillog::{Delivery, Mail, Origin, Status};
use heloscope_model::notice::{Subject, TimeKind};
use heloscope_model::session::{Command, Dialogue, EndState, Reply, Session, Verb};
use heloscope_model::{Notice, Octets, Place, SourceId};
use std::net::SocketAddr;

/// The notice's time in these incidents.
const DETECTED: i64 = 1_790_000_000;
const PUBLIC: &str = "203.0.113.10";
const MTA_HELO: &str = "mail.example.org";

/// An incident: facts, and records in the order of the stream.
struct Scenario {
    facts: Facts,
    sessions: Vec<Session>,
    connections: Vec<Connection>,
    mails: Vec<Mail>,
    requests: Vec<Request>,
    count: u32,
}

impl Scenario {
    /// A listing with this HELO; the mail server at 192.168.5.2 with three logged sessions.
    fn listed(helo: Option<&str>) -> Self {
        let mut scenario = Self {
            facts: Facts::default(),
            sessions: Vec::new(),
            connections: Vec::new(),
            mails: Vec::new(),
            requests: Vec::new(),
            count: 0,
        };
        scenario.facts.site.addresses = vec![PUBLIC.parse().unwrap()];
        scenario.facts.site.networks = vec!["192.168.5.0/24".parse().unwrap()];
        scenario.facts.notices.push(Notice {
            subject: Subject::Ip(PUBLIC.parse().unwrap()),
            list: Some("CBL".to_owned()),
            reason: "bot".to_owned(),
            time: Some((at(0), TimeKind::Detection)),
            tolerance_s: Some(900),
            helo: helo.map(Octets::from),
            botnet: None,
            src_port: None,
            dst: None,
            dst_port: None,
            removed_at: None,
            written_at: None,
            times_listed: None,
            place: Place::whole(SourceId(9)),
        });
        for (i, offset) in [-1200, -200, 700].into_iter().enumerate() {
            scenario.logged_session(offset, &format!("198.51.100.{}:25", 10 + i));
        }
        scenario
    }

    /// A session of the MTA with its log line.
    fn logged_session(&mut self, offset: i64, server: &str) {
        let id = format!("7D21C40A{:02}", self.count);
        let reply = format!("2.0.0 Ok: queued as {id}");
        self.session("192.168.5.2", server, MTA_HELO, "MAIL FROM:<", offset, &reply);
        let mut mail = mail(offset + 3, Origin::Unknown, "a@example.org");
        mail.deliveries.push(delivery(offset + 3, server, &format!("250 {reply}"), Status::Sent));
        self.mails.push(mail);
    }

    /// A session that tries one mail.
    fn session(
        &mut self,
        inside: &str,
        server: &str,
        helo: &str,
        mail_shape: &str,
        offset: i64,
        reply: &str,
    ) {
        self.count += 1;
        let when = at(offset);
        let command = |verb, raw: String| Command {
            at: when,
            verb,
            len: raw.len() as u32,
            raw: Octets::from(raw.as_str()),
            early: false,
            reply: None,
        };
        let port = 40_000 + self.count as u16;
        self.sessions.push(Session {
            place: Place::frame(SourceId(0), u64::from(self.count)),
            start: when,
            end: when.plus_secs(4.0),
            client: SocketAddr::new(PUBLIC.parse().unwrap(), port),
            server: server.parse().unwrap(),
            inside: Some(SocketAddr::new(inside.parse().unwrap(), port)),
            client_mac: None,
            syn: None,
            sequence: (Some(self.count), Some(self.count)),
            proxy: None,
            dialogue: Dialogue {
                commands: vec![
                    command(Verb::Ehlo, format!("EHLO {helo}\r\n")),
                    command(Verb::Mail, format!("{mail_shape}x@example.net>\r\n")),
                    command(Verb::Rcpt, format!("RCPT TO:<r{}@example.net>\r\n", self.count)),
                ],
                replies: vec![Reply { at: when, code: 250, text: Octets::from(reply) }],
                ..Dialogue::default()
            },
            bytes: (400, 300),
            end_state: EndState::Quit,
        });
    }

    /// A bot's run of sessions to several servers.
    fn bot(&mut self, inside: &str, helo: &str, offsets: &[i64]) {
        for (i, offset) in offsets.iter().enumerate() {
            let server = format!("198.51.100.{}:25", 20 + i);
            self.session(inside, &server, helo, "MAIL FROM: <", *offset, "Ok");
        }
    }

    fn request(&mut self, path: &str, offset: i64) {
        self.requests.push(Request {
            time: at(offset),
            place: Place::byte(SourceId(3), offset.unsigned_abs()),
            client: Some("192.0.2.77".parse().unwrap()),
            host: None,
            method: Octets::from("POST"),
            target: Octets::from(path),
            status: 200,
            agent: None,
            took_s: None,
        });
    }

    fn file(&mut self, path: &str, weight: f32) {
        let place = Place::whole(SourceId(4));
        let findings = (weight > 0.0).then(|| Finding {
            rule: "eval-chain".to_owned(),
            because: "it runs code that it decodes first".to_owned(),
            weight,
            place,
        });
        self.facts.web_files.push(WebFile {
            path: path.to_owned(),
            findings: findings.into_iter().collect(),
            modified: None,
            can_mail: true,
            place,
        });
    }

    fn account_mail(&mut self, account: &str, ip: &str, from: &str, offset: i64, sent: bool) {
        let origin = Origin::Client {
            name: Octets::from("unknown"),
            ip: Some(ip.parse().unwrap()),
            port: None,
            account: Some(Octets::from(account)),
            service: Octets::from("submission/smtpd"),
        };
        let mut mail = mail(offset, origin, from);
        let (status, reply) = if sent {
            (Status::Sent, "250 2.0.0 Ok")
        } else {
            (Status::Bounced, "550 5.7.1 blocked as spam")
        };
        let mut delivery = delivery(offset + 2, "198.51.100.99:25", reply, status);
        delivery.to = Octets::from(format!("r{offset}@d{offset}.example").as_str());
        mail.deliveries.push(delivery);
        self.mails.push(mail);
    }

    /// Class, culprit and confidence of all hypotheses, best first.
    fn judge(mut self) -> Vec<(Class, Option<String>, f64)> {
        let incident = Incident::new(&self.facts);
        let mut gathered = Gathered::new(&incident);
        self.sessions.sort_by_key(|s| s.start);
        self.sessions.into_iter().for_each(|s| gathered.session(s));
        self.connections.into_iter().for_each(|c| gathered.connection(c));
        self.mails.into_iter().for_each(|m| gathered.mail(m));
        self.requests.into_iter().for_each(|r| gathered.request(r));
        gathered.settle();
        let inputs =
            [Kind::Capture, Kind::MailLog, Kind::WebLog, Kind::WebRoot].map(|kind| Input {
                source: SourceId(0),
                path: "evidence".into(),
                kind,
                records: 100,
                first: Some(at(-3600)),
                last: Some(at(3600)),
                note: None,
                what: None,
                gaps: Vec::new(),
            });
        let case = Case::new(&self.facts, &incident, &gathered, &inputs);
        let mut found: Vec<_> = all(&case)
            .into_iter()
            .map(|h| (h.class, h.culprit.map(|c| c.value), h.weighing.confidence()))
            .collect();
        found.sort_by(|a, b| b.2.total_cmp(&a.2));
        found
    }

    /// The one cause above 0.5.
    fn cause(self) -> Option<(Class, Option<String>)> {
        let accused: Vec<_> = self.judge().into_iter().filter(|(.., c)| *c > 0.5).collect();
        assert!(accused.len() <= 1, "more than one accused: {accused:?}");
        accused.into_iter().next().map(|(class, who, _)| (class, who))
    }
}

fn at(offset: i64) -> Time {
    Time::from_secs(DETECTED + offset)
}

fn mail(offset: i64, origin: Origin, from: &str) -> Mail {
    Mail {
        queue_id: Octets::from("4F1d2s"),
        host: Octets::from("mail"),
        instance: Octets::from("postfix"),
        origin,
        first: at(offset),
        place: Place::byte(SourceId(1), offset.unsigned_abs()),
        last: at(offset + 3),
        message_id: None,
        from: Some(Octets::from(from)),
        size: None,
        recipients: Some(1),
        deliveries: Vec::new(),
        more_deliveries: 0,
        parent: None,
        expired: false,
        complete: true,
        cleanup_action: None,
    }
}

fn delivery(offset: i64, server: &str, reply: &str, status: Status) -> Delivery {
    let server: SocketAddr = server.parse().unwrap();
    Delivery {
        time: at(offset),
        place: Place::byte(SourceId(1), offset.unsigned_abs()),
        agent: Octets::from("smtp"),
        pid: None,
        tls: false,
        to: Octets::from("someone@example.net"),
        orig_to: None,
        relay_name: Octets::from("mx.example.net"),
        relay_ip: Some(server.ip()),
        relay_port: Some(server.port()),
        conn_use: 1,
        delays: Some([0.1, 0.0, 1.5, 1.5]),
        dsn: Octets::default(),
        status,
        reply: Octets::from(reply),
    }
}

const BOT: &str = "[127.0.0.1]";

#[test]
fn a_machine_behind_the_nat_is_named() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", BOT, &[-600, -100, 300, 500]);
    assert_eq!(incident.cause(), Some((Class::NatClient, Some("192.168.5.77".to_owned()))));
}

#[test]
fn a_machine_that_was_silent_in_the_recorded_window_is_not() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", "laptop.example.org", &[-3500, -3400, 3000]);
    assert_eq!(incident.cause(), None);
}

#[test]
fn monitoring_that_always_asks_one_server_is_not() {
    let mut incident = Scenario::listed(None);
    for offset in [-900, -300, 300, 900] {
        incident.session("192.168.5.9", "198.51.100.50:25", "probe", "MAIL FROM:<", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_lineless_session_that_looks_like_the_mta_accuses_nobody() {
    let mut incident = Scenario::listed(None);
    incident.session("192.168.5.2", "198.51.100.60:25", MTA_HELO, "MAIL FROM:<", 10, "Ok");
    incident.session("192.168.5.2", "198.51.100.61:25", MTA_HELO, "MAIL FROM:<", 40, "Ok");
    assert_eq!(incident.cause(), None);
}

/// Sessions past the MTA from its own machine, each just after a request to one script.
fn posts_before_sessions(path: &str, weight: f32) -> Scenario {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    let offsets = [-600, -100, 300, 500];
    incident.bot("192.168.5.2", BOT, &offsets);
    for offset in offsets {
        incident.request(path, offset - 1);
    }
    for minute in -50..50 {
        incident.request("/index.php", minute * 60 + 17);
    }
    incident.file(&format!("/var/www/shop{path}"), weight);
    incident.file("/var/www/shop/index.php", 0.0);
    incident
}

#[test]
fn a_planted_script_whose_requests_meet_the_sessions_is_named() {
    let incident = posts_before_sessions("/uploads/x.php", 0.9);
    let script = "/var/www/shop/uploads/x.php".to_owned();
    assert_eq!(incident.cause(), Some((Class::CompromisedSite, Some(script))));
}

#[test]
fn an_unmodified_script_is_never_a_compromised_site() {
    let incident = posts_before_sessions("/contact.php", 0.0);
    assert!(
        incident.judge().iter().all(|(class, _, c)| *class != Class::CompromisedSite || *c < 0.5)
    );
}

#[test]
fn a_planted_file_that_nobody_calls_is_no_cause() {
    let mut incident = posts_before_sessions("/contact.php", 0.0);
    incident.file("/var/www/shop/old/shell.php", 0.95);
    let judged = incident.judge();
    assert!(
        judged
            .iter()
            .all(|(_, who, c)| who.as_deref() != Some("/var/www/shop/old/shell.php") || *c < 0.5)
    );
}

/// Sessions past the MTA from its own machine, and the socket table that names a process.
fn with_process(command: &str) -> Scenario {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.bot("192.168.5.2", BOT, &[-600, -100, 300, 500]);
    let place = Place::byte(SourceId(5), 10);
    incident.facts.processes.push(Process {
        user: "shop".to_owned(),
        pid: 812,
        parent: None,
        started: None,
        command: command.to_owned(),
        place,
    });
    incident.connections.push(Connection {
        time: None,
        src: "192.168.5.2".parse().unwrap(),
        src_port: Some(40_005),
        dst: "198.51.100.21".parse().unwrap(),
        dst_port: 25,
        translated: None,
        mac: None,
        in_interface: None,
        out_interface: None,
        pid: Some(812),
        program: Some("node".to_owned()),
        uid: None,
        state: "ESTAB".to_owned(),
        place,
    });
    incident
}

#[test]
fn an_application_that_the_socket_table_shows_is_a_direct_sender() {
    let incident = with_process("/usr/bin/node /srv/shop/orders.js");
    let script = "/srv/shop/orders.js".to_owned();
    assert_eq!(incident.cause(), Some((Class::DirectSender, Some(script))));
}

#[test]
fn a_program_in_a_folder_for_passing_files_is_no_legitimate_sender() {
    assert_eq!(with_process("perl /var/tmp/.x/sess").cause(), None);
}

#[test]
fn an_account_used_by_strangers_is_named() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in (-600..600).step_by(40).enumerate() {
        let ip = format!("192.0.{}.9", 2 + i % 7 * 10);
        incident.account_mail("test", &ip, &format!("s{i}@elsewhere.example"), offset, i % 3 == 0);
    }
    assert_eq!(incident.cause(), Some((Class::StolenCredentials, Some("test".to_owned()))));
}

#[test]
fn a_traveller_with_a_newsletter_is_not() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in (-600..600).step_by(40).enumerate() {
        let ip = if i < 10 { "192.0.2.9" } else { "198.18.7.7" };
        incident.account_mail("anna", ip, "anna@example.org", offset, true);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_lease_adds_the_machine_s_name() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", BOT, &[-600, -100, 300]);
    incident.facts.leases.push(Lease {
        ip: "192.168.5.77".parse().unwrap(),
        mac: "02:00:00:aa:bb:cc".to_owned(),
        name: Some("guest-laptop".to_owned()),
        from: None,
        until: None,
        place: Place::byte(SourceId(6), 0),
    });
    let incident_facts = Incident::new(&incident.facts);
    let mut gathered = Gathered::new(&incident_facts);
    incident.sessions.into_iter().for_each(|s| gathered.session(s));
    incident.mails.into_iter().for_each(|m| gathered.mail(m));
    gathered.settle();
    let case = Case::new(&incident.facts, &incident_facts, &gathered, &[]);
    let culprit = all(&case).into_iter().find_map(|h| h.culprit).expect("somebody");
    assert_eq!(culprit.attrs.get("mac").and_then(|m| m.as_str()), Some("02:00:00:aa:bb:cc"));
    assert_eq!(culprit.attrs.get("name").and_then(|m| m.as_str()), Some("guest-laptop"));
}
