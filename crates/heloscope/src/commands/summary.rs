//! `heloscope summary`: the numbers of mail logs, for a person or as JSON.

use crate::cli::Summary;
use crate::outcome::Outcome;
use crate::progress::Progress;
use heloscope_evidence::Kind;
use std::io::Write;

pub(crate) fn run(args: &Summary) -> anyhow::Result<Outcome> {
    let mut evidence = heloscope_evidence::open(&args.files);
    for input in evidence.inputs.iter().filter(|i| i.kind != Kind::MailLog) {
        let note = input.note.as_deref().unwrap_or("not a mail log, left out");
        eprintln!("heloscope: {}: {note}", input.path.display());
    }
    if evidence.inputs.iter().all(|i| i.kind != Kind::MailLog) {
        eprintln!(
            "heloscope: none of these is a Postfix log (give /var/log/mail.log and the like)"
        );
        return Ok(Outcome::NothingReadable);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut progress = Progress::new("counting");
    let summary = evidence.summarize(threads, &mut |done, all| progress.tell(done, all));
    progress.end();
    for input in evidence.inputs.iter().filter(|i| i.kind == Kind::MailLog) {
        if let Some(note) = &input.note {
            eprintln!("heloscope: {}: {note}", input.path.display());
        }
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &summary)?;
        writeln!(out)?;
    } else {
        write!(out, "{summary}")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
