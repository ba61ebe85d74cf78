//! Which script an interpreter runs, from its name, arguments and working folder. Pure.
//!
//! What is not sure is not said: code given on the command line (`perl -e`) has no file; that on standard input has one where that is a
//! file. php-fpm, Apache with PHP inside and the like say nothing in their arguments: PHP keeps the called script open while it runs,
//! unless opcache had it compiled; then its folder, into which it changes for each script, is all that shows.

use crate::Process;

/// Interpreters, by the beginning of the executed file's name, with those of their options that take the next
/// argument, and those after which no script follows.
const INTERPRETERS: &[(&str, &[&str], &[&str])] = &[
    ("php", &["-c", "-d", "-z", "-t"], &["-r", "-B", "-R", "-E", "-s", "-i", "-a", "-S"]),
    ("perl", &["-I"], &["-e", "-E"]),
    ("python", &["-W", "-X", "-Q"], &["-c", "-m"]),
    ("ruby", &["-I", "-r", "-C"], &["-e"]),
    ("node", &["-r", "--require", "--import", "--loader"], &["-e", "-p", "--eval", "--print"]),
    ("bash", &["-O", "-o", "+O", "+o", "--rcfile", "--init-file"], &["-c", "-s"]),
    ("dash", &["-o"], &["-c", "-s"]),
    ("busybox", &[], &["-c"]),
    ("sh", &["-o"], &["-c", "-s"]),
    ("lua", &["-l"], &["-e"]),
    ("wine", &[], &[]),
    ("qemu-", &["-cpu", "-L", "-E", "-U", "-0", "-s", "-r", "-B"], &[]),
];

/// The script of a process, absolute where the folder is known.
pub fn of(process: &Process) -> Option<String> {
    let file = process.exe.as_deref()?.rsplit('/').next()?;
    if file.starts_with("php-fpm") {
        return None;
    }
    let (_, valued, none) = INTERPRETERS.iter().find(|(name, ..)| file.starts_with(name))?;
    // What it was started with, whatever it calls itself by now.
    let args = if process.began_as.is_empty() { &process.args } else { &process.began_as };
    let mut words = args.iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--" {
            return words.next().map(|script| absolute(script, process));
        }
        if none.contains(&word.as_str()) || word == "-" {
            return None;
        }
        if valued.contains(&word.as_str()) {
            words.next();
        } else if file.starts_with("php") && word == "-f" {
            return words.next().map(|script| absolute(script, process));
        } else if !word.starts_with('-') {
            return Some(absolute(word, process));
        }
    }
    None
}

/// What PHP is called in servers.
const SERVERS: &[&str] = &["php-fpm", "php-cgi", "lsphp", "apache2", "httpd"];

/// The script among the files that a process has open for reading, with their descriptors: of a server the first PHP
/// file (what that includes was opened later), of an interpreter its standard input.
pub(crate) fn among(process: &Process, files: &[(u16, String)]) -> Option<String> {
    let file = process.exe.as_deref()?.rsplit('/').next()?;
    let found = if SERVERS.iter().any(|name| file.starts_with(name)) {
        files.iter().find(|(_, path)| {
            let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
            ending.is_some_and(|e| e.starts_with("php") || e == "phtml" || e == "inc")
        })
    } else {
        INTERPRETERS.iter().find(|(name, ..)| file.starts_with(name))?;
        files.iter().find(|(fd, _)| *fd == 0)
    };
    found.map(|(_, path)| path.clone())
}

fn absolute(script: &str, process: &Process) -> String {
    match &process.folder {
        // A Windows path is what wine was given.
        _ if script.starts_with('/') || script.contains(":\\") => script.to_owned(),
        Some(folder) => format!("{}/{script}", folder.trim_end_matches('/')),
        None => script.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_hides_no_script() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        let process = Process {
            exe: Some("/usr/bin/perl".into()),
            args: words("/usr/sbin/apache2 -k start"),
            began_as: words("perl /tmp/.x/m"),
            ..Process::default()
        };
        assert_eq!(of(&process).as_deref(), Some("/tmp/.x/m"));
    }

    #[test]
    fn the_file_is_found_among_those_that_are_open() {
        let of = |exe: &str, files: &[(u16, &str)]| {
            let process = Process { exe: Some(exe.into()), ..Process::default() };
            let files: Vec<_> = files.iter().map(|(fd, path)| (*fd, (*path).to_owned())).collect();
            among(&process, &files)
        };
        let open = [(6, "/var/www/a/mailer.php"), (7, "/var/www/a/lib.php")];
        assert_eq!(of("/usr/sbin/php-fpm8.2", &open).as_deref(), Some("/var/www/a/mailer.php"));
        assert_eq!(of("/usr/sbin/php-fpm8.2", &[(4, "/etc/hosts")]), None);
        assert_eq!(
            of("/usr/bin/perl", &[(0, "/tmp/.x"), (3, "/tmp/y")]).as_deref(),
            Some("/tmp/.x")
        );
        assert_eq!(of("/usr/bin/perl", &[(3, "/tmp/list.txt")]), None);
        assert_eq!(of("/usr/lib/postfix/sbin/smtp", &open), None);
    }

    #[test]
    fn the_file_is_found_behind_the_options() {
        for (exe, args, folder, script) in [
            ("/usr/bin/perl", "perl -w -I lib ./a.pl x", "/tmp/.x", Some("/tmp/.x/./a.pl")),
            ("/usr/bin/perl5.36", "/usr/sbin/apache2 /tmp/a", "/", Some("/tmp/a")),
            ("/usr/bin/perl", "perl -e print", "/", None),
            ("/usr/bin/python3.11", "python3 -m smtpd", "/", None),
            ("/usr/bin/python3.11", "python3 send.py", "/srv", Some("/srv/send.py")),
            ("/usr/bin/php8.2", "php -d a=b -f x.php", "/var/www", Some("/var/www/x.php")),
            ("/usr/sbin/php-fpm8.2", "php-fpm: pool www", "/var/www/shop", None),
            ("/bin/dash", "/bin/sh -c /tmp/a.pl", "/root", None),
            ("/bin/bash", "bash /opt/job.sh", "/", Some("/opt/job.sh")),
            ("/usr/bin/node", "node --require x server.js", "/app", Some("/app/server.js")),
            ("/usr/lib/postfix/sbin/smtp", "smtp -t unix -u", "/var/spool/postfix", None),
        ] {
            let process = Process {
                exe: Some(exe.into()),
                args: args.split(' ').map(str::to_owned).collect(),
                folder: Some(folder.into()),
                ..Process::default()
            };
            assert_eq!(of(&process).as_deref(), script, "{args}");
        }
    }
}
