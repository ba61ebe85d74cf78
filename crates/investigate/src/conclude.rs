//! From weighed hypotheses to the answer: verdict, causes with their proofs quoted, what was
//! ruled out and why, what is needed to settle the rest.

use crate::answer::{
    Cause, Class, Coverage, InputRow, Investigation, Needed, NoticeRow, Proof, Removal, RuledOut,
    SessionCount, SessionRow, Verdict,
};
use crate::case::Case;
use crate::hypotheses::Hypothesis;
use crate::weight::Reason;
use crate::{blast, list_words, needed, removal, ruled_out, timeline, walls};
use heloscope_evidence::{Evidence, Kind, Quote};
use heloscope_model::notice::Subject;
use heloscope_model::{Place, Time};
use std::collections::{HashMap, HashSet};

/// From this confidence on, a hypothesis is a cause of the answer.
pub(crate) const CAUSE: f64 = 0.5;
/// Unexplained sessions listed.
const LISTED: usize = 100;

/// Everything but the quotes, which need the evidence again.
pub(crate) struct Conclusion {
    causes: Vec<Hypothesis>,
    ruled_out: Vec<RuledOut>,
    needed: Vec<Needed>,
    sessions: SessionCount,
    unexplained: Vec<(SessionRow, Place)>,
    timeline: crate::answer::Timeline,
    removal: Option<Removal>,
    remarks: Vec<String>,
    walls: Vec<Reason>,
    zone: Option<String>,
    weighed: Vec<(Class, f64)>,
    /// Of sessions that are cited: who spoke to whom, and what he said.
    gists: HashMap<Place, String>,
    /// The latest stamp of what was recorded.
    until: Option<Time>,
}

/// Weighs up.
pub(crate) fn conclude(case: &Case<'_>, mut hypotheses: Vec<Hypothesis>) -> Conclusion {
    hypotheses.sort_by(|a, b| {
        let by_confidence = b.weighing.confidence().total_cmp(&a.weighing.confidence());
        by_confidence.then(a.class.cmp(&b.class))
    });
    let ruled_out = ruled_out::ruled_out(case, &hypotheses);
    let weighed = Class::ALL
        .into_iter()
        .map(|class| {
            let of_class = hypotheses.iter().filter(|h| h.class == class);
            (class, of_class.map(|h| h.weighing.confidence()).fold(0.0, f64::max))
        })
        .collect();
    let mut causes: Vec<_> =
        hypotheses.into_iter().filter(|h| h.weighing.confidence() > CAUSE).collect();
    // One culprit that is seen in two ways is one cause; the surer way tells it.
    let mut named = HashSet::new();
    causes.retain(|c| {
        let who = c.culprit.as_ref().map(|w| w.value.clone());
        who.is_none_or(|who| named.insert((c.class, who)))
    });
    blast::add(case, &mut causes);
    let cited: HashSet<Place> = causes.iter().flat_map(Hypothesis::cited).collect();
    let gists = case
        .gathered
        .outbound
        .iter()
        // A firewall's line is a text of its own and is quoted as it stands.
        .filter(|s| s.hearsay.is_none() && cited.contains(&s.place))
        .map(|s| (s.place, s.gist()))
        .collect();
    let until = case.last_stamp();
    let needed = needed::needed(case, &causes);
    let removal = removal::advice(case, &causes);
    let remarks = list_words::remarks(case);
    let walls = walls::told(case);
    let timeline = timeline::draw(case, &causes);
    let outbound = &case.gathered.outbound;
    let unexplained: Vec<_> = outbound.iter().filter(|s| s.explained.is_none()).collect();
    let sessions = SessionCount {
        outbound: outbound.len() as u64,
        explained: (outbound.len() - unexplained.len()) as u64,
        unexplained: unexplained.len() as u64,
    };
    let mut listed: Vec<_> = unexplained.into_iter().collect();
    listed.sort_by_key(|s| (s.start, s.place));
    let unexplained = listed
        .into_iter()
        .take(LISTED)
        .map(|s| {
            let src = s.speaker_socket();
            let row = SessionRow {
                time: s.start,
                src: src.ip().to_string(),
                src_port: src.port(),
                dst: s.server.ip().to_string(),
                dst_port: s.server.port(),
                helo: s.helo.as_ref().map(ToString::to_string),
                locator: String::new(),
            };
            (row, s.place)
        })
        .collect();
    Conclusion {
        causes,
        ruled_out,
        needed,
        sessions,
        unexplained,
        timeline,
        removal,
        remarks,
        walls,
        zone: case.facts.site.timezone.clone(),
        weighed,
        gists,
        until,
    }
}

impl Conclusion {
    /// Quotes every record that is cited, and puts the answer together.
    pub(crate) fn quoted(
        self,
        evidence: &Evidence,
        notices: &[heloscope_model::Notice],
    ) -> Investigation {
        let mut places: Vec<Place> = self.causes.iter().flat_map(Hypothesis::cited).collect();
        places.extend(self.unexplained.iter().map(|(_, place)| *place));
        places.extend(self.walls.iter().flat_map(|r| r.places.iter().map(|(place, _)| *place)));
        places.sort_unstable();
        places.dedup();
        let quoted = evidence.quotes(&places);
        let mut quotes: HashMap<Place, Quote> = HashMap::new();
        for (place, quote) in places.into_iter().zip(quoted) {
            if let Some(mut quote) = quote {
                if let Some(gist) = self.gists.get(&place) {
                    quote.text.clone_from(gist);
                }
                quotes.insert(place, quote);
            }
        }
        let causes: Vec<Cause> =
            self.causes.iter().map(|c| cause(c, &quotes, evidence, self.until)).collect();
        let verdict = match causes.len() {
            0 => Verdict::InsufficientEvidence,
            1 => Verdict::CauseFound,
            _ => Verdict::SeveralCauses,
        };
        let unexplained = self
            .unexplained
            .into_iter()
            .map(|(row, place)| SessionRow {
                locator: quotes.get(&place).map(|q| q.locator.clone()).unwrap_or_default(),
                ..row
            })
            .collect();
        Investigation {
            format: "heloscope.investigation/1",
            verdict,
            notices: notices.iter().map(|n| notice_row(n, evidence)).collect(),
            causes,
            ruled_out: self.ruled_out,
            needed: self.needed,
            sessions: self.sessions,
            unexplained,
            coverage: coverage(evidence),
            inputs: evidence.inputs.iter().map(input_row).collect(),
            timeline: self.timeline,
            removal: self.removal,
            remarks: self.remarks,
            firewall: self.walls.iter().flat_map(|r| reason_proofs(r, &quotes, evidence)).collect(),
            zone: self.zone,
            weighed: self.weighed,
            people: crate::redact::Known::default(),
        }
    }
}

fn cause(
    hypothesis: &Hypothesis,
    quotes: &HashMap<Place, Quote>,
    evidence: &Evidence,
    until: Option<Time>,
) -> Cause {
    let mut reasons: Vec<&Reason> = hypothesis.weighing.reasons.iter().collect();
    reasons.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let proofs = |wanted: &dyn Fn(&Reason) -> bool| -> Vec<Proof> {
        reasons
            .iter()
            .filter(|r| wanted(r))
            .flat_map(|r| reason_proofs(r, quotes, evidence))
            .collect()
    };
    let ongoing = hypothesis.last.zip(until).map(|(last, until)| until.since(last) <= 900.0);
    Cause {
        class: hypothesis.class,
        confidence: hypothesis.weighing.confidence(),
        culprit: hypothesis.culprit.clone(),
        summary: hypothesis.summary.clone(),
        path: hypothesis.path,
        notices: hypothesis.notices.clone(),
        first_seen: hypothesis.first,
        last_seen: hypothesis.last,
        ongoing,
        evidence: proofs(&|r| r.weight >= 0.0),
        against: proofs(&|r| r.weight < 0.0),
        fix: hypothesis.fix.clone(),
        verify: hypothesis.verify.clone(),
    }
}

/// The reason's sentence with its first record, then its other records alone.
fn reason_proofs(
    reason: &Reason,
    quotes: &HashMap<Place, Quote>,
    evidence: &Evidence,
) -> Vec<Proof> {
    if reason.places.is_empty() {
        return vec![Proof {
            source: String::new(),
            at: None,
            locator: String::new(),
            text: reason.says.clone(),
            says: reason.says.clone(),
            quote: String::new(),
        }];
    }
    reason
        .places
        .iter()
        .enumerate()
        .map(|(i, (place, at))| {
            let quote = quotes.get(place);
            let source = quote
                .map(|q| q.source.as_path())
                .or_else(|| evidence.path(place.source))
                .map(|p| p.display().to_string())
                .unwrap_or_default();
            // A file as a whole is named, there is no line of it to quote.
            let text =
                quote.filter(|q| !q.locator.is_empty()).map(|q| q.text.clone()).unwrap_or_default();
            let says = if i == 0 { reason.says.clone() } else { String::new() };
            Proof {
                source,
                at: *at,
                locator: quote.map(|q| q.locator.clone()).unwrap_or_default(),
                text: match (says.is_empty(), text.is_empty()) {
                    (true, _) => text.clone(),
                    (false, true) => says.clone(),
                    (false, false) => format!("{says}: {text}"),
                },
                says,
                quote: text,
            }
        })
        .collect()
}

fn notice_row(notice: &heloscope_model::Notice, evidence: &Evidence) -> NoticeRow {
    let (subject, ip) = match &notice.subject {
        Subject::Ip(ip) => (Some("ip"), Some(ip.to_string())),
        Subject::Prefix(prefix) => (Some("prefix"), Some(prefix.to_string())),
        Subject::Domain(domain) => (Some("domain"), Some(domain.clone())),
        Subject::Unnamed => (None, None),
    };
    NoticeRow {
        subject: subject.map(str::to_owned),
        ip,
        list: notice.list.clone(),
        reason: notice.reason.clone(),
        time: notice.time.map(|(t, _)| t),
        time_kind: notice.time.map(|(_, k)| k),
        tolerance_s: notice.tolerance_s,
        helo: notice.helo.as_ref().map(ToString::to_string),
        botnet: notice.botnet.clone(),
        src_port: notice.src_port,
        dst: notice.dst.map(|d| d.to_string()),
        dst_port: notice.dst_port,
        removed_at: notice.removed_at,
        source: evidence
            .path(notice.place.source)
            .map(|p| p.display().to_string())
            .unwrap_or_default(),
    }
}

fn coverage(evidence: &Evidence) -> Vec<Coverage> {
    let streams = [
        Kind::Capture,
        Kind::MailLog,
        Kind::WebLog,
        Kind::ProxyLog,
        Kind::AuthLog,
        Kind::Connections,
        Kind::Messages,
    ];
    evidence
        .inputs
        .iter()
        .filter(|i| streams.contains(&i.kind))
        .map(|i| Coverage {
            source: i.path.display().to_string(),
            first: i.first,
            last: i.last,
            gaps: i.gaps.iter().map(|(a, b)| [*a, *b]).collect(),
            what: i.what.clone().unwrap_or_else(|| i.kind.word().to_owned()),
        })
        .collect()
}

fn input_row(input: &heloscope_evidence::Input) -> InputRow {
    InputRow {
        path: input.path.display().to_string(),
        kind: input.kind.word(),
        records: input.records,
        first: input.first,
        last: input.last,
        note: input.note.clone(),
    }
}
