//! A file below a folder given -> the absolute path it stands for, where the folder mirrors a
//! file system: `case/var/www/shop/x.php` stands for `/var/www/shop/x.php`.

use crate::walk::Found;
use std::path::{Component, Path};

/// Top folders of a Unix system by which a mirror is told.
pub(crate) const TOP: [&str; 9] = ["var", "home", "etc", "tmp", "usr", "srv", "opt", "root", "dev"];

/// Those that mean a mirror also where they were given by themselves; people also gather evidence
/// in folders called `tmp` or `root`.
const GIVEN: [&str; 5] = ["var", "home", "etc", "usr", "srv"];

/// The path a file stands for.
pub(super) fn absolute(file: &Found) -> Option<String> {
    if let Some(path) = from_top(&file.below) {
        return Some(path);
    }
    // What lies above an archive is where it was put, not what its members stand for.
    if file.archived {
        return web_part(&file.below);
    }
    // The folder given may itself lie inside a mirror, or in the live system.
    web_part(&file.path).or_else(|| from_given(file))
}

/// From the folder given on, where it is itself a top folder: `heloscope investigate srv etc`.
fn from_given(file: &Found) -> Option<String> {
    let name = file.root.file_name()?.to_str()?;
    let below = file.below.to_str().filter(|below| !below.is_empty())?;
    GIVEN.contains(&name).then(|| format!("/{name}/{below}"))
}

/// From the first top folder on.
fn from_top(below: &Path) -> Option<String> {
    let parts: Vec<&str> = below.components().filter_map(plain).collect();
    let at = parts.iter().position(|p| TOP.contains(p))?;
    // `notes/home` deep inside something else is no mirror; the mirror starts near the top.
    (at <= 2 && parts.len() > at + 1)
        .then(|| format!("/{}", parts.get(at..).unwrap_or_default().join("/")))
}

/// From the last `var/www`, `srv/www` or `home/USER/public_html` of a path on.
fn web_part(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path.components().filter_map(plain).collect();
    let at = (0..parts.len()).rev().find(|at| {
        matches!(
            parts.get(*at..),
            Some(
                ["var" | "srv", "www" | "http", ..]
                    | ["home", _, "public_html" | "www" | "htdocs", ..]
            )
        )
    })?;
    Some(format!("/{}", parts.get(at..)?.join("/")))
}

fn plain(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(part) => part.to_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors() {
        for (below, want) in [
            ("var/www/shop/x.php", Some("/var/www/shop/x.php")),
            ("host/etc/cron.d/x", Some("/etc/cron.d/x")),
            ("mail.log", None),
            ("a/b/c/var/x", None),
            ("var", None),
        ] {
            assert_eq!(from_top(Path::new(below)).as_deref(), want, "{below}");
        }
        assert_eq!(
            web_part(Path::new("/tmp/case/var/www/shop/x.php")).as_deref(),
            Some("/var/www/shop/x.php")
        );
        assert_eq!(
            web_part(Path::new("/home/anna/public_html/x.php")).as_deref(),
            Some("/home/anna/public_html/x.php")
        );
        assert_eq!(web_part(Path::new("/srv/data/x.php")), None);
    }

    #[test]
    fn a_top_folder_given_by_itself() {
        for (root, below, want) in [
            ("/data/case/srv", "booking/notify.js", Some("/srv/booking/notify.js")),
            ("etc", "cron.d/site", Some("/etc/cron.d/site")),
            ("/data/case/tmp", "notice.txt", None),
            ("/data/case/var", "", None),
        ] {
            let file = Found {
                path: Path::new(root).join(below),
                root: root.into(),
                below: below.into(),
                body: crate::opened::Body::none(),
                size: 1,
                modified: None,
                problem: None,
                note: None,
                archived: false,
            };
            assert_eq!(absolute(&file).as_deref(), want, "{root} {below}");
        }
    }
}
