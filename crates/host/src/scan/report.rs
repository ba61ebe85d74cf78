//! What a scan tells: `heloscope.scan/1` as JSON (docs/scan.md), or a text for a person. One element of an array stands
//! on each line of the JSON, so that a finding or a process can be pointed at by its line.

use super::Host;
use super::baseline::Changes;
use super::finding::{Finding, Grade, Unseen, shown, visible};
use super::out::Out;
use super::processes::{Process, State};
use super::startup::Job;
use super::web::Site;
use heloscope_model::Time;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A scan's answer.
#[derive(Debug)]
pub struct Report {
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
    /// Part -> entry -> state, for [`super::baseline`].
    pub inventory: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// What changed since the baseline, where there is one.
    pub changes: Option<Changes>,
    root: std::path::PathBuf,
    time: Time,
    packages: usize,
    processes: Vec<Process>,
    users: Vec<(String, u32)>,
    jobs: Vec<Job>,
    sites: Vec<Site>,
}

impl Report {
    pub(super) fn make(
        host: &Host<'_>,
        out: Out,
        processes: Vec<Process>,
        jobs: Vec<Job>,
        sites: Vec<Site>,
    ) -> Self {
        let mut unseen: Vec<Unseen> = out.unseen.iter().cloned().collect();
        unseen.extend(out.left_out().map(|(id, n)| Unseen {
            what: format!("{n} more findings of {id}"),
            why: "only the first are kept".to_owned(),
        }));
        let mut findings = out.findings;
        let place = |f: &Finding| (f.path.clone(), f.line, f.pid);
        findings.sort_by(|a, b| {
            b.grade
                .cmp(&a.grade)
                .then_with(|| b.sure.total_cmp(&a.sure))
                .then_with(|| a.id.cmp(b.id))
                .then_with(|| place(a).cmp(&place(b)))
        });
        let mut users: Vec<u32> = processes.iter().map(|p| p.uid).collect();
        users.sort_unstable();
        users.dedup();
        Self {
            findings,
            unseen,
            inventory: out.inventory,
            changes: None,
            root: host.options.root.clone(),
            time: host.options.now,
            packages: host.packages.count(),
            users: users.into_iter().map(|u| (host.users.name(u), u)).collect(),
            processes,
            jobs,
            sites,
        }
    }

    /// Takes in what another scanner printed.
    pub fn said(&mut self, scanner: &str, text: &[u8]) {
        let mut found: Vec<Finding> =
            super::scanners::findings(text, scanner, "").into_iter().map(|(_, f)| f).collect();
        self.findings.append(&mut found);
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    }

    /// Something else could not be seen.
    pub fn cannot(&mut self, what: &str, why: &str) {
        self.unseen.push(Unseen { what: what.to_owned(), why: why.to_owned() });
    }

    /// How many findings have a grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.findings.iter().filter(|f| f.grade == grade).count()
    }

    /// The document.
    pub fn json(&self) -> String {
        let mut parts: Vec<(&str, String)> = vec![
            ("format", json!("heloscope.scan/1").to_string()),
            ("root", path(&self.root).to_string()),
            ("time", json!(self.time.rfc3339()).to_string()),
            ("counts", json!({"bad": self.count(Grade::Bad), "suspect": self.count(Grade::Suspect), "note": self.count(Grade::Note), "packages": self.packages}).to_string()),
            ("findings", rows(self.findings.iter().map(finding))),
            ("unseen", rows(self.unseen.iter().map(|u| json!({"what": u.what, "why": u.why})))),
            ("users", rows(self.users.iter().map(|(name, uid)| json!({"name": name, "uid": uid})))),
            ("processes", rows(self.processes.iter().map(|p| self.process(p)))),
            ("cron", rows(self.jobs.iter().map(job))),
            ("sites", rows(self.sites.iter().map(|s| json!({"root": shown(&s.root), "files": s.files, "software": s.software})))),
        ];
        if let Some(changes) = &self.changes {
            parts.push(("changes", changes.json().to_string()));
        }
        let parts: Vec<String> =
            parts.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{\n{}\n}}\n", parts.join(",\n"))
    }

    fn process(&self, process: &Process) -> Value {
        let mut object = Map::new();
        object.insert("pid".into(), json!(process.pid));
        object.insert("parent".into(), json!(process.parent));
        object.insert("uid".into(), json!(process.uid));
        object.insert(
            "user".into(),
            json!(self.users.iter().find(|u| u.1 == process.uid).map(|u| &u.0)),
        );
        object.insert("comm".into(), json!(process.comm));
        object.insert("kernel".into(), json!(process.kernel));
        object.insert("exe".into(), process.exe.as_deref().map_or(Value::Null, path));
        object.insert("deleted".into(), json!(process.deleted));
        object.insert("args".into(), json!(process.args));
        object.insert("folder".into(), process.folder.as_deref().map_or(Value::Null, path));
        object.insert("script".into(), process.script.as_deref().map_or(Value::Null, path));
        let at = |state| process.sockets.iter().filter(move |s| s.state == state);
        object.insert(
            "listening".into(),
            at(State::Listening).map(|s| s.local.to_string()).take(100).collect(),
        );
        let pair = |s: &super::processes::Socket| json!({"local": s.local.to_string(), "remote": s.remote.to_string()});
        object.insert("connected".into(), at(State::Connected).take(100).map(pair).collect());
        Value::Object(object)
    }

    /// For a person: findings with all their words, the gravest first; notes in one line each.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            if finding.grade == Grade::Note {
                continue;
            }
            let _ = writeln!(
                out,
                "{} {} ({:.0} % sure): {}",
                finding.grade,
                finding.id,
                finding.sure * 100.0,
                visible(&finding.what)
            );
            if let Some(path) = &finding.path {
                let line = finding.line.map(|l| format!(" line {l}")).unwrap_or_default();
                let _ = writeln!(out, "    where:   {}{line}", shown(path));
            }
            let _ = writeln!(out, "    why:     {}", finding.why);
            let _ = writeln!(out, "    do:      {}", finding.todo);
            for against in &finding.against {
                let _ = writeln!(out, "    against: {against}");
            }
        }
        let notes: Vec<&Finding> =
            self.findings.iter().filter(|f| f.grade == Grade::Note).collect();
        if !notes.is_empty() {
            out.push_str("\nnotes:\n");
            for finding in notes {
                let _ = writeln!(out, "  {}: {}", finding.id, visible(&finding.what));
            }
        }
        if let Some(changes) = &self.changes {
            out.push_str(&changes.text());
        }
        if !self.unseen.is_empty() {
            out.push_str("\nnot seen:\n");
            for unseen in &self.unseen {
                let _ = writeln!(out, "  {}: {}", visible(&unseen.what), unseen.why);
            }
        }
        let _ = writeln!(
            out,
            "\n{} bad, {} suspect, {} notes; {} processes, {} sites, {} packages",
            self.count(Grade::Bad),
            self.count(Grade::Suspect),
            self.count(Grade::Note),
            self.processes.len(),
            self.sites.len(),
            self.packages,
        );
        out
    }
}

fn rows(rows: impl Iterator<Item = Value>) -> String {
    let rows: Vec<String> = rows.map(|r| r.to_string()).collect();
    if rows.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", rows.join(",\n")) }
}

/// Bytes that are no UTF-8 as U+00XX each.
fn path(path: &Path) -> Value {
    json!(heloscope_model::octets::lossy_text(path.as_os_str().as_bytes()).0)
}

fn finding(finding: &Finding) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), json!(finding.id));
    object.insert("grade".into(), json!(finding.grade.word()));
    object.insert("what".into(), json!(finding.what));
    let text = finding
        .path
        .as_deref()
        .map(|p| heloscope_model::octets::lossy_text(p.as_os_str().as_bytes()));
    object.insert("path".into(), json!(text.as_ref().map(|t| &t.0)));
    if text.is_some_and(|t| t.1) {
        object.insert("lossy".into(), json!(true));
    }
    object.insert("line".into(), json!(finding.line));
    object.insert("pid".into(), json!(finding.pid));
    object.insert("why".into(), json!(finding.why));
    object.insert("sure".into(), json!((f64::from(finding.sure) * 100.0).round() / 100.0));
    object.insert("do".into(), json!(finding.todo));
    object.insert("against".into(), json!(finding.against));
    Value::Object(object)
}

fn job(job: &Job) -> Value {
    json!({"path": shown(&job.path), "line": job.line, "when": job.when, "user": job.user, "command": job.command})
}
