//! Text collected by hand -> its sections. People paste the output of several commands into one
//! file, each below the command ("# ps auxww", "user@mail:~$ ss -tanp", "==> /etc/crontab <==").
//!
//! A line is taken for such a header only when it holds a prompt and a known command, or a path
//! between the marks; a file without headers is one section.

use crate::lines;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The byte it starts at.
    pub(crate) start: usize,
    /// The byte after its last.
    pub(crate) end: usize,
    /// The command or path above it.
    pub(crate) command: Option<String>,
}

/// Sections taken from one file.
const MOST: usize = 500;

/// Commands whose output is evidence, or is known not to be.
const COMMANDS: [&str; 55] = [
    "ps",
    "ss",
    "netstat",
    "conntrack",
    "postconf",
    "crontab",
    "cat",
    "iptables",
    "ip6tables",
    "iptables-save",
    "ip6tables-save",
    "iptables-legacy",
    "ip6tables-legacy",
    "iptables-legacy-save",
    "ip6tables-legacy-save",
    "iptables-nft-save",
    "ip6tables-nft-save",
    "ipset",
    "nft",
    "ip",
    "find",
    "ls",
    "dig",
    "drill",
    "host",
    "nslookup",
    "mailq",
    "postqueue",
    "lsof",
    "last",
    "lastb",
    "who",
    "w",
    "uptime",
    "date",
    "hostname",
    "grep",
    "zgrep",
    "tail",
    "head",
    "journalctl",
    "dmesg",
    "wg",
    "clamscan",
    "clamdscan",
    "debsums",
    "aide",
    "tripwire",
    "twprint",
    "maldet",
    "pflogsumm",
    "rkhunter",
    "chkrootkit",
    "uname",
    "top",
];

/// Splits a text.
pub(crate) fn split(text: &[u8]) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut open = Section { start: 0, end: text.len(), command: None };
    let mut blank = true;
    for (offset, line) in lines::of(text) {
        if let Some(command) = header(line) {
            let offset = usize::try_from(offset).unwrap_or(text.len());
            open.end = offset;
            if !blank || open.command.is_some() {
                found.push(open);
            }
            if found.len() >= MOST {
                return found;
            }
            let start = text.get(offset..).and_then(|t| memchr::memchr(b'\n', t));
            let start = start.map_or(text.len(), |n| offset + n + 1);
            open = Section { start, end: text.len(), command: Some(command) };
            blank = true;
        } else if !line.trim_ascii().is_empty() {
            blank = false;
        }
    }
    found.push(open);
    found
}

/// The command of a header line.
fn header(line: &[u8]) -> Option<String> {
    if line.len() > 300 {
        return None;
    }
    let line = std::str::from_utf8(line).ok()?.trim();
    // "==> /var/log/syslog <==" of tail and head; "=== ps auxww ===" of people.
    if let Some(inner) = line.strip_prefix("==") {
        let inner = inner.trim_start_matches(['=', '>']).trim_end_matches(['=', '<']).trim();
        return (inner.starts_with('/') || is_command(inner)).then(|| inner.to_owned());
    }
    // A prompt: "# ", "$ ", "user@host:~# ", "[root@host ~]# ".
    let at = line.find(['#', '$']).filter(|at| *at < 80)?;
    let (front, rest) = line.split_at_checked(at)?;
    let prompt = front.is_empty()
        || front.contains('@') && !front.trim_end().contains(' ')
        || front.starts_with('[') && front.trim_end().ends_with(']');
    let rest = rest.get(1..)?;
    if !prompt || !rest.starts_with(' ') {
        return None;
    }
    let command = rest.trim();
    is_command(command).then(|| command.to_owned())
}

/// Whether words begin with a known command, as one types it.
fn is_command(words: &str) -> bool {
    let mut words = words.split_whitespace().skip_while(|w| *w == "sudo" || *w == "doas");
    let Some(first) = words.next() else { return false };
    let name = first.rsplit('/').next().unwrap_or(first);
    // Prose goes on in words ("# last words of ..."): arguments have dashes, slashes, digits.
    let argument = |w: &str| {
        w.starts_with(['-', '/', '|', '.', '~', '+', '>', '\'', '"'])
            || w.contains(['/', '.', '_', '=', '-', ','])
            || w.len() <= 3
            || matches!(
                w,
                "list"
                    | "ruleset"
                    | "auxww"
                    | "auxf"
                    | "show"
                    | "dump"
                    | "addr"
                    | "route"
                    | "auxwwf"
                    | "grep"
                    | "axjf"
                    | "filter"
                    | "mangle"
                    | "security"
                    | "table"
                    | "tables"
                    | "inet"
                    | "save"
                    | "INPUT"
                    | "OUTPUT"
                    | "FORWARD"
                    | "PREROUTING"
                    | "POSTROUTING"
            )
    };
    COMMANDS.contains(&name) && words.all(argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for (line, want) in [
            ("# ps auxww", Some("ps auxww")),
            ("$ ss -tanp", Some("ss -tanp")),
            ("root@mail:~# postconf -n", Some("postconf -n")),
            ("[root@mail ~]# sudo crontab -l -u www-data", Some("sudo crontab -l -u www-data")),
            ("==> /var/log/syslog <==", Some("/var/log/syslog")),
            ("=== netstat -tanp ===", Some("netstat -tanp")),
            ("# iptables -t filter -L OUTPUT -v -n", Some("iptables -t filter -L OUTPUT -v -n")),
            ("# ipset save", Some("ipset save")),
            ("# cat /etc/crontab", Some("cat /etc/crontab")),
            ("# ps -eo pid,ppid,args", Some("ps -eo pid,ppid,args")),
            ("# m h dom mon dow command", None),
            ("# host names of the internal network follow below", None),
            ("# See /usr/share/postfix/main.cf.dist", None),
            ("price $ 5", None),
        ] {
            assert_eq!(header(line.as_bytes()).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn split_keeps_every_byte_but_headers() {
        let text = b"\n# ps aux\nUSER PID COMMAND\n\n$ ss -tnp\nState Recv-Q\n";
        let parts = split(text);
        let shown: Vec<(&str, &str)> = parts
            .iter()
            .map(|s| {
                (
                    s.command.as_deref().unwrap_or("-"),
                    std::str::from_utf8(&text[s.start..s.end]).unwrap(),
                )
            })
            .collect();
        assert_eq!(shown, [("ps aux", "USER PID COMMAND\n\n"), ("ss -tnp", "State Recv-Q\n")]);
        assert_eq!(split(b"plain\ntext\n"), [Section { start: 0, end: 11, command: None }]);
        assert_eq!(split(b""), [Section { start: 0, end: 0, command: None }]);
    }
}
