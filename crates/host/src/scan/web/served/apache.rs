//! Apache's directives in their sections (`<Directory>`, `<FilesMatch>`, `<VirtualHost>`), from the folders of Debian and
//! of Red Hat, and `.htaccess` files above a path.

use super::Runs;
use crate::scan::Host;
use crate::scan::finding::shown;
use std::path::{Path, PathBuf};

/// Bytes of one file, and directives kept.
const BYTES: usize = 1 << 20;
const MOST: usize = 100_000;

/// A directive with the sections around it, outermost first, each `(name, argument)` in lower case names.
#[derive(Debug)]
struct Directive {
    sections: Vec<(String, String)>,
    name: String,
    args: String,
    file: PathBuf,
    line: usize,
}

#[derive(Debug, Default)]
pub(super) struct Apache {
    pub(super) roots: Vec<PathBuf>,
    directives: Vec<Directive>,
    php: Option<String>,
}

impl Apache {
    pub(super) fn read(host: &Host<'_>) -> Self {
        let mut files: Vec<PathBuf> =
            ["/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf"].map(PathBuf::from).into();
        for (folder, ending) in [
            ("/etc/apache2/mods-enabled", ".load"),
            ("/etc/apache2/mods-enabled", ".conf"),
            ("/etc/apache2/conf-enabled", ".conf"),
            ("/etc/apache2/sites-enabled", ""),
            ("/etc/httpd/conf.modules.d", ".conf"),
            ("/etc/httpd/conf.d", ".conf"),
        ] {
            files.extend(host.tree.files(folder, ending));
        }
        let mut found = Self::default();
        for file in files {
            let Ok(bytes) = host.tree.read(&file, BYTES) else { continue };
            parse(&String::from_utf8_lossy(&bytes), &file, &mut found.directives);
        }
        for directive in &found.directives {
            let lower = directive.args.to_ascii_lowercase();
            match directive.name.as_str() {
                "documentroot" => found.roots.extend(path(&directive.args)),
                "alias" => {
                    let target = directive.args.split_whitespace().nth(1).and_then(path);
                    // Icons and documentation hold no code of visitors.
                    found.roots.extend(target.filter(|t| {
                        !t.starts_with("/usr/share/apache2") && !t.starts_with("/usr/share/doc")
                    }));
                }
                "loadmodule" if lower.starts_with("php") => set(&mut found.php, directive),
                "sethandler" | "addhandler" | "addtype"
                    if lower.contains("php") && !lower.contains("source") && !off(directive) =>
                {
                    set(&mut found.php, directive);
                }
                "proxypassmatch" if lower.contains("fcgi") && lower.contains("php") => {
                    set(&mut found.php, directive)
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn runs(&self, host: &Host<'_>, at: &Path) -> Runs {
        let Some(php) = &self.php else { return Runs::Unknown };
        if !self.roots.iter().any(|root| at.starts_with(root)) {
            return Runs::Unknown;
        }
        let mut override_allowed = false;
        for directive in &self.directives {
            if !covers(directive, at) {
                continue;
            }
            if directive.name == "allowoverride" {
                override_allowed = !directive.args.eq_ignore_ascii_case("none");
            } else if forbids(directive) {
                return Runs::No(format!(
                    "{} line {}: {} {}",
                    shown(&directive.file),
                    directive.line,
                    directive.name,
                    directive.args
                ));
            }
        }
        if override_allowed {
            for folder in at.ancestors().take_while(|f| self.roots.iter().any(|r| f.starts_with(r)))
            {
                let file = folder.join(".htaccess");
                let Ok(bytes) = host.tree.read(&file, BYTES) else { continue };
                let mut directives = Vec::new();
                parse(&String::from_utf8_lossy(&bytes), &file, &mut directives);
                if let Some(directive) = directives.iter().find(|d| in_files(d) && forbids(d)) {
                    return Runs::No(format!(
                        "{} line {}: {} {}",
                        shown(&file),
                        directive.line,
                        directive.name,
                        directive.args
                    ));
                }
            }
        }
        Runs::Yes(php.clone())
    }
}

fn set(php: &mut Option<String>, directive: &Directive) {
    php.get_or_insert_with(|| format!("{} line {}", shown(&directive.file), directive.line));
}

/// An absolute path as a directive names it.
fn path(word: &str) -> Option<PathBuf> {
    let word = word.trim().trim_matches('"');
    word.starts_with('/').then(|| PathBuf::from(word.trim_end_matches('/')))
}

/// Whether a directive takes PHP away.
fn off(directive: &Directive) -> bool {
    let args = directive.args.to_ascii_lowercase();
    matches!(args.trim(), "none" | "default-handler" | "text/plain" | "\"none\"")
}

fn forbids(directive: &Directive) -> bool {
    let args = directive.args.to_ascii_lowercase();
    match directive.name.as_str() {
        "php_admin_flag" | "php_flag" | "php_admin_value" => {
            let words: Vec<&str> = args.split_whitespace().collect();
            matches!(words.as_slice(), ["engine", "off" | "0"])
        }
        "sethandler" | "forcetype" => off(directive),
        "addtype" => args.starts_with("text/plain") && args.contains("php"),
        "removehandler" | "removetype" => args.contains("php"),
        "require" => args.trim() == "all denied",
        "deny" => args.trim() == "from all",
        "order" => false,
        _ => false,
    }
}

/// Whether the sections for files that a directive stands in take code of PHP.
fn in_files(directive: &Directive) -> bool {
    directive.sections.iter().all(|(name, arg)| match name.as_str() {
        "files" | "filesmatch" => {
            let arg = arg.to_ascii_lowercase();
            // `\.ht` and the like are others' files.
            arg.contains("ph") && !arg.contains("phps$")
                || matches!(arg.trim_matches('"'), "*" | ".*")
        }
        "ifmodule" | "ifdefine" | "ifversion" => !arg.trim().starts_with('!'),
        "limit" | "limitexcept" => false,
        _ => true,
    })
}

/// Whether the sections around a directive take in a path.
fn covers(directive: &Directive, at: &Path) -> bool {
    let mut placed = false;
    for (name, arg) in &directive.sections {
        let arg = arg.trim_matches('"');
        match name.as_str() {
            "directory" => {
                let (regex, arg) = match arg.strip_prefix('~') {
                    Some(rest) => (true, rest.trim().trim_matches('"')),
                    None => (false, arg),
                };
                if regex {
                    if !looks_like(arg, at) {
                        return false;
                    }
                } else if arg.contains('*') {
                    if !glob(arg, at) {
                        return false;
                    }
                } else if !at.starts_with(arg.trim_end_matches('/')) && arg != "/" {
                    return false;
                }
                placed = arg != "/";
            }
            "directorymatch" => {
                if !looks_like(arg, at) {
                    return false;
                }
                placed = true;
            }
            // Addresses may lead anywhere; by the end of the path they are told.
            "location" | "locationmatch" => {
                let end = arg.trim_matches(['^', '/', '$', '~', ' ', '"']);
                if end.is_empty() || !at.to_string_lossy().contains(end) {
                    return false;
                }
                placed = true;
            }
            _ => {}
        }
    }
    // What holds for all of `/` is the distribution's "nothing unless it is said below".
    let general =
        directive.sections.iter().any(|(n, a)| n == "directory" && a.trim_matches('"') == "/");
    in_files(directive)
        && (placed || !general && directive.name != "require" && directive.name != "deny")
        || directive.name == "allowoverride" && general
}

/// `*` in one part of a path; the pattern covers what lies below.
fn glob(pattern: &str, at: &Path) -> bool {
    let at: Vec<String> = at.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let parts: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
    parts.len() < at.len()
        && parts.iter().zip(at.iter().skip(1)).all(|(p, a)| match p.split_once('*') {
            Some((front, back)) => {
                a.len() >= front.len() + back.len() && a.starts_with(front) && a.ends_with(back)
            }
            None => p == a,
        })
}

/// A regular expression is not run: its longest plain word must stand in the path.
fn looks_like(pattern: &str, at: &Path) -> bool {
    let words =
        pattern.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_')));
    let Some(longest) = words.max_by_key(|w| w.len()).filter(|w| w.len() >= 3) else {
        return false;
    };
    at.to_string_lossy().contains(longest.trim_end_matches('/'))
}

/// Directives of a text, lines that end in `\` joined.
fn parse(text: &str, file: &Path, into: &mut Vec<Directive>) {
    let mut sections: Vec<(String, String)> = Vec::new();
    let (mut joined, mut start) = (String::new(), 0);
    for (index, line) in text.lines().enumerate() {
        if joined.is_empty() {
            start = index + 1;
        }
        let line = line.trim();
        if let Some(front) = line.strip_suffix('\\') {
            joined.push_str(front);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined);
        let line = whole.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("</") {
            sections.pop();
        } else if let Some(inside) = line.strip_prefix('<') {
            let inside = inside.trim_end_matches('>');
            let (name, arg) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
            if sections.len() < 50 {
                sections.push((name.to_ascii_lowercase(), arg.trim().to_owned()));
            }
        } else if into.len() < MOST {
            let (name, args) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            into.push(Directive {
                sections: sections.clone(),
                name: name.to_ascii_lowercase(),
                args: args.trim().to_owned(),
                file: file.to_path_buf(),
                line: start,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forbidden(text: &str, at: &str) -> Option<usize> {
        let mut directives = Vec::new();
        parse(text, Path::new("/etc/apache2/x.conf"), &mut directives);
        directives.iter().find(|d| covers(d, Path::new(at)) && forbids(d)).map(|d| d.line)
    }

    #[test]
    fn what_forbids_php_in_a_folder() {
        let at = "/var/www/shop/wp-content/uploads/2024/x.php";
        for (text, want) in [
            (
                "<Directory /var/www/shop/wp-content/uploads>\nphp_admin_flag engine off\n</Directory>\n",
                Some(2),
            ),
            (
                "<Directory \"/var/www/*/wp-content/uploads\">\n<FilesMatch \"\\.php$\">\nRequire all denied\n</FilesMatch>\n</Directory>\n",
                Some(3),
            ),
            (
                "<DirectoryMatch \"^/var/www/.*/uploads/\">\nSetHandler none\n</DirectoryMatch>\n",
                Some(2),
            ),
            // Of another folder, of other files, of everything, of a module that is not there.
            ("<Directory /var/www/other>\nphp_admin_flag engine off\n</Directory>\n", None),
            ("<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n", None),
            ("<Directory />\nRequire all denied\n</Directory>\n", None),
            ("<FilesMatch \".+\\.phps$\">\nRequire all denied\n</FilesMatch>\n", None),
            (
                "<Directory /var/www/shop>\n<Limit PUT>\nRequire all denied\n</Limit>\n</Directory>\n",
                None,
            ),
        ] {
            assert_eq!(forbidden(text, at), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[<>/a-z \\\\\n\"*~]{0,200}") {
            forbidden(&text, "/var/www/x");
        }
    }
}
