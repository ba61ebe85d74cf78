//! The records of a made-up incident: one method a kind.

use super::*;
use heloscope_evidence::facts::Finding;
use heloscope_evidence::{AuthWhat, Opener, Process, Setting, VpnClient, WebFile};
use std::sync::Arc;

impl Scenario {
    pub(in crate::hypotheses) fn request(&mut self, path: &str, offset: i64) {
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

    /// A line of the gateway's firewall, under a rule's prefix.
    pub(in crate::hypotheses) fn firewall_line(
        &mut self,
        inside: &str,
        server: &str,
        offset: i64,
        prefix: &str,
    ) {
        self.connections.push(Connection {
            time: Some(at(offset)),
            src: inside.parse().unwrap(),
            src_port: Some(50_000),
            dst: server.parse().unwrap(),
            dst_port: 25,
            translated: None,
            mac: None,
            in_interface: Some("lan0".to_owned()),
            out_interface: Some("wan0".to_owned()),
            pid: None,
            program: None,
            opener: None,
            helo: None,
            sent: None,
            process_started: None,
            uid: None,
            state: prefix.to_owned(),
            place: Place::byte(SourceId(7), offset.unsigned_abs()),
        });
    }

    /// Whether the client of the last mail has a valid reverse name.
    pub(in crate::hypotheses) fn name_client(&mut self, named: bool) {
        if let Some(mail) = self.mails.last_mut()
            && let Origin::Client { name, .. } = &mut mail.origin
        {
            *name = Octets::from(if named { "dsl-7.provider.example" } else { "unknown" });
        }
    }

    pub(in crate::hypotheses) fn file(&mut self, path: &str, weight: f32) {
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

    pub(in crate::hypotheses) fn account_mail(
        &mut self,
        account: &str,
        ip: &str,
        from: &str,
        offset: i64,
        sent: bool,
    ) {
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

    /// A mail that a local program handed in, to so many people elsewhere.
    pub(in crate::hypotheses) fn local_mail(
        &mut self,
        (uid, name): (u32, &str),
        offset: i64,
        to: &[&str],
        sent: bool,
    ) {
        let origin = Origin::Local { uid, from: Octets::from(name) };
        let mut mail = mail(offset, origin, &format!("{name}@example.org"));
        mail.recipients = Some(to.len() as u32);
        mail.deliveries = to.iter().map(|to| outward(offset, to, sent)).collect();
        self.mails.push(mail);
    }

    /// A mail that a client without a password handed in for somebody elsewhere.
    pub(in crate::hypotheses) fn relayed_mail(
        &mut self,
        ip: &str,
        from: &str,
        offset: i64,
        to: &str,
        sent: bool,
    ) {
        let mut mail = mail(offset, client(ip), from);
        mail.deliveries.push(outward(offset, to, sent));
        self.mails.push(mail);
    }

    /// A mail for a mailbox here.
    pub(in crate::hypotheses) fn incoming_mail(&mut self, ip: &str, from: &str, offset: i64) {
        let mut mail = mail(offset, client(ip), from);
        let mut delivery =
            delivery(offset + 1, "198.51.100.99:25", "delivered to mailbox", Status::Sent);
        delivery.agent = Octets::from("local");
        delivery.relay_ip = None;
        delivery.relay_port = None;
        mail.deliveries.push(delivery);
        self.mails.push(mail);
    }

    pub(in crate::hypotheses) fn setting(&mut self, name: &str, value: &str) {
        let place = Place::byte(SourceId(8), self.facts.settings.len() as u64);
        self.facts.settings.push(Setting { name: name.to_owned(), value: value.to_owned(), place });
    }

    pub(in crate::hypotheses) fn process(
        &mut self,
        pid: u32,
        user: &str,
        command: &str,
        started: Option<i64>,
    ) {
        self.facts.processes.push(Process {
            user: user.to_owned(),
            uid: None,
            pid,
            parent: None,
            started: started.map(at),
            command: command.to_owned(),
            place: Place::byte(SourceId(5), u64::from(pid)),
        });
    }

    /// A row of the socket table: a process holds a connection to a server's port 25.
    pub(in crate::hypotheses) fn socket(&mut self, pid: u32, program: &str, server: &str) {
        self.connections.push(Connection {
            src_port: Some(40_999),
            dst: server.parse().unwrap(),
            pid: Some(pid),
            program: Some(program.to_owned()),
            state: "ESTAB".to_owned(),
            ..self.row("192.168.5.2")
        });
    }

    /// A row of the socket table: a process listens on every address.
    pub(in crate::hypotheses) fn listens(&mut self, pid: u32, program: &str, port: u16) {
        self.connections.push(Connection {
            dst_port: port,
            pid: Some(pid),
            program: Some(program.to_owned()),
            state: "LISTEN".to_owned(),
            ..self.row("0.0.0.0")
        });
    }

    /// A connection that the recorder noted: who opened it to which server's port 25, and how much he sent.
    pub(in crate::hypotheses) fn opened(
        &mut self,
        (uid, opener): (u32, &Opener),
        server: &str,
        offset: i64,
        (helo, sent): (Option<&str>, u64),
    ) {
        let count = self.connections.len() as u16;
        self.connections.push(Connection {
            time: Some(at(offset)),
            src_port: Some(50_000 + count),
            dst: server.parse().unwrap(),
            pid: Some(3000 + u32::from(count)),
            program: opener.script.clone().or_else(|| Some(opener.exe.clone())),
            opener: Some(Arc::new(opener.clone())),
            helo: helo.map(Octets::from),
            sent: Some(sent),
            uid: Some(uid),
            state: "ESTAB".to_owned(),
            ..self.row(PUBLIC)
        });
    }

    fn row(&self, src: &str) -> Connection {
        Connection {
            time: None,
            src: src.parse().unwrap(),
            src_port: None,
            dst: "0.0.0.0".parse().unwrap(),
            dst_port: 25,
            translated: None,
            mac: None,
            in_interface: None,
            out_interface: None,
            pid: None,
            program: None,
            opener: None,
            helo: None,
            sent: None,
            process_started: None,
            uid: None,
            state: String::new(),
            place: Place::byte(SourceId(5), 1000 + self.connections.len() as u64),
        }
    }

    pub(in crate::hypotheses) fn login(
        &mut self,
        user: &str,
        ip: &str,
        offset: i64,
        what: AuthWhat,
    ) {
        self.auth.push(AuthEvent {
            time: at(offset),
            place: Place::byte(SourceId(10), self.auth.len() as u64),
            service: Octets::from("sshd"),
            pid: Some(700),
            user: Some(user.to_owned()),
            ip: Some(ip.parse().unwrap()),
            what,
        });
    }

    pub(in crate::hypotheses) fn proxied(&mut self, client: &str, offset: i64, granted: bool) {
        self.proxied.push(Proxied {
            time: at(offset),
            place: Place::byte(SourceId(11), self.proxied.len() as u64),
            client: Some(client.parse().unwrap()),
            method: Octets::from("CONNECT"),
            host: format!("mx{offset}.example.net"),
            port: 25,
            granted,
            program: "squid",
        });
    }

    pub(in crate::hypotheses) fn vpn_client(&mut self, name: &str, inside: &str) {
        self.facts.vpn_clients.push(VpnClient {
            interface: Some("wg0".to_owned()),
            name: name.to_owned(),
            endpoint: Some("192.0.2.200".parse().unwrap()),
            inside: vec![inside.parse().unwrap()],
            seen: None,
            place: Place::byte(SourceId(12), 0),
        });
    }
}

fn client(ip: &str) -> Origin {
    Origin::Client {
        name: Octets::from("unknown"),
        ip: Some(ip.parse().unwrap()),
        port: None,
        account: None,
        service: Octets::from("smtpd"),
    }
}

fn outward(offset: i64, to: &str, sent: bool) -> Delivery {
    let (status, reply) = if sent {
        (Status::Sent, "250 2.0.0 Ok")
    } else {
        (Status::Bounced, "550 5.1.1 no such user")
    };
    Delivery { to: Octets::from(to), ..delivery(offset + 2, "198.51.100.99:25", reply, status) }
}
