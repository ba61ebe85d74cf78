//! What the recorder notes of a connection, as it is stored: one line of JSON each.
//!
//! Names, paths and arguments are bytes that a program chose: they are kept as text in which what is no UTF-8 or
//! would move a reader's cursor is escaped (`\\xNN`), and are cut where they are long. Times are UTC.

use crate::forwarded::Passing;
use crate::headers::{Heard, Lease};
use crate::names::Place;
use crate::witness::Means;
use crate::words::Spoken;
use heloscope_model::Time;
use serde::{Serialize, Serializer};
use std::net::SocketAddr;
use std::sync::Arc;

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Noted {
    /// The watching begins: what was before is not known.
    Began {
        /// When.
        #[serde(serialize_with = "utc")]
        time: Time,
        /// How connections are seen.
        means: Means,
        /// The ports that are watched.
        ports: Vec<u16>,
        /// What is not seen, in words.
        unseen: Vec<String>,
    },
    /// The watching goes on: what no line tells of did not happen.
    Watching {
        /// When.
        #[serde(serialize_with = "utc")]
        time: Time,
        /// How.
        means: Means,
    },
    /// The watching ended in good order.
    Stopped {
        /// When.
        #[serde(serialize_with = "utc")]
        time: Time,
    },
    /// A connection is open, or could not be opened.
    Connection(Box<Connection>),
    /// An open connection is over.
    Ended(Ended),
    /// What was said in clear on a connection of this host, or one that passes through it.
    Words(Box<Spoken>),
    /// A connection from behind this host.
    Passing {
        /// When it was seen.
        #[serde(serialize_with = "utc")]
        time: Time,
        /// Which.
        #[serde(flatten)]
        passing: Passing,
    },
    /// The same, by its headers, with what became of it.
    #[serde(rename = "passing")]
    Heard(Box<Heard>),
    /// Whose an address is from now on.
    Lease(Box<Lease>),
    /// Events that could not be handed over or kept: connections may be missing here.
    Lost {
        /// How many, or more.
        events: u64,
        /// After this.
        #[serde(serialize_with = "utc")]
        since: Time,
        /// And before this.
        #[serde(serialize_with = "utc")]
        time: Time,
    },
}

/// A connection that this host opened, or tried to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connection {
    /// Names the connection in [`Ended`]; the kernel's cookie of the socket.
    pub socket: u64,
    /// When it began.
    #[serde(serialize_with = "utc")]
    pub start: Time,
    /// Whether it had begun before it was seen: the start is then when it was, and the process who had it by then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// From where, once that is known.
    pub client: Option<SocketAddr>,
    /// To where.
    pub server: SocketAddr,
    /// `open`, or the error's name (`ECONNREFUSED`); none while nothing is known.
    pub outcome: Option<String>,
    /// Who opened it.
    pub process: Process,
    /// The number of its control group.
    pub cgroup: u64,
    /// The number of its network namespace.
    pub netns: u32,
    /// The script that its interpreter runs, as far as it shows.
    pub script: Option<String>,
    /// Files that an interpreter had open for reading at that moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Who started it, the nearest first, as each was when it did.
    #[serde(serialize_with = "all")]
    pub ancestors: Arc<[Process]>,
    /// Where it runs: unit, container.
    #[serde(flatten)]
    pub place: Place,
}

/// A process as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Process {
    /// Its number; 0 where the process is not known, its user alone.
    pub pid: u32,
    /// The thread's number, where it is not the process's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<u32>,
    /// Whose it is.
    pub uid: u32,
    /// With whose rights it acts, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euid: Option<u32>,
    /// The name it gives itself.
    pub comm: String,
    /// The file that is executed.
    pub exe: Option<String>,
    /// Whether that file is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Its arguments.
    pub args: Vec<String>,
    /// Those that it was started with, where it has written others over them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub began_as: Vec<String>,
    /// The folder it works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// When it began.
    #[serde(serialize_with = "utc_or_none", skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
}

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Which.
    pub socket: u64,
    /// When.
    #[serde(serialize_with = "utc")]
    pub end: Time,
    /// Bytes heard.
    pub received: u64,
    /// Bytes sent that arrived.
    pub sent: u64,
}

/// A program's bytes as text.
pub fn text(bytes: &[u8]) -> String {
    let is_plain = |b: &u8| matches!(b, b' '..=b'~') && *b != b'\\';
    if bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() || c == '\\' {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

fn all<S: Serializer>(processes: &Arc<[Process]>, to: S) -> Result<S::Ok, S::Error> {
    <[Process]>::serialize(processes, to)
}

pub(crate) fn utc<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time.rfc3339())
}

pub(crate) fn utc_or_none<S: Serializer>(time: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => utc(time, to),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pretend_to_be_two_lines() {
        assert_eq!(text(b"/tmp/a\nb"), "/tmp/a\\nb");
        assert_eq!(text(b"caf\xc3\xa9\xff\\"), "caf\u{e9}\\xff\\\\");
    }
}
