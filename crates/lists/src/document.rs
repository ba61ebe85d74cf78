//! A check as JSON, `heloscope.check/1` (docs/check.md): what `heloscope check --json` prints and what
//! `investigate` reads as `list-answers`. The time is the caller's.

use crate::{Answer, Check, Outcome, Target};
use heloscope_model::Time;
use serde_json::{Value, json};

impl Check {
    /// The document as it is printed: a line for each answer, so that a quote of a line is the whole answer.
    pub fn to_text(&self, time: Time) -> String {
        let document = self.to_json(time);
        let mut text = String::from("{");
        for (i, (key, value)) in document.as_object().into_iter().flatten().enumerate() {
            text.push_str(if i == 0 { "\n" } else { ",\n" });
            text.push_str(&format!("{}: ", Value::from(key.as_str())));
            match value.as_array().filter(|a| !a.is_empty()) {
                Some(rows) => {
                    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
                    text.push_str(&format!("[\n{}\n]", rows.join(",\n")));
                }
                None => text.push_str(&value.to_string()),
            }
        }
        text.push_str("\n}\n");
        text
    }

    /// The document.
    pub fn to_json(&self, time: Time) -> Value {
        let count = |state: &str| self.count(state);
        let welcome = self.answers.iter().filter(|a| !a.found().is_empty() && !a.is_bad()).count();
        let not_asked = self
            .not_asked
            .iter()
            .map(|n| json!({ "list": n.list, "title": n.title, "because": n.because }));
        json!({
            // First, so that it is recognised by its beginning.
            "format": "heloscope.check/1",
            "time": time.rfc3339(),
            "summary": {
                "listed": count("listed"), "not_bad": welcome, "clean": count("clean"),
                "refused": count("refused"), "error": count("error"), "dead": count("dead"),
            },
            "resolvers": self.resolvers,
            "resolver_note": self.resolver_note,
            "answers": self.answers.iter().map(one).collect::<Vec<_>>(),
            "not_asked": not_asked.collect::<Vec<_>>(),
        })
    }
}

fn one(answer: &Answer) -> Value {
    let (address, domain) = match &answer.target {
        Target::Ip(ip) => (Some(ip.to_string()), None),
        Target::Domain(domain) => (None, Some(domain.as_str())),
    };
    let (mut texts, mut ttl_s, mut because, mut remedy) = (Vec::new(), None, None, None);
    match &answer.outcome {
        Outcome::Listed { texts: said, ttl_s: holds, .. } => {
            texts.clone_from(said);
            ttl_s = Some(*holds);
        }
        Outcome::Clean { ttl_s: holds } => ttl_s = *holds,
        Outcome::Refused { because: why, remedy: helps } => {
            because = Some(why.as_str());
            remedy = Some(helps.as_str());
        }
        Outcome::Error { because: why, remedy: helps } => {
            because = Some(why.as_str());
            remedy = helps.as_deref();
        }
        Outcome::Dead { because: why } => because = Some(why.as_str()),
    }
    let codes = answer.found().iter().map(|f| {
        json!({
            "answer": f.answer.to_string(), "name": f.name, "kind": f.kind.word(), "means": f.means,
        })
    });
    json!({
        "address": address,
        "domain": domain,
        "list": answer.list,
        "title": answer.title,
        "zone": answer.zone,
        "state": answer.outcome.state(),
        "severity": answer.severity().word(),
        "covers": answer.covers.map(|net| net.to_string()),
        "codes": codes.collect::<Vec<_>>(),
        "texts": texts,
        "ttl_s": ttl_s,
        "because": because,
        "remedy": remedy,
        "look_up": answer.look_up,
        "removal": answer.removal,
        "habit": answer.habit,
        "next": answer.advice().filter(|_| answer.is_bad()),
    })
}
