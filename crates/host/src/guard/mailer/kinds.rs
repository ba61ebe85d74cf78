//! The mail servers that are known, as a table: how each shows itself, and with whose rights it opens connections.

use super::Program;

pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Ends of the path of its daemon.
    daemons: &'static [&'static str],
    /// What its processes are called, where the path cannot be read.
    comms: &'static [&'static str],
    /// One of these is there where it is installed.
    pub(super) files: &'static [&'static str],
    /// And one of these, where a program may be something else's of the same name.
    pub(super) settings: &'static [&'static str],
    pub(super) rights: Rights,
    pub(super) place: Place,
}

/// With whose rights it opens connections.
pub(super) enum Rights {
    /// A user's: of a setting (file, key), else the first of these that is there.
    User { setting: Option<(&'static str, &'static str)>, names: &'static [&'static str] },
    /// Its caller's, and a group's.
    Group(&'static str),
    /// Its caller's, and why nothing can be said of it.
    Caller(&'static str),
}

/// Where its programs are started.
pub(super) enum Place {
    /// By its daemon, in its unit.
    Unit,
    /// Also by whoever hands in a mail; why its unit cannot be asked for.
    Anywhere(&'static str),
}

pub(super) static KINDS: [Kind; 9] = [
    Kind {
        name: "postfix",
        daemons: &["/postfix/sbin/master", "/postfix/master"],
        comms: &["qmgr"],
        files: &[
            "/usr/sbin/postfix",
            "/usr/lib/postfix/sbin/master",
            "/usr/libexec/postfix/master",
        ],
        settings: &["/etc/postfix/main.cf"],
        rights: Rights::User {
            setting: Some(("/etc/postfix/main.cf", "mail_owner")),
            names: &["postfix"],
        },
        place: Place::Unit,
    },
    Kind {
        name: "exim",
        daemons: &["/exim4", "/exim"],
        comms: &["exim4", "exim"],
        files: &["/usr/sbin/exim4", "/usr/sbin/exim"],
        settings: &[],
        rights: Rights::User { setting: None, names: &["Debian-exim", "exim", "mailnull"] },
        place: Place::Anywhere(
            "Exim also delivers from the process that hands a mail in (a web server's), so its unit's control group cannot be asked for",
        ),
    },
    Kind {
        name: "opensmtpd",
        daemons: &["/sbin/smtpd"],
        comms: &[],
        files: &["/usr/sbin/smtpd"],
        settings: &["/etc/smtpd.conf", "/etc/opensmtpd/smtpd.conf"],
        rights: Rights::User { setting: None, names: &["opensmtpd", "_smtpd", "smtpd"] },
        place: Place::Unit,
    },
    Kind {
        name: "sendmail",
        daemons: &["/sendmail-mta", "/sendmail.sendmail", "/sm.bin/sendmail"],
        comms: &["sendmail-mta"],
        files: &[
            "/usr/sbin/sendmail-mta",
            "/usr/lib/sm.bin/sendmail",
            "/usr/sbin/sendmail.sendmail",
        ],
        settings: &["/etc/mail/sendmail.cf"],
        rights: Rights::User {
            setting: Some(("/etc/mail/sendmail.cf", "O RunAsUser")),
            names: &["root"],
        },
        place: Place::Unit,
    },
    Kind {
        name: "qmail",
        daemons: &["/qmail-send"],
        comms: &["qmail-send"],
        files: &["/var/qmail/bin/qmail-send", "/usr/sbin/qmail-send"],
        settings: &[],
        rights: Rights::User { setting: None, names: &["qmailr"] },
        place: Place::Unit,
    },
    Kind {
        name: "nullmailer",
        daemons: &["/nullmailer-send"],
        comms: &["nullmailer-send"],
        files: &["/usr/sbin/nullmailer-send"],
        settings: &[],
        rights: Rights::User { setting: None, names: &["nullmail", "nullmailer", "mail"] },
        place: Place::Unit,
    },
    Kind {
        name: "dma",
        daemons: &["/sbin/dma"],
        comms: &["dma"],
        files: &["/usr/sbin/dma", "/usr/libexec/dma"],
        settings: &["/etc/dma/dma.conf"],
        rights: Rights::Group("mail"),
        place: Place::Anywhere(
            "dma is started by whoever hands a mail in and acts as he, with the group mail: that is what is asked for",
        ),
    },
    Kind {
        name: "msmtp",
        daemons: &[],
        comms: &[],
        files: &["/usr/bin/msmtp"],
        settings: &[],
        rights: Rights::Caller(
            "msmtp acts as whoever calls it and cannot be told from him: name those who may with --allow-uid",
        ),
        place: Place::Anywhere("it has no daemon"),
    },
    Kind {
        name: "ssmtp",
        daemons: &[],
        comms: &[],
        files: &["/usr/sbin/ssmtp"],
        settings: &[],
        rights: Rights::Caller(
            "ssmtp acts as whoever calls it and cannot be told from him: name those who may with --allow-uid",
        ),
        place: Place::Anywhere("it has no daemon"),
    },
];

impl Kind {
    /// Whether a process is its daemon. Where its path cannot be read, by its name: one that is the daemon's alone, or
    /// the daemon's in the mail server's unit.
    pub(super) fn is(&self, program: &Program) -> bool {
        let Some(exe) = &program.exe else {
            let unit = program.cgroup.rsplit('/').next().unwrap_or_default();
            let name = |end: &&str| end.rsplit('/').next() == Some(program.comm.as_str());
            return self.comms.contains(&program.comm.as_str())
                || unit.starts_with(self.name) && self.daemons.iter().any(name);
        };
        self.daemons.iter().any(|end| exe.ends_with(end))
    }
}
