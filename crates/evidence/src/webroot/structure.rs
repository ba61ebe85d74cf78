//! Where a file lies and what it is called: code among uploads, pictures and caches, hidden
//! folders, double extensions, code inside of pictures, scripts in folders for temporary files.
//!
//! What frameworks do themselves passes by what it is, not by who wrote it: an empty guard
//! (`index.php` that says nothing), templates compiled into a cache, pure data.

use super::{Language, names};

/// What is looked at.
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    pub(super) bytes: &'a [u8],
    /// PHP code with all else blank, or the script.
    pub(super) code: &'a [u8],
    pub(super) code_len: usize,
    pub(super) first_tag: Option<usize>,
    pub(super) language: Language,
    pub(super) can_mail: bool,
    /// Another way of looking found something.
    pub(super) bad: bool,
}

type Seen = (&'static str, &'static str, f32, usize);

/// Everything that stands out.
pub(super) fn look(view: &View<'_>) -> Vec<Seen> {
    let mut seen = Vec::new();
    if view.language == Language::Htaccess {
        return seen;
    }
    let at = view.first_tag.unwrap_or(0);
    let folders: Vec<String> = view.path.split('/').map(str::to_ascii_lowercase).collect();
    let (name, folders) = match folders.split_last() {
        Some((name, folders)) => (name.as_str(), folders),
        None => return seen,
    };
    let in_any = |list: &[&str]| folders.iter().any(|f| list.contains(&f.as_str()));
    let php = view.language == Language::Php;
    let says = php && !is_guard(view);
    let mut parts = name.split('.');
    let stem = parts.next().unwrap_or_default();
    let extensions: Vec<&str> = parts.collect();
    let last = extensions.last().copied().unwrap_or_default();
    if says && is_picture(last) {
        seen.push(("code-in-picture", "it is called a picture and holds PHP code", 0.8, at));
    } else if says && matches!(last, "txt" | "log" | "css") && view.code_len > 40 {
        let weight = if view.bad { 0.4 } else { 0.15 };
        seen.push(("code-in-text", "it is called a text and holds PHP code", weight, at));
    }
    if says && extensions.len() >= 2 {
        let before = extensions.get(extensions.len() - 2).copied().unwrap_or_default();
        let runs = |e: &str| matches!(e, "php" | "phtml" | "php5" | "php7");
        if is_picture(before) && runs(last) || runs(before) && is_picture(last) {
            // A class named for the format it handles is `format.gif.php` by right.
            let weight = if is_library(view) { 0.05 } else { 0.55 };
            let why = "its name has two extensions, one of a picture and one of code";
            seen.push(("double-extension", why, weight, at));
        }
    }
    if says {
        place_of_code(view, &in_any, at, &mut seen);
    }
    let hidden = folders.iter().any(|f| {
        f.len() > 1
            && f.starts_with('.')
            && !matches!(
                f.as_str(),
                "." | ".."
                    | ".git"
                    | ".svn"
                    | ".github"
                    | ".config"
                    | ".local"
                    | ".npm"
                    | ".cache"
                    | ".composer"
                    | ".vscode"
                    | ".idea"
                    | ".phan"
                    | ".storybook"
            )
    });
    if hidden && (says || view.language == Language::Script) {
        seen.push(("hidden-folder", "code in a folder whose name hides it", 0.5, at));
    } else if says && name.starts_with('.') && !benign_dot_name(name) {
        seen.push(("hidden-file", "code in a file whose name hides it", 0.45, at));
    }
    let temporary =
        ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/"].iter().any(|t| view.path.starts_with(t));
    if temporary && (says || view.language == Language::Script) {
        seen.push(if view.can_mail {
            (
                "mailer-in-tmp",
                "a script that sends mail lies in a folder for temporary files",
                0.75,
                at,
            )
        } else {
            ("code-in-tmp", "a script lies in a folder for temporary files", 0.3, at)
        });
    }
    if says && names::random(stem) && (view.bad || view.can_mail) {
        seen.push(("random-name", "its name is letters thrown at random", 0.15, at));
    }
    seen
}

/// Code among what visitors upload, among pictures and styles, in caches.
fn place_of_code(
    view: &View<'_>,
    in_any: &dyn Fn(&[&str]) -> bool,
    at: usize,
    seen: &mut Vec<Seen>,
) {
    let small = is_generated(view);
    if in_any(&["uploads", "upload", "attachments", "avatars", "userfiles", "user_uploads"])
        && !small
    {
        // Libraries have folders of that name for their own classes.
        let class = is_library(view);
        let weight = if class { 0.1 } else { 0.6 };
        seen.push(("code-in-uploads", "code lies where visitors' uploads are kept", weight, at));
    } else if in_any(&["images", "img", "imgs", "pics", "pictures", "fonts", "font", "css"])
        && !small
    {
        let weight = if is_library(view) {
            0.1
        } else if view.bad || view.can_mail {
            0.5
        } else {
            0.25
        };
        seen.push(("code-in-pictures", "code lies among pictures, fonts or styles", weight, at));
    } else if in_any(&["cache", "caches", "tmp", "temp", "compiled", "templates_c", "sessions"])
        && !small
    {
        let weight = if view.bad {
            0.4
        } else if view.can_mail && !is_library(view) {
            0.35
        } else {
            0.1
        };
        seen.push((
            "code-in-cache",
            "code that is no compiled template lies in a cache",
            weight,
            at,
        ));
    }
}

/// A file that only keeps a folder from being listed, or ends at once.
fn is_guard(view: &View<'_>) -> bool {
    if view.code_len > 220 {
        return false;
    }
    !calls_anything(&String::from_utf8_lossy(view.code).to_ascii_lowercase())
}

/// Whether code (in lower case) calls a function that does more than guard a page, takes anything
/// from the visitor, includes a file or runs a command.
fn calls_anything(text: &str) -> bool {
    const HARMLESS: [&str; 13] = [
        "exit",
        "die",
        "header",
        "defined",
        "define",
        "http_response_code",
        "if",
        "date",
        "gmdate",
        "dirname",
        "array",
        "isset",
        "list",
    ];
    let mut called = text.match_indices('(').filter(|(at, _)| {
        let before = text.get(..*at).unwrap_or_default().trim_end();
        let word = before
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        // What stands before may be a variable or an element: that is a call, too.
        let value = before.ends_with(']') || before.ends_with('}') || before.ends_with(')');
        value || !word.is_empty() && !HARMLESS.contains(&word)
    });
    let takes =
        ["$_get", "$_post", "$_request", "$_cookie", "$_files", "`", "include", "require", "eval"];
    called.next().is_some() || takes.iter().any(|t| text.contains(t))
}

/// What engines write for themselves: compiled templates, exported arrays, guarded data.
fn is_generated(view: &View<'_>) -> bool {
    let head = view.bytes.get(..view.bytes.len().min(1500)).unwrap_or_default();
    let marks: [&[u8]; 10] = [
        b"$_smarty_tpl",
        b"Smarty",
        b"__TwigTemplate",
        b"Twig\\Template",
        b"$__env",
        b"compiled from",
        b"Compiled",
        b"This file was auto-generated",
        b"generated by",
        b"Template_Compiler",
    ];
    let marked = marks.iter().any(|m| memchr::memmem::find(head, m).is_some());
    if marked && !view.bad {
        return true;
    }
    // `return [...]` without a call is data.
    let code =
        String::from_utf8_lossy(view.code.get(..view.code.len().min(4096)).unwrap_or_default())
            .into_owned();
    let body = code.trim_start().trim_start_matches("<?php").trim_start();
    let returned =
        body.starts_with("return") || body.starts_with("declare") && body.contains("return");
    (returned || is_data(view)) && !view.bad && !view.can_mail
}

/// Assignments of constants alone: fonts' widths, tables, settings. Nothing is called, nothing
/// comes from the visitor.
fn is_data(view: &View<'_>) -> bool {
    !calls_anything(&String::from_utf8_lossy(view.code).to_ascii_lowercase())
}

/// Classes or functions alone, as libraries are made: nothing happens when it is requested.
fn is_library(view: &View<'_>) -> bool {
    if view.bad {
        return false;
    }
    let text =
        String::from_utf8_lossy(view.code.get(..view.code.len().min(64 << 10)).unwrap_or_default())
            .into_owned();
    let declares = text.lines().any(|l| {
        let l = l.trim_start();
        ["class ", "abstract class ", "final class ", "interface ", "trait ", "namespace ", "enum "]
            .iter()
            .any(|w| l.starts_with(w))
    });
    let guarded = text.contains("defined(") || text.contains("defined (");
    declares || guarded
}

fn is_picture(extension: &str) -> bool {
    matches!(
        extension,
        "jpg" | "jpeg" | "png" | "gif" | "ico" | "bmp" | "webp" | "svg" | "tif" | "tiff"
    )
}

/// Settings of developers' tools begin with a dot.
fn benign_dot_name(name: &str) -> bool {
    ["php-cs-fixer", "php_cs", "phpstorm.meta", "phan", "styleci", "php-version"]
        .iter()
        .any(|w| name.contains(w))
}
