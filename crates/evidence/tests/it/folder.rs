//! A temporary folder of evidence, and a sink that keeps everything.

use heloscope_evidence::{
    AuthEvent, Connection, Evidence, Input, MailCopy, Proxied, Request, Sink,
};
use heloscope_maillog::{Login, Mail, Reject};
use heloscope_model::Session;
use std::path::{Path, PathBuf};

/// A folder that is removed when dropped.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().to_path_buf()
    }

    /// Writes a file, its folders made.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Sets a file's modification.
    pub(crate) fn touch(&self, name: &str, at: &str) {
        let at: jiff::Timestamp = at.parse().unwrap();
        let file = std::fs::File::options().write(true).open(self.0.path().join(name)).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(at.as_second() as u64);
        file.set_modified(at).unwrap();
    }

    pub(crate) fn open(&self) -> Evidence {
        heloscope_evidence::open(&[self.path()])
    }
}

/// The input of a file, by the end of its path and the word of its kind.
pub(crate) fn input<'a>(evidence: &'a Evidence, end: &str, kind: &str) -> &'a Input {
    let found = evidence.inputs.iter().find(|i| i.path.ends_with(end) && i.kind.word() == kind);
    found.unwrap_or_else(|| panic!("no {kind} {end} in {:#?}", shown(evidence)))
}

/// Path, kind and note of every input.
pub(crate) fn shown(evidence: &Evidence) -> Vec<String> {
    let name =
        |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    evidence
        .inputs
        .iter()
        .map(|i| format!("{} {} {} {:?}", name(&i.path), i.kind, i.records, i.note))
        .collect()
}

/// Everything a stream gave, and the order of the kinds.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) sessions: Vec<Session>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) auth: Vec<AuthEvent>,
    pub(crate) proxied: Vec<Proxied>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) logins: Vec<Login>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) requests: Vec<Request>,
    pub(crate) copies: Vec<MailCopy>,
    pub(crate) order: Vec<&'static str>,
}

impl Kept {
    pub(crate) fn of(evidence: &mut Evidence) -> Self {
        let mut kept = Self::default();
        evidence.stream(&mut kept, &mut |_, _| {});
        kept
    }

    fn seen(&mut self, what: &'static str) {
        if self.order.last() != Some(&what) {
            self.order.push(what);
        }
    }
}

impl Sink for Kept {
    fn session(&mut self, session: Session) {
        self.seen("session");
        self.sessions.push(session);
    }
    fn connection(&mut self, connection: Connection) {
        self.seen("connection");
        self.connections.push(connection);
    }
    fn auth(&mut self, event: AuthEvent) {
        self.seen("auth");
        self.auth.push(event);
    }
    fn proxied(&mut self, proxied: Proxied) {
        self.seen("proxied");
        self.proxied.push(proxied);
    }
    fn mail(&mut self, mail: Mail) {
        self.seen("mail");
        self.mails.push(mail);
    }
    fn login(&mut self, login: Login) {
        self.seen("mail");
        self.logins.push(login);
    }
    fn reject(&mut self, reject: Reject) {
        self.seen("mail");
        self.rejects.push(reject);
    }
    fn request(&mut self, request: Request) {
        self.seen("request");
        self.requests.push(request);
    }
    fn mail_copy(&mut self, copy: MailCopy) {
        self.seen("copy");
        self.copies.push(copy);
    }
}
