//! Which script an interpreter runs, from its name, arguments and working folder. Pure.
//!
//! What is not sure is not said: code given on the command line (`perl -e`) or on standard input has no file;
//! php-fpm says only its pool, so its folder, into which it changes for each script, is all that shows.

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
    let mut words = process.args.iter().skip(1);
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
