//! Web roots and mirrored file systems: which files belong to one, and, at the end, what each
//! says. One input a root; its records are the files looked at.

use super::Opening;
use crate::facts::WebFile;
use crate::kind::Kind;
use crate::opened::{self, Body};
use crate::walk::{self, Found};
use crate::webroot;
use heloscope_model::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files looked at in one tree.
const MOST: usize = 200_000;

/// Files of a mirrored folder that are no evidence and still named one by one.
const FEW: usize = 20;

/// The trees of one opening.
#[derive(Default)]
pub(super) struct Trees {
    /// Folders found to be web roots though nothing above says so.
    roots: BTreeSet<PathBuf>,
    /// Files kept, by the root they belong to.
    kept: BTreeMap<String, Vec<Kept>>,
    /// Files of mirrored file systems that are neither evidence nor code: how many, and where.
    others: BTreeMap<String, Others>,
    /// Times that listings tell, by path.
    listed: BTreeMap<String, Time>,
}

/// Files of one mirrored folder that are neither evidence nor code.
#[derive(Default)]
struct Others {
    count: usize,
    folder: PathBuf,
    /// The first of them, and what was said of each.
    few: Vec<(PathBuf, String)>,
}

/// A file kept for the end.
struct Kept {
    file: Found,
    body: Body,
    /// The absolute path it stands for.
    path: String,
}

impl Trees {
    /// Looks at all names: folders with PHP files that lie in no mirror are web roots, the
    /// topmost of them.
    pub(super) fn plan(&mut self, found: &mut [Found]) {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for file in found.iter().filter(|f| f.problem.is_none()) {
            let php = matches!(extension(&file.path).as_str(), "php" | "phtml" | "php5" | "php7");
            let deep = file.below.components().count() > 1;
            if php && super::standing::absolute(file).is_none() {
                // A PHP file beside the evidence is a file, a folder of them is a site.
                let folder = if deep { file.path.parent() } else { None };
                folders.extend(folder.map(Path::to_path_buf));
                if !deep && is_site(found, &file.root) {
                    folders.insert(file.root.clone());
                }
            }
        }
        for folder in folders {
            if !self.roots.iter().any(|root| folder.starts_with(root)) {
                self.roots.insert(folder);
            }
        }
    }

    /// Whether a file belongs to a web root, so that it is read as such and not as evidence.
    pub(super) fn takes(&self, file: &Found, standing: Option<&str>) -> bool {
        match standing {
            Some(path) => web_root(path).is_some(),
            None => self.roots.iter().any(|root| file.path.starts_with(root)),
        }
    }

    /// Keeps a file of a web root.
    pub(super) fn keep(&mut self, file: Found, body: Body, standing: Option<String>) {
        let path = standing.unwrap_or_else(|| file.path.display().to_string());
        let root = match web_root(&path) {
            Some(root) => root,
            None => self
                .roots
                .iter()
                .find(|root| file.path.starts_with(root))
                .map_or_else(|| "/".to_owned(), |root| root.display().to_string()),
        };
        self.kept.entry(root).or_default().push(Kept { file, body, path });
    }

    /// Takes a listing's times.
    pub(super) fn listed(&mut self, listing: Vec<(String, Time)>) {
        self.listed.extend(listing);
    }

    /// The time a listing tells of a path; listings may be relative to the root.
    fn time_of(&self, path: &str, root: &str) -> Option<Time> {
        if let Some(time) = self.listed.get(path) {
            return Some(*time);
        }
        let below = path.strip_prefix(root)?.trim_start_matches('/');
        self.listed.get(below).or_else(|| self.listed.get(&format!("./{below}"))).copied()
    }
}

impl Opening {
    /// A file of a mirrored file system that is no evidence by itself may be a program: keep
    /// scripts for reading, and take back that it was not recognised.
    pub(super) fn maybe_program(&mut self, file: Found, body: Body, standing: String) {
        let Some(last) = self.inputs.last() else { return };
        if last.kind != Kind::Unrecognised || last.path != file.path || file.size == 0 {
            return;
        }
        let Ok((head, _, _)) = opened::whole(&body, 4096) else { return };
        let php = memchr::memmem::find(&head, b"<?php").is_some();
        let script = head.starts_with(b"#!")
            || matches!(
                extension(&file.path).as_str(),
                "pl" | "py" | "sh" | "rb" | "js" | "mjs" | "cjs" | "cgi" | "php"
            );
        let root = top(&standing);
        if !(php || script) {
            // Whole systems hold thousands of files that are no evidence: they are counted, but
            // not where logs and settings lie and a file may have been meant.
            let meant = ["/var/log", "/etc", "/var/spool", "/var/mail"]
                .iter()
                .any(|p| standing.starts_with(p));
            if !meant {
                let note = self.inputs.pop().and_then(|i| i.note).unwrap_or_default();
                self.sources.pop();
                let others = self.trees.others.entry(root.clone()).or_default();
                others.count += 1;
                if others.folder.as_os_str().is_empty() {
                    others.folder = shown(&file.path, &standing, &root);
                }
                if others.few.len() < FEW {
                    others.few.push((file.path.clone(), note));
                }
            }
            return;
        }
        // The input added last is its own: the program is listed with its tree instead.
        self.inputs.pop();
        self.sources.pop();
        self.trees.kept.entry(root).or_default().push(Kept { file, body, path: standing });
    }

    /// Reads every tree.
    pub(super) fn read_trees(&mut self) {
        let kept = std::mem::take(&mut self.trees.kept);
        if !kept.is_empty() {
            let reader = webroot::Reader::new();
            for (root, files) in kept {
                self.read_tree(&reader, &root, files);
            }
        }
        for (_, others) in std::mem::take(&mut self.trees.others) {
            if others.count > others.few.len() {
                let note = format!("{} files that are neither evidence nor code", others.count);
                self.unrecognised(&others.folder, &note);
                continue;
            }
            for (path, note) in others.few {
                self.unrecognised(&path, &note);
            }
        }
    }

    fn read_tree(&mut self, reader: &webroot::Reader, root: &str, files: Vec<Kept>) {
        let Some(first) = files.first() else { return };
        // The folder that stands for the root, as it was given.
        let shown = shown(&first.file.path, &first.path, root);
        let index = self.inputs.len();
        let main = self.input(&shown, &first.body, Kind::WebRoot);
        let is_web = web_root(&first.path).is_some() || self.trees.roots.contains(Path::new(root));
        if is_web {
            self.facts.web_roots.push(root.to_owned());
        } else {
            self.note(main, "programs of the mirrored file system");
        }
        let mut times: BTreeMap<String, Time> = BTreeMap::new();
        let mut found: Vec<WebFile> = Vec::new();
        let mut records = 0;
        let (mut unread, mut why) = (0, String::new());
        for kept in files.into_iter().take(MOST) {
            records += 1;
            let bytes = match opened::whole(&kept.body, webroot::MOST) {
                Ok((bytes, _, _)) => bytes,
                Err(error) => {
                    unread += 1;
                    why = format!("{}: {}", kept.path, walk::reason(&error));
                    continue;
                }
            };
            let modified = self
                .trees
                .time_of(&kept.path, root)
                .or_else(|| kept.file.modified.map(Time::from_secs));
            let source = self.sources.add(&kept.file.path, kept.body, index);
            let file = webroot::File { path: &kept.path, bytes: &bytes, modified, source };
            let Some(read) = reader.read(&file) else {
                self.sources.pop();
                continue;
            };
            if let Some(modified) = modified {
                times.insert(kept.path.clone(), modified);
            }
            found.push(read);
        }
        webroot::newer(&mut found, &times);
        // Files that nothing is said of are not kept: a site has thousands.
        found.retain(|f| f.can_mail || !f.findings.is_empty());
        self.facts.web_files.extend(found);
        if let Some(input) = self.inputs.get_mut(index) {
            input.records = records;
            input.first = times.values().min().copied();
            input.last = times.values().max().copied();
        }
        if unread > 0 {
            self.note(main, &format!("{unread} files could not be read, the last {why}"));
        }
    }
}

/// The root of the web site an absolute path lies in.
fn web_root(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let len = match parts.as_slice() {
        ["var" | "srv", "www", "vhosts", _, _, ..] => 5,
        // A file directly in /var/www belongs to the site that all of it is.
        ["var" | "srv", "www" | "http", _] => 2,
        ["var" | "srv", "www" | "http", _, ..] => 3,
        ["home", _, "public_html" | "www" | "htdocs" | "web" | "httpdocs" | "html", ..] => 3,
        ["home", _, "domains", _, "public_html" | "html", ..] => 5,
        ["home", _, "domains" | "sites" | "websites", _, ..] => 4,
        ["usr", "share", "nginx", "html", ..] => 4,
        ["usr", "local", "www" | "apache2", _, ..] => 4,
        ["opt", "lampp", "htdocs", ..] => 3,
        _ => return None,
    };
    (parts.len() > len).then(|| format!("/{}", parts.get(..len).unwrap_or_default().join("/")))
}

/// The folder on the disk that a root stands for, by one of its files.
fn shown(file: &Path, path: &str, root: &str) -> PathBuf {
    let depth = path.get(root.len()..).unwrap_or_default().matches('/').count();
    file.ancestors().nth(depth).unwrap_or(file).to_path_buf()
}

/// The first one or two folders of a path that is no web root: `/tmp`, `/opt/app`.
fn top(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let len = match parts.as_slice() {
        ["tmp" | "root", ..] => 1,
        _ => 2,
    };
    let len = len.min(parts.len().saturating_sub(1));
    format!("/{}", parts.get(..len).unwrap_or_default().join("/"))
}

/// Whether the top of a folder given is that of a site: nearly all files are what web servers
/// hand out.
fn is_site(found: &[Found], root: &Path) -> bool {
    let (mut all, mut web) = (0, 0);
    for file in found.iter().filter(|f| f.root == root && f.below.components().count() == 1) {
        all += 1;
        web += usize::from(
            matches!(
                extension(&file.path).as_str(),
                "php"
                    | "phtml"
                    | "inc"
                    | "html"
                    | "htm"
                    | "css"
                    | "js"
                    | "png"
                    | "jpg"
                    | "gif"
                    | "ico"
                    | "svg"
                    | "txt"
                    | "xml"
                    | "json"
                    | "md"
                    | "htaccess"
                    | "lock"
                    | "yml"
            ) || file.path.file_name().is_some_and(|n| n == ".htaccess"),
        );
    }
    all >= 3 && web * 10 >= all * 9
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        for (path, want) in [
            ("/var/www/shop/a/x.php", Some("/var/www/shop")),
            ("/var/www/x.php", Some("/var/www")),
            (
                "/var/www/vhosts/example.org/httpdocs/x.php",
                Some("/var/www/vhosts/example.org/httpdocs"),
            ),
            ("/home/anna/public_html/x.php", Some("/home/anna/public_html")),
            ("/home/anna/x.php", None),
            ("/var/log/x", None),
        ] {
            assert_eq!(web_root(path).as_deref(), want, "{path}");
        }
        assert_eq!(top("/tmp/x.pl"), "/tmp");
        assert_eq!(top("/opt/app/src/x.js"), "/opt/app");
    }
}
