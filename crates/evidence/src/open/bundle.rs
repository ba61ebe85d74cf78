//! What `heloscope collect` packed beside the evidence: `MANIFEST` (the hash of each file, the
//! command that made it) and `could-not-read.txt`. Files are held against their hashes, what was
//! not read becomes [`Unread`], and the host's words about itself are taken out: they are for a
//! reader, not evidence. Found below any folder or archive, by the first line of the manifest.

use super::Opening;
use crate::facts::Unread;
use crate::kind::Kind;
use crate::lines;
use crate::opened::{self, Body};
use crate::walk::Found;
use heloscope_model::Place;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The first line of a manifest.
const FORMAT: &[u8] = b"heloscope.bundle/1";

/// Bytes of a manifest, and of the list of what is missing.
const MOST: usize = 8 << 20;

/// Bundles among what was handed over.
const BUNDLES: usize = 64;

/// Lines of each.
const LINES: usize = 100_000;

/// What the host says of itself.
const WORDS: [&str; 4] =
    ["host/system.txt", "host/network.txt", "host/queue.txt", "host/program-hashes.txt"];

/// A manifest.
#[derive(Debug, Default)]
struct Manifest {
    host: String,
    made: String,
    is_root: bool,
    /// Hash and command by path.
    files: BTreeMap<String, (String, String)>,
}

impl Opening {
    /// Takes the bundles' own files out of what was found, and checks the others.
    pub(super) fn bundles(&mut self, found: &mut Vec<Found>) {
        let named = |f: &&Found| f.problem.is_none() && f.path.ends_with("MANIFEST");
        let manifests: Vec<(PathBuf, Body, Manifest)> = found
            .iter()
            .filter(named)
            .take(BUNDLES)
            .filter_map(|f| {
                let manifest = read(&f.body)?;
                Some((f.path.parent()?.to_path_buf(), f.body.clone(), manifest))
            })
            .collect();
        for (base, body, manifest) in manifests {
            self.bundle(&base, &body, &manifest, found);
        }
    }

    fn bundle(&mut self, base: &Path, body: &Body, manifest: &Manifest, found: &mut Vec<Found>) {
        let own = self.input(&base.join("MANIFEST"), body, Kind::Site);
        let mut there = BTreeSet::new();
        let (mut checked, mut other) = (0_u64, 0_u64);
        let mut kept = Vec::with_capacity(found.len());
        for mut file in std::mem::take(found) {
            let Ok(below) = file.path.strip_prefix(base).map(Path::to_path_buf) else {
                kept.push(file);
                continue;
            };
            let name = below.to_string_lossy().into_owned();
            if name == "MANIFEST" {
                continue;
            }
            let Some((hash, command)) = manifest.files.get(&name) else {
                kept.push(file);
                continue;
            };
            there.insert(name.clone());
            if hash.len() == 64 && file.problem.is_none() {
                checked += 1;
                if sha256(&file.body).as_deref() != Some(hash.as_str()) {
                    other += 1;
                    file.note = Some(
                        "not what was collected: its hash is another than the one in MANIFEST"
                            .to_owned(),
                    );
                }
            }
            if name == "could-not-read.txt" {
                self.unread(&file, &manifest.host);
            } else if WORDS.contains(&name.as_str()) {
                self.said(&file, "what the host says of itself; nothing in it is judged");
            } else if name.starts_with("host/") && printed_nothing(&file) {
                self.said(&file, &format!("`{command}` printed nothing"));
            } else {
                kept.push(file);
            }
        }
        *found = kept;
        let missing: Vec<&str> =
            manifest.files.keys().filter(|n| !there.contains(*n)).map(String::as_str).collect();
        let user = if manifest.is_root { "as root" } else { "without root" };
        let mut note = format!("collected on {} at {} {user}", manifest.host, manifest.made);
        let _ = match (checked, other) {
            (0, _) => write!(note, "; it has no hashes"),
            (_, 0) => write!(note, "; {checked} files are as they were collected"),
            _ => write!(note, "; {other} of {checked} files are not what was collected"),
        };
        if let Some(first) = missing.first() {
            let _ = write!(note, "; {} files are missing, the first {first}", missing.len());
        }
        self.note(own, &note);
        if let Some(input) = self.input_of(own) {
            input.records = manifest.files.len() as u64;
        }
    }

    /// An input that is there for a reader.
    fn said(&mut self, file: &Found, note: &str) {
        let source = self.input(&file.path, &file.body, Kind::Site);
        self.note(source, note);
        if let Some(changed) = &file.note {
            self.note(source, changed);
        }
    }

    /// `WHAT\tKIND\tWHY`, a line each.
    fn unread(&mut self, file: &Found, host: &str) {
        let Ok((bytes, ..)) = opened::whole(&file.body, MOST) else { return };
        let source = self.input(&file.path, &file.body, Kind::Site);
        let before = self.facts.unread.len();
        for (offset, line) in lines::of(&bytes).take(LINES) {
            let line = String::from_utf8_lossy(line);
            let mut fields = line.split('\t').map(crate::quote::shown);
            let (Some(what), Some(kind)) = (fields.next(), fields.next()) else { continue };
            self.facts.unread.push(Unread {
                host: host.to_owned(),
                what,
                kind,
                why: fields.next().unwrap_or_default(),
                place: Place::byte(source, offset),
            });
        }
        let all = self.facts.unread.get(before..).unwrap_or_default();
        let refused: Vec<&str> =
            all.iter().filter(|u| u.kind == "permission").map(|u| u.what.as_str()).collect();
        let mut note = match all.len() {
            0 => "nothing was left out".to_owned(),
            1 => "1 thing could not be read on the host".to_owned(),
            count => format!("{count} things could not be read on the host"),
        };
        if !refused.is_empty() {
            let _ = write!(note, "; for want of permission: {}", refused.join(", "));
        }
        let count = all.len() as u64;
        self.note(source, &note);
        if let Some(input) = self.input_of(source) {
            input.records = count;
        }
        if let Some(changed) = &file.note {
            self.note(source, changed);
        }
    }
}

fn read(body: &Body) -> Option<Manifest> {
    let (bytes, ..) = opened::whole(body, MOST).ok()?;
    let mut lines = lines::of(&bytes).map(|(_, line)| line).take(LINES);
    if lines.next() != Some(FORMAT) {
        return None;
    }
    let mut manifest = Manifest::default();
    for line in lines {
        let line = String::from_utf8_lossy(line);
        let fields: Vec<&str> = line.split('\t').collect();
        if let [hash, _, _, _, path, command] = fields.as_slice() {
            let entry = (hash.to_ascii_lowercase(), crate::quote::shown(command));
            manifest.files.insert((*path).to_owned(), entry);
        } else if let Some((key, value)) = line.split_once(' ') {
            let value = crate::quote::shown(value);
            match key {
                "host" => manifest.host = value,
                "made" => manifest.made = value,
                "uid" => manifest.is_root = value == "0",
                _ => {}
            }
        }
    }
    Some(manifest)
}

/// A command line and nothing below it.
fn printed_nothing(file: &Found) -> bool {
    if file.size > 1000 {
        return false;
    }
    let Ok((bytes, ..)) = opened::whole(&file.body, 1001) else { return false };
    bytes.starts_with(b"# ") && memchr::memchr(b'\n', &bytes).is_some_and(|n| n + 1 == bytes.len())
}

/// The hash of the bytes as they lie, compressed or not.
fn sha256(body: &Body) -> Option<String> {
    let mut raw = body.at(0).ok()?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 << 10];
    loop {
        match raw.read(&mut block) {
            Ok(0) => break,
            Ok(read) => hash.update(block.get(..read)?),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
