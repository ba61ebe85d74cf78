//! Crontabs: the system's, cron.d, users', anacron, and the scripts of the hourly, daily, weekly and monthly folders.

use super::{MOST, is_packaged, started};
use crate::scan::Host;
use crate::scan::finding::{Grade, Rule, shown, visible};
use crate::scan::out::Out;
use crate::scan::tree::reason;
use heloscope_evidence::crontab::{self, Form};
use heloscope_model::{At, SourceId};
use std::path::{Path, PathBuf};

const CRON: Rule = Rule {
    id: "cron-job",
    why: "What cron starts comes back after every reboot and after every process that was ended.",
    todo: "See who wrote it and when; take the line out, keep a copy of what it runs.",
    against: "The administrator may have written it himself.",
};
const OF_WEB: Rule = Rule {
    id: "cron-of-web-user",
    why: "Who can run code in a web site can write this crontab, and the job outlives the site's repair.",
    todo: "See whether somebody here wrote it; jobs of sites are better kept in /etc/cron.d.",
    against: "Sites have jobs of their own (WordPress, Nextcloud).",
};
const SCRIPT: Rule = Rule {
    id: "cron-script",
    why: "What cron starts comes back after every reboot and after every process that was ended.",
    todo: "Read the script, see who wrote it and when; keep a copy and remove it.",
    against: "The administrator may have written it himself.",
};

/// A line of a crontab.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scan) struct Job {
    pub(in crate::scan) path: PathBuf,
    pub(in crate::scan) line: usize,
    pub(in crate::scan) when: String,
    pub(in crate::scan) user: Option<String>,
    pub(in crate::scan) command: String,
}

pub(super) fn look(host: &Host<'_>, out: &mut Out) -> Vec<Job> {
    let mut files: Vec<(PathBuf, Form)> = vec![("/etc/crontab".into(), Form::System)];
    files.extend(host.tree.files("/etc/cron.d", "").into_iter().map(|p| (p, Form::System)));
    for spool in ["/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs"] {
        if host.tree.folder(spool).is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
        {
            out.cannot(format!("users' crontabs in {spool}"), "no permission: run as root");
        }
        files.extend(host.tree.files(spool, "").into_iter().map(|p| {
            let name = p.file_name().map(|n| n.to_string_lossy().into_owned());
            (p, Form::Own(name))
        }));
    }
    let mut jobs = Vec::new();
    for (path, form) in files {
        match host.tree.read(&path, MOST) {
            Ok(bytes) => one(host, &path, &bytes, &form, &mut jobs, out),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => out.cannot(shown(&path), reason(&error)),
        }
    }
    anacron(host, &mut jobs, out);
    for folder in ["hourly", "daily", "weekly", "monthly"] {
        for path in host.tree.files(&format!("/etc/cron.{folder}"), "") {
            script(host, &path, out);
        }
    }
    jobs
}

fn one(
    host: &Host<'_>,
    path: &Path,
    bytes: &[u8],
    form: &Form,
    jobs: &mut Vec<Job>,
    out: &mut Out,
) {
    let packaged = is_packaged(host, path, bytes);
    let web = match form {
        Form::Own(Some(user)) => {
            host.users.all().iter().any(|u| u.name == *user && host.users.is_web(u.uid))
        }
        _ => false,
    };
    for entry in crontab::read(bytes, SourceId(0), 0, form) {
        let at = match entry.place.at {
            At::Byte(at) => usize::try_from(at).unwrap_or_default(),
            _ => 0,
        };
        let line = memchr::memchr_iter(b'\n', bytes.get(..at).unwrap_or_default()).count() + 1;
        let job = Job {
            path: path.to_path_buf(),
            line,
            when: entry.when,
            user: entry.user,
            command: entry.command,
        };
        tell(host, &job, packaged, web, out);
        jobs.push(job);
    }
}

fn tell(host: &Host<'_>, job: &Job, packaged: bool, web: bool, out: &mut Out) {
    let who = format!(
        "{} of {}",
        visible(&job.when),
        visible(job.user.as_deref().unwrap_or("the file's owner"))
    );
    out.list("cron", format!("{} {who} {}", shown(&job.path), visible(&job.command)), "");
    if packaged {
        return;
    }
    if let Some(finding) = started(host, &CRON, &job.command, &who) {
        out.add(finding.at(&job.path).line(job.line));
    } else if web {
        let what = format!("{who}: {}", visible(&job.command));
        out.add(OF_WEB.found(Grade::Note, 0.3, what).at(&job.path).line(job.line));
    }
}

/// `period delay job-identifier command`.
fn anacron(host: &Host<'_>, jobs: &mut Vec<Job>, out: &mut Out) {
    let path = Path::new("/etc/anacrontab");
    let Ok(bytes) = host.tree.read(path, MOST) else { return };
    let packaged = is_packaged(host, path, &bytes);
    for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
        let line = line.trim();
        let mut words = line.splitn(4, char::is_whitespace).filter(|w| !w.is_empty());
        let (Some(period), Some(_), Some(_), Some(command)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if line.starts_with('#')
            || !(period.starts_with('@') || period.bytes().all(|b| b.is_ascii_digit()))
        {
            continue;
        }
        let job = Job {
            path: path.to_path_buf(),
            line: index + 1,
            when: format!("every {period} days"),
            user: Some("root".to_owned()),
            command: command.trim().to_owned(),
        };
        tell(host, &job, packaged, false, out);
        jobs.push(job);
    }
}

/// A script in one of cron's folders: each of its lines.
fn script(host: &Host<'_>, path: &Path, out: &mut Out) {
    let bytes = match host.tree.read(path, MOST) {
        Ok(bytes) => bytes,
        Err(error) => return out.cannot(shown(path), reason(&error)),
    };
    out.list("cron", shown(path), "");
    if is_packaged(host, path, &bytes) {
        return;
    }
    for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        if let Some(finding) = started(host, &SCRIPT, line, "one of cron's scripts") {
            out.add(finding.at(path).line(index + 1));
            return;
        }
    }
}
