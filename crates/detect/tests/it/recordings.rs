//! `recordings/senders`, judged as a list judges them: each address's sessions in their order, with the
//! look-ups that its names would be answered with, and its past; and as an owner judges his captures,
//! with none of that.

use heloscope_capture::Options;
use heloscope_detect::{
    Answer, Dialects, History, ReverseName, Surroundings, catalogue, judge_sighting,
};
use heloscope_model::sighting::{Receiver, Sighting};
use heloscope_model::{Session, SourceId};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The lab's queues try again after seconds, so that nobody waits for a recording; out there it is
/// minutes, and what comes again at once is a loop.
const SLOWER: f64 = 59.0;

/// These look at the reverse name, and beside a mail server that is the mail server's.
const OF_THE_REVERSE_NAME: [&str; 2] = ["helo-random-dynamic", "helo-random-in-ptr-domain"];

struct Kind {
    name: String,
    capture: PathBuf,
    /// Empty where it has none.
    ptr: String,
    address: IpAddr,
    configured: String,
    beside_postfix: bool,
    detectors: Vec<String>,
}

fn kinds() -> Vec<Kind> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings/senders");
    let table: toml::Table =
        toml::from_str(&std::fs::read_to_string(folder.join("kinds.toml")).unwrap()).unwrap();
    let kind = |row: &toml::Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let detectors = row["detectors"].as_array().unwrap().iter();
        Kind {
            name: text("kind"),
            capture: folder.join(text("capture")),
            ptr: text("ptr"),
            address: text("address").parse().unwrap(),
            configured: text("configured"),
            beside_postfix: row["beside_postfix"].as_bool().unwrap(),
            detectors: detectors.map(|d| d.as_str().unwrap().to_owned()).collect(),
        }
    };
    table["kind"].as_array().unwrap().iter().map(kind).collect()
}

impl Kind {
    fn sessions(&self) -> Vec<Session> {
        let mut input = liblzma::read::XzDecoder::new(File::open(&self.capture).unwrap());
        let (options, mut sessions) = (Options::default(), Vec::new());
        heloscope_capture::read(SourceId(0), &mut input, &options, &mut |s| sessions.push(s));
        sessions.sort_by_key(|session| session.start);
        let first = sessions.first().map(|session| session.start);
        for session in &mut sessions {
            session.start = session.start.plus_secs(session.start.since(first.unwrap()) * SLOWER);
        }
        sessions
    }

    /// What name servers would have said.
    fn around(&self, session: &Session, history: &History) -> Surroundings {
        let reverse = ReverseName { name: self.ptr.clone(), confirmed: Some(true) };
        let helo = session.helo().map(|(_, name)| name.text().0.to_ascii_lowercase());
        let helo = helo.filter(|name| name.contains('.') && !name.starts_with('['));
        let helo_addresses = match helo.as_deref() {
            None => Answer::NotAsked,
            Some(name) if name.parse::<IpAddr>().is_ok() => Answer::NotAsked,
            Some(name) if name == self.ptr => Answer::Found(vec![self.address]),
            Some("mx.inbox.example") => Answer::Found(vec!["192.0.2.10".parse().unwrap()]),
            Some(name) if name.ends_with(".example") => Answer::None,
            Some(_) => Answer::Found(vec!["198.51.100.80".parse().unwrap()]),
        };
        Surroundings {
            ptr: if self.ptr.is_empty() { Answer::None } else { Answer::Found(vec![reverse]) },
            helo_addresses,
            history: history.clone(),
        }
    }

    fn is_innocent(&self, session: &Session) -> bool {
        let says_ptr = session.helo().is_some_and(|(_, name)| name.text().0 == self.ptr);
        self.configured == "well" || self.beside_postfix && says_ptr
    }
}

#[test]
fn with_look_ups_and_a_past_real_mailers_are_spared_and_bots_are_seen() {
    let (mut spared, mut seen, mut cleared, mut wrong) = (0, 0, 0, Vec::new());
    let mut spoke: BTreeMap<&str, u32> = BTreeMap::new();
    for kind in kinds() {
        // Of one address or, of what comes and goes through a gateway, of each.
        let mut histories: BTreeMap<IpAddr, History> = BTreeMap::new();
        let mut of_kind = BTreeSet::new();
        for session in kind.sessions() {
            let innocent = kind.is_innocent(&session);
            let history = histories.entry(session.client.ip()).or_default();
            let around = kind.around(&session, history);
            let sighting = Sighting {
                sensor: "lab".into(),
                receiver: Receiver::default(),
                session,
                traps: Vec::new(),
                trap_login: false,
                hello: None,
                bodies: Vec::new(),
            };
            let found = judge_sighting(&sighting, &around, &Dialects::default());
            history.note(&sighting, None, None);
            *(if innocent { &mut spared } else { &mut seen }) += 1;
            for detection in &found {
                match (innocent, detection.class) {
                    (true, 'A' | 'B') => {
                        wrong.push(format!("{} is accused: {detection:?}", kind.name));
                    }
                    (true, 'X') => cleared += 1,
                    (false, 'X') if kind.configured == "bot" => {
                        wrong.push(format!("{} is exonerated: {detection:?}", kind.name));
                    }
                    _ => {}
                }
                if !innocent {
                    of_kind.insert(detection.detector);
                    *spoke.entry(detection.detector).or_default() += 1;
                }
            }
        }
        for expected in &kind.detectors {
            let silent = kind.beside_postfix && OF_THE_REVERSE_NAME.contains(&expected.as_str());
            if silent || catalogue::find(expected).is_none() {
                continue;
            }
            if !of_kind.contains(expected.as_str()) {
                wrong.push(format!("{}: {expected} does not speak", kind.name));
            }
        }
    }
    println!("{spared} innocent sessions, {cleared} of them exonerated; {seen} others: {spoke:?}");
    assert!(spared > 200 && seen > 200 && cleared > 0, "{spared} innocent, {seen} others");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_owner_who_asks_nobody_is_told_only_what_a_capture_shows() {
    const NEED_MORE: [&str; 7] = [
        "helo-random-dynamic",
        "helo-random-in-ptr-domain",
        "helo-big-name-wrong-ptr",
        "helo-rotation",
        "no-or-dynamic-ptr",
        "two-stacks",
        "real-mta",
    ];
    let mut wrong = Vec::new();
    for kind in kinds() {
        let mut of_kind = BTreeSet::new();
        for session in kind.sessions() {
            let innocent = kind.is_innocent(&session);
            for detection in heloscope_detect::judge(&session) {
                if innocent && matches!(detection.class, 'A' | 'B')
                    || NEED_MORE.contains(&detection.detector)
                {
                    wrong.push(format!("{}: {detection:?}", kind.name));
                }
                if !innocent {
                    of_kind.insert(detection.detector);
                }
            }
        }
        for expected in &kind.detectors {
            if !NEED_MORE.contains(&expected.as_str()) && !of_kind.contains(expected.as_str()) {
                wrong.push(format!("{}: {expected} does not speak", kind.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
