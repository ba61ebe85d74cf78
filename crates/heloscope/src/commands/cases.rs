//! `heloscope cases`: runs recorded incidents and holds the answers against what must be named.
//!
//! An answer is right when verdict and classes are the expected ones, every expected culprit is
//! named, and nobody else is accused: no class and no culprit that was not expected at a
//! confidence of 0.5 or more, and none of the decoys in `must_not_accuse`. The Brier score is the
//! mean over all (case, class) pairs of (confidence - truth)^2; always saying no scores the
//! share of pairs that are true.

use crate::cli::Cases;
use crate::outcome::Outcome;
use anyhow::Context;
use heloscope_investigate::answer::Cause;
use heloscope_investigate::{Investigation, investigate};
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// From this confidence on, naming somebody is an accusation.
const ACCUSES: f64 = 0.5;
/// Depth below a folder at which cases are looked for.
const DEPTH: usize = 6;

/// `expect.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    verdict: String,
    #[serde(default)]
    class: OneOrMany,
    #[serde(default)]
    culprit: OneOrMany,
    #[serde(default)]
    must_not_accuse: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for readers: which case this is the innocent twin of")]
    twin_of: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for readers: where the incident is described")]
    origin: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl OneOrMany {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
            Self::None => &[],
        }
    }
}

/// What one case came to.
struct Scored {
    name: String,
    verdict: String,
    class_right: bool,
    culprit_right: bool,
    wrong: Vec<String>,
    named: Vec<String>,
    /// Sum of squared errors and the number of pairs.
    brier: (f64, usize),
}

impl Scored {
    fn is_right(&self) -> bool {
        self.class_right && self.culprit_right && self.wrong.is_empty()
    }
}

pub(crate) fn run(args: &Cases) -> anyhow::Result<Outcome> {
    let mut folders = Vec::new();
    for dir in &args.dirs {
        find(dir, DEPTH, &mut folders).with_context(|| format!("cannot read {}", dir.display()))?;
    }
    folders.sort();
    folders.dedup();
    if folders.is_empty() {
        eprintln!("heloscope: no folder with an expect.toml at or below what was given");
        return Ok(Outcome::NothingReadable);
    }
    let mut scored = Vec::new();
    for folder in &folders {
        let one = score(folder)?;
        if !args.json {
            print_line(&one)?;
        }
        scored.push(one);
    }
    if args.json {
        print_json(&scored)?
    } else {
        print_table(&scored)?
    }
    let all_right = scored.iter().all(Scored::is_right);
    Ok(if all_right { Outcome::Done } else { Outcome::Attention })
}

fn find(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if dir.join("expect.toml").is_file() {
        found.push(dir.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find(&entry.path(), depth - 1, found)?;
        }
    }
    Ok(())
}

fn score(folder: &Path) -> anyhow::Result<Scored> {
    let path = folder.join("expect.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let expect: Expect = toml::from_str(&text)
        .with_context(|| format!("{} is not as it should be", path.display()))?;
    let mut evidence = heloscope_evidence::open(&[folder.to_owned()]);
    let answer = investigate(&mut evidence, &mut |_, _| {});
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(judge(name, &expect, &answer))
}

fn judge(name: String, expect: &Expect, answer: &Investigation) -> Scored {
    let verdict = word(&answer.verdict);
    let accusing: Vec<&Cause> = answer.causes.iter().filter(|c| c.confidence >= ACCUSES).collect();
    let classes = expect.class.all();
    let culprits = expect.culprit.all();
    let expected_class = |c: &Cause| classes.iter().any(|e| e == c.class.word());
    let expected_culprit = |c: &Cause| {
        culprits.is_empty()
            || c.culprit.as_ref().is_none_or(|who| culprits.iter().any(|e| names(e, &who.value)))
    };
    let class_right = verdict == expect.verdict
        && classes.iter().all(|e| accusing.iter().any(|c| c.class.word() == e));
    let culprit_right = culprits.iter().all(|e| {
        accusing.iter().any(|c| c.culprit.as_ref().is_some_and(|who| names(e, &who.value)))
    });
    let mut wrong = Vec::new();
    for cause in &accusing {
        let who = cause.culprit.as_ref();
        let value = who.map_or("nobody", |w| w.value.as_str());
        let is_decoy = who.is_some_and(|w| {
            expect.must_not_accuse.iter().any(|decoy| {
                decoy
                    .split_once(':')
                    .is_some_and(|(kind, value)| kind == w.kind && value == w.value)
            })
        });
        if is_decoy || !expected_class(cause) || !expected_culprit(cause) {
            wrong.push(format!("{}:{value}", cause.class.word()));
        }
    }
    let named = accusing
        .iter()
        .map(|c| {
            let who = c.culprit.as_ref().map_or("nobody", |w| w.value.as_str());
            format!("{} {who} ({:.2})", c.class.word(), c.confidence)
        })
        .collect();
    let brier = answer.weighed.iter().fold((0.0, 0), |(sum, n), (class, confidence)| {
        let truth = f64::from(u8::from(classes.iter().any(|e| e == class.word())));
        (sum + (confidence - truth).powi(2), n + 1)
    });
    Scored { name, verdict, class_right, culprit_right, wrong, named, brier }
}

/// Whether an expected culprit names a value: equal, or the value goes on after it at a space,
/// `(` or `=`.
fn names(expected: &str, value: &str) -> bool {
    match value.strip_prefix(expected) {
        Some(rest) => rest.is_empty() || rest.starts_with([' ', '(', '=']),
        None => false,
    }
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn print_line(scored: &Scored) -> std::io::Result<()> {
    let mark = if scored.is_right() { "ok   " } else { "WRONG" };
    let named = if scored.named.is_empty() { "nobody".to_owned() } else { scored.named.join(", ") };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{mark} {}: {}: {named}", scored.name, scored.verdict)?;
    if !scored.wrong.is_empty() {
        writeln!(out, "      wrongly accused: {}", scored.wrong.join(", "))?;
    }
    Ok(())
}

/// (right classes, right culprits, wrong accusations, Brier score)
fn totals(scored: &[Scored]) -> (usize, usize, usize, f64) {
    let (sum, pairs) = scored.iter().fold((0.0, 0), |(s, n), c| (s + c.brier.0, n + c.brier.1));
    (
        scored.iter().filter(|c| c.class_right).count(),
        scored.iter().filter(|c| c.culprit_right).count(),
        scored.iter().map(|c| c.wrong.len()).sum(),
        if pairs == 0 { 0.0 } else { sum / pairs as f64 },
    )
}

fn print_table(scored: &[Scored]) -> std::io::Result<()> {
    let (class, culprit, wrong, brier) = totals(scored);
    let n = scored.len();
    let mut out = std::io::stdout().lock();
    writeln!(out, "\ncases              {n}")?;
    writeln!(out, "class right        {class} of {n}")?;
    writeln!(out, "culprit right      {culprit} of {n}")?;
    writeln!(out, "wrong accusations  {wrong}")?;
    writeln!(out, "Brier score        {brier:.4}")
}

fn print_json(scored: &[Scored]) -> anyhow::Result<()> {
    let (class, culprit, wrong, brier) = totals(scored);
    let rows: Vec<_> = scored
        .iter()
        .map(|c| {
            json!({"case": c.name, "right": c.is_right(), "verdict": c.verdict,
                   "class_right": c.class_right, "culprit_right": c.culprit_right,
                   "wrong_accusations": c.wrong, "named": c.named})
        })
        .collect();
    let document = json!({"format": "heloscope.cases/1", "cases": rows, "class_right": class,
        "culprit_right": culprit, "wrong_accusations": wrong, "brier": brier});
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_culprit_may_go_on_after_the_expected_name() {
        assert!(names("33", "33 (www-data)"));
        assert!(names("mynetworks", "mynetworks = 172.16.0.0/12"));
        assert!(!names("192.168.1.2", "192.168.1.23"));
    }
}
