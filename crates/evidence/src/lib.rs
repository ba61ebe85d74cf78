//! Any file an administrator has, recognised by content and read into typed evidence.
//!
//! [`open`] walks the paths, recognises every file (pass 0) and reads the small kinds whole
//! into [`Facts`]; [`Evidence::stream`] then streams the large kinds, captures first, into a
//! [`Sink`] (pass 1); [`Evidence::quote`] re-reads what is quoted (pass 2). Reading is all it
//! does: nothing is executed, nothing is resolved, nothing leaves the machine.

mod archive;
pub mod authlog;
mod calendar;
pub mod connections;
pub mod crontab;
pub mod dns_facts;
pub mod facts;
pub mod firewall;
pub mod kind;
pub mod leases;
pub mod lines;
pub mod list_answers;
mod logline;
pub mod mail_summary;
pub mod messages;
pub mod notices;
mod open;
mod opened;
mod packets;
mod plan;
pub mod processes;
pub mod proxylog;
mod quote;
mod recognise;
mod sample;
pub mod scanners;
mod sections;
pub mod settings;
pub mod site;
mod sources;
pub mod stamp;
mod stream;
pub mod vpn;
mod walk;
pub mod weblog;
pub mod webroot;

pub use facts::{
    AuthEvent, AuthWhat, Connection, CronEntry, DnsFact, Facts, Figure, Lease, ListAnswer,
    ListState, MailCopy, Opener, Process, Proxied, Request, Running, ScanFinding, ScanKind,
    Setting, Site, Unread, User, VpnClient, WebFile,
};
pub use kind::Kind;

use heloscope_model::{Place, Session, SourceId, Time};
use std::path::{Path, PathBuf};

/// Takes the large kinds as they are read. Each method has an empty default.
pub trait Sink {
    /// An SMTP session of a capture (already merged within its file).
    fn session(&mut self, _session: Session) {}
    /// A TCP connection or attempt that a firewall log, `ss`, `netstat` or `conntrack` names.
    fn connection(&mut self, _connection: Connection) {}
    /// A mail of a mail log.
    fn mail(&mut self, _mail: heloscope_maillog::Mail) {}
    /// A login of a mail log.
    fn login(&mut self, _login: heloscope_maillog::Login) {}
    /// A refusal of a mail log.
    fn reject(&mut self, _reject: heloscope_maillog::Reject) {}
    /// A connection to a mail server that a mail log names and no delivery line does.
    fn attempt(&mut self, _attempt: heloscope_maillog::Attempt) {}
    /// A line of a mail log that ties two queue ids together.
    fn link(&mut self, _link: heloscope_maillog::Link) {}
    /// A login, a command, a tunnel or an upload of an auth log.
    fn auth(&mut self, _event: AuthEvent) {}
    /// A request of a proxy's log.
    fn proxied(&mut self, _proxied: Proxied) {}
    /// A request of a web log.
    fn request(&mut self, _request: Request) {}
    /// A message kept as a file.
    fn mail_copy(&mut self, _copy: MailCopy) {}
}

/// One input as the report lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its number.
    pub source: SourceId,
    /// The path as given or found.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Records read.
    pub records: u64,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// What went wrong or is worth knowing: file, place, reason.
    pub note: Option<String>,
    /// Of captures: filter, interfaces, drops, as the `coverage` part of the report tells it.
    pub what: Option<String>,
    /// Stretches this input should cover but does not.
    pub gaps: Vec<(Time, Time)>,
}

/// A quoted record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The input's path.
    pub source: PathBuf,
    /// `line 4711`, `frame 812`, `byte 9034`, or empty for the whole.
    pub locator: String,
    /// The text, one line, control characters made visible, cut at 500 characters.
    pub text: String,
}

/// Everything that was handed over, recognised, the small kinds read.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The small kinds.
    pub facts: Facts,
    /// Every input.
    pub inputs: Vec<Input>,
    /// Every file that records come from.
    sources: sources::Sources,
    /// What is to be streamed.
    plan: plan::Plan,
}

/// Walks and recognises, and reads the small kinds. `-` is standard input.
pub fn open(paths: &[PathBuf]) -> Evidence {
    open::open(paths)
}

impl Evidence {
    /// Streams captures, connections, auth logs, proxy logs, mail logs, web logs and message copies, in this order,
    /// each kind in order of time; fills in the inputs' records, stamps and notes. `progress` is
    /// told (bytes done, bytes in all).
    pub fn stream(&mut self, sink: &mut dyn Sink, progress: &mut dyn FnMut(u64, u64)) {
        stream::run(self, sink, progress);
    }

    /// Instead of streaming: the numbers of all mail logs together, counted on so many threads
    /// beside the caller's.
    pub fn summarize(
        &mut self,
        threads: usize,
        progress: &mut dyn FnMut(u64, u64),
    ) -> heloscope_maillog::Summary {
        stream::count(self, threads, progress)
    }

    /// The record at a place, re-read.
    pub fn quote(&self, place: Place) -> Option<Quote> {
        self.quotes(&[place]).pop().flatten()
    }

    /// The records at places, in their order; each file is read once.
    pub fn quotes(&self, places: &[Place]) -> Vec<Option<Quote>> {
        quote::all(self, places)
    }

    /// The path of a source: the very file, also where an input stands for many.
    pub fn path(&self, source: SourceId) -> Option<&Path> {
        self.sources.get(source).map(|s| s.path.as_path())
    }

    /// Shows what lies below a path as if it lay below another: a gathered copy by the name of what it is a copy of.
    pub fn name_below(&mut self, below: &Path, name: &Path) {
        let shown = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix(below) {
                let is_it = rest.as_os_str().is_empty();
                *path = if is_it { name.to_owned() } else { name.join(rest) };
            }
        };
        self.inputs.iter_mut().for_each(|input| shown(&mut input.path));
        self.sources.paths().for_each(shown);
    }

    /// The input a source belongs to.
    pub fn input(&self, source: SourceId) -> Option<&Input> {
        self.inputs.get(self.sources.get(source)?.input)
    }
}
