//! The files of packages against dpkg's checksums: first those whose exchange pays most (sshd, PAM, libc, sendmail, php,
//! shells, the tools that show processes and files), all of them where it is asked for. Files are read in pieces by
//! several threads.

use super::Host;
use super::finding::{Grade, Rule, shown};
use super::out::Out;
use super::packages::{Listed, md5};
use super::pool;
use super::tree::reason;
use std::io;
use std::path::Path;

const CHANGED: Rule = Rule {
    id: "changed-package-file",
    why: "The program is not what its package brought: it may have been exchanged for one with a door in it.",
    todo: "Keep a copy, compare it with the package's own (apt-get download, dpkg-deb -x), then install the package again.",
    against: "The administrator, an updater of its own, or a failing disk may have changed it.",
};
const MISSING: Rule = Rule {
    id: "missing-package-file",
    why: "A file of a package is gone.",
    todo: "Install the package again.",
    against: "Containers and administrators leave files out on purpose.",
};

/// Programs whose exchange pays most, by the beginning of their names, in folders of programs.
const PROGRAMS: [&str; 50] = [
    "sshd",
    "ssh",
    "sendmail",
    "postfix",
    "exim",
    "php",
    "perl",
    "python3",
    "bash",
    "dash",
    "sh",
    "login",
    "su",
    "sudo",
    "passwd",
    "ps",
    "ls",
    "netstat",
    "ss",
    "top",
    "lsof",
    "find",
    "cron",
    "crond",
    "atd",
    "systemd",
    "init",
    "curl",
    "wget",
    "apache2",
    "nginx",
    "dpkg",
    "md5sum",
    "sha256sum",
    "iptables",
    "xtables",
    "nft",
    "ip",
    "kill",
    "pgrep",
    "w",
    "who",
    "last",
    "agetty",
    "rsyslogd",
    "dbus-daemon",
    "unix_chkpwd",
    "pam",
    "xinetd",
    "busybox",
];

/// Whether a file is one of those.
fn matters(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let name = text.rsplit('/').next().unwrap_or_default();
    let folder = text.strip_suffix(name).unwrap_or_default();
    let library = [
        "libc.so",
        "libc-",
        "ld-linux",
        "libpam",
        "libcrypt.so",
        "libkeyutils.so",
        "liblzma.so",
        "libnss_",
        "libselinux.so",
        "libproc",
        "libsystemd.so",
    ];
    folder.ends_with("bin/") && PROGRAMS.iter().any(|p| name.starts_with(p))
        || folder.contains("/postfix/sbin/")
        || folder.ends_with("/security/") && name.starts_with("pam_")
        || folder.contains("/lib/")
            && folder.matches('/').count() <= 5
            && library.iter().any(|l| name.starts_with(l))
        || folder.ends_with("/openssh/")
        || text.contains("/apache2/modules/mod_php")
        || text.contains("/apache2/modules/libphp")
}

/// What became of a file.
enum Now {
    Same,
    Changed(bool),
    Missing,
    Unread(String),
}

pub(super) fn look(host: &Host<'_>, out: &mut Out) {
    let all = host.options.packages;
    let listed = host.packages.listed(&host.tree, &|path| all || matters(path));
    let one = |file: &Listed| check(host, file);
    let found = pool::each(host.options.threads, &listed, host.options.stop, &one);
    if found.len() < listed.len() {
        out.cut("checksums of packages");
    }
    let (mut missing, mut first) = (0, None);
    for (index, now) in found {
        let Some(file) = listed.get(index) else { continue };
        let package = host.packages.name(file);
        match now {
            Now::Same => {}
            Now::Changed(program) => {
                let (grade, sure) = if program { (Grade::Bad, 0.8) } else { (Grade::Suspect, 0.5) };
                let what =
                    format!("{} is not what the package {package} brought", shown(&file.path));
                out.list("packages", shown(&file.path), "changed");
                out.add(CHANGED.found(grade, sure, what).at(&file.path));
            }
            Now::Missing => {
                missing += 1;
                first.get_or_insert(&file.path);
                out.list("packages", shown(&file.path), "missing");
            }
            Now::Unread(why) => out.cannot(shown(&file.path), why),
        }
    }
    if let Some(path) = first {
        let what = format!("{missing} files of packages are gone, the first is {}", shown(path));
        out.add(MISSING.found(Grade::Note, 0.5, what).at(path));
    }
    out.list("seen", "files of packages", listed.len().to_string());
}

fn check(host: &Host<'_>, listed: &Listed) -> Now {
    match host.tree.look(&listed.path) {
        Ok(meta) if meta.is_symlink() => return Now::Same,
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Now::Missing,
        Err(error) => return Now::Unread(reason(&error)),
    }
    let (file, meta) = match host.tree.file(&listed.path, true) {
        Ok(opened) => opened,
        Err(error) => return Now::Unread(reason(&error)),
    };
    use std::os::unix::fs::PermissionsExt;
    let program =
        meta.permissions().mode() & 0o111 != 0 || listed.path.to_string_lossy().contains(".so");
    match md5(file) {
        Ok(sum) if sum == listed.md5 => Now::Same,
        Ok(_) => Now::Changed(program),
        Err(error) => Now::Unread(reason(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_most() {
        for (path, want) in [
            ("/usr/sbin/sshd", true),
            ("/usr/bin/php8.2", true),
            ("/lib/x86_64-linux-gnu/libc.so.6", true),
            ("/lib/x86_64-linux-gnu/security/pam_unix.so", true),
            ("/usr/lib/postfix/sbin/smtp", true),
            ("/usr/share/doc/perl/README", false),
            ("/usr/share/perl/5.36/libpam.pm", false),
            ("/usr/bin/gimp", false),
        ] {
            assert_eq!(matters(Path::new(path)), want, "{path}");
        }
    }
}
