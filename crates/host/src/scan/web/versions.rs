//! What a site is made with, by the files that say so: WordPress and its plug-ins, Joomla, Drupal, phpMyAdmin,
//! Roundcube, Nextcloud. Read as text, never run.

use crate::scan::Host;
use crate::scan::finding::visible;
use std::path::{Path, PathBuf};

/// Programs told of one site, and bytes of a file.
const MOST: usize = 200;
const HEAD: usize = 16 << 10;

/// The programs and versions among a site's files.
pub(super) fn of(host: &Host<'_>, root: &Path, files: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files {
        if found.len() >= MOST {
            found.push("and more".to_owned());
            break;
        }
        let text = path.to_string_lossy();
        let known: Option<(&str, &str)> = [
            ("/wp-includes/version.php", "WordPress", "$wp_version ="),
            ("/core/lib/Drupal.php", "Drupal", "const VERSION ="),
            ("/libraries/src/Version.php", "Joomla", "const MAJOR_VERSION ="),
            ("/libraries/classes/Version.php", "phpMyAdmin", "public const VERSION ="),
            ("/program/include/iniset.php", "Roundcube", "define('RCMAIL_VERSION',"),
            ("/version.php", "Nextcloud", "$OC_VersionString ="),
        ]
        .iter()
        .find(|(end, ..)| text.ends_with(end))
        .map(|(_, name, mark)| (*name, *mark));
        let said = match known {
            Some((name, mark)) => host
                .tree
                .read(path, HEAD)
                .ok()
                .and_then(|b| quoted(&b, mark))
                .map(|v| format!("{name} {v}")),
            None => plugin(host, path, &text),
        };
        if let Some(said) = said {
            let below = path.strip_prefix(root).unwrap_or(path);
            let folder =
                below.iter().next().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
            let deep = below.components().count() > 3 && known.is_some();
            found.push(visible(&if deep { format!("{said} (in {folder})") } else { said }));
        }
    }
    found
}

/// A plug-in's or theme's main file: `Plugin Name:` and `Version:` in its head.
fn plugin(host: &Host<'_>, path: &Path, text: &str) -> Option<String> {
    let after = text.split("/wp-content/plugins/").nth(1).map(|a| (a, true));
    let (after, plugin) =
        after.or_else(|| text.split("/wp-content/themes/").nth(1).map(|a| (a, false)))?;
    let mut parts = after.split('/');
    let (folder, name) = (parts.next()?, parts.next()?);
    let main = if plugin {
        name.strip_suffix(".php") == Some(folder) || name == "plugin.php"
    } else {
        name == "style.css"
    };
    if !main || parts.next().is_some() {
        return None;
    }
    let head = host.tree.read(path, HEAD).ok()?;
    let head = String::from_utf8_lossy(&head);
    let version = head
        .lines()
        .find_map(|l| l.trim_start_matches([' ', '*', '\t']).strip_prefix("Version:"))?;
    Some(format!("{} {folder} {}", if plugin { "plug-in" } else { "theme" }, version.trim()))
}

/// The text in quotes, or the number, after a mark.
fn quoted(bytes: &[u8], mark: &str) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let after = text.split(mark).nth(1)?.trim_start();
    let value: String = after
        .trim_start_matches(['\'', '"'])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
        .take(40)
        .collect();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_quoted_or_plain() {
        assert_eq!(
            quoted(b"<?php\n$wp_version = '6.1.1';", "$wp_version =").as_deref(),
            Some("6.1.1")
        );
        assert_eq!(
            quoted(b"const MAJOR_VERSION = 4;", "const MAJOR_VERSION =").as_deref(),
            Some("4")
        );
        assert_eq!(quoted(b"const VERSION = $x;", "const VERSION ="), None);
    }
}
