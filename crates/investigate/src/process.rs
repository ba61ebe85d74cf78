//! The process behind a session: as a socket table, a firewall's line or the recorder names it.
//!
//! The recorder noted it when the connection began; its word is the kernel's, and needs no later table.

use heloscope_evidence::{Connection, Opener, Process};
use heloscope_model::{Place, Time};
use std::sync::Arc;

/// Programs of mail servers, by the folders and names under which they are installed.
const MAIL_SERVERS: [&str; 9] = [
    "/usr/lib/postfix/",
    "/usr/libexec/postfix/",
    "/usr/sbin/exim",
    "/usr/sbin/sendmail",
    "/usr/lib/sm.bin/",
    "/usr/sbin/smtpd",
    "/usr/lib/opensmtpd/",
    "/usr/libexec/opensmtpd/",
    "/var/qmail/bin/",
];

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
        let named = MAIL_SERVERS.iter().any(|program| opener.exe.starts_with(program));
        if named && opener.container.is_some() { None } else { Some(named) }
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
