//! Writes a case folder: the evidence as files, `site.toml`, `expect.toml` and README.md.
//!
//! Captures and logs above 200 KB are stored as .xz. The README lists every file with where it came from, so that what was
//! recorded and what was written by hand can be told apart.

use crate::host::Host;
use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Above this a file is stored compressed.
const LARGE: usize = 200_000;

/// A case folder in the making.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    files: Vec<(String, String)>,
}

/// What `heloscope cases` must find.
#[derive(Clone, Debug, Default)]
pub struct Expect<'a> {
    /// The cause class; empty for none.
    pub class: &'a str,
    /// The culprit; empty for none.
    pub culprit: &'a str,
    /// Further causes with their culprits, where there are several.
    pub more: &'a [(&'a str, &'a str)],
    /// Decoys, `kind:value`.
    pub must_not_accuse: Vec<String>,
    /// The case this is the innocent twin of.
    pub twin_of: &'a str,
    /// Where the incident is described.
    pub origin: &'a str,
}

impl Folder {
    /// An empty folder; what stood there before is removed when it was a case.
    pub fn create(root: &Path) -> Result<Self> {
        if root.join("expect.toml").exists() {
            fs::remove_dir_all(root)?;
        }
        fs::create_dir_all(root)?;
        Ok(Self { root: root.to_owned(), files: Vec::new() })
    }

    /// A file with its content and where it came from.
    pub fn file(&mut self, name: &str, content: &[u8], from: &str) -> Result<()> {
        let (name, content) = if content.len() > LARGE {
            let mut packed = liblzma::write::XzEncoder::new(Vec::new(), 9);
            packed.write_all(content)?;
            (format!("{name}.xz"), packed.finish()?)
        } else {
            (name.to_owned(), content.to_vec())
        };
        let place = self.root.join(&name);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&place, content).with_context(|| place.display().to_string())?;
        self.files.push((name, from.to_owned()));
        Ok(())
    }

    /// A file of a host; absent ones are left out.
    pub fn take(&mut self, host: &Host, path: &str, name: &str) -> Result<()> {
        if let Ok(content) = host.read(path) {
            self.file(name, &content, &format!("{path} of {}", host.name))?;
        }
        Ok(())
    }

    /// What a command prints on a host.
    pub fn ask(&mut self, host: &Host, command: &str, name: &str) -> Result<()> {
        let output = host.sh(command)?;
        self.file(name, &output, &format!("`{command}` on {}", host.name))
    }

    /// A folder tree of a host, text as it is, below the same path, with a listing of times and owners beside it.
    pub fn tree(&mut self, host: &Host, path: &str) -> Result<()> {
        let inside = path.trim_start_matches('/');
        let listing =
            host.sh(&format!("cd / && find {path} -printf '%T@ %m %u %s %p\\n' | sort -k5"))?;
        self.file(
            &format!("{}.list", inside.replace('/', "-")),
            &listing,
            &format!(
                "`find {path} -printf '%T@ %m %u %s %p\\n'` on {} (git loses file times)",
                host.name
            ),
        )?;
        for line in String::from_utf8_lossy(&listing).lines() {
            let Some(file) = line.splitn(5, ' ').nth(4) else { continue };
            let place = host.inside(file);
            if place.is_file() && !place.is_symlink() {
                let content = fs::read(&place)?;
                let target = self.root.join(file.trim_start_matches('/'));
                if let Some(folder) = target.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(target, content)?;
            }
        }
        self.files.push((format!("{inside}/"), format!("{path} of {}, copied", host.name)));
        Ok(())
    }

    /// The notice, which no list wrote.
    pub fn notice(&mut self, name: &str, text: &str) -> Result<()> {
        self.file(
            name,
            text.as_bytes(),
            "written by hand in the list's words; its times are true to the recording",
        )
    }

    /// What the administrator knows.
    pub fn site(&mut self, text: &str) -> Result<()> {
        self.file("site.toml", text.as_bytes(), "written by hand: what an administrator knows")
    }

    /// Writes expectation and README and ends the folder.
    pub fn finish(self, expect: &Expect<'_>, title: &str, story: &str) -> Result<()> {
        let (verdict, class) = if expect.class.is_empty() {
            ("insufficient-evidence", "[]".to_owned())
        } else {
            ("cause-found", quoted(expect.class))
        };
        let culprit =
            if expect.culprit.is_empty() { "[]".to_owned() } else { quoted(expect.culprit) };
        let (verdict, class, culprit) = if expect.more.is_empty() {
            (verdict, class, culprit)
        } else {
            let (classes, culprits): (Vec<_>, Vec<_>) =
                expect.more.iter().map(|(class, culprit)| (quoted(class), quoted(culprit))).unzip();
            (
                "several-causes",
                format!("[{class}, {}]", classes.join(", ")),
                format!("[{culprit}, {}]", culprits.join(", ")),
            )
        };
        let decoys: Vec<String> =
            expect.must_not_accuse.iter().map(|decoy| quoted(decoy)).collect();
        let mut text = format!(
            "verdict = \"{verdict}\"\nclass = {class}\nculprit = {culprit}\nmust_not_accuse = [{}]\n",
            decoys.join(", ")
        );
        if !expect.twin_of.is_empty() {
            text.push_str(&format!("twin_of = {}\n", quoted(expect.twin_of)));
        }
        text.push_str(&format!("origin = {}\n", quoted(expect.origin)));
        fs::write(self.root.join("expect.toml"), text)?;

        let mut readme = format!(
            "# {title}\n\n{}\n\n## What is here\n\n| file | from |\n| --- | --- |\n",
            story.trim()
        );
        for (name, from) in &self.files {
            readme.push_str(&format!("| `{name}` | {} |\n", from.replace('|', "\\|")));
        }
        readme.push_str(
            "\nRecorded in real time by the lab in network namespaces; no stamp was changed. Addresses are documentation ranges, names are made up.\n\
             Packets were recorded on virtual links: delays are those of one machine and transmit checksums are unset, as with offloading.\n",
        );
        fs::write(self.root.join("README.md"), readme)?;
        Ok(())
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
