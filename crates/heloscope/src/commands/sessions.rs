//! `heloscope sessions`: every SMTP session, one JSON object a line, as it ends.

mod from_log;

use crate::cli::Sessions;
use crate::outcome::Outcome;
use heloscope_detect::Detection;
use heloscope_evidence::{Kind, Sink};
use heloscope_maillog::{Mail, Reject};
use heloscope_model::Session;
use std::io::{BufWriter, StdoutLock, Write};

pub(crate) fn run(args: &Sessions) -> anyhow::Result<Outcome> {
    let mut evidence = heloscope_evidence::open(&args.files);
    let mut lines = Lines { out: BufWriter::new(std::io::stdout().lock()), failed: None };
    evidence.stream(&mut lines, &mut |_, _| {});
    if let Some(error) = lines.failed {
        return Err(error.into());
    }
    lines.out.flush()?;
    for input in &evidence.inputs {
        if let Some(note) = &input.note {
            eprintln!("heloscope: {}: {note}", input.path.display());
        }
    }
    let readable = evidence.inputs.iter().any(|i| matches!(i.kind, Kind::Capture | Kind::MailLog));
    Ok(if readable { Outcome::Done } else { Outcome::NothingReadable })
}

/// Prints as sessions come.
struct Lines<'a> {
    out: BufWriter<StdoutLock<'a>>,
    failed: Option<std::io::Error>,
}

impl Lines<'_> {
    /// Prints unless printing has failed already.
    fn take(&mut self, session: &Session, detections: &[Detection]) {
        if self.failed.is_none() {
            self.failed = self.print(session, detections).err();
        }
    }

    fn print(&mut self, session: &Session, detections: &[Detection]) -> std::io::Result<()> {
        let line = heloscope_model::session::json::line(session, detections);
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }
}

impl Sink for Lines<'_> {
    fn session(&mut self, session: Session) {
        self.take(&session, &heloscope_detect::judge(&session));
    }

    fn mail(&mut self, mail: Mail) {
        if let Some(session) = from_log::of_mail(&mail) {
            self.take(&session, &[]);
        }
    }

    fn reject(&mut self, reject: Reject) {
        if let Some(session) = from_log::of_reject(&reject) {
            self.take(&session, &[]);
        }
    }
}
