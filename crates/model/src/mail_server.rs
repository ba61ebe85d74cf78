//! Mail servers as they are installed: which files are theirs, and under which users they run. Who sees a process send
//! asks here whether that is the mail server's own.
//!
//! Only the system's own folders count: nobody but root can put a program there.

/// A mail server, by what stands where.
#[derive(Clone, Copy, Debug)]
pub struct MailServer {
    /// Its name.
    pub name: &'static str,
    /// A file that is there when it is installed.
    pub shown_by: &'static str,
    /// Folders whose programs are its own.
    pub folders: &'static [&'static str],
    /// Single programs of it.
    pub programs: &'static [&'static str],
    /// Users that it runs as.
    pub users: &'static [&'static str],
}

/// Those that are known, by their distributions' and their own defaults.
pub const KNOWN: [MailServer; 8] = [
    MailServer {
        name: "Postfix",
        shown_by: "/etc/postfix/main.cf",
        folders: &[
            "/usr/lib/postfix/sbin",
            "/usr/lib/postfix",
            "/usr/libexec/postfix",
            "/usr/lib/postfix/bin",
            "/usr/local/libexec/postfix",
        ],
        programs: &[],
        users: &["postfix"],
    },
    MailServer {
        name: "Exim",
        shown_by: "/usr/sbin/exim4",
        folders: &[],
        programs: &["/usr/sbin/exim4"],
        users: &["Debian-exim", "exim", "mail"],
    },
    MailServer {
        name: "Exim",
        shown_by: "/usr/sbin/exim",
        folders: &[],
        programs: &["/usr/sbin/exim"],
        users: &["exim", "mailnull"],
    },
    MailServer {
        name: "OpenSMTPD",
        shown_by: "/usr/sbin/smtpd",
        folders: &["/usr/libexec/opensmtpd", "/usr/lib/opensmtpd"],
        programs: &["/usr/sbin/smtpd"],
        users: &["_smtpd", "smtpd", "opensmtpd"],
    },
    MailServer {
        name: "sendmail",
        shown_by: "/usr/libexec/sendmail/sendmail",
        folders: &["/usr/libexec/sendmail"],
        // The last where it is built from source: those who only stand in for it are links to other files.
        programs: &["/usr/sbin/sendmail.sendmail", "/usr/sbin/sendmail"],
        users: &["root", "smmsp", "smmta", "mail"],
    },
    MailServer {
        name: "sendmail",
        shown_by: "/usr/lib/sm.bin/sendmail",
        folders: &["/usr/lib/sm.bin"],
        programs: &["/usr/sbin/sendmail-mta"],
        users: &["root", "smmsp", "smmta"],
    },
    MailServer {
        name: "qmail",
        shown_by: "/var/qmail/bin/qmail-remote",
        folders: &["/var/qmail/bin"],
        programs: &["/usr/sbin/qmail-remote"],
        users: &["qmailr"],
    },
    MailServer {
        name: "nullmailer",
        shown_by: "/usr/sbin/nullmailer-send",
        folders: &["/usr/lib/nullmailer", "/usr/libexec/nullmailer"],
        programs: &[],
        users: &["nullmail", "nullmailer", "mail"],
    },
];

/// Whether a file is a program of a mail server that is known.
pub fn is_program(exe: &str) -> bool {
    KNOWN.iter().any(|server| {
        server.programs.contains(&exe)
            || exe.rsplit_once('/').is_some_and(|(folder, _)| server.folders.contains(&folder))
    })
}

/// Where programs of the system stand.
const SYSTEM: [&str; 6] = ["/usr/sbin/", "/usr/bin/", "/usr/lib", "/usr/local/", "/opt/", "/sbin/"];
/// Programs that do what anybody tells them.
const TOOLS: [&str; 19] = [
    "php", "perl", "python", "ruby", "node", "bash", "dash", "sh", "busybox", "lua", "wine",
    "qemu-", "java", "nc", "ncat", "socat", "openssl", "curl", "ssh",
];

/// Whether a line of the mail log that names the process may prove a program to be a mail server that nobody knows: one of the
/// system's, under a user of the system's, that does not do what anybody tells it. Any user can write such a line.
pub fn can_be_one(exe: &str, uid: u32) -> bool {
    let file = exe.rsplit('/').next().unwrap_or(exe);
    let tool = TOOLS.iter().any(|tool| {
        file.strip_prefix(tool).is_some_and(|rest| {
            tool.len() > 3
                || rest.is_empty()
                || rest.starts_with(|c: char| !c.is_ascii_alphabetic())
        })
    });
    !tool && uid < 1000 && SYSTEM.iter().any(|folder| exe.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_mail_server_s_by_where_it_stands_not_by_its_name() {
        for (exe, own) in [
            ("/usr/lib/postfix/sbin/smtp", true),
            ("/usr/libexec/sendmail/sendmail", true),
            ("/usr/sbin/sendmail", true),
            ("/usr/sbin/exim4", true),
            ("/var/tmp/.m/smtp", false),
            ("/usr/lib/postfix/sbin/.x/smtp", false),
            ("/usr/sbin/exim4.bak", false),
            ("/usr/bin/perl", false),
            ("smtp", false),
        ] {
            assert_eq!(is_program(exe), own, "{exe}");
        }
    }

    #[test]
    fn what_a_line_may_prove() {
        for (exe, uid, can) in [
            ("/opt/mta/sbin/deliver", 107, true),
            ("/opt/mta/sbin/deliver", 1000, false),
            ("/usr/bin/perl5.36", 107, false),
            ("/usr/bin/shred", 107, true),
            ("/usr/sbin/php-fpm8.2", 33, false),
            ("/var/tmp/.m/smtp", 107, false),
        ] {
            assert_eq!(can_be_one(exe, uid), can, "{exe} {uid}");
        }
    }
}
