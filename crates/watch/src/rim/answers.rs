//! Reads the answers of `heloscope investigate` that `[[fixed]]` names: what each of their causes' culprits is not to do again.

use crate::config::{Fixed, Refused, Resolved};
use crate::settings::{self, Gone};
use crate::shown::shown;
use heloscope_investigate::verify::{Cause, Earlier, NotAnAnswer};
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
                let (shown_here, others): (Vec<_>, Vec<_>) =
                    earlier.causes().iter().partition(|cause| cause.is_shown_by_connections());
                fixed.extend(shown_here.into_iter().map(|cause| settings::Fixed {
                    time,
                    what: match &what[..] {
                        "" => format!("{} of {}", cause.class(), file.display()),
                        what => what.to_owned(),
                    },
                    gone: Gone::Cause(cause.clone()),
                }));
                blind.extend(others.into_iter().map(|cause| not_seen_here(cause, &file)));
            }
        }
    }
    Ok(fixed)
}

fn not_seen_here(cause: &Cause, file: &Path) -> String {
    let whose = cause.culprit().map_or_else(
        || "nobody was named".to_owned(),
        |(kind, name)| format!("{kind} {}", shown(name)),
    );
    let (class, file) = (shown(cause.class()), file.display());
    format!(
        "whether {class} ({whose}) of {file} comes back is not seen here: heloscope verify {file} --live weighs it"
    )
}

fn read(file: &Path) -> Result<Earlier, Unread> {
    let mut text = Vec::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(MOST).read_to_end(&mut text))
        .map_err(|source| Unread::Read { file: file.to_owned(), source })?;
    Earlier::read(&text).map_err(|source| Unread::Wrong { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn resolve(answer: &str, time: &str) -> (Result<Vec<settings::Fixed>, Unread>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("answer.json");
        std::fs::write(&file, answer).unwrap();
        let text = format!("[[fixed]]\nanswer = {file:?}\n{time}");
        let config = Config::read(&text).unwrap();
        let mut blind = Vec::new();
        (resolved(&config.fixed, &mut blind), blind)
    }

    const CAUSES: &str = r#""causes":[
{"class":"bot-process","path":"past-mta","culprit":{"kind":"process","value":"/tmp/.x/bot"}},
{"class":"stolen-credentials","path":"through-mta","culprit":{"kind":"account","value":"anna"}},
{"class":"nat-client","path":"forwarded","culprit":null}]"#;

    #[test]
    fn what_connections_show_is_watched_for_and_the_rest_is_said() {
        let answer = format!(
            r#"{{"format":"heloscope.investigation/1","coverage":[{{"last":"2026-11-24T05:00:00Z"}}],{CAUSES}}}"#
        );
        let (fixed, blind) = resolve(&answer, "");
        let [bot] = &fixed.unwrap()[..] else { panic!("{blind:?}") };
        assert_eq!(bot.time.rfc3339(), "2026-11-24T05:00:00Z");
        assert!(bot.what.starts_with("bot-process of "), "{}", bot.what);
        let [account, nobody] = &blind[..] else { panic!("{blind:?}") };
        assert!(account.contains("stolen-credentials (account anna)"), "{account}");
        assert!(nobody.contains("nat-client (nobody was named)"), "{nobody}");
        // When it was mended is said.
        let (fixed, _) = resolve(&answer, "time = 2026-11-25T09:00:00Z\nwhat = \"bot removed\"");
        let fixed = fixed.unwrap();
        assert_eq!(fixed[0].time.rfc3339(), "2026-11-25T09:00:00Z");
        assert_eq!(fixed[0].what, "bot removed");
    }

    #[test]
    fn what_is_no_answer_is_refused_with_words() {
        let timeless =
            format!(r#"{{"format":"heloscope.investigation/1","coverage":[],{CAUSES}}}"#);
        for (answer, word) in [
            ("{", "not an answer"),
            (timeless.as_str(), "give time"),
            (r#"{"format":"heloscope.check/1","causes":[],"coverage":[]}"#, "heloscope.check/1"),
        ] {
            let refused = resolve(answer, "").0.unwrap_err();
            let said = refused.to_string();
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}
