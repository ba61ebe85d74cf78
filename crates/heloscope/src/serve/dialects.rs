//! The dialects that a list judges by: those that are shipped, and a folder of the operator's own.
//!
//! In: `[detect] dialects = "DIR"`. Every `*.dialect` in it is read, in the order of names. Refused:
//! a folder that cannot be read, a file that is not understood (file, line and remedy), and a name that
//! is shipped already.

use super::config::Detect;
use anyhow::{Context, Result};
use heloscope_detect::Dialects;
use std::path::{Path, PathBuf};

/// The shipped dialects and the configured ones.
pub(crate) fn dialects(config: &Detect) -> Result<Dialects> {
    known(config.dialects.as_deref())
}

/// The shipped dialects and those of a folder.
pub(crate) fn known(folder: Option<&Path>) -> Result<Dialects> {
    let mut dialects = Dialects::shipped();
    let Some(folder) = folder else { return Ok(dialects) };
    let listed = std::fs::read_dir(folder)
        .with_context(|| format!("reading the folder of dialects {}", folder.display()))?;
    let mut files: Vec<PathBuf> =
        listed.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dialect"));
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading the dialect {}", path.display()))?;
        dialects.add(&path.display().to_string(), &text)?;
    }
    Ok(dialects)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str =
        "[my-bot]\nkind = bot\nhello = EHLO\ncase = lower\ncolon = after\nends = lf\n";

    #[test]
    fn the_operators_own_come_after_the_shipped_ones() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("my-bot.dialect"), KNOWN).unwrap();
        std::fs::write(folder.path().join("README"), "not a dialect").unwrap();
        let config = Detect { dialects: Some(folder.path().to_owned()), ..Detect::default() };
        let names =
            |dialects: &Dialects| dialects.iter().map(|k| k.name.clone()).collect::<Vec<_>>();
        let mut expected = names(&Dialects::shipped());
        expected.push("my-bot".into());
        assert_eq!(names(&dialects(&config).unwrap()), expected);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.dialect"), "[x]\nkind = worm\n").unwrap();
        let error = known(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("x.dialect, line 2"), "{error}");
        assert!(known(Some(&folder.path().join("none"))).is_err());
    }
}
