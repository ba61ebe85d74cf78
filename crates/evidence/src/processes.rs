//! `ps auxww`, `ps -ef`, `ps -eo pid,ppid,user,...` -> [`Process`]es. The header names the
//! columns; lines that a terminal has cut are taken as far as they go, and `cut_at` tells.
//! Trees (`ps axf`, `--forest`) give the bare command, and the parent where no column says it.

pub mod exe;
pub(crate) mod scan;
mod tree;
pub mod users;

use crate::facts::Process;
use crate::lines;
use crate::stamp::{self, Clock};
use heloscope_model::{Place, SourceId, Time};
use std::collections::BTreeSet;

/// Processes taken from one table, and bytes of one command line.
const MOST: usize = 100_000;
const LONGEST: usize = 8 << 10;

/// What a column of `ps` holds, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    User,
    Uid,
    Pid,
    Parent,
    Started,
    Command,
    Other,
}

/// Whether a text is a table of `ps`.
pub(crate) fn recognise(text: &[u8]) -> bool {
    exe::recognise(text)
        || users::recognise(text)
        || lines::of(text).take(5).any(|(_, line)| header(line).is_some())
}

/// Reads a section that starts at `base` of its source. `clock` resolves `lstart` stamps.
pub fn read(text: &[u8], source: SourceId, base: u64, clock: &mut Clock) -> Vec<Process> {
    let mut columns = Vec::new();
    let mut found = Vec::new();
    let mut tree = tree::Tree::of(text);
    for (offset, line) in lines::of(text) {
        if let Some(named) = header(line) {
            columns = named;
            tree.header(line);
        } else if !columns.is_empty()
            && let Some(mut process) =
                row(line, &columns, Place::byte(source, base + offset), clock)
        {
            tree.row(line, &mut process);
            found.push(process);
            if found.len() >= MOST {
                break;
            }
        }
    }
    found
}

/// The column at which a terminal cut the commands: several rows of different commands end there,
/// and none goes on.
pub(crate) fn cut_at(text: &[u8]) -> Option<usize> {
    let mut longest = 0;
    let mut ends: BTreeSet<&[u8]> = BTreeSet::new();
    let rows = lines::of(text).take(MOST).map(|(_, line)| line);
    for line in rows.filter(|line| header(line).is_none()) {
        let width = line.utf8_chunks().map(|c| c.valid().chars().count() + c.invalid().len()).sum();
        if width > longest {
            longest = width;
            ends.clear();
        }
        if width == longest && ends.len() < 10 {
            // What stands left of the command differs from row to row anyhow.
            ends.insert(line.get(line.len().saturating_sub(12)..).unwrap_or(line));
        }
    }
    let enough = if longest == 80 { 2 } else { 4 };
    (longest >= 60 && ends.len() >= enough).then_some(longest)
}

/// The columns that a header line names.
fn header(line: &[u8]) -> Option<Vec<Column>> {
    let line = std::str::from_utf8(line.get(..line.len().min(300))?).ok()?;
    let columns: Vec<Column> = line
        .split_whitespace()
        .map(|word| match word {
            "USER" | "EUSER" | "RUSER" | "UNAME" => Column::User,
            "UID" | "EUID" | "RUID" => Column::Uid,
            "PID" => Column::Pid,
            "PPID" => Column::Parent,
            "START" | "STIME" | "STARTED" => Column::Started,
            "COMMAND" | "CMD" | "ARGS" => Column::Command,
            _ => Column::Other,
        })
        .collect();
    let has = |c| columns.contains(&c);
    (has(Column::Pid) && columns.last() == Some(&Column::Command) && columns.len() < 40)
        .then_some(columns)
}

fn row(line: &[u8], columns: &[Column], place: Place, clock: &mut Clock) -> Option<Process> {
    let mut rest = line;
    let (mut user, mut pid, mut parent, mut started) = (String::new(), None, None, None);
    let mut uid = None;
    let mut command = String::new();
    for column in columns {
        rest = rest.trim_ascii_start();
        if *column == Column::Command {
            command = text(rest.get(..rest.len().min(LONGEST)).unwrap_or_default());
            break;
        }
        let (word, after) = word(rest);
        // A line cut by the terminal ends inside its columns.
        if word.is_empty() {
            break;
        }
        match column {
            // A name that is too wide is shown as its number; `ps -ef` heads names with "UID".
            Column::User | Column::Uid => {
                let number = stamp::number(word);
                if number.is_none() || user.is_empty() {
                    user = text(word);
                }
                uid = uid.or(number);
            }
            Column::Pid => pid = Some(stamp::number(word)?),
            Column::Parent => parent = Some(stamp::number(word)?),
            Column::Started => {
                // `lstart` is five words: "Fri Dec  4 14:30:00 2015".
                if word.len() == 3
                    && let Some((time, len)) = long_start(rest, clock)
                {
                    started = Some(time);
                    rest = rest.get(len..).unwrap_or_default();
                    continue;
                }
                // "Dec 04" of some systems is two words.
                if stamp::month_number(word).is_some() && word.len() == 3 {
                    rest = self::word(after.trim_ascii_start()).1;
                    continue;
                }
            }
            Column::Command | Column::Other => {}
        }
        rest = after;
    }
    Some(Process { user, uid, pid: pid?, parent, started, command, place })
}

fn long_start(text: &[u8], clock: &mut Clock) -> Option<(Time, usize)> {
    let stamp = stamp::of_line(text).filter(|s| s.year.is_some())?;
    Some((clock.time(&stamp), stamp.end))
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, b""))
}

fn text(bytes: &[u8]) -> String {
    heloscope_model::octets::lossy_text(bytes.trim_ascii_end()).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<String> {
        let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
        read(text, SourceId(0), 0, &mut clock)
            .iter()
            .map(|p| {
                format!(
                    "{} {} {:?} {} {}",
                    p.user,
                    p.pid,
                    p.parent,
                    p.started.map_or("-".to_owned(), Time::rfc3339),
                    p.command
                )
            })
            .collect()
    }

    #[test]
    fn tables() {
        let aux = b"USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\nroot         1  0.0  0.1  10000  2000 ?        Ss   Dec01   0:01 /sbin/init splash\nwww-data  4711  9.9  0.1  10000  2000 ?        R    14:02  10:01 /usr/sbin/apache2 -k start\nwww-data  4712  0.0\n";
        assert!(recognise(aux));
        assert_eq!(
            all(aux),
            [
                "root 1 None - /sbin/init splash",
                "www-data 4711 None - /usr/sbin/apache2 -k start",
                "www-data 4712 None - "
            ]
        );
        let ef = b"UID        PID  PPID  C STIME TTY          TIME CMD\nwww-data  4711     1 99 Dec 04 ?       00:10:01 perl /tmp/.x\n";
        assert_eq!(all(ef), ["www-data 4711 Some(1) - perl /tmp/.x"]);
        let long = b"USER PID CMD\nroot 42949672960 init\nnobody 4294967295 x\n";
        assert_eq!(all(long), ["nobody 4294967295 None - x"]);
        let eo = b"  PID  PPID USER                      STARTED CMD\n 4711     1 www-data Fri Dec  4 14:02:00 2015 perl /tmp/.x\n";
        assert_eq!(all(eo), ["www-data 4711 Some(1) 2015-12-04T14:02:00Z perl /tmp/.x"]);
    }

    #[test]
    fn user_ids() {
        for (table, want) in [
            ("USER PID CMD\nwww-data 5 x\n", ("www-data", None)),
            ("USER PID CMD\n1001 5 x\n", ("1001", Some(1001))),
            ("PID UID USER CMD\n5 33 www-data x\n", ("www-data", Some(33))),
            ("USER UID PID CMD\nwww-data 33 5 x\n", ("www-data", Some(33))),
            (
                "UID PID PPID C STIME TTY TIME CMD\nwww-data 5 1 0 14:02 ? 00:00:01 x\n",
                ("www-data", None),
            ),
            (
                " PPID   PID  PGID   SID TTY      TPGID STAT   UID   TIME COMMAND\n    1     5     0     0 ?           -1 S       33   0:00 x\n",
                ("33", Some(33)),
            ),
        ] {
            let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
            let found = read(table.as_bytes(), SourceId(0), 0, &mut clock);
            assert_eq!((found[0].user.as_str(), found[0].uid), want, "{table}");
        }
    }

    #[test]
    fn a_terminals_width() {
        let rows = |names: &[&str]| {
            let rows: Vec<String> = names.iter().map(|n| format!("root 1 {n:x>73}")).collect();
            format!("USER PID COMMAND\nroot 1 short\n{}\n", rows.join("\n"))
        };
        let two = rows(&["a", "b"]);
        assert_eq!(cut_at(two.as_bytes()), Some(80));
        assert_eq!(cut_at(format!("{two}root 1 {:y<90}\n", "").as_bytes()), None);
        assert_eq!(cut_at(rows(&["a"]).as_bytes()), None, "one alone is chance");
        assert_eq!(cut_at(rows(&["a", "a"]).as_bytes()), None, "two workers of one program");
    }

    #[test]
    fn trees() {
        let axf = "    PID TTY      STAT   TIME COMMAND
      2 ?        S      0:00 [kthreadd]
      3 ?        S      0:00  \\_ [rcu_gp]
      1 ?        Ss     0:01 /sbin/init
    600 ?        Ss     0:00 /usr/sbin/apache2 -k start
    601 ?        S      0:00  \\_ /usr/sbin/apache2 -k start
    650 ?        S      0:00  |   \\_ sh -c perl /tmp/.x
    651 ?        R     10:01  |       \\_ perl /tmp/.x
    602 ?        S      0:00  \\_ /usr/sbin/apache2 -k start
";
        assert_eq!(
            all(axf.as_bytes()),
            [
                " 2 None - [kthreadd]",
                " 3 Some(2) - [rcu_gp]",
                " 1 None - /sbin/init",
                " 600 None - /usr/sbin/apache2 -k start",
                " 601 Some(600) - /usr/sbin/apache2 -k start",
                " 650 Some(601) - sh -c perl /tmp/.x",
                " 651 Some(650) - perl /tmp/.x",
                " 602 Some(600) - /usr/sbin/apache2 -k start",
            ]
        );
        // A column says it better than the drawing.
        let ef = "UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 06:52 ?        00:00:01 /sbin/init
www-data     650     601  0 14:02 ?        00:00:00  |   \\_ sh -c perl /tmp/.x
";
        assert_eq!(
            all(ef.as_bytes()).last().unwrap(),
            "www-data 650 Some(601) - sh -c perl /tmp/.x"
        );
        // A program may call itself as the branch of a tree: where there is no tree, it is its name.
        let flat = format!("  PID CMD\n{}   99  \\_ sshd\n", "    5 x\n".repeat(20));
        assert_eq!(all(flat.as_bytes()).last().unwrap(), " 99 None - \\_ sshd");
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut text = b"USER PID PPID STARTED CMD\n".to_vec();
            text.extend(bytes);
            cut_at(&text);
            all(&text);
            text.extend(b"\n   5 \\_ x\n \\_ |\\_ \\_ ");
            all(&text);
        }
    }
}
