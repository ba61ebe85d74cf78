//! What a process is against what it says it is: deleted, hidden and temporary executables, false names, kernel
//! threads that are none, libraries pushed in, programs that work under the mail server's or the web server's number.

use super::Process;
use crate::scan::Host;
use crate::scan::command::{hidden_part, is_temporary};
use crate::scan::finding::{Grade, Rule, shown, visible};
use crate::scan::out::Out;
use std::path::Path;

const DELETED: Rule = Rule {
    id: "exe-deleted",
    why: "A program that removes its own file leaves nothing for a scanner of files to find.",
    todo: "Keep a copy first (cp /proc/PID/exe), see who started it and what it is connected to, then end it.",
    against: "An upgrade of a program that is not restarted looks alike.",
};
const REPLACED: Rule = Rule {
    id: "exe-replaced",
    why: "The process still runs the old file of an upgraded or removed program, with its old faults.",
    todo: "Restart the service.",
    against: "",
};
const MEMORY: Rule = Rule {
    id: "exe-in-memory",
    why: "The program never was a file: it was written to memory and run from there, as loaders of malware do.",
    todo: "Keep a copy first (cp /proc/PID/exe), see who started it, then end it.",
    against: "Container runtimes (runc, crun) run copies of themselves from memory for a moment.",
};
const HIDDEN: Rule = Rule {
    id: "exe-hidden",
    why: "Programs that are installed lie in folders that are seen; a hidden place is chosen so that nobody looks.",
    todo: "See who started it and when its file came, keep a copy, then end it and remove what starts it.",
    against: "Some tools of developers install themselves in hidden folders of a home.",
};
const TEMPORARY: Rule = Rule {
    id: "exe-in-temporary-folder",
    why: "Anybody may write there, so that is where an attacker without rights puts what he runs.",
    todo: "See who started it and when its file came, keep a copy, then end it and remove what starts it.",
    against: "Installers and builds run programs there for a while.",
};
const SCRIPT: Rule = Rule {
    id: "script-in-odd-place",
    why: "The interpreter is the system's own, so only the script's place shows what really runs.",
    todo: "Read the script, keep a copy, see who started it; then end it and remove what starts it.",
    against: "Installers and tests run scripts there for a while.",
};
const FALSE_NAME: Rule = Rule {
    id: "false-name",
    why: "In a list of processes it passes for a program that it is not.",
    todo: "Look at /proc/PID/exe, cwd and fd; keep copies; see who started it.",
    against: "Services written in Perl or Python give themselves a name of their own, though not that of another program.",
};
const KERNEL: Rule = Rule {
    id: "kernel-thread-name",
    why: "It calls itself a thread of the kernel and is an ordinary process: a disguise, nothing else has a use for it.",
    todo: "Look at /proc/PID/exe, cwd and fd; keep copies; see who started it.",
    against: "",
};
const PRELOAD: Rule = Rule {
    id: "process-preload",
    why: "A library that is pushed into a program can hide files and processes from it, and read what it reads.",
    todo: "See which package the library belongs to, and who set LD_PRELOAD.",
    against: "Memory allocators (jemalloc) and fakeroot are pushed in on purpose.",
};
const UNDER_MTA: Rule = Rule {
    id: "foreign-under-mta",
    why: "Firewall rules that let the mail server's user out let this program out, too.",
    todo: "See who started it; a mail server starts only its own programs and the filters it was told to.",
    against: "A filter or policy service that main.cf or master.cf names may run under this user.",
};
const UNDER_WEB: Rule = Rule {
    id: "left-by-web-server",
    why: "It runs as the web server's user and the web server is not its parent: a script of a site left it running.",
    todo: "Look at /proc/PID/cwd and fd, keep copies, and search the web log for what was asked when it started.",
    against: "Jobs of cron and timers for a site, and services run as this user, look alike.",
};

/// Names that threads of the kernel have.
const THREADS: [&str; 24] = [
    "kworker",
    "kthreadd",
    "ksoftirqd",
    "migration",
    "rcu_",
    "kswapd",
    "khugepaged",
    "kdevtmpfs",
    "kauditd",
    "kblockd",
    "watchdog",
    "jbd2",
    "kcompactd",
    "ksmd",
    "kintegrityd",
    "scsi_eh",
    "irq/",
    "cpuhp",
    "idle_inject",
    "netns",
    "oom_reaper",
    "writeback",
    "khungtaskd",
    "kpsmoused",
];

/// Programs whose names are borrowed.
const DAEMONS: [&str; 34] = [
    "apache2",
    "httpd",
    "nginx",
    "sshd",
    "cron",
    "crond",
    "atd",
    "syslogd",
    "rsyslogd",
    "init",
    "systemd",
    "master",
    "exim4",
    "exim",
    "sendmail",
    "dbus-daemon",
    "mysqld",
    "mariadbd",
    "php-fpm",
    "named",
    "dovecot",
    "qmgr",
    "pickup",
    "smtpd",
    "smtp",
    "udevd",
    "agetty",
    "getty",
    "klogd",
    "ntpd",
    "chronyd",
    "auditd",
    "proftpd",
    "vsftpd",
];

/// Judges one process.
pub(super) fn judge(host: &Host<'_>, process: &Process, all: &[Process], out: &mut Out) {
    if process.kernel {
        return;
    }
    let told = format!(
        "process {} of {}, {}",
        process.pid,
        visible(&host.users.name(process.uid)),
        process.shown()
    );
    let odd_exe = executable(host, process, &told, out);
    let odd_script = script(host, process, &told, out);
    name(host, process, &told, odd_exe || odd_script, out);
    for library in &process.preload {
        let path = Path::new(library);
        let owned = !library.starts_with('/') || host.packages.owns(path);
        let (grade, sure) = if hidden_part(library).is_some() || is_temporary(library) {
            (Grade::Bad, 0.9)
        } else if owned {
            (Grade::Note, 0.1)
        } else {
            (Grade::Suspect, 0.5)
        };
        let what = format!("{told}, has {} pushed in by its environment", visible(library));
        out.add(PRELOAD.found(grade, sure, what).at(path).pid(process.pid));
    }
    under(host, process, all, &told, out);
}

/// The executable's place and whether it is there. True where it was found odd.
fn executable(host: &Host<'_>, process: &Process, told: &str, out: &mut Out) -> bool {
    let Some(exe) = &process.exe else { return false };
    let text = exe.to_string_lossy();
    if process.memory {
        let runtime = ["runc", "crun", "snap", "conmon"].iter().any(|r| text.contains(r));
        let (grade, sure) = if runtime { (Grade::Note, 0.1) } else { (Grade::Bad, 0.8) };
        out.add(
            MEMORY
                .found(grade, sure, format!("{told}, runs from memory ({})", shown(exe)))
                .pid(process.pid),
        );
        return !runtime;
    }
    let (hidden, temporary) = (hidden_part(&text), is_temporary(&text));
    if let Some(part) = hidden {
        let home = text.starts_with("/home/") || text.starts_with("/root/");
        let (grade, sure) = if home { (Grade::Suspect, 0.5) } else { (Grade::Bad, 0.9) };
        let gone = if process.deleted { ", which is deleted" } else { "" };
        let what =
            format!("{told}, runs {}{gone}: \"{}\" is a hidden name", shown(exe), visible(part));
        out.add(HIDDEN.found(grade, sure, what).at(exe).pid(process.pid));
    } else if temporary {
        let bad = process.deleted || host.users.is_service(process.uid);
        let (grade, sure) = if bad { (Grade::Bad, 0.85) } else { (Grade::Suspect, 0.5) };
        let gone = if process.deleted { ", which is deleted" } else { "" };
        let what = format!("{told}, runs {}{gone} from a folder for temporary files", shown(exe));
        out.add(TEMPORARY.found(grade, sure, what).at(exe).pid(process.pid));
    } else if process.deleted {
        let owned = host.packages.owns(exe);
        let there = host.tree.exists(exe);
        if owned || there {
            let what = if there {
                format!("{told}, runs an older {} than the one that is there now", shown(exe))
            } else {
                format!("{told}, runs {}, which is removed", shown(exe))
            };
            out.add(REPLACED.found(Grade::Note, 0.9, what).at(exe).pid(process.pid));
            return false;
        }
        let what =
            format!("{told}, runs {}, which is deleted and belongs to no package", shown(exe));
        out.add(DELETED.found(Grade::Suspect, 0.7, what).at(exe).pid(process.pid));
    }
    hidden.is_some() || temporary || process.deleted
}

/// Where an interpreter's script lies. True where that is odd.
fn script(host: &Host<'_>, process: &Process, told: &str, out: &mut Out) -> bool {
    if !process.is_interpreter() {
        return false;
    }
    // One that gave itself another name shows its script no more; its folder and the files it holds may.
    let held =
        || process.open_files.iter().find(|f| hidden_part(&f.to_string_lossy()).is_some()).cloned();
    let named = process.script.clone().or_else(held);
    let what_it_is =
        if named.is_some() { "its script is" } else { "its script is not named, it works in" };
    let unnamed = named.is_none();
    let Some(path) = named.or_else(|| process.folder.clone()) else { return false };
    let text = format!("{}/", path.to_string_lossy());
    let hidden = hidden_part(&text);
    let temporary = is_temporary(&text);
    let home = text.starts_with("/home/") || text.starts_with("/root/");
    let (grade, sure) = match (hidden.is_some(), temporary) {
        (true, true) => (Grade::Bad, 0.95),
        (true, false) if !home => (Grade::Bad, 0.8),
        (true, false) => (Grade::Suspect, 0.5),
        (false, true) if unnamed => return false,
        (false, true) if host.users.is_service(process.uid) => (Grade::Bad, 0.8),
        (false, true) => (Grade::Suspect, 0.5),
        (false, false) => return false,
    };
    let what = format!("{told}: {} runs; {what_it_is} {}", process.name(), shown(&path));
    out.add(SCRIPT.found(grade, sure, what).at(path).pid(process.pid));
    true
}

/// The name it gives itself.
fn name(host: &Host<'_>, process: &Process, told: &str, odd: bool, out: &mut Out) {
    let first = process.args.first().map(String::as_str).unwrap_or_default();
    let claimed = first.split_whitespace().next().unwrap_or_default();
    let bracket = claimed.strip_prefix('[').map(|c| c.trim_end_matches([']', ':']));
    let Some(exe) = &process.exe else { return };
    let thread = |name: &str| THREADS.iter().any(|t| name.starts_with(t));
    if let Some(inside) = bracket {
        let (grade, sure) = if thread(inside) || odd {
            (Grade::Bad, 0.95)
        } else if host.packages.owns(exe) {
            (Grade::Note, 0.2)
        } else {
            (Grade::Suspect, 0.6)
        };
        let what = format!(
            "{told}, calls itself as threads of the kernel are shown and runs {}",
            shown(exe)
        );
        out.add(KERNEL.found(grade, sure, what).at(exe).pid(process.pid));
        return;
    }
    if thread(&process.comm)
        && !process.comm.starts_with("watchdog")
        && !process.comm.starts_with("writeback")
    {
        let what = format!(
            "{told}, has the name of a kernel thread ({}) and runs {}",
            visible(&process.comm),
            shown(exe)
        );
        let known = host.packages.owns(exe) && !process.is_interpreter();
        let (grade, sure) = if known { (Grade::Note, 0.2) } else { (Grade::Bad, 0.9) };
        out.add(KERNEL.found(grade, sure, what).at(exe).pid(process.pid));
        return;
    }
    let claimed = claimed.trim_start_matches('-').trim_end_matches(':');
    let base = claimed.rsplit('/').next().unwrap_or(claimed);
    let own = process.name();
    if base.is_empty() || own.starts_with(base) || base.starts_with(own.as_str()) {
        return;
    }
    // A program of a package that calls itself something is what its makers want (sshd, Postfix, Chromium).
    let packaged = host.packages.owns(exe) && !odd;
    if packaged && !process.is_interpreter() {
        return;
    }
    // Scripts are run with the interpreter first; a service in Perl may call itself what it is called: its own script.
    let other = Path::new(claimed);
    let native =
        claimed.starts_with('/') && host.tree.read(other, 4).is_ok_and(|head| head == b"\x7fELF");
    let same = || match (host.tree.meta(other), host.tree.meta(exe)) {
        (Ok(a), Ok(b)) => {
            use std::os::unix::fs::MetadataExt;
            (a.dev(), a.ino()) == (b.dev(), b.ino())
        }
        _ => false,
    };
    let borrowed = native && !same() || DAEMONS.contains(&base);
    if borrowed || odd {
        let (grade, sure) = if borrowed || !process.is_interpreter() {
            (Grade::Bad, 0.85)
        } else {
            (Grade::Suspect, 0.4)
        };
        let what = format!("{told}, calls itself {} and runs {}", visible(claimed), shown(exe));
        out.add(FALSE_NAME.found(grade, sure, what).at(exe).pid(process.pid));
    }
}

/// Foreign programs under the numbers of the mail server and the web server.
fn under(host: &Host<'_>, process: &Process, all: &[Process], told: &str, out: &mut Out) {
    let Some(exe) = &process.exe else { return };
    let text = exe.to_string_lossy();
    let script_owned = process.script.as_deref().is_some_and(|s| host.packages.owns(s));
    if host.users.is_mta(process.uid) {
        let mta = ["/postfix/", "exim", "sendmail", "smtpd", "qmail", "courier", "smtpctl"];
        if mta.iter().any(|m| text.contains(m))
            && !process.deleted
            && hidden_part(&text).is_none()
            && !is_temporary(&text)
        {
            return;
        }
        let packaged = host.packages.owns(exe);
        let (grade, sure) = match (packaged, process.is_interpreter()) {
            (true, true) if script_owned => (Grade::Note, 0.2),
            (true, false) => (Grade::Suspect, 0.5),
            _ if process.deleted && packaged => (Grade::Note, 0.2),
            _ => (Grade::Bad, 0.85),
        };
        let what = format!("{told}, runs {} and is no program of the mail server", shown(exe));
        out.add(UNDER_MTA.found(grade, sure, what).at(exe).pid(process.pid));
    } else if host.users.is_web(process.uid) && process.is_interpreter() && !script_owned {
        // A service of its own is what somebody set up; what a site left running stays in the web server's.
        let web_units = ["apache", "httpd", "nginx", "php", "cron", "lighttpd"];
        if process.unit.as_ref().is_some_and(|u| !web_units.iter().any(|w| u.starts_with(w))) {
            return;
        }
        // Up to the first that is gone: whoever is a child of init was left behind.
        let mut at = process.parent;
        for _ in 0..32 {
            let Some(parent) = all.iter().find(|p| p.pid == at) else { break };
            let name = parent.name();
            let web = [
                "apache2",
                "httpd",
                "nginx",
                "php-fpm",
                "fcgiwrap",
                "lighttpd",
                "caddy",
                "cron",
                "systemd",
                "uwsgi",
                "supervisord",
                "runsv",
                "s6-",
                "PM2",
                "pm2",
                "docker-init",
                "tini",
                "containerd",
            ];
            if web.iter().any(|w| name.starts_with(w)) && parent.pid != 1 {
                return;
            }
            at = parent.parent;
        }
        let what =
            format!("{told}, runs as the web server's user and was left behind by what started it");
        out.add(UNDER_WEB.found(Grade::Suspect, 0.6, what).at(exe).pid(process.pid));
    }
}
