//! The scripts that may have sent: files that stand out, request paths that stand near the mail,
//! and which path runs which file.

use crate::case::Case;
use crate::instants::Instant;
use crate::past::Past;
use crate::process::is_web_server;
use crate::requests::PathUse;
use heloscope_evidence::WebFile;
use std::collections::BTreeSet;

/// Files and paths tried, the most telling first.
const CANDIDATES: usize = 20;
/// The weight of findings from which a file counts as planted. What is merely careless (a form
/// that stores any upload) stays below.
pub(in crate::hypotheses) const PLANTED: f64 = 0.6;

/// A script that may have sent: a file, a path of requests, or both.
pub(in crate::hypotheses) struct Script<'a> {
    pub(in crate::hypotheses) file: Option<&'a WebFile>,
    pub(in crate::hypotheses) path: Option<(&'a str, &'a PathUse)>,
    /// Its file as the recorder saw a web server run it when a session began.
    pub(in crate::hypotheses) ran: Option<&'a str>,
}

impl<'a> Script<'a> {
    /// A file of which nothing else is known.
    pub(in crate::hypotheses) fn of(file: &'a WebFile) -> Self {
        Self { file: Some(file), path: None, ran: None }
    }

    /// How sure its findings make it that it was planted, 0..1.
    pub(in crate::hypotheses) fn planted(&self) -> f64 {
        let findings = self.file.map(|f| f.findings.as_slice()).unwrap_or_default();
        1.0 - findings
            .iter()
            .fold(1.0, |left, f| left * (1.0 - f64::from(f.weight.clamp(0.0, 1.0))))
    }

    /// The sessions that can be its own, or a program's that it started.
    pub(in crate::hypotheses) fn its<'c>(&self, past: &Past<'c>) -> Past<'c> {
        past.of(|process| {
            let Some(opener) = process.opener.as_deref() else { return true };
            let of_the_web = is_web_server(&opener.exe);
            match (&opener.script, self.file, self.path) {
                (Some(script), Some(file), _) if *script == file.path => true,
                (Some(script), None, Some((path, _))) if of_the_web => script.ends_with(path),
                (Some(script), ..) if of_the_web => self.ran == Some(script.as_str()),
                (None, ..) if of_the_web => true,
                _ => opener.parents.iter().any(|parent| is_web_server(parent)),
            }
        })
    }

    pub(in crate::hypotheses) fn name(&self) -> String {
        let file = self.file.map(|f| f.path.as_str()).or(self.ran);
        file.or(self.path.map(|(path, _)| path)).unwrap_or_default().to_owned()
    }
}

/// Scripts whose requests stand near the sessions (or a user's mails), and planted files.
pub(in crate::hypotheses) fn candidates<'a>(case: &Case<'a>, what: Instant) -> Vec<Script<'a>> {
    let requests = &case.gathered.requests;
    let mut paths: Vec<_> = requests
        .paths
        .iter()
        .filter(|(_, p)| requests.hits(p, what) > 0)
        .map(|(path, usage)| (requests.surprise(usage, what), path.as_str(), usage))
        .filter(|(_, path, usage)| !is_static(path) || file_of(case, path, usage).is_some())
        .collect();
    paths.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let mut scripts: Vec<Script<'a>> = paths
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, path, usage)| Script {
            file: file_of(case, path, usage),
            path: Some((path, usage)),
            ran: None,
        })
        .collect();
    recorded(case, &mut scripts);
    for file in &case.facts.web_files {
        let known = scripts.iter().any(|s| s.file.is_some_and(|f| f.path == file.path));
        let script = Script::of(file);
        if !known && script.planted() >= PLANTED && is_running(case, file) {
            scripts.push(script);
        }
    }
    scripts
}

/// The file that a request path runs: the path is its tail, and where a virtual host is logged,
/// files below a folder of that name win.
fn file_of<'a>(case: &Case<'a>, path: &str, usage: &PathUse) -> Option<&'a WebFile> {
    let tail = if path.ends_with('/') { format!("{path}index.php") } else { path.to_owned() };
    let host = usage.host.as_ref().map(ToString::to_string).unwrap_or_default();
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    case.facts.web_files.iter().filter(|f| f.path.ends_with(&tail)).max_by_key(|f| {
        (!bare.is_empty() && f.path.contains(bare), std::cmp::Reverse(f.path.len()))
    })
}

/// Adds what the recorder saw run when a session began: scripts of web servers, and files of the sites whatever ran them.
fn recorded<'a>(case: &Case<'a>, scripts: &mut Vec<Script<'a>>) {
    let opened: BTreeSet<&str> = case
        .gathered
        .outbound
        .iter()
        .filter_map(|s| {
            let process = s.process.as_ref()?;
            process.site_script().or(process.opener.as_deref()?.script.as_deref())
        })
        .collect();
    let by_server: BTreeSet<&str> =
        case.gathered.outbound.iter().filter_map(|s| s.process.as_ref()?.site_script()).collect();
    for ran in opened {
        let file = case.facts.web_files.iter().find(|f| f.path == ran);
        if file.is_none() && !by_server.contains(ran) {
            continue;
        }
        let is_it = |s: &&mut Script<'_>| match (s.file, s.path) {
            (Some(file), _) => file.path == ran,
            (None, Some((path, _))) => ran.ends_with(path),
            (None, None) => false,
        };
        match scripts.iter_mut().find(is_it) {
            Some(script) => script.ran = Some(ran),
            None => scripts.push(Script { file, path: None, ran: Some(ran) }),
        }
    }
}

/// Whether a process of the table runs this file.
fn is_running(case: &Case<'_>, file: &WebFile) -> bool {
    case.facts.processes.iter().any(|p| p.command.split_whitespace().any(|w| w == file.path))
}

/// Whether a path ends as files do that servers hand out and do not run.
fn is_static(path: &str) -> bool {
    const ENDINGS: [&str; 24] = [
        "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "css", "js", "mjs", "map",
        "woff", "woff2", "ttf", "eot", "pdf", "mp4", "mp3", "txt", "xml", "json", "zip", "gz",
    ];
    let file = path.rsplit('/').next().unwrap_or_default();
    file.rsplit_once('.')
        .is_some_and(|(_, end)| ENDINGS.iter().any(|e| end.eq_ignore_ascii_case(e)))
}

/// Whether code has no business at a path: folders for uploads, pictures and passing files, and
/// hidden ones.
pub(in crate::hypotheses) fn stands_oddly(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| {
        matches!(folder, "uploads" | "upload" | "images" | "img" | "cache" | "tmp" | "media")
            || (folder.starts_with('.') && folder != ".well-known" && folder.len() > 1)
    })
}
