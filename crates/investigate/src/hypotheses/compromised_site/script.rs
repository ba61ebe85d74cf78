//! The scripts that may have sent: files that stand out, request paths that stand near the mail,
//! and which path runs which file.

use crate::case::Case;
use crate::instants::Instant;
use crate::requests::PathUse;
use heloscope_evidence::WebFile;

/// Files and paths tried, the most telling first.
const CANDIDATES: usize = 20;
/// The weight of findings from which a file counts as planted. What is merely careless (a form
/// that stores any upload) stays below.
pub(in crate::hypotheses) const PLANTED: f64 = 0.6;

/// A script that may have sent: a file, a path of requests, or both.
pub(in crate::hypotheses) struct Script<'a> {
    pub(in crate::hypotheses) file: Option<&'a WebFile>,
    pub(in crate::hypotheses) path: Option<(&'a str, &'a PathUse)>,
}

impl Script<'_> {
    /// How sure its findings make it that it was planted, 0..1.
    pub(in crate::hypotheses) fn planted(&self) -> f64 {
        let findings = self.file.map(|f| f.findings.as_slice()).unwrap_or_default();
        1.0 - findings
            .iter()
            .fold(1.0, |left, f| left * (1.0 - f64::from(f.weight.clamp(0.0, 1.0))))
    }

    pub(in crate::hypotheses) fn name(&self) -> String {
        match (self.file, self.path) {
            (Some(file), _) => file.path.clone(),
            (None, Some((path, _))) => path.to_owned(),
            (None, None) => String::new(),
        }
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
        })
        .collect();
    for file in &case.facts.web_files {
        let known = scripts.iter().any(|s| s.file.is_some_and(|f| f.path == file.path));
        let script = Script { file: Some(file), path: None };
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
