//! The process behind a session: as a socket table, a firewall's line or the recorder names it.
//!
//! The recorder noted it when the connection began; its word is the kernel's, and needs no later table.

use heloscope_evidence::{Connection, Opener, Process};
use heloscope_model::{Place, Time, mail_server};
use std::sync::Arc;

/// Who holds a connection.
#[derive(Clone, Debug)]
pub(crate) struct ProcessRef {
    pub(crate) pid: Option<u32>,
    pub(crate) program: Option<String>,
    pub(crate) uid: Option<u32>,
    /// What the recorder noted of it.
    pub(crate) opener: Option<Arc<Opener>>,
    /// When it began, by the recorder.
    pub(crate) started: Option<Time>,
    pub(crate) place: Place,
}

impl ProcessRef {
    /// The process of a connection record, where it names one.
    pub(crate) fn of(connection: &Connection) -> Option<Self> {
        let Connection { pid, program, uid, opener, process_started, place, .. } = connection;
        (pid.is_some() || program.is_some() || uid.is_some()).then(|| Self {
            pid: *pid,
            program: program.clone(),
            uid: *uid,
            opener: opener.clone(),
            started: *process_started,
            place: *place,
        })
    }

    /// What the recorder noted of it, as a table of processes would show it.
    pub(crate) fn recorded(&self) -> Option<Process> {
        let opener = self.opener.as_deref()?;
        Some(Process {
            user: String::new(),
            uid: self.uid,
            pid: self.pid?,
            parent: None,
            started: Some(self.started?),
            command: opener.command.clone(),
            place: self.place,
        })
    }

    /// Whether the recorder saw an installed mail server's own program, or another; none where it saw nothing. In a container, the
    /// names of files are the container's word.
    pub(crate) fn is_mail_server(&self) -> Option<bool> {
        let opener = self.opener.as_deref()?;
        let named = mail_server::is_program(&opener.exe);
        if named && opener.container.is_some() { None } else { Some(named) }
    }

    /// Its program and user, where a line of the mail log that names it may prove it to be a mail server that nobody knows.
    pub(crate) fn may_be_a_mail_server(&self) -> Option<(String, u32)> {
        let (opener, uid) = (self.opener.as_deref()?, self.uid?);
        let can_be = opener.script.is_none() && !opener.deleted;
        (can_be && mail_server::can_be_one(&opener.exe, uid)).then(|| (opener.exe.clone(), uid))
    }

    /// How the recorder came to know it: it saw the connection begin, or looked up who had it then.
    pub(crate) fn seen_how(&self) -> &'static str {
        if self.opener.as_deref().is_some_and(|opener| opener.late) { "hold" } else { "open" }
    }

    /// The script that the recorder saw a web server run when it connected.
    pub(crate) fn site_script(&self) -> Option<&str> {
        let opener = self.opener.as_deref()?;
        opener.script.as_deref().filter(|_| is_web_server(&opener.exe))
    }
}

/// Whether a program serves web sites, or runs their scripts: its own name says nothing of what it sends.
pub(crate) fn is_web_server(program: &str) -> bool {
    const SERVERS: [&str; 9] = [
        "apache2",
        "httpd",
        "nginx",
        "php-fpm",
        "php-cgi",
        "lighttpd",
        "caddy",
        "litespeed",
        "lsphp",
    ];
    let first = program.split_whitespace().next().unwrap_or_default();
    let base = first.rsplit('/').next().unwrap_or_default().trim_end_matches(':');
    SERVERS.iter().any(|server| base.starts_with(server))
}
