//! nginx: blocks and their directives -> served folders, where PHP is handed on, and what denies it among uploads.

use super::Runs;
use crate::scan::Host;
use crate::scan::finding::shown;
use std::path::{Path, PathBuf};

const BYTES: usize = 1 << 20;
const MOST: usize = 100_000;

/// A directive with the heads of the blocks around it.
#[derive(Debug)]
struct Directive {
    blocks: Vec<String>,
    words: Vec<String>,
    file: PathBuf,
    line: usize,
}

#[derive(Debug, Default)]
pub(super) struct Nginx {
    pub(super) roots: Vec<PathBuf>,
    directives: Vec<Directive>,
    php: Option<String>,
}

impl Nginx {
    pub(super) fn read(host: &Host<'_>) -> Self {
        let mut files = vec![PathBuf::from("/etc/nginx/nginx.conf")];
        for (folder, ending) in [
            ("/etc/nginx/conf.d", ".conf"),
            ("/etc/nginx/sites-enabled", ""),
            ("/etc/nginx/snippets", ".conf"),
        ] {
            files.extend(host.tree.files(folder, ending));
        }
        let mut found = Self::default();
        for file in files {
            if let Ok(bytes) = host.tree.read(&file, BYTES) {
                parse(&String::from_utf8_lossy(&bytes), &file, &mut found.directives);
            }
        }
        for directive in &found.directives {
            match directive.words.as_slice() {
                [name, path, ..]
                    if matches!(name.as_str(), "root" | "alias")
                        && path.starts_with('/')
                        && !path.contains('$') =>
                {
                    found.roots.push(PathBuf::from(path.trim_end_matches('/')));
                }
                [name, ..]
                    if name == "fastcgi_pass"
                        && directive.blocks.iter().any(|b| b.contains("php")) =>
                {
                    found.php.get_or_insert_with(|| {
                        format!("{} line {}", shown(&directive.file), directive.line)
                    });
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn runs(&self, at: &Path) -> Runs {
        let Some(php) = &self.php else { return Runs::Unknown };
        let Some(root) =
            self.roots.iter().filter(|r| at.starts_with(r)).max_by_key(|r| r.as_os_str().len())
        else {
            return Runs::Unknown;
        };
        let below = at.strip_prefix(root).unwrap_or(at).to_string_lossy().to_ascii_lowercase();
        let parts: Vec<&str> = below.split('/').collect();
        for directive in &self.directives {
            let words: Vec<&str> = directive.words.iter().map(String::as_str).collect();
            let denies = matches!(
                words.as_slice(),
                ["deny", "all"] | ["return", "403" | "404" | "444" | "410", ..]
            );
            let Some(location) = directive.blocks.iter().rev().find(|b| b.starts_with("location"))
            else {
                continue;
            };
            let location = location.to_ascii_lowercase();
            // A place is meant where one of its names stands in the pattern.
            let named = parts.iter().any(|p| p.len() >= 4 && location.contains(p));
            let prefix = location.contains("^~");
            if named && (denies && (location.contains("php") || prefix || !location.contains('~')))
            {
                return Runs::No(format!(
                    "{} line {}: {location}",
                    shown(&directive.file),
                    directive.line
                ));
            }
        }
        Runs::Yes(php.clone())
    }
}

/// Directives end with `;`, blocks are in braces, words may be quoted.
fn parse(text: &str, file: &Path, into: &mut Vec<Directive>) {
    let mut blocks: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let (mut quote, mut line, mut remark, mut start) = (None, 1, false, 1);
    let mut before = ' ';
    for c in text.chars() {
        if c == '\n' {
            line += 1;
            remark = false;
        }
        if remark {
            continue;
        }
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') if word.is_empty() => remark = true,
            // `{` in a pattern such as `\d{4}` is part of the word.
            (None, '{')
                if !word.is_empty()
                    && before != ' '
                    && words.first().is_some_and(|w| w == "location")
                    && word.contains('\\') =>
            {
                word.push(c)
            }
            (None, '}') if word.contains('{') => word.push(c),
            (None, ';' | '{' | '}') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                let whole = std::mem::take(&mut words);
                match c {
                    '{' if blocks.len() < 50 => blocks.push(whole.join(" ")),
                    '}' => drop(blocks.pop()),
                    ';' if !whole.is_empty() && into.len() < MOST => {
                        into.push(Directive {
                            blocks: blocks.clone(),
                            words: whole,
                            file: file.to_path_buf(),
                            line: start,
                        });
                    }
                    _ => {}
                }
            }
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None, c) => {
                if words.is_empty() && word.is_empty() {
                    start = line;
                }
                word.push(c);
            }
        }
        before = c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(extra: &str) -> Runs {
        let text = format!(
            "server {{\n root /var/www/shop; # here\n location ~ \\.php$ {{ fastcgi_pass unix:/run/php.sock; }}\n {extra}\n}}\n"
        );
        let mut found = Nginx {
            roots: vec!["/var/www/shop".into()],
            php: Some("x".into()),
            ..Nginx::default()
        };
        parse(&text, Path::new("/etc/nginx/x"), &mut found.directives);
        assert_eq!(found.directives[0].words, ["root", "/var/www/shop"]);
        assert_eq!(found.directives[1].blocks, ["server", "location ~ \\.php$"]);
        found.runs(Path::new("/var/www/shop/wp-content/uploads/x.php"))
    }

    #[test]
    fn what_denies() {
        assert!(matches!(asked(""), Runs::Yes(_)));
        assert!(matches!(
            asked("location ~* /(?:uploads|files)/.*\\.php$ { deny all; }"),
            Runs::No(_)
        ));
        assert!(matches!(asked("location ^~ /wp-content/uploads/ { return 404; }"), Runs::No(_)));
        assert!(matches!(asked("location ~ /\\.ht { deny all; }"), Runs::Yes(_)));
        assert!(matches!(asked("location ~ ^/20\\d{2}/ { deny all; }"), Runs::Yes(_)));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[{};#'\"a-z \\\\\n]{0,200}") {
            parse(&text, Path::new("x"), &mut Vec::new());
        }
    }
}
