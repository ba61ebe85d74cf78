//! What `heloscope check --json` printed (`heloscope.check/1`) -> [`ListAnswer`]s, and of each listing a [`Notice`].
//!
//! Only what a list said of the address is a notice: refusals, errors and dead lists are facts, never notices. A
//! check says when it was asked, not when something was noted, so its notices have no time of an offence unless the
//! list's own words (TXT) give one. Other fields than those read here may come; a document without answers is none.

use crate::facts::{ListAnswer, ListState};
use heloscope_model::notice::{self, Subject};
use heloscope_model::{Notice, Place, SourceId, Time};
use serde::Deserialize;

/// Answers taken from one document.
const MOST: usize = 50_000;
/// Notices of one document.
const NOTICES: usize = 1_000;

#[derive(Deserialize)]
struct Document {
    format: String,
    time: Option<String>,
    answers: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    address: Option<std::net::IpAddr>,
    domain: Option<String>,
    list: String,
    title: Option<String>,
    state: String,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    codes: Vec<Code>,
    #[serde(default)]
    texts: Vec<String>,
    because: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    answer: std::net::Ipv4Addr,
    name: String,
    kind: String,
    means: String,
}

/// Whether a text is one: its format is named at its beginning.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let head = text.get(..text.len().min(16 << 10)).unwrap_or_default();
    memchr::memmem::find(head, b"\"heloscope.check/1\"").is_some()
}

/// Reads one that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> (Vec<ListAnswer>, Vec<Notice>) {
    let Ok(document) = serde_json::from_slice::<Document>(text.trim_ascii()) else {
        return Default::default();
    };
    if document.format != "heloscope.check/1" {
        return Default::default();
    }
    let asked: Option<Time> = document
        .time
        .as_deref()
        .and_then(|t| t.parse::<jiff::Timestamp>().ok())
        .map(|t| Time::from_micros(t.as_microsecond()));
    // In a text's strings the quotes are escaped, so this stands before nothing but a list's name.
    let mut places = memchr::memmem::find_iter(text, b"\"list\":").map(|at| {
        let before = text.get(..at).unwrap_or_default();
        memchr::memrchr(b'\n', before).map_or(0, |newline| newline as u64 + 1)
    });
    let (mut answers, mut notices) = (Vec::new(), Vec::new());
    for one in document.answers.into_iter().take(MOST) {
        let place = Place::byte(source, base + places.next().unwrap_or(0));
        let subject = match (one.address, &one.domain) {
            (Some(ip), _) => Subject::Ip(ip),
            (None, Some(domain)) => Subject::Domain(domain.chars().take(253).collect()),
            (None, None) => continue,
        };
        let state = match one.state.as_str() {
            "listed" => ListState::Listed,
            "clean" => ListState::Clean,
            "refused" => ListState::Refused,
            "dead" => ListState::Dead,
            _ => ListState::Error,
        };
        // On a list that speaks well of it, or neither good nor bad: nothing to explain.
        let bad = state == ListState::Listed && one.severity.as_deref() != Some("none");
        if bad {
            for code in &one.codes {
                // What a text says is said once, of the first code.
                let texts = if notices.last().is_some_and(|n: &Notice| n.place == place) {
                    &[][..]
                } else {
                    &one.texts
                };
                if notices.len() < NOTICES && !matches!(code.kind.as_str(), "welcome" | "neutral") {
                    notices.push(told(&subject, code, texts, asked, place));
                }
            }
        }
        answers.push(ListAnswer {
            subject,
            title: one.title.unwrap_or_else(|| one.list.clone()),
            list: one.list,
            state,
            because: one.because,
            asked,
            place,
        });
    }
    (answers, notices)
}

/// What a list says, as a notice: our words for the code, and the list's own.
fn told(
    subject: &Subject,
    code: &Code,
    texts: &[String],
    asked: Option<Time>,
    place: Place,
) -> Notice {
    let mut reason = format!("{} ({}, {})", code.means, code.answer, code.kind);
    for text in texts.iter().take(8) {
        reason.push_str("; it says: ");
        reason.extend(text.chars().filter(|c| !c.is_control()).take(1_000));
    }
    let mut notice = Notice::empty(place);
    notice.subject = subject.clone();
    notice.list = Some(code.name.clone());
    notice.reason = reason;
    notice.written_at = asked;
    // Some lists tell in the text when and by what it was noted.
    if let Some(words) = texts.iter().find_map(|t| notice::read(t, place.source).into_iter().next())
    {
        notice.time = words.time;
        notice.tolerance_s = words.tolerance_s;
        notice.helo = words.helo;
        notice.botnet = words.botnet;
        notice.src_port = words.src_port;
        notice.dst = words.dst;
        notice.dst_port = words.dst_port;
        notice.removed_at = words.removed_at;
        notice.times_listed = words.times_listed;
    }
    notice
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::notice::TimeKind;
    use proptest::prelude::*;

    const TEXT: &str = r#"{
"format": "heloscope.check/1",
"time": "2026-11-24T18:00:00Z",
"answers": [
{"address":"203.0.113.10","list":"spamhaus-zen","title":"Spamhaus ZEN","state":"listed","severity":"major","codes":[{"answer":"127.0.0.4","name":"Spamhaus XBL","kind":"exploited","means":"a bot"},{"answer":"127.0.0.10","name":"Spamhaus PBL","kind":"policy","means":"a dynamic range"}],"texts":["https://www.spamhaus.org/query/ip/203.0.113.10 \"list\": x"]},
{"address":"203.0.113.10","list":"spamcop","title":"SpamCop","state":"clean","codes":[]},
{"address":"203.0.113.10","list":"barracuda","title":"Barracuda BRBL","state":"refused","because":"it answers registered resolvers only"},
{"address":"203.0.113.10","list":"dnswl","title":"dnswl.org","state":"listed","severity":"none","codes":[{"answer":"127.0.5.1","name":"dnswl low","kind":"welcome","means":"a known mail server"}]},
{"address":"203.0.113.10","list":"own","state":"listed","severity":"major","codes":[{"answer":"127.0.0.4","name":"Own","kind":"exploited","means":"a bot"}],"texts":["IP Address 203.0.113.10 is listed in the CBL. It was last detected at 2015:12:04 ~14:30 UTC +/- 15 minutes. This host HELOed as [127.0.0.1]"]}
],
"not_asked": []
}
"#;

    #[test]
    fn listings_are_notices_and_refusals_are_not() {
        assert!(recognise(TEXT.as_bytes()));
        let (answers, notices) = read(TEXT.as_bytes(), SourceId(3), 100);
        let states: Vec<_> = answers.iter().map(|a| (a.title.as_str(), a.state)).collect();
        assert_eq!(
            states,
            [
                ("Spamhaus ZEN", ListState::Listed),
                ("SpamCop", ListState::Clean),
                ("Barracuda BRBL", ListState::Refused),
                ("dnswl.org", ListState::Listed),
                ("own", ListState::Listed),
            ]
        );
        let lists: Vec<_> = notices.iter().map(|n| n.list.as_deref().unwrap()).collect();
        assert_eq!(lists, ["Spamhaus XBL", "Spamhaus PBL", "Own"]);
        assert_eq!(notices[0].time, None);
        assert_eq!(notices[0].written_at.unwrap().rfc3339(), "2026-11-24T18:00:00Z");
        assert!(notices[0].reason.starts_with("a bot (127.0.0.4, exploited); it says: https://"));
        // The place is the answer's line.
        let at =
            TEXT.find("{\"address\":\"203.0.113.10\",\"list\":\"spamhaus-zen\"").unwrap() as u64;
        assert_eq!(notices[0].place, Place::byte(SourceId(3), 100 + at));
        assert_eq!(notices[2].helo, Some("[127.0.0.1]".into()));
        assert_eq!(notices[2].time.map(|(_, kind)| kind), Some(TimeKind::Detection));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..TEXT.len(), byte in any::<u8>()) {
            read(&bytes, SourceId(0), 0);
            let mut text = TEXT.as_bytes().to_vec();
            text[at] = byte;
            read(&text, SourceId(0), 0);
            read(&text[..at], SourceId(0), 0);
        }
    }
}
