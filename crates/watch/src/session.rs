//! A connection of this host to a mail port, as the core keeps it: who opened it, and how it stands to the MTA.

use crate::settings::Settings;
use crate::shown::{instant, redacted, shown};
use crate::standing::Standing;
use heloscope_host::{Connection, Process};
use heloscope_model::Time;
use serde::Serialize;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Connections that are remembered.
const MOST: usize = 1000;
/// Ancestors that are named.
const MOST_ANCESTORS: usize = 4;

/// A connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// The kernel's number of its socket.
    #[serde(skip)]
    pub socket: u64,
    /// When it began.
    pub start: Time,
    /// When it was over.
    pub end: Option<Time>,
    /// From where.
    pub client: Option<SocketAddr>,
    /// To where.
    pub server: SocketAddr,
    /// `open`, or the error.
    pub outcome: Option<String>,
    /// The process.
    pub pid: u32,
    /// With whose rights.
    pub uid: u32,
    /// The executed file.
    pub exe: Option<String>,
    /// Whether that file is gone.
    pub deleted: bool,
    /// The name it gives itself.
    pub comm: String,
    /// Its arguments, in one line.
    pub command: String,
    /// Its folder.
    pub folder: Option<String>,
    /// The script that its interpreter runs.
    pub script: Option<String>,
    /// Who started it, the nearest first.
    pub ancestors: Vec<String>,
    /// How it stands to the MTA.
    pub standing: Standing,
    /// The mail whose line in the log explains it.
    pub explained: Option<String>,
    /// Bytes sent.
    pub sent: u64,
    /// The HELO that was heard.
    pub helo: Option<String>,
}

impl Session {
    pub(crate) fn new(connection: Connection) -> Self {
        let process = connection.process;
        Self {
            socket: connection.socket,
            start: connection.start,
            end: connection.outcome.as_deref().filter(|o| *o != "open").map(|_| connection.start),
            client: connection.client,
            server: connection.server,
            outcome: connection.outcome,
            pid: process.pid,
            uid: process.euid.unwrap_or(process.uid),
            command: command(&process),
            exe: process.exe,
            deleted: process.deleted,
            comm: process.comm,
            folder: process.folder,
            script: connection.script,
            ancestors: connection
                .ancestors
                .iter()
                .take(MOST_ANCESTORS)
                .map(|p| format!("{} {}", p.pid, command(p)))
                .collect(),
            standing: Standing::Waiting,
            explained: None,
            sent: 0,
            helo: None,
        }
    }

    /// What sends: the script, the folder of a php-fpm's site, the program.
    pub fn culprit(&self) -> String {
        if let Some(script) = &self.script {
            return shown(script);
        }
        let Some(exe) = &self.exe else { return shown(&self.comm) };
        let file = exe.rsplit('/').next().unwrap_or(exe);
        match &self.folder {
            Some(folder) if file.starts_with("php-fpm") => {
                format!("{} in {}", shown(exe), shown(folder))
            }
            _ => shown(exe),
        }
    }

    /// Whether a mail may have gone by it: it was open, and not too short where its end was seen. What a handshake of TLS costs
    /// counts as if it were mail.
    pub(crate) fn may_have_mailed(&self) -> bool {
        let open = self.outcome.as_deref() == Some("open");
        open && (self.end.is_none() || self.sent >= heloscope_investigate::SHORTEST_MAIL)
    }

    /// The lines that prove who it was.
    pub(crate) fn proof(&self, settings: &Settings) -> Vec<String> {
        let client = self.client.map_or_else(|| "?".to_owned(), |c| c.to_string());
        let exe = self.exe.as_deref().map_or_else(|| "an unknown file".to_owned(), shown);
        let script = self.script.as_deref();
        let runs = script.map_or_else(String::new, |script| format!(" runs {}", shown(script)));
        let mut first = format!(
            "{} {client} -> {} ({}): process {} \"{}\", {exe}{}{runs}, {}",
            instant(&self.start),
            self.server,
            self.outcome.as_deref().map_or_else(|| "under way".to_owned(), shown),
            self.pid,
            shown(&self.comm),
            if self.deleted { " (deleted)" } else { "" },
            settings.user(self.uid),
        );
        if let Some(folder) = &self.folder {
            first.push_str(&format!(", in {}", shown(folder)));
        }
        let mut lines = vec![first, format!("command: {}", self.command)];
        if !self.ancestors.is_empty() {
            lines.push(format!("started by: {}", self.ancestors.join(" <- ")));
        }
        lines
    }
}

/// A command line in one, without the people in it.
fn command(process: &Process) -> String {
    let line = |args: &[String]| redacted(&shown(args.join(" ").trim_end()));
    if process.args.is_empty() {
        return shown(&process.comm);
    }
    if process.began_as.is_empty() {
        return line(&process.args);
    }
    format!("{} (calls itself {})", line(&process.began_as), line(&process.args))
}

/// The last connections, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(VecDeque<Session>);

impl Sessions {
    /// Remembers one; what has to be forgotten for it.
    pub(crate) fn push(&mut self, session: Session) -> Option<Session> {
        let oldest = if self.0.len() == MOST { self.0.pop_front() } else { None };
        self.0.push_back(session);
        oldest
    }

    /// The newest that is meant.
    pub(crate) fn find(&mut self, meant: impl Fn(&Session) -> bool) -> Option<&mut Session> {
        self.0.iter_mut().rev().find(|session| meant(session))
    }

    /// The oldest that is meant first, else the newest that is meant otherwise.
    pub(crate) fn oldest_or_newest(
        &mut self,
        first: impl Fn(&Session) -> bool,
        otherwise: impl Fn(&Session) -> bool,
    ) -> Option<&mut Session> {
        let at = self.0.iter().position(first).or_else(|| self.0.iter().rposition(otherwise))?;
        self.0.get_mut(at)
    }

    /// The newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.0.iter().rev()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.0.iter_mut()
    }
}
