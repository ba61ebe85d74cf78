//! `dig` and `drill`: header, question, answer; records alone (`+noall +answer`); values alone
//! (`+short`, where the command names the question).

use super::{Found, Query, TYPES, owner};
use crate::scanners::texts;

/// The answer that is read.
#[derive(Default)]
struct Answer {
    status: Option<String>,
    question: Option<(u64, String, String)>,
    /// Name, type, value and place of the answer's records.
    records: Vec<(u64, String, String, String)>,
    in_answer: bool,
    in_question: bool,
}

/// Records of one answer that are followed.
const RECORDS: usize = 500;

/// Full answers, and records alone.
pub(super) fn read(text: &[u8], found: &mut Found) {
    let mut answer = Answer::default();
    for (offset, line) in texts(text) {
        if line.starts_with(";; ->>HEADER<<-") {
            std::mem::take(&mut answer).tell(found);
            let status = line.split_once("status: ").or_else(|| line.split_once("rcode: "));
            answer.status = status.and_then(|(_, rest)| Some(rest.split(',').next()?.to_owned()));
        } else if line.starts_with(";; QUESTION SECTION:") {
            answer.in_question = true;
        } else if line.starts_with(";; ANSWER SECTION:") {
            (answer.in_question, answer.in_answer) = (false, true);
        } else if line.starts_with(";; AUTHORITY SECTION:")
            || line.starts_with(";; ADDITIONAL SECTION:")
            || line.starts_with(";; Query time")
            || line.starts_with("Received ")
        {
            (answer.in_question, answer.in_answer) = (false, false);
        } else if answer.in_question && line.starts_with(';') {
            let mut words = line.trim_start_matches([';', ' ']).split_whitespace();
            if let (Some(name), Some(_), Some(kind)) = (words.next(), words.next(), words.next()) {
                answer.question = Some((offset, owner(name), kind.to_ascii_uppercase()));
                answer.in_question = false;
            }
        } else if let Some((name, kind, value)) = record(&line) {
            // Without a header everything is answer.
            let answers = answer.in_answer || answer.status.is_none();
            if answers && answer.records.len() < RECORDS {
                answer.records.push((offset, name, kind, value));
            }
        }
    }
    answer.tell(found);
}

impl Answer {
    fn tell(self, found: &mut Found) {
        for (offset, name, kind, value) in &self.records {
            found.add(*offset, name, kind, Some(value));
        }
        let Some((offset, asked, kind)) = self.question else { return };
        let direct = self.records.iter().any(|(_, name, k, _)| owner(name) == asked && *k == kind);
        if direct || kind == "ANY" {
            return;
        }
        let alias = self.records.iter().any(|(_, name, k, _)| owner(name) == asked && k == "CNAME");
        let behind: Vec<_> = self.records.iter().filter(|(.., k, _)| *k == kind).collect();
        if alias {
            // What the alias leads to; where the answer does not say that, nothing is known.
            for (offset, _, kind, value) in behind {
                found.add(*offset, &asked, kind, Some(value));
            }
            return;
        }
        if matches!(self.status.as_deref(), Some("NXDOMAIN" | "NOERROR")) && self.records.is_empty()
        {
            found.add(offset, &asked, &kind, None);
        }
    }
}

/// `mail.example.org.  300  IN  A  203.0.113.10`: name, type, value.
pub(super) fn record(line: &str) -> Option<(String, String, String)> {
    if line.starts_with(';') || line.len() > 8_000 {
        return None;
    }
    let mut rest = line;
    let mut word = || {
        rest = rest.trim_start();
        let (word, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        rest = after;
        word
    };
    let (name, ttl, class, kind) = (word(), word(), word(), word());
    let right = name.ends_with('.')
        && !ttl.is_empty()
        && ttl.bytes().all(|b| b.is_ascii_digit())
        && class == "IN"
        && TYPES.contains(&kind)
        && !rest.trim().is_empty();
    right.then(|| (name.to_owned(), kind.to_owned(), rest.trim().to_owned()))
}

/// `+short`: a value a line. A name in an answer of addresses is an alias.
pub(super) fn short(text: &[u8], query: &Query, found: &mut Found) {
    for (offset, line) in texts(text) {
        let value = line.trim();
        if value.is_empty() || value.starts_with(';') {
            continue;
        }
        let kind = query.kind();
        let address = value.parse::<std::net::IpAddr>();
        let right = match kind {
            "A" => address.is_ok_and(|ip| ip.is_ipv4()),
            "AAAA" => address.is_ok_and(|ip| ip.is_ipv6()),
            "TXT" | "SPF" => value.starts_with('"'),
            "MX" => value.split_once(' ').is_some_and(|(number, _)| number.parse::<u16>().is_ok()),
            _ => value.ends_with('.') && !value.contains(' '),
        };
        if right {
            found.add(offset, &query.name, kind, Some(value));
        }
    }
}
