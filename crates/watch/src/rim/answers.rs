//! Reads the answers of `heloscope investigate` that `[[fixed]]` names: what each of their causes' culprits is not to do again.

use crate::config::{Fixed, Refused, Resolved};
use crate::settings::{self, Gone};
use crate::shown::shown;
use heloscope_investigate::verify::{Earlier, NotAnAnswer};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of an answer, as `heloscope verify` takes them.
const MOST: u64 = 64 << 20;

/// Why an answer cannot be taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Unread {
    #[error("reading {}: {source} (named under [[fixed]])", .file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{}, named under [[fixed]]: {source}", .file.display())]
    Wrong { file: PathBuf, source: NotAnAnswer },
    #[error(
        "{}, named under [[fixed]], does not say how far its evidence reached: give time, when it was mended",
        .file.display()
    )]
    Timeless { file: PathBuf },
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What was mended. A cause that connections do not show is said: watch does not see it come back.
pub(super) fn resolved(
    said: &[Fixed],
    blind: &mut Vec<String>,
) -> Result<Vec<settings::Fixed>, Unread> {
    let mut fixed = Vec::new();
    for one in said {
        match one.resolved()? {
            Resolved::Thing(thing) => fixed.push(thing),
            Resolved::Answer { file, since, what } => {
                let earlier = read(&file)?;
                let since = since.or_else(|| earlier.until());
                let time = since.ok_or_else(|| Unread::Timeless { file: file.clone() })?;
                for cause in earlier.causes() {
                    if !cause.is_shown_by_connections() {
                        let whose = cause.culprit().map_or_else(
                            || "nobody was named".to_owned(),
                            |(kind, name)| format!("{kind} {}", shown(name)),
                        );
                        blind.push(format!(
                            "whether {} ({whose}) of {} comes back is not seen here: heloscope verify {} --live weighs it",
                            shown(cause.class()),
                            file.display(),
                            file.display()
                        ));
                        continue;
                    }
                    let what = match &what[..] {
                        "" => format!("{} of {}", cause.class(), file.display()),
                        what => what.to_owned(),
                    };
                    fixed.push(settings::Fixed { time, what, gone: Gone::Cause(cause.clone()) });
                }
            }
        }
    }
    Ok(fixed)
}

fn read(file: &Path) -> Result<Earlier, Unread> {
    let mut text = Vec::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(MOST).read_to_end(&mut text))
        .map_err(|source| Unread::Read { file: file.to_owned(), source })?;
    Earlier::read(&text).map_err(|source| Unread::Wrong { file: file.to_owned(), source })
}
