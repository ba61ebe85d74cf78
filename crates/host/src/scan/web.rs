//! Web sites: planted code, code where visitors put files and whether the web server would run it, what the sites are
//! made with.
//!
//! Roots come from Apache's and nginx's configuration (`served`) and from the usual places; files are read by several
//! threads with the reader that `investigate` uses. A file that is as its package brought it is read no further.

mod served;
mod versions;

use super::Host;
use super::clamd;
use super::finding::{Grade, Rule, shown};
use super::out::Out;
use super::packages::Packages;
use super::pool;
use super::tree::{Bounds, Entry, Kind, read_up_to, reason};
use heloscope_evidence::WebFile;
use heloscope_evidence::webroot::{self, Reader};
use heloscope_model::{At, SourceId, Time};
use served::{Runs, Served};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const BOUNDS: Bounds = Bounds { depth: 40, entries: 600_000 };
/// What several signs together must say before a file is told of.
const SUSPECT: f32 = 0.6;
const BAD: f32 = 0.8;

const PLANTED: Rule = Rule {
    id: "planted-code",
    why: "It has the traits of code that was put into the site to send mail or to let somebody back in.",
    todo: "Keep a copy with its times (stat); search the web log for who asked for it; then clean or restore the site, and close what let it in.",
    against: "Old or obfuscated extensions look alike; compare with the original where there is one.",
};
const UPLOADED: Rule = Rule {
    id: "code-in-uploads-runs",
    why: "Code lies where visitors put files, and the web server would run it.",
    todo: "Read it; keep a copy; forbid PHP in the folder (Apache: php_admin_flag engine off or Require all denied for \\.php$; nginx: a location that denies).",
    against: "Some extensions write code of their own there (caches, backups).",
};
const OPEN_UPLOADS: Rule = Rule {
    id: "uploads-would-run",
    why: "Any code that gets into the folder would be run by the web server.",
    todo: "Forbid PHP there.",
    against: "",
};
const VERSION: Rule = Rule {
    id: "site-software",
    why: "Known holes in old versions are how most sites are broken into.",
    todo: "Compare with the newest version of each.",
    against: "",
};

/// A site.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Site {
    pub(super) root: PathBuf,
    pub(super) software: Vec<String>,
    pub(super) files: usize,
}

/// What one file said.
enum Read {
    Packaged,
    Nothing,
    Code(Box<WebFile>, [u8; 16]),
    Gone,
    Unread(String),
}

/// Looks at every site.
pub(super) fn look(host: &Host<'_>, out: &mut Out) -> Vec<Site> {
    let served = Served::read(host);
    let reader = Reader::new();
    let mut sites = Vec::new();
    for root in roots(host, &served) {
        if (host.options.stop)() {
            out.cut(&format!("web root {}", shown(&root)));
            continue;
        }
        sites.push(one(host, &served, &reader, &root, out));
    }
    sites
}

/// The topmost folders of sites that are there.
fn roots(host: &Host<'_>, served: &Served) -> Vec<PathBuf> {
    let mut all: BTreeSet<PathBuf> = host.options.web_roots.iter().cloned().collect();
    all.extend(served.roots().map(Path::to_path_buf));
    all.extend(
        [
            "/var/www",
            "/srv/www",
            "/srv/http",
            "/usr/share/nginx/html",
            "/usr/local/www",
            "/opt/lampp/htdocs",
        ]
        .map(PathBuf::from),
    );
    for user in
        host.users.all().iter().filter(|u| u.home != Path::new("/") && u.home.starts_with("/"))
    {
        all.extend(
            ["public_html", "www", "htdocs", "httpdocs", "web", "sites", "domains"]
                .map(|n| user.home.join(n)),
        );
    }
    // What packages put below /usr/share and is served from there by an Alias.
    let mut found: BTreeSet<PathBuf> = BTreeSet::new();
    for root in all {
        let real = real(host, &root);
        if real != Path::new("/")
            && host.tree.meta(&real).is_ok_and(|m| m.is_dir())
            && found.iter().all(|f| !real.starts_with(f))
        {
            found.retain(|f| !f.starts_with(&real));
            found.insert(real);
        }
    }
    found.into_iter().collect()
}

/// A root behind a link, as the tree names it.
fn real(host: &Host<'_>, path: &Path) -> PathBuf {
    let mut at = path.to_path_buf();
    for _ in 0..8 {
        match host.tree.link(&at) {
            Ok(link) if link.is_absolute() => at = link,
            Ok(link) => at = at.parent().unwrap_or(Path::new("/")).join(link),
            Err(_) => break,
        }
    }
    at
}

fn one(host: &Host<'_>, served: &Served, reader: &Reader, root: &Path, out: &mut Out) -> Site {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut uploads: Vec<PathBuf> = Vec::new();
    let mut unseen = Vec::new();
    host.tree.walk(
        root,
        BOUNDS,
        host.options.stop,
        &mut |e: &Entry| match e.kind {
            Kind::File => files.push(e.path.clone()),
            Kind::Folder if is_upload_folder(&e.path) && uploads.len() < 1000 => {
                uploads.push(e.path.clone())
            }
            _ => {}
        },
        &mut |path, why| unseen.push((shown(path), why.to_owned())),
    );
    for (path, why) in unseen {
        out.cannot(path, why);
    }
    let look = |path: &PathBuf| read(host, reader, path);
    let answers = pool::each(host.options.threads, &files, host.options.stop, &look);
    if answers.len() < files.len() {
        out.cut(&format!("web root {}", shown(root)));
    }
    clamd::look(host, &files, out);
    let mut found: Vec<(WebFile, PathBuf)> = Vec::new();
    let mut times = std::collections::BTreeMap::new();
    let mut unread = (0, String::new());
    for (index, answer) in answers {
        let Some(path) = files.get(index) else { continue };
        match answer {
            Read::Code(file, sum) => {
                if let Some(modified) = file.modified {
                    times.insert(file.path.clone(), modified);
                }
                if host.options.inventory {
                    out.list(
                        "code",
                        shown(path),
                        sum.iter().map(|b| format!("{b:02x}")).collect::<String>(),
                    );
                }
                if !file.findings.is_empty() {
                    found.push((*file, path.clone()));
                }
            }
            Read::Unread(why) => unread = (unread.0 + 1, why),
            Read::Packaged | Read::Nothing | Read::Gone => {}
        }
    }
    if unread.0 > 0 {
        out.cannot(format!("{} files of {}", unread.0, shown(root)), unread.1);
    }
    let (mut list, paths): (Vec<WebFile>, Vec<PathBuf>) = found.into_iter().unzip();
    webroot::newer(&mut list, &times);
    for (file, path) in list.iter().zip(&paths) {
        tell(host, served, file, path, out);
    }
    for folder in uploads {
        if let Runs::Yes(why) = served.runs(host, &folder) {
            let what = format!("{} would run PHP that is put into it: {why}", shown(&folder));
            out.add(OPEN_UPLOADS.found(Grade::Note, 0.6, what).at(&folder));
        }
    }
    let software = versions::of(host, root, &files);
    if !software.is_empty() {
        let what = format!("{}: {}", shown(root), software.join(", "));
        out.add(VERSION.found(Grade::Note, 0.9, what).at(root));
    }
    out.list("seen", format!("files of {}", shown(root)), files.len().to_string());
    Site { root: root.to_path_buf(), software, files: files.len() }
}

fn is_upload_folder(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|n| n == "uploads" || n == "upload" || n == "userfiles" || n == "avatars")
}

fn read(host: &Host<'_>, reader: &Reader, path: &Path) -> Read {
    let (file, meta) = match host.tree.file(path, true) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Read::Gone,
        Err(error) => return Read::Unread(reason(&error)),
    };
    let bytes = match read_up_to(file, &meta, webroot::MOST) {
        Ok(bytes) => bytes,
        Err(error) => return Read::Unread(reason(&error)),
    };
    let text =
        heloscope_model::octets::lossy_text(path.as_os_str().as_encoded_bytes()).0.into_owned();
    let file = webroot::File {
        path: &text,
        bytes: &bytes,
        modified: Some(Time::from_secs(meta.mtime())),
        source: SourceId(0),
    };
    let Some(mut read) = reader.read(&file) else { return Read::Nothing };
    if !read.findings.is_empty() && is_packaged(&host.packages, path, &bytes) {
        read.findings.clear();
        return Read::Packaged;
    }
    let sum = if host.options.inventory {
        super::packages::md5(bytes.as_slice()).unwrap_or_default()
    } else {
        [0; 16]
    };
    Read::Code(Box::new(read), sum)
}

fn is_packaged(packages: &Packages, path: &Path, bytes: &[u8]) -> bool {
    packages.is_as_packaged(path, bytes) == Some(true)
}

/// What a file's signs say together.
fn tell(host: &Host<'_>, served: &Served, file: &WebFile, path: &Path, out: &mut Out) {
    let weight = |f: &heloscope_evidence::facts::Finding| f.weight.clamp(0.0, 1.0);
    let planted = 1.0 - file.findings.iter().fold(1.0, |left, f| left * (1.0 - weight(f)));
    let uploaded = file.findings.iter().find(|f| f.rule == "code-in-uploads").map_or(0.0, weight);
    let runs = if uploaded >= 0.5 { served.runs(host, path) } else { Runs::Unknown };
    let because: Vec<String> = file
        .findings
        .iter()
        .filter(|f| f.weight >= 0.15)
        .take(4)
        .map(|f| format!("{} ({})", f.because, f.rule))
        .collect();
    let what = format!("{}: {}", shown(path), because.join("; "));
    let line = file.findings.first().map_or(1, |f| line(host, path, f.place.at));
    let mut finding = match &runs {
        Runs::Yes(_) if planted >= 0.5 => UPLOADED.found(Grade::Bad, planted.max(0.8), what),
        Runs::No(_) if planted < BAD => PLANTED.found(Grade::Note, planted * 0.5, what),
        _ if planted >= BAD => PLANTED.found(Grade::Bad, planted, what),
        _ if planted >= SUSPECT => PLANTED.found(Grade::Suspect, planted, what),
        _ => return,
    };
    match runs {
        Runs::Yes(why) => finding.what = format!("{}; it would run: {why}", finding.what),
        Runs::No(why) => finding = finding.but(format!("the web server would not run it: {why}")),
        Runs::Unknown => {}
    }
    out.add(finding.at(path).line(line));
}

fn line(host: &Host<'_>, path: &Path, at: At) -> usize {
    let At::Byte(at) = at else { return 1 };
    let bytes = host
        .tree
        .read(path, usize::try_from(at).unwrap_or_default().min(webroot::MOST))
        .unwrap_or_default();
    memchr::memchr_iter(b'\n', &bytes).count() + 1
}
