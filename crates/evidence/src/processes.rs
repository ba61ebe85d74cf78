//! `ps auxww`, `ps -ef`, `ps -eo pid,ppid,user,...` -> [`Process`]es. The header names the
//! columns; lines that a terminal has cut are taken as far as they go.

use crate::facts::Process;
use crate::lines;
use crate::stamp::{self, Clock};
use heloscope_model::{Place, SourceId, Time};

/// Processes taken from one table, and bytes of one command line.
const MOST: usize = 100_000;
const LONGEST: usize = 8 << 10;

/// What a column of `ps` holds, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    User,
    Pid,
    Parent,
    Started,
    Command,
    Other,
}

/// Whether a text is a table of `ps`.
pub(crate) fn recognise(text: &[u8]) -> bool {
    lines::of(text).take(5).any(|(_, line)| header(line).is_some())
}

/// Reads a section that starts at `base` of its source. `clock` resolves `lstart` stamps.
pub fn read(text: &[u8], source: SourceId, base: u64, clock: &mut Clock) -> Vec<Process> {
    let mut columns = Vec::new();
    let mut found = Vec::new();
    for (offset, line) in lines::of(text) {
        if let Some(named) = header(line) {
            columns = named;
        } else if !columns.is_empty()
            && let Some(process) = row(line, &columns, Place::byte(source, base + offset), clock)
        {
            found.push(process);
            if found.len() >= MOST {
                break;
            }
        }
    }
    found
}

/// The columns that a header line names.
fn header(line: &[u8]) -> Option<Vec<Column>> {
    let line = std::str::from_utf8(line.get(..line.len().min(300))?).ok()?;
    let columns: Vec<Column> = line
        .split_whitespace()
        .map(|word| match word {
            "USER" | "UID" | "EUSER" | "RUSER" => Column::User,
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
            Column::User => user = text(word),
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
    Some(Process { user, uid: None, pid: pid?, parent, started, command, place })
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

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut text = b"USER PID PPID STARTED CMD\n".to_vec();
            text.extend(bytes);
            all(&text);
        }
    }
}
