//! Pass 1: the streamed records, reduced as they come.
//!
//! Captures come first, so when the mail logs are read it is known which servers matter: a
//! delivery to a server that no capture shows is only counted. Web logs come last, so the
//! instants that need explaining are known before the first request. Everything kept is
//! bounded; what a bound drops is counted in [`Gathered::dropped`].

use crate::inbound::Inbound;
use crate::incident::Incident;
use crate::instants::Instants;
use crate::logins::Logins;
use crate::matching;
use crate::process::ProcessRef;
use crate::profile::Profile;
use crate::proxies::Proxies;
use crate::requests::Requests;
use crate::seen::Seen;
use crate::usage::Usages;
use heloscope_evidence::{AuthEvent, Connection, MailCopy, Process, Proxied, Request, Sink};
use heloscope_maillog::{Attempt, Login, Mail, Origin, Reject};
use heloscope_model::{Octets, Place, Session, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

/// Sessions kept. At some 500 bytes each they stay below 128 MB.
const SESSIONS: usize = 250_000;
/// Connection records kept.
const CONNECTIONS: usize = 100_000;
/// Seconds within which two records of one pair of sockets are one connection (a repeated SYN).
const SAME_CONNECTION_S: f64 = 130.0;
/// Processes of the record kept.
const RECORDED: usize = 1000;
/// Names of logging machines kept.
const LOG_HOSTS: usize = 16;
/// Copies of messages kept, as headers.
const COPIES: usize = 20_000;

/// Everything the hypotheses look at.
pub(crate) struct Gathered<'a> {
    incident: &'a Incident,
    processes: &'a [Process],
    /// Programs, with their users, that lines of the mail log proved to be a mail server nobody knew.
    pub(crate) mail_programs: BTreeSet<(String, u32)>,
    /// Programs other than the mail server that the recorder saw open sessions.
    pub(crate) recorded: Vec<Process>,
    /// Outgoing sessions.
    pub(crate) outbound: Vec<Seen>,
    /// Sessions from inside to an address of ours: how local programs speak to the MTA.
    pub(crate) inward: u64,
    /// Sessions that come in.
    pub(crate) inbound: Inbound,
    twins: HashMap<(u32, u32), usize>,
    by_socket: HashMap<(SocketAddr, SocketAddr), usize>,
    pub(crate) matching: matching::Pending,
    /// What the MTA's own sessions look like.
    pub(crate) profile: Profile,
    /// Who uses the MTA, by account, uid and client.
    pub(crate) usages: Usages,
    /// Connections to mail ports that firewalls and socket tables name.
    pub(crate) connections: Vec<Connection>,
    /// Rows of those that are a recorded session, and of no other.
    pub(crate) placed: HashSet<Place>,
    /// Log-ins to this host.
    pub(crate) logins: Logins,
    /// What proxies were asked for.
    pub(crate) proxies: Proxies,
    /// Requests near the instants that need explaining.
    pub(crate) requests: Requests,
    /// Message copies.
    pub(crate) copies: Vec<MailCopy>,
    /// Names of the machines that wrote the mail log.
    pub(crate) log_hosts: BTreeSet<Octets>,
    /// Mails in the logs.
    pub(crate) mails: u64,
    /// Records not kept because a bound was reached.
    pub(crate) dropped: u64,
    /// Seconds by which the mail log's clock is ahead of the captures', as far as sessions tell.
    pub(crate) log_skew_s: f64,
    settled: bool,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(incident: &'a Incident, processes: &'a [Process]) -> Self {
        Self {
            incident,
            processes,
            mail_programs: BTreeSet::new(),
            recorded: Vec::new(),
            outbound: Vec::new(),
            inward: 0,
            inbound: Inbound::default(),
            twins: HashMap::new(),
            by_socket: HashMap::new(),
            matching: matching::Pending::default(),
            profile: Profile::default(),
            usages: Usages::default(),
            connections: Vec::new(),
            placed: HashSet::new(),
            logins: Logins::default(),
            proxies: Proxies::default(),
            requests: Requests::default(),
            copies: Vec::new(),
            log_hosts: BTreeSet::new(),
            mails: 0,
            dropped: 0,
            log_skew_s: 0.0,
            settled: false,
        }
    }

    /// Matches what is open and learns the MTA's profile; once, before the first web request or
    /// at the end of the stream.
    pub(crate) fn settle(&mut self) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        self.log_skew_s = self.matching.settle(&mut self.outbound);
        for seen in self.outbound.iter().filter(|s| matches!(s.explained, Some((_, true)))) {
            self.profile.learn(seen);
        }
        let proved = |s: &&Seen| matches!(s.explained, Some((_, true)));
        let programs = self.outbound.iter().filter(proved).filter_map(|s| s.process.as_ref());
        self.mail_programs = programs.filter_map(ProcessRef::may_be_a_mail_server).collect();
        let its_own =
            |s: &&Seen| s.process.as_ref().and_then(|p| self.is_mail_server(p)) == Some(true);
        let hosts: BTreeSet<IpAddr> =
            self.outbound.iter().filter(its_own).map(Seen::speaker).collect();
        self.profile.hosts.extend(hosts);
        if self.profile.hosts.is_empty() {
            self.profile.hosts = self.hosts_by_time();
        }
        // Server and time alone explain nothing for a machine that the log's mail is not known to
        // leave from: others write to the same servers.
        for seen in &mut self.outbound {
            if matches!(seen.explained, Some((_, false)))
                && !self.profile.hosts.contains(&seen.speaker())
            {
                seen.explained = None;
            }
        }
        let unexplained = self.outbound.iter().filter(|s| s.explained.is_none()).map(|s| s.start);
        self.recorded = self.recorded();
        let starts = self.starts();
        self.requests.instants =
            Instants::new(unexplained, self.usages.local_instants(), starts.into_iter());
    }

    /// Whether the recorder saw the mail server's own program, by what is known or was proved, or another; none where it saw nothing.
    pub(crate) fn is_mail_server(&self, process: &ProcessRef) -> Option<bool> {
        let known = process.is_mail_server()?;
        let program = process.may_be_a_mail_server();
        Some(known || program.is_some_and(|program| self.mail_programs.contains(&program)))
    }

    /// The processes behind sessions that the recorder saw others than the mail server open, each once.
    fn recorded(&self) -> Vec<Process> {
        let mut known = BTreeSet::new();
        self.outbound
            .iter()
            .filter_map(|seen| seen.process.as_ref())
            .filter(|process| self.is_mail_server(process) == Some(false))
            .filter_map(ProcessRef::recorded)
            .filter(|process| {
                known.len() < RECORDED && known.insert((process.pid, process.started))
            })
            .collect()
    }

    /// When the processes were started that hold connections to mail ports or lie oddly: a request
    /// may have started them.
    fn starts(&self) -> Vec<(Time, u32)> {
        let holds = |process: &Process| {
            let of_it = |pid: Option<u32>| pid == Some(process.pid);
            self.outbound.iter().any(|s| of_it(s.process.as_ref().and_then(|p| p.pid)))
                || self.connections.iter().any(|c| c.dst_port == 25 && of_it(c.pid))
        };
        self.processes
            .iter()
            .filter(|p| holds(p) || crate::hypotheses::stands_out(p, self.processes))
            .chain(&self.recorded)
            .filter_map(|p| Some((p.started?, p.pid)))
            .collect()
    }

    /// Where no session is explained by content: the addresses most of whose sessions are
    /// explained by server and time.
    fn hosts_by_time(&self) -> BTreeSet<IpAddr> {
        let mut counts: BTreeMap<IpAddr, (u32, u32)> = BTreeMap::new();
        for seen in &self.outbound {
            let (explained, all) = counts.entry(seen.speaker()).or_default();
            *explained += u32::from(seen.explained.is_some());
            *all += 1;
        }
        counts
            .into_iter()
            .filter(|(_, (e, all))| *e >= 3 && 2 * e > *all)
            .map(|(ip, _)| ip)
            .collect()
    }

    /// A connection record adds its process to the session it tells of; one with a time that no
    /// capture shows stands for a session by itself.
    fn as_session(&mut self, connection: &Connection) {
        let own = &self.incident.own;
        if connection.dst.is_loopback()
            || own.is_ours(connection.dst)
            || !own.is_ours(connection.src)
        {
            return;
        }
        let client = SocketAddr::new(connection.src, connection.src_port.unwrap_or(0));
        let server = SocketAddr::new(connection.dst, connection.dst_port);
        // Seen outside the translation, the tracked connection names who stands behind it.
        let outside = connection.translated.map(|ip| SocketAddr::new(ip, client.port()));
        let known = self.by_socket.get(&(client, server)).copied().or_else(|| {
            let known = *self.by_socket.get(&(outside?, server))?;
            let seen = self.outbound.get_mut(known)?;
            if seen.inside.is_none() && own.is_inside(connection.src) {
                seen.inside = Some(client);
            }
            Some(known)
        });
        if let Some(seen) = known.and_then(|i| self.outbound.get_mut(i)) {
            let same =
                connection.time.is_none_or(|t| seen.stretch().widened(SAME_CONNECTION_S).holds(t));
            if same {
                let known = seen.process.as_ref().is_some_and(|p| p.opener.is_some());
                if !known && (seen.process.is_none() || connection.opener.is_some()) {
                    seen.process = ProcessRef::of(connection);
                }
                self.placed.insert(connection.place);
                return;
            }
        }
        if let Some(start) = connection.time {
            self.keep(Seen::from_connection(connection, start));
        }
    }

    fn keep(&mut self, seen: Seen) {
        if self.outbound.len() >= SESSIONS {
            self.dropped += 1;
            return;
        }
        let index = self.outbound.len();
        if let (Some(client), Some(server)) = seen.sequence {
            self.twins.insert((client, server), index);
        }
        self.by_socket.insert((seen.client, seen.server), index);
        self.by_socket.insert((seen.speaker_socket(), seen.server), index);
        self.outbound.push(seen);
    }
}

impl Sink for Gathered<'_> {
    fn session(&mut self, session: Session) {
        let own = &self.incident.own;
        let speaker = session.inside.unwrap_or(session.client).ip();
        let server = session.server.ip();
        if speaker.is_loopback() || server.is_loopback() {
            return;
        }
        if own.is_ours(server) {
            self.inward += u64::from(own.is_inside(speaker));
            self.inbound.session(&session);
            return;
        }
        if !own.is_ours(speaker) {
            return;
        }
        let seen = Seen::new(&session);
        if let (Some(client), Some(server)) = seen.sequence
            && let Some(known) = self.twins.get(&(client, server)).copied()
            && let Some(twin) = self.outbound.get_mut(known)
            && twin.is_twin(&seen)
        {
            twin.absorb(seen, |ip| own.is_inside(ip));
            return;
        }
        self.keep(seen);
    }

    fn connection(&mut self, connection: Connection) {
        if connection.dst_port != 25 && connection.state != "LISTEN" && connection.pid.is_none() {
            return;
        }
        if self.connections.len() >= CONNECTIONS {
            self.dropped += 1;
            return;
        }
        if connection.state != "LISTEN" {
            self.as_session(&connection);
        }
        self.connections.push(connection);
    }

    fn mail(&mut self, mail: Mail) {
        self.mails += 1;
        if self.log_hosts.len() < LOG_HOSTS && !self.log_hosts.contains(&mail.host) {
            self.log_hosts.insert(mail.host.clone());
        }
        if let (Origin::Client { ip: Some(ip), account: None, .. }, Some(from)) =
            (&mail.origin, &mail.from)
        {
            let own = &self.incident.own;
            let line = (mail.place, mail.first);
            let relayed = mail.deliveries.iter().any(crate::usage::relayed);
            self.inbound.mail(*ip, from.as_bytes(), line, relayed, |ip| !own.is_ours(ip));
        }
        self.matching.mail(&mail, &mut self.outbound);
        self.usages.mail(&mail, self.incident);
    }

    fn attempt(&mut self, attempt: Attempt) {
        self.matching.attempt(&attempt);
    }

    fn reject(&mut self, reject: Reject) {
        self.usages.reject(&reject);
    }

    fn login(&mut self, login: Login) {
        self.usages.login(&login);
    }

    fn auth(&mut self, event: AuthEvent) {
        self.logins.event(event);
    }

    fn proxied(&mut self, proxied: Proxied) {
        self.proxies.request(proxied);
    }

    fn request(&mut self, request: Request) {
        self.settle();
        self.requests.request(request);
    }

    fn mail_copy(&mut self, copy: MailCopy) {
        if self.copies.len() >= COPIES {
            self.dropped += 1;
            return;
        }
        self.copies.push(copy);
    }
}
