//! The way to a list: through `serve` where it runs, else to its files.
//!
//! `serve` holds the ledger's folder for itself and listens on `STATE/control`. Where somebody answers there,
//! requests go to him; where nobody does, the command opens the folder itself, under the policy that
//! it was told. Refused: a folder in which no list was ever begun, and files that are another user's, because
//! what root writes there the list could not write again.
//!
//! Each request is a connection of its own, so a slow asker holds no place.

use super::order::{Answer, Request, carry_out};
use crate::outcome::{ServiceAway, Unreadable};
use crate::serve::clock;
use crate::serve::config::Config;
use crate::serve::control::{self, LINE};
use crate::serve::histories::Histories;
use crate::serve::keys::Keys;
use anyhow::{Context, Result, bail};
use heloscope_ledger::{Detected, Ledger, Policy};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long `serve` may take: an erasure reads every text.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest answer.
const ANSWER: u64 = 64 * 1024 * 1024;
/// Bytes of a report beside its sessions.
const AROUND: usize = 64;

/// A list that can be asked.
pub(crate) enum Access {
    /// Through `serve`.
    Serve(PathBuf),
    /// In its files.
    Files(Box<Ledger>, PathBuf),
}

impl Access {
    /// Finds the way: state folder and policy as `serve` would read them.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        match control::connect(&config.state) {
            Ok(_) => return Ok(Self::Serve(config.state.clone())),
            // Nobody is there, or somebody was and has gone.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("asking the list in {} (is it yours?)", config.state.display())
                });
            }
        }
        let (folder, key, policy) = files(config)?;
        let opened = heloscope_ledger::Config { folder: Some(folder), key, policy };
        let ledger = Ledger::open(opened, clock::now()).map_err(|error| match error {
            // Somebody has it, and nobody answers: `serve` is coming or going.
            error if error.is_in_use() => anyhow::Error::from(error)
                .context(ServiceAway("the list in this folder is starting or stopping: try again")),
            error => error.into(),
        })?;
        Ok(Self::Files(Box::new(ledger), config.state.clone()))
    }

    /// Asks, and has what is neither refused nor failed.
    pub(crate) fn ask(&self, request: Request) -> Result<Answer> {
        match self.answer(request)? {
            Answer::Refused(why) => Err(crate::outcome::Refused(why).into()),
            Answer::Failed { why, .. } => bail!("{why}"),
            answer => Ok(answer),
        }
    }

    /// Records sessions that detectors saw something in; what is recorded when it returns is so for good.
    /// Takes out what is recorded: what is left at an error is not, and may be handed in again.
    pub(crate) fn detected(&self, all: &mut Vec<Detected>) -> Result<()> {
        while !all.is_empty() {
            let mut part = Vec::new();
            let mut bytes = AROUND;
            for one in all.iter() {
                let one = fitting(one.clone().bounded())?;
                bytes += serde_json::to_vec(&one)?.len() + 1;
                if bytes > LINE && !part.is_empty() {
                    break;
                }
                part.push(one);
            }
            let handed_in = part.len();
            match self.answer(Request::Detected(part))? {
                Answer::Recorded(_) => drop(all.drain(..handed_in)),
                Answer::Failed { why, recorded } => {
                    let recorded = usize::try_from(recorded).unwrap_or(0).min(all.len());
                    drop(all.drain(..recorded));
                    bail!("{why}");
                }
                other => return Err(unexpected(&other)),
            }
        }
        Ok(())
    }

    fn answer(&self, request: Request) -> Result<Answer> {
        match self {
            Self::Files(ledger, state) => {
                let forget = |prefix| Histories::open(state)?.erase(prefix);
                Ok(carry_out(ledger, &forget, request, clock::now()))
            }
            Self::Serve(state) => ask(state, &request),
        }
    }
}

/// The ledger's folder, its key and the policy, of a list that was begun.
pub(crate) fn files(config: &Config) -> Result<(PathBuf, [u8; 32], Policy)> {
    let folder = config.state.join("ledger");
    let about = match std::fs::metadata(&folder) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(Unreadable(format!(
            "there is no list in {}: name its folder with --state or --config, or begin one with \
             `heloscope serve --state {0}`",
            config.state.display()
        ))),
        Err(error) => {
            return Err(error).with_context(|| format!("opening {}", folder.display()));
        }
    };
    own(&about)?;
    let keys = Keys::open(&config.state)?;
    let policy = config.ledger.policy(config.lab);
    Ok((folder, keys.derive("ledger"), policy))
}

/// Refuses to write into the files of another.
fn own(about: &std::fs::Metadata) -> Result<()> {
    let Ok(us) = std::fs::metadata("/proc/self") else { return Ok(()) };
    if us.uid() == about.uid() {
        return Ok(());
    }
    let whose = about.uid();
    let denied = std::io::Error::from(ErrorKind::PermissionDenied);
    Err(denied).context(format!(
        "these files are those of user {whose}; run this as him (sudo -u '#{whose}' heloscope list …), or \
         while `serve` runs"
    ))
}

/// A session's report that goes through the socket: one that would not loses its longest texts.
fn fitting(mut one: Detected) -> Result<Detected> {
    let long =
        |one: &Detected| Ok::<_, serde_json::Error>(serde_json::to_vec(one)?.len() + AROUND > LINE);
    if long(&one)? {
        one.session.clear();
    }
    if long(&one)? {
        for rule in &mut one.rules {
            rule.operator.clear();
        }
    }
    anyhow::ensure!(!long(&one)?, "the report of a session of {} is too long", one.address);
    Ok(one)
}

fn ask(state: &Path, request: &Request) -> Result<Answer> {
    let away = || ServiceAway("`serve` did not answer; it may be stopping: try again");
    let mut stream = control::connect(state).with_context(away)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).with_context(away)?;
    let mut answer = Vec::new();
    BufReader::new(&mut stream).take(ANSWER).read_until(b'\n', &mut answer).with_context(away)?;
    if !answer.ends_with(b"\n") {
        bail!(away());
    }
    serde_json::from_slice(&answer)
        .context("`serve` answers in other words: is it of the same version as this command?")
}

/// An answer to another question.
pub(crate) fn unexpected(answer: &Answer) -> anyhow::Error {
    anyhow::anyhow!("`serve` answered another question: {answer:?}; is it of the same version?")
}

#[cfg(test)]
mod tests;
