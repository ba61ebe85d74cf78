//! Prints one line for each SMTP session of a capture file, then what the capture was: the
//! reader's whole way without the command line around it, for measuring (bench/capture).

#![allow(clippy::print_stdout)] // an example's output

use heloscope_capture::{Options, read};
use heloscope_model::SourceId;
use std::io::{BufWriter, Write};

fn main() -> std::io::Result<()> {
    let Some(path) = std::env::args_os().nth(1) else {
        return Err(std::io::Error::other("usage: sessions FILE"));
    };
    let mut file = std::fs::File::open(path)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut failed = Ok(());
    let report = read(SourceId(0), &mut file, &Options::default(), &mut |session| {
        let helo = session.dialogue.helo().map(|(verb, name)| format!("{verb} {name}"));
        let written = writeln!(
            out,
            "{} {} > {} {:?} {} commands {} messages {:?} bytes {:?}",
            session.start,
            session.client,
            session.server,
            helo.unwrap_or_default(),
            session.dialogue.commands.len(),
            session.dialogue.messages.len(),
            session.bytes,
            session.end_state,
        );
        if let Err(error) = written {
            failed = Err(error);
        }
    });
    failed?;
    writeln!(out, "{report:?}")?;
    out.flush()
}
