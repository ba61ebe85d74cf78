//! Made-up incidents for the tests of the judging core: facts and records in the order of the stream.

mod records;

use super::all;
use crate::answer::Class;
use crate::case::Case;
use crate::gather::Gathered;
use crate::incident::Incident;
use heloscope_evidence::{AuthEvent, Connection, Facts, Input, Kind, Proxied, Request, Sink};
use heloscope_maillog::{Delivery, Mail, Origin, Reject, Status};
use heloscope_model::Time;
use heloscope_model::notice::{Subject, TimeKind};
use heloscope_model::session::{Command, Dialogue, EndState, Reply, Session, Verb};
use heloscope_model::{Notice, Octets, Place, SourceId};
use std::net::SocketAddr;

/// The notice's time in these incidents.
pub(super) const DETECTED: i64 = 1_790_000_000;
pub(super) const PUBLIC: &str = "203.0.113.10";
pub(super) const MTA_HELO: &str = "mail.example.org";

/// An incident: facts, and records in the order of the stream.
pub(super) struct Scenario {
    pub(super) facts: Facts,
    pub(super) sessions: Vec<Session>,
    pub(super) connections: Vec<Connection>,
    pub(super) auth: Vec<AuthEvent>,
    pub(super) proxied: Vec<Proxied>,
    pub(super) mails: Vec<Mail>,
    pub(super) rejects: Vec<Reject>,
    pub(super) requests: Vec<Request>,
    /// Kinds of evidence that cover the time.
    pub(super) kinds: Vec<Kind>,
    count: u32,
}

impl Scenario {
    /// A listing with this HELO; the mail server at 192.168.5.2 with three logged sessions.
    pub(super) fn listed(helo: Option<&str>) -> Self {
        let mut scenario = Self {
            facts: Facts::default(),
            sessions: Vec::new(),
            connections: Vec::new(),
            auth: Vec::new(),
            proxied: Vec::new(),
            mails: Vec::new(),
            rejects: Vec::new(),
            requests: Vec::new(),
            kinds: vec![Kind::Capture, Kind::MailLog, Kind::WebLog, Kind::WebRoot],
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
    pub(super) fn logged_session(&mut self, offset: i64, server: &str) {
        let id = format!("7D21C40A{:02}", self.count);
        let reply = format!("2.0.0 Ok: queued as {id}");
        self.session("192.168.5.2", server, MTA_HELO, "MAIL FROM:<", offset, &reply);
        let mut mail = mail(offset + 3, Origin::Unknown, "a@example.org");
        mail.deliveries.push(delivery(offset + 3, server, &format!("250 {reply}"), Status::Sent));
        self.mails.push(mail);
    }

    /// A session that tries one mail.
    pub(super) fn session(
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
    pub(super) fn bot(&mut self, inside: &str, helo: &str, offsets: &[i64]) {
        for (i, offset) in offsets.iter().enumerate() {
            let server = format!("198.51.100.{}:25", 20 + i);
            self.session(inside, &server, helo, "MAIL FROM: <", *offset, "Ok");
        }
    }

    /// Class, culprit and confidence of all hypotheses, best first.
    pub(super) fn judge(mut self) -> Vec<(Class, Option<String>, f64)> {
        let incident = Incident::new(&self.facts);
        let mut gathered = Gathered::new(&incident, &self.facts.processes);
        self.sessions.sort_by_key(|s| s.start);
        self.sessions.into_iter().for_each(|s| gathered.session(s));
        self.connections.into_iter().for_each(|c| gathered.connection(c));
        self.auth.into_iter().for_each(|a| gathered.auth(a));
        self.proxied.into_iter().for_each(|p| gathered.proxied(p));
        self.mails.into_iter().for_each(|m| gathered.mail(m));
        self.rejects.into_iter().for_each(|r| gathered.reject(r));
        self.requests.into_iter().for_each(|r| gathered.request(r));
        gathered.settle();
        let inputs: Vec<Input> = self
            .kinds
            .iter()
            .map(|kind| Input {
                source: SourceId(0),
                path: "evidence".into(),
                kind: *kind,
                records: 100,
                first: Some(at(-3600)),
                last: Some(at(3600)),
                note: None,
                what: None,
                gaps: Vec::new(),
            })
            .collect();
        let case = Case::new(&self.facts, &incident, &gathered, &inputs);
        let mut found: Vec<_> = all(&case)
            .into_iter()
            .map(|h| (h.class, h.culprit.map(|c| c.value), h.weighing.confidence()))
            .collect();
        found.sort_by(|a, b| b.2.total_cmp(&a.2));
        found
    }

    /// The one cause above 0.5.
    pub(super) fn cause(self) -> Option<(Class, Option<String>)> {
        let accused: Vec<_> = self.judge().into_iter().filter(|(.., c)| *c > 0.5).collect();
        assert!(accused.len() <= 1, "more than one accused: {accused:?}");
        accused.into_iter().next().map(|(class, who, _)| (class, who))
    }
}

pub(super) fn at(offset: i64) -> Time {
    Time::from_secs(DETECTED + offset)
}

pub(super) fn mail(offset: i64, origin: Origin, from: &str) -> Mail {
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

pub(super) fn delivery(offset: i64, server: &str, reply: &str, status: Status) -> Delivery {
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
