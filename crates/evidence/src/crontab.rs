//! Crontabs -> [`CronEntry`]s: a user's own (five fields and a command), the system's form with
//! a user's name between (`/etc/crontab`, `/etc/cron.d`).
//!
//! Which form a text has is told by where it came from, by the header comment that Debian and
//! Red Hat ship ("m h dom mon dow user command"), else by its entries: every one names a user.

use crate::facts::CronEntry;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Entries taken from one file, and bytes of one command.
const MOST: usize = 10_000;
const LONGEST: usize = 8 << 10;

/// Where a crontab stands, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Not known.
    Unknown,
    /// A user's own, with his name where it is known.
    Own(Option<String>),
    /// With a user in each line.
    System,
}

impl Form {
    /// By the path it stands for, or the command that printed it.
    pub(crate) fn of(path: &str, command: Option<&str>) -> Self {
        if let Some(command) = command.filter(|c| c.contains("crontab") && c.contains("-l")) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let user = words.windows(2).find_map(|w| match w {
                ["-u", user] => Some((*user).to_owned()),
                _ => None,
            });
            return Self::Own(user);
        }
        let path =
            command.and_then(|c| c.split_whitespace().find(|w| w.contains("cron"))).unwrap_or(path);
        if let Some(at) = path.find("/spool/cron/") {
            let name = path.get(at..).and_then(|p| p.rsplit('/').next()).filter(|n| !n.is_empty());
            return Self::Own(name.map(str::to_owned));
        }
        if path.contains("/cron.d/")
            || path.ends_with("etc/crontab")
            || path.ends_with("/anacrontab")
        {
            return Self::System;
        }
        Self::Unknown
    }
}

/// Whether a text is a crontab: it has entries, and hardly anything else.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let (mut entries, mut others) = (0, 0);
    for (_, line) in lines::of(text).take(300) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if fields(line).is_some() {
            entries += 1;
        } else if !is_assignment(line) {
            others += 1;
        }
    }
    entries > 0 && others * 4 <= entries
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64, form: &Form) -> Vec<CronEntry> {
    let named = || {
        lines::of(text).any(|(_, line)| {
            let lower = line.to_ascii_lowercase();
            let has = |w: &[u8]| memchr::memmem::find(&lower, w).is_some();
            line.starts_with(b"#") && has(b"dow") && (has(b"user") || has(b"who"))
        })
    };
    let all_named = || {
        let mut commands =
            lines::of(text).filter_map(|(_, l)| fields(l.trim_ascii())).map(|(_, c)| c).peekable();
        commands.peek().is_some() && commands.all(|c| user_and_command(c).is_some())
    };
    let system = match form {
        Form::System => true,
        Form::Own(_) => false,
        Form::Unknown => named() || all_named(),
    };
    let mut found = Vec::new();
    for (offset, line) in lines::of(text) {
        let line = line.trim_ascii();
        if line.starts_with(b"#") || is_assignment(line) {
            continue;
        }
        let Some((when, command)) = fields(line) else { continue };
        let (user, command) = if system {
            let (user, command) = word(command);
            (Some(lossy(user)), command.trim_ascii_start())
        } else {
            let user = match form {
                Form::Own(user) => user.clone(),
                _ => None,
            };
            (user, command)
        };
        let when = lossy(when).split_whitespace().collect::<Vec<_>>().join(" ");
        let place = Place::byte(source, base + offset);
        found.push(CronEntry { when, user, command: lossy(command), place });
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// The time fields and what follows.
fn fields(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if line.starts_with(b"@") {
        let (when, rest) = word(line);
        let known: [&[u8]; 8] = [
            b"@reboot",
            b"@yearly",
            b"@annually",
            b"@monthly",
            b"@weekly",
            b"@daily",
            b"@hourly",
            b"@midnight",
        ];
        return known
            .contains(&when)
            .then_some((when, rest.trim_ascii_start()))
            .filter(|(_, c)| !c.is_empty());
    }
    let mut rest = line;
    for field in 0..5 {
        let (part, after) = word(rest);
        let names = field >= 3;
        let right = !part.is_empty()
            && part.len() < 100
            && part.iter().all(|b| {
                b.is_ascii_digit()
                    || matches!(b, b'*' | b'/' | b',' | b'-' | b'~')
                    || names && b.is_ascii_alphabetic()
            })
            && part.iter().any(|b| b.is_ascii_digit() || *b == b'*' || names);
        if !right {
            return None;
        }
        rest = after.trim_ascii_start();
    }
    let when = line.get(..line.len() - rest.len())?;
    (!rest.is_empty()).then_some((when, rest))
}

/// `NAME=value`.
fn is_assignment(line: &[u8]) -> bool {
    match memchr::memchr(b'=', line) {
        Some(at) => line.get(..at).is_some_and(|n| {
            !n.is_empty() && n.trim_ascii().iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        }),
        None => false,
    }
}

/// A user's name in front of a command.
fn user_and_command(command: &[u8]) -> Option<(&[u8], &[u8])> {
    const PROGRAMS: [&[u8]; 26] = [
        b"cd",
        b"php",
        b"perl",
        b"python",
        b"python3",
        b"wget",
        b"curl",
        b"test",
        b"sh",
        b"bash",
        b"nice",
        b"find",
        b"rm",
        b"cp",
        b"mv",
        b"run-parts",
        b"sleep",
        b"echo",
        b"nohup",
        b"env",
        b"exec",
        b"sudo",
        b"flock",
        b"ionice",
        b"timeout",
        b"node",
    ];
    let (user, rest) = word(command);
    let rest = rest.trim_ascii_start();
    let plain = user.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_')
        && user.len() <= 32
        && user.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (plain && !rest.is_empty() && !rest.starts_with(b"-") && !PROGRAMS.contains(&user))
        .then_some((user, rest))
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, b""))
}

fn lossy(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
    heloscope_model::octets::lossy_text(cut).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8], form: &Form) -> Vec<String> {
        read(text, SourceId(0), 0, form)
            .iter()
            .map(|e| format!("{}|{}|{}", e.when, e.user.as_deref().unwrap_or("-"), e.command))
            .collect()
    }

    #[test]
    fn both_forms() {
        let own = b"# m h  dom mon dow   command\nMAILTO=\"\"\n*/15 * * * * perl /var/tmp/.x >/dev/null 2>&1\n@reboot /home/web/start.sh\n";
        assert!(recognise(own));
        assert_eq!(
            all(own, &Form::Unknown),
            ["*/15 * * * *|-|perl /var/tmp/.x >/dev/null 2>&1", "@reboot|-|/home/web/start.sh"]
        );
        assert_eq!(
            all(own, &Form::Own(Some("www-data".into())))[1],
            "@reboot|www-data|/home/web/start.sh"
        );
        let system = b"SHELL=/bin/sh\n# m h dom mon dow user\tcommand\n17 *\t* * *\troot    cd / && run-parts /etc/cron.hourly\n25 6 * * mon-fri www-data php /x.php\n";
        assert!(recognise(system));
        assert_eq!(
            all(system, &Form::Unknown),
            [
                "17 * * * *|root|cd / && run-parts /etc/cron.hourly",
                "25 6 * * mon-fri|www-data|php /x.php"
            ]
        );
        assert_eq!(
            all(b"0 5 * * * backup /usr/bin/x\n", &Form::Unknown),
            ["0 5 * * *|backup|/usr/bin/x"]
        );
        assert!(!recognise(b"Hello 1 2 3\n4 5 6 7 8\n"));
    }

    #[test]
    fn where_it_came_from() {
        assert_eq!(
            Form::of("/var/spool/cron/crontabs/www-data", None),
            Form::Own(Some("www-data".into()))
        );
        assert_eq!(Form::of("/etc/cron.d/php", None), Form::System);
        assert_eq!(Form::of("x.txt", Some("crontab -l -u web")), Form::Own(Some("web".into())));
        assert_eq!(Form::of("x.txt", Some("cat /etc/cron.d/x")), Form::System);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9*@=a-z \t\n/-]{0,100}") {
            recognise(text.as_bytes());
            read(text.as_bytes(), SourceId(0), 0, &Form::Unknown);
        }
    }
}
