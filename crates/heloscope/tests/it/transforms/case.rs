//! A recorded case held in memory, to be changed file by file and written elsewhere.
//!
//! What a file is, is told by the names that the cases use. Packed files are unpacked when they
//! are read, so that a change sees their content.

use crate::{heloscope, root, stderr};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Top folders of a mirrored file system: their structure says what absolute path a file has.
const MIRRORED: [&str; 4] = ["var/", "home/", "etc/", "srv/"];

/// A case.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// By path below the case's folder.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// What must be named, from `expect.toml`.
#[derive(serde::Deserialize)]
pub(crate) struct Expect {
    pub(crate) verdict: String,
    class: toml::Value,
    culprit: toml::Value,
}

impl Expect {
    /// Class and culprit, where one is to be named.
    pub(crate) fn cause(&self) -> Option<(&str, &str)> {
        Some((self.class.as_str()?, self.culprit.as_str()?))
    }
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let mut names: Vec<String> = std::fs::read_dir(root().join("cases"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| root().join("cases").join(name).join("expect.toml").is_file())
            .collect();
        names.sort();
        assert!(names.len() >= 10, "{names:?}");
        names.iter().map(|name| Self::named(name)).collect()
    }

    pub(crate) fn named(name: &str) -> Self {
        let folder = root().join("cases").join(name);
        let mut files = BTreeMap::new();
        read(&folder, &folder, &mut files);
        files.remove("README.md");
        Self { name: name.to_owned(), files }
    }

    pub(crate) fn expect(&self) -> Expect {
        toml::from_str(std::str::from_utf8(&self.files["expect.toml"]).unwrap()).unwrap()
    }

    /// Writes it into a folder of its name.
    pub(crate) fn write(&self, to: &Path) {
        for (name, bytes) in &self.files {
            let path = to.join(&self.name).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Names of the files of a kind.
    pub(crate) fn names(&self, is: fn(&str) -> bool) -> Vec<String> {
        self.files.keys().filter(|name| is(name)).cloned().collect()
    }

    /// Takes the files of a kind out; whether there were any.
    pub(crate) fn remove(&mut self, is: fn(&str) -> bool) -> bool {
        let before = self.files.len();
        self.files.retain(|name, _| !is(name));
        self.files.len() < before
    }

    /// Changes the bytes of the files of a kind; whether there were any.
    pub(crate) fn change(
        &mut self,
        is: fn(&str) -> bool,
        to: impl Fn(&str, &[u8]) -> Vec<u8>,
    ) -> bool {
        let names = self.names(is);
        for name in &names {
            let changed = to(name, &self.files[name]);
            self.files.insert(name.clone(), changed);
        }
        !names.is_empty()
    }

    /// Adds a line to `site.toml` unless it names the key already.
    pub(crate) fn site(&mut self, key: &str, value: &str) {
        let site = self.files.entry("site.toml".to_owned()).or_default();
        if !String::from_utf8_lossy(site).lines().any(|l| l.starts_with(key)) {
            site.extend(format!("{key} = {value}\n").into_bytes());
        }
    }
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        let name = name.trim_end_matches(".xz").trim_end_matches(".gz").to_owned();
        files.insert(name, plain(std::fs::read(&path).unwrap()));
    }
}

fn plain(bytes: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    match bytes.as_slice() {
        [0x1f, 0x8b, ..] => {
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            liblzma::read::XzDecoder::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
        }
        _ => return bytes,
    }
    out
}

/// The last part of a path.
pub(crate) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

pub(crate) fn is_mirrored(name: &str) -> bool {
    MIRRORED.iter().any(|top| name.starts_with(top))
}

/// Neither mirrored nor the expectation.
pub(crate) fn is_loose(name: &str) -> bool {
    !is_mirrored(name) && name != "expect.toml"
}

pub(crate) fn is_capture(name: &str) -> bool {
    name.starts_with("captures/")
}

/// Loose and of lines.
pub(crate) fn is_text(name: &str) -> bool {
    is_loose(name) && !is_capture(name)
}

pub(crate) fn is_mail_log(name: &str) -> bool {
    is_loose(name) && (last(name).starts_with("mail.log") || last(name) == "syslog")
}

pub(crate) fn is_syslog(name: &str) -> bool {
    is_mail_log(name)
        || is_loose(name) && matches!(last(name), "kern.log" | "auth.log" | "cron.log")
}

pub(crate) fn is_connections(name: &str) -> bool {
    let named = ["ss", "kern.log", "conntrack"].iter().any(|n| last(name).starts_with(n));
    is_loose(name) && named
}

pub(crate) fn is_web_log(name: &str) -> bool {
    let apache = last(name).starts_with("apache2-") && !last(name).contains("error");
    is_loose(name) && (apache || last(name).starts_with("web"))
}

pub(crate) fn is_web_root(name: &str) -> bool {
    name.starts_with("var/www/") || name == "var-www.list"
}

pub(crate) fn is_notice(name: &str) -> bool {
    // A list's words lie beside the folders of what the hosts show, or in one of their own.
    let apart = !name.contains('/') || name.starts_with("notices/");
    let words = [".txt", ".eml", ".json"].iter().any(|end| name.ends_with(end));
    let shown = ["postconf", "iptables"].iter().any(|n| name.starts_with(n));
    apart && words && !shown
}

pub(crate) fn is_auth_log(name: &str) -> bool {
    is_loose(name) && matches!(last(name), "auth.log" | "cron.log")
}

pub(crate) fn is_processes(name: &str) -> bool {
    let named = ["ps", "proc-exe", "passwd"].iter().any(|n| last(name).starts_with(n));
    is_loose(name) && named || name.starts_with("etc/cron") || name.starts_with("var/spool/cron")
}

pub(crate) fn is_settings(name: &str) -> bool {
    last(name) == "master.cf" || is_loose(name) && last(name).starts_with("postconf")
}

pub(crate) fn is_proxy_log(name: &str) -> bool {
    is_loose(name) && last(name).starts_with("squid")
}

pub(crate) fn is_vpn(name: &str) -> bool {
    is_loose(name) && (last(name).starts_with("wg") || last(name).starts_with("openvpn"))
}

pub(crate) fn is_leases(name: &str) -> bool {
    is_loose(name) && last(name).contains("leases")
}

/// One case as `heloscope cases --json` tells it.
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) right: bool,
    pub(crate) verdict: String,
    pub(crate) wrong: Vec<String>,
    pub(crate) named: Vec<String>,
}

/// Runs cases, all at once.
pub(crate) fn judged(cases: &[Case]) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    for case in cases {
        case.write(folder.path());
    }
    let output = heloscope(["cases".as_ref(), "--json".as_ref(), folder.path().as_os_str()]);
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)));
    let words = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let rows: Vec<Row> = answer["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| Row {
            case: row["case"].as_str().unwrap().to_owned(),
            right: row["right"].as_bool().unwrap(),
            verdict: row["verdict"].as_str().unwrap().to_owned(),
            wrong: words(&row["wrong_accusations"]),
            named: words(&row["named"]),
        })
        .collect();
    assert_eq!(rows.len(), cases.len());
    rows
}
