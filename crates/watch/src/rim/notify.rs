//! Carries what is said away: letters, a web service, the system's log. Each way has a queue and a patience of its own; one
//! that fails holds up no other, and is told on the status page. What has not gone out at the end waits for the next run.

mod mail;
mod outbox;
mod syslog;
mod text;
mod webhook;

pub(crate) use outbox::Outbox;

use super::notes::Notes;
use crate::alert::Say;
use crate::config::Config;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

/// How long is waited before each further try.
const TRIES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(900),
];

/// A way that cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Unready {
    #[error("reading {what} {}: {source}", .path.display())]
    Secret { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("[mail] {0}")]
    Mail(String),
    #[error("[webhook] {0}")]
    Webhook(String),
    #[error(transparent)]
    Refused(#[from] crate::config::Refused),
}

/// Why something did not go out.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: String,
    /// Whether another try is of no use.
    pub(crate) for_good: bool,
}

pub(crate) type Later<'a> = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send + 'a>>;

/// One way.
pub(crate) trait Post: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Tries once.
    fn send<'a>(&'a self, say: &'a Say, host: &'a str) -> Later<'a>;
}

/// The ways that are configured; their secrets are read.
pub(crate) fn prepare(config: &Config, host: &str) -> Result<Vec<Box<dyn Post>>, Unready> {
    let mut posts: Vec<Box<dyn Post>> = Vec::new();
    if let Some(mail) = &config.mail {
        posts.push(Box::new(mail::Letters::new(mail, host)?));
    }
    if let Some(webhook) = &config.webhook {
        posts.push(Box::new(webhook::Hook::new(webhook)?));
    }
    if config.syslog.enabled {
        posts.push(Box::new(syslog::Log::new(&config.syslog.socket)));
    }
    Ok(posts)
}

fn secret(path: &std::path::Path, what: &'static str) -> Result<String, Unready> {
    let text = std::fs::read_to_string(path).map_err(|source| Unready::Secret {
        what,
        path: path.to_owned(),
        source,
    })?;
    Ok(text.trim().to_owned())
}

/// An error with what caused it.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(&format!(": {error}"));
        cause = error.source();
    }
    said
}

/// A task for each way: what waits for it goes out in its order.
pub(crate) fn start(
    runtime: &tokio::runtime::Runtime,
    posts: Vec<Box<dyn Post>>,
    outbox: &Outbox,
    host: &str,
    notes: &Notes,
) {
    for post in posts {
        let (outbox, host, notes) = (outbox.clone(), host.to_owned(), notes.clone());
        runtime.spawn(async move {
            let way = post.name();
            loop {
                let say = outbox.next(way).await;
                let sent = persist(post.as_ref(), &say, &outbox, &host, &notes).await;
                notes.set(way, sent.err().map(|why| format!("{way}: not sent: {why}")));
                outbox.done(way, &notes);
            }
        });
    }
}

/// Tries, and tries again for a quarter of an hour or so.
async fn persist(
    post: &dyn Post,
    say: &Say,
    outbox: &Outbox,
    host: &str,
    notes: &Notes,
) -> Result<(), String> {
    for wait in TRIES.iter().map(Some).chain([None]) {
        let Err(failed) = post.send(say, host).await else { return Ok(()) };
        let Some(wait) = wait.filter(|_| !failed.for_good) else { return Err(failed.why) };
        let note = format!("{}: not sent yet: {}", post.name(), failed.why);
        notes.set(post.name(), Some(note));
        outbox.rests(post.name(), true);
        tokio::time::sleep(*wait).await;
        outbox.rests(post.name(), false);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
