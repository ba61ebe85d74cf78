//! Files that only root may read, as a rule: the desk's token and the relay's password. They are read
//! before the server becomes a user who can read neither.

use super::config::Config;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// What they hold.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The desk's token.
    pub(crate) desk: Option<String>,
    /// The password of the account at the relay.
    pub(crate) password: Option<String>,
    /// The authorities that vouch for the relay, as PEM.
    pub(crate) ca: Option<Vec<u8>>,
}

impl Secrets {
    /// Reads those that are configured.
    pub(crate) fn read(config: &Config) -> Result<Self> {
        let desk = config.web.desk_token.as_deref().map(desk).transpose()?;
        let password = config.mail.password.as_deref();
        let password = password.map(|path| text(path, "the relay's password")).transpose()?;
        let ca = config.mail.ca.as_deref().map(|path| {
            std::fs::read(path)
                .with_context(|| format!("reading the relay's authorities {}", path.display()))
        });
        Ok(Self { desk, password, ca: ca.transpose()? })
    }
}

fn desk(path: &Path) -> Result<String> {
    let token = text(path, "the desk's token")?;
    ensure!(
        token.len() >= 16,
        "{}: a desk's token has at least 16 characters (openssl rand -hex 24)",
        path.display()
    );
    Ok(token)
}

fn text(path: &Path, what: &str) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading {what} {}", path.display()))?;
    Ok(text.trim().to_owned())
}
