//! What every hypothesis looks at, and the questions they share: who spoke in a session, does a
//! kind of evidence cover the window, is something in the window.

use crate::gather::Gathered;
use crate::incident::{Incident, same_helo};
use crate::past::Past;
use crate::process::ProcessRef;
use crate::seen::Seen;
use crate::weight::Cited;
use heloscope_evidence::facts::Vantage;
use heloscope_evidence::{Facts, Input, Kind, Process, VpnClient};
use heloscope_model::{Octets, Time, Window};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Below this the clocks of log and capture are taken for one: stamps are rounded, lines late.
const SAME_CLOCK_S: f64 = 30.0;

/// Everything read, for judging.
pub(crate) struct Case<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) incident: &'a Incident,
    pub(crate) gathered: &'a Gathered<'a>,
    pub(crate) inputs: &'a [Input],
    mta_hosts: BTreeSet<IpAddr>,
    /// What the MTA is configured to say.
    mta_names: Vec<&'a str>,
    sees_inside: bool,
    past: OnceCell<Past<'a>>,
}

/// Who sent a session, seen from the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Speaker {
    /// The mail server's own machine.
    Host,
    /// Another machine behind the same public address.
    Other(IpAddr),
    /// Behind the translation, seen only outside: the stack is not the mail server's.
    Hidden,
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        facts: &'a Facts,
        incident: &'a Incident,
        gathered: &'a Gathered<'a>,
        inputs: &'a [Input],
    ) -> Self {
        let mut mta_hosts = gathered.profile.hosts.clone();
        let mta_names: Vec<&str> = incident
            .own
            .helos()
            .iter()
            .map(String::as_str)
            .chain(setting(facts, "smtp_helo_name"))
            .chain(setting(facts, "myhostname"))
            .filter(|name| !name.contains('$'))
            .collect();
        let unknown = mta_hosts.is_empty() && mta_names.is_empty();
        for seen in &gathered.outbound {
            let Some(helo) = &seen.helo else { continue };
            if mta_names.iter().any(|n| same_helo(n.as_bytes(), helo.as_bytes()))
                || gathered.profile.is_alike(seen)
                || (unknown && is_named_after(helo.as_bytes(), &gathered.log_hosts))
            {
                mta_hosts.insert(seen.speaker());
            }
        }
        let sees_inside = gathered.outbound.iter().any(|s| s.inside.is_some());
        Self {
            facts,
            incident,
            gathered,
            inputs,
            mta_hosts,
            mta_names,
            sees_inside,
            past: OnceCell::new(),
        }
    }

    /// Who sent a session.
    pub(crate) fn speaker(&self, seen: &Seen) -> Speaker {
        let own = &self.incident.own;
        let site = &self.facts.site;
        let ip = seen.speaker();
        let from_tunnel = seen.hearsay.as_ref().is_some_and(|h| h.from_tunnel);
        if from_tunnel || self.vpn_client(ip).is_some() {
            return Speaker::Other(ip);
        }
        if site.vantage == Some(Vantage::Host) {
            return Speaker::Host;
        }
        if own.is_public(ip) && seen.inside.is_none() {
            let other_stack = seen.stack.is_some()
                && self.gathered.profile.differences(seen).iter().any(|d| d.contains("TCP stack"));
            let hides = seen.hearsay.is_none()
                && (site.vantage == Some(Vantage::Outside)
                    || (!site.networks.is_empty() && !self.sees_inside));
            return if hides && other_stack { Speaker::Hidden } else { Speaker::Host };
        }
        if self.mta_hosts.contains(&ip) {
            return Speaker::Host;
        }
        let forwarded = seen.inside.is_some() || seen.hearsay.as_ref().is_some_and(|h| h.forwarded);
        let leased = self.facts.leases.iter().any(|l| l.ip == ip);
        let alone = self.gathered.outbound.iter().all(|s| s.speaker() == ip);
        if leased || forwarded || !self.mta_hosts.is_empty() || !alone {
            Speaker::Other(ip)
        } else {
            Speaker::Host
        }
    }

    /// The VPN client that has an address inside the tunnel. A client that may use everything
    /// (`0.0.0.0/0`) is the way out, not a client.
    pub(crate) fn vpn_client(&self, ip: IpAddr) -> Option<&'a VpnClient> {
        let narrow = |n: &ipnet::IpNet| n.prefix_len() >= 16;
        let of = |c: &&VpnClient| c.inside.iter().any(|n| narrow(n) && n.contains(&ip));
        let most = |c: &&VpnClient| c.inside.iter().map(ipnet::IpNet::prefix_len).max();
        self.facts.vpn_clients.iter().filter(of).max_by_key(most)
    }

    /// What the MTA says in HELO: learnt from its sessions, or as configured.
    pub(crate) fn mta_helos(&self) -> Vec<String> {
        let learnt = self
            .gathered
            .profile
            .helos
            .iter()
            .map(|h| heloscope_model::octets::lossy_text(h).0.into_owned());
        let mut names: Vec<String> =
            learnt.chain(self.mta_names.iter().map(|n| (*n).to_owned())).collect();
        names.dedup();
        names
    }

    /// The addresses known to be the mail server's.
    pub(crate) fn mta_hosts(&self) -> &BTreeSet<IpAddr> {
        &self.mta_hosts
    }

    /// Sessions past the mail server, from its own machine, in which mail was tried or may have
    /// been (they are not a mere probe), with the ways in which they are not the MTA's.
    ///
    /// Lineless is not yet guilty: what looks like the MTA's own (an earlier MX, a retry without
    /// TLS, an address verification) is left out. Where no line could teach what the MTA looks
    /// like, its configured names decide, and without those only the HELO the notice quotes.
    pub(crate) fn past(&self) -> &Past<'a> {
        self.past.get_or_init(|| Past::new(self.past_mta_on_host()))
    }

    /// Whether every session of this host is known to be the mail server's. Where neither a log nor
    /// settings say what that one looks like, none is.
    pub(crate) fn all_explained(&self) -> bool {
        let known = self.gathered.profile.learnt_from > 0 || !self.mta_names.is_empty();
        let of_host = |s: &&Seen| self.is_open(s) && self.speaker(s) == Speaker::Host;
        self.past().is_empty() && (known || !self.gathered.outbound.iter().any(|s| of_host(&s)))
    }

    fn past_mta_on_host(&self) -> Vec<(&'a Seen, Vec<String>)> {
        let profile = &self.gathered.profile;
        self.gathered
            .outbound
            .iter()
            .filter(|s| self.is_open(s) && self.speaker(s) == Speaker::Host)
            .filter_map(|s| {
                // Whose it is was seen when it began: nothing else says it better.
                let process = s.process.as_ref();
                if process.and_then(|p| self.gathered.is_mail_server(p)) == Some(false) {
                    let name = process.and_then(|p| p.program.as_deref()).unwrap_or_default();
                    let how = process.map(ProcessRef::seen_how).unwrap_or_default();
                    return Some((s, vec![format!("the recorder saw {name} {how} it")]));
                }
                if profile.learnt_from > 0 {
                    let mut ways = profile.differences(s);
                    if ways.is_empty() && self.is_missing_in_the_log(s) {
                        ways.push(
                            "a mail of it was taken that the mail log knows nothing of".to_owned(),
                        );
                    }
                    return (!ways.is_empty()).then_some((s, ways));
                }
                let helo = s.helo.as_ref()?;
                let foreign = if self.mta_names.is_empty() {
                    self.incident.quotes_helo(helo)
                } else {
                    !self.mta_names.iter().any(|n| same_helo(n.as_bytes(), helo.as_bytes()))
                };
                foreign.then(|| (s, vec![format!("it says HELO {helo}")]))
            })
            .collect()
    }

    /// Whether a mail was taken in it of which the log should know: it was being written before and
    /// after, and a mail server logs what it hands over. Probes and failed tries leave no line.
    fn is_missing_in_the_log(&self, seen: &Seen) -> bool {
        const EDGE_S: f64 = 120.0;
        // A log may lie in pieces, each beginning where the one before ends.
        const PIECES_S: f64 = 600.0;
        let logs: Vec<(Time, Time)> = self
            .inputs
            .iter()
            .filter(|i| i.kind == Kind::MailLog)
            .filter_map(|i| Some((self.log_time(i.first?), self.log_time(i.last?))))
            .collect();
        let (Some(first), Some(last)) =
            (logs.iter().map(|l| l.0).min(), logs.iter().map(|l| l.1).max())
        else {
            return false;
        };
        let before = logs
            .iter()
            .any(|(from, to)| *from <= seen.start && seen.start <= to.plus_secs(PIECES_S));
        let after =
            logs.iter().any(|(from, to)| from.plus_secs(-PIECES_S) <= seen.end && seen.end <= *to);
        let silent = self.inputs.iter().filter(|i| i.kind == Kind::MailLog).any(|i| {
            i.gaps.iter().any(|(a, b)| {
                Window { from: self.log_time(*a), to: self.log_time(*b) }.meets(&seen.stretch())
            })
        });
        seen.taken > 0
            && before
            && after
            && !silent
            && first.plus_secs(EDGE_S) <= seen.start
            && seen.end <= last.plus_secs(-EDGE_S)
    }

    /// Sessions of others that no line explains and that a list could have seen.
    pub(crate) fn is_open(&self, seen: &Seen) -> bool {
        let own = seen.process.as_ref().and_then(|p| self.gathered.is_mail_server(p));
        seen.explained.is_none()
            && own != Some(true)
            && is_delivery(seen)
            && !self.facts.site.relays.contains(&seen.server.ip())
    }

    /// Whether a HELO is a name in the domain of the site's own mail server.
    pub(crate) fn is_own_domain(&self, helo: &Octets) -> bool {
        let name = helo.to_string().to_ascii_lowercase();
        let parent = |name: &str| {
            let (_, domain) = name.split_once('.')?;
            domain.contains('.').then(|| domain.to_owned())
        };
        parent(&name).is_some_and(|domain| {
            self.mta_helos()
                .iter()
                .any(|h| parent(&h.to_ascii_lowercase()).as_ref() == Some(&domain))
        })
    }

    /// Whether evidence of a kind covers a part of every notice's window; `None` without windows.
    pub(crate) fn covers_window(&self, kind: Kind) -> Option<bool> {
        if self.incident.windows.is_empty() {
            return None;
        }
        Some(self.incident.windows.iter().all(|(_, w)| self.covers(kind, w)))
    }

    fn covers(&self, kind: Kind, window: &Window) -> bool {
        let right = |t: Time| if kind == Kind::MailLog { self.log_time(t) } else { t };
        self.inputs.iter().filter(|i| i.kind == kind).any(|i| match (i.first, i.last) {
            (Some(from), Some(to)) => Window { from: right(from), to: right(to) }.meets(window),
            _ => false,
        })
    }

    /// A stamp of the mail log by the captures' clock, where the two were found to disagree.
    pub(crate) fn log_time(&self, at: Time) -> Time {
        let skew = self.gathered.log_skew_s;
        if skew.abs() < SAME_CLOCK_S { at } else { at.plus_secs(-skew) }
    }

    /// Whether a line of the mail log lies in the window of any notice.
    pub(crate) fn in_window(&self, at: Time) -> bool {
        self.incident.in_window(self.log_time(at))
    }

    /// Whether there is evidence of a kind at all.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.inputs.iter().any(|i| i.kind == kind && i.records > 0)
    }

    /// Whether files of web sites were given: code that lies elsewhere than installed programs.
    pub(crate) fn has_sites_files(&self) -> bool {
        let installed =
            |path: &str| ["/usr/", "/etc/", "/opt/"].iter().any(|d| path.starts_with(d));
        self.facts.web_files.iter().any(|f| !installed(&f.path))
    }

    /// The latest stamp of what was recorded as it happened. A lease's end or the day a notice
    /// was written tells nothing of it.
    pub(crate) fn last_stamp(&self) -> Option<Time> {
        let recordings = [Kind::Capture, Kind::MailLog, Kind::WebLog, Kind::Connections];
        self.inputs.iter().filter(|i| recordings.contains(&i.kind)).filter_map(|i| i.last).max()
    }

    /// Seconds after an instant that evidence of these kinds covers, its gaps left out.
    pub(crate) fn recorded_since(&self, since: Time, kinds: &[Kind]) -> f64 {
        let mut spans: Vec<(Time, Time)> = Vec::new();
        for input in self.inputs.iter().filter(|i| kinds.contains(&i.kind)) {
            let (Some(first), Some(last)) = (input.first, input.last) else { continue };
            let mut from = first.max(since);
            let mut gaps = input.gaps.clone();
            gaps.sort();
            for (begin, end) in gaps.into_iter().filter(|(_, end)| *end > since) {
                spans.push((from, begin.min(last)));
                from = from.max(end);
            }
            spans.push((from, last));
        }
        spans.sort();
        let mut covered = 0.0;
        let mut until = since;
        for (from, to) in spans {
            covered += to.since(from.max(until)).max(0.0);
            until = until.max(to);
        }
        covered
    }

    /// The process of a pid.
    pub(crate) fn process(&self, pid: Option<u32>) -> Option<&'a Process> {
        let pid = pid?;
        self.facts.processes.iter().find(|p| p.pid == pid)
    }

    /// A process as the recorder noted it.
    pub(crate) fn recorded(&self, reference: &ProcessRef) -> Option<&'a Process> {
        let is_it = |p: &&Process| Some(p.pid) == reference.pid && p.started == reference.started;
        self.gathered.recorded.iter().find(is_it)
    }

    /// The users that web servers and PHP run as, root aside.
    pub(crate) fn web_users(&self) -> BTreeSet<&'a str> {
        let serves = |p: &&Process| crate::process::is_web_server(&p.command);
        let users = self.facts.processes.iter().filter(serves).map(|p| p.user.as_str());
        users.filter(|u| *u != "root" && !u.is_empty()).collect()
    }

    /// The name of a user id.
    pub(crate) fn user_name(&self, uid: u32) -> Option<&'a str> {
        let listed = self.facts.users.iter().find(|u| u.uid == uid).map(|u| u.name.as_str());
        let running = || self.facts.processes.iter().find(|p| p.uid == Some(uid));
        listed.or_else(|| running().map(|p| p.user.as_str()))
    }

    /// The number of a user.
    pub(crate) fn user_id(&self, name: &str) -> Option<u32> {
        let listed = self.facts.users.iter().find(|u| u.name == name).map(|u| u.uid);
        listed.or_else(|| self.facts.processes.iter().find(|p| p.user == name)?.uid)
    }

    /// Whether something still went on in the last quarter hour before the evidence ends.
    pub(crate) fn is_ongoing(&self, last: Option<Time>) -> Option<bool> {
        Some(self.last_stamp()?.since(last?) <= 900.0)
    }

    /// The notices that speak of mail; a sinkhole's does not.
    pub(crate) fn notices_of_mail(&self) -> Vec<usize> {
        let notices = self.incident.notices.iter().enumerate();
        notices.filter(|(_, n)| n.dst.is_none()).map(|(i, _)| i).collect()
    }

    /// The notices that mail through the mail server can explain: those that quote no HELO but its own.
    pub(crate) fn notices_through_mta(&self) -> Vec<usize> {
        let own = self.mta_helos();
        let foreign = |i: &usize| {
            let quoted = self.incident.notices.get(*i).and_then(|n| n.helo.as_ref());
            quoted.is_some_and(|h| {
                !own.is_empty() && !own.iter().any(|o| same_helo(o.as_bytes(), h.as_bytes()))
            })
        };
        self.notices_of_mail().into_iter().filter(|i| !foreign(i)).collect()
    }

    /// The notices whose windows hold one of these instants; all of them where none has a window.
    pub(crate) fn notices_of(&self, stretches: &[Window]) -> Vec<usize> {
        if self.incident.windows.is_empty() {
            return self.notices_of_mail();
        }
        self.incident
            .windows
            .iter()
            .filter(|(_, w)| stretches.iter().any(|s| s.meets(w)))
            .map(|(i, _)| *i)
            .collect()
    }
}

/// A session that delivers or may deliver: mail was tried, or what was said is hidden. Who logs in
/// is a customer of that server, on whatever port.
pub(crate) fn is_delivery(seen: &Seen) -> bool {
    let mail_port = is_delivery_port(seen.server.port());
    if seen.authenticated {
        return false;
    }
    let hidden = (seen.tls || seen.hearsay.is_some()) && !seen.too_short_for_mail;
    seen.tried_mail() || (mail_port && hidden)
}

/// Whether mail is delivered to that port, and not handed in with an account.
pub(crate) fn is_delivery_port(port: u16) -> bool {
    matches!(port, 25 | 2525)
}

/// Whether the first label of a HELO is the name of a machine that wrote the mail log.
fn is_named_after(helo: &[u8], hosts: &BTreeSet<Octets>) -> bool {
    let label = |name: &[u8]| {
        let end = name.iter().position(|&b| b == b'.').unwrap_or(name.len());
        name.get(..end).unwrap_or_default().to_ascii_lowercase()
    };
    helo.contains(&b'.') && hosts.iter().any(|h| label(h.as_bytes()) == label(helo))
}

/// A setting of the MTA.
pub(crate) fn setting<'f>(facts: &'f Facts, name: &str) -> Option<&'f str> {
    facts.settings.iter().find(|s| s.name == name).map(|s| s.value.as_str())
}

/// Places with their times, for a reason.
pub(crate) fn frames<'s>(sessions: impl IntoIterator<Item = &'s Seen>) -> Vec<Cited> {
    let mut cited: Vec<Cited> = sessions.into_iter().map(|s| (s.place, Some(s.start))).collect();
    cited.sort_by_key(|(place, at)| (*at, *place));
    cited.truncate(4);
    cited
}

/// "1 session", "3 sessions".
pub(crate) fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        _ if what.ends_with('s') || what.ends_with("ch") => format!("{n} {what}es"),
        _ if what.ends_with('y') && !what.ends_with("ey") => {
            format!("{n} {}ies", what.trim_end_matches('y'))
        }
        _ => format!("{n} {what}s"),
    }
}
