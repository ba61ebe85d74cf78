//! Files of a web root (or of a mirrored file system) -> what static reading says of each.
//! Nothing is executed and nothing is fetched.
//!
//! Four ways of looking, each with findings of its own: YARA rules over the code (`rules`), the
//! way variables take from a visitor's request to a mail (`request_mail`), what the bytes look
//! like (`blobs`), and where the file lies and what it is called (`structure`). A finding's
//! weight is what it alone says; planted files usually have several.

mod blobs;
pub mod listing;
mod names;
mod neighbours;
mod php;
mod request_mail;
mod rules;
mod structure;

pub use neighbours::newer;

use crate::facts::{Finding, WebFile};
use heloscope_model::{Place, SourceId, Time};
use rules::Rules;

/// Bytes of one file that are read. Code is a hundred times shorter.
pub const MOST: usize = 4 << 20;

/// Findings kept of one file.
const FINDINGS: usize = 24;

/// A file to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The absolute path it stands for.
    pub path: &'a str,
    /// Its first [`MOST`] bytes.
    pub bytes: &'a [u8],
    /// Modified.
    pub modified: Option<Time>,
    /// Its source.
    pub source: SourceId,
}

/// What a file is made of, for the ways of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// PHP, in a file of whatever name.
    Php,
    /// A script of another language.
    Script,
    /// Apache's per-folder settings.
    Htaccess,
    /// Neither.
    None,
}

/// Reads files; made once, because its rules are compiled.
pub struct Reader {
    rules: Rules,
}

impl Reader {
    /// With the shipped rules.
    pub fn new() -> Self {
        Self { rules: Rules::new() }
    }

    /// What a file says; none where it is no code and nothing else of interest.
    pub fn read(&self, file: &File<'_>) -> Option<WebFile> {
        // Most files of a site hold no tag at all, and are not worth a pass of their own.
        let code = match memchr::memmem::find(file.bytes, b"<?") {
            Some(_) => php::code(file.bytes),
            None => php::Code { bytes: Vec::new(), first_tag: None, len: 0 },
        };
        let language = language(file, &code);
        let place = |at: usize| Place::byte(file.source, at as u64);
        let mut findings = Vec::new();
        let mut can_mail = false;
        let masked;
        let text = match language {
            Language::Php => {
                masked = code.bytes;
                masked.as_slice()
            }
            Language::None => return None,
            Language::Script | Language::Htaccess => file.bytes,
        };
        for hit in self.rules.scan(language, text) {
            can_mail |= hit.mail;
            if hit.weight > 0.0 {
                findings.push(Finding {
                    rule: hit.rule,
                    because: hit.because,
                    weight: hit.weight,
                    place: place(hit.at),
                });
            }
        }
        if language == Language::Php {
            if let Some((at, tainted)) = request_mail::find(text) {
                can_mail = true;
                if let Some((rule, because, weight)) = tainted.finding()
                    && !findings.iter().any(|f| f.rule == "mail-from-request")
                {
                    findings.push(found(rule, because, weight, place(at)));
                }
            }
            for blob in blobs::find(text) {
                findings.push(found(blob.rule, blob.because, blob.weight, place(blob.at)));
            }
        }
        let bad = findings.iter().any(|f| f.weight >= 0.3);
        let view = structure::View {
            path: file.path,
            bytes: file.bytes,
            code: text,
            code_len: code.len,
            first_tag: code.first_tag,
            language,
            can_mail,
            bad,
        };
        for (rule, because, weight, at) in structure::look(&view) {
            findings.push(found(rule, because, weight, place(at)));
        }
        findings.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.rule.cmp(&b.rule)));
        findings.truncate(FINDINGS);
        Some(WebFile {
            path: file.path.to_owned(),
            findings,
            modified: file.modified,
            can_mail,
            place: Place::whole(file.source),
        })
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

fn found(rule: &str, because: &str, weight: f32, place: Place) -> Finding {
    Finding { rule: rule.to_owned(), because: because.to_owned(), weight, place }
}

/// What a file is written in: by what it holds, the name only where the content leaves it open.
fn language(file: &File<'_>, code: &php::Code) -> Language {
    let name = file.path.rsplit('/').next().unwrap_or(file.path).to_ascii_lowercase();
    if name == ".htaccess" || name == ".user.ini" {
        return Language::Htaccess;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    let php_name = matches!(
        extension,
        "php"
            | "php3"
            | "php4"
            | "php5"
            | "php7"
            | "php8"
            | "phtml"
            | "phar"
            | "inc"
            | "module"
            | "phps"
    );
    let long_tag = || {
        file.bytes.windows(6).any(|w| {
            w.get(..5).is_some_and(|t| t.eq_ignore_ascii_case(b"<?php"))
                && w.last().is_some_and(u8::is_ascii_whitespace)
        })
    };
    if code.first_tag.is_some() && code.len > 5 && (php_name || long_tag()) {
        // Pages and style sheets of documentation hold PHP as an example.
        let documents = matches!(
            extension,
            "md" | "rst"
                | "js"
                | "mjs"
                | "map"
                | "css"
                | "json"
                | "po"
                | "pot"
                | "xml"
                | "patch"
                | "diff"
        );
        return if documents { Language::None } else { Language::Php };
    }
    let head = file.bytes.get(..file.bytes.len().min(256)).unwrap_or_default();
    let first = head.split(|&b| b == b'\n').next().unwrap_or_default();
    let shebang = first.starts_with(b"#!");
    let script_name = matches!(
        extension,
        "pl" | "cgi" | "pm" | "py" | "sh" | "bash" | "rb" | "mjs" | "cjs" | "ts" | "go"
    );
    // Browsers' JavaScript is no code of the server; what loads modules is.
    let server_js = matches!(extension, "js")
        && (memchr::memmem::find(file.bytes, b"require('nodemailer')").is_some()
            || memchr::memmem::find(file.bytes, b"require(\"nodemailer\")").is_some()
            || memchr::memmem::find(file.bytes, b"require('net')").is_some()
            || memchr::memmem::find(file.bytes, b"require(\"net\")").is_some()
            || memchr::memmem::find(file.bytes, b"from 'nodemailer'").is_some()
            || memchr::memmem::find(file.bytes, b"from \"nodemailer\"").is_some());
    if shebang || script_name || server_js { Language::Script } else { Language::None }
}

#[cfg(test)]
mod tests;
