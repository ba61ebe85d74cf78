//! `heloscope helo`: what every program here that can send mail says as its HELO.

use crate::cli::HeloArgs;
use crate::helo::senders::{SENDERS, ask};
use crate::helo::{Said, postfix};
use crate::outcome::{Outcome, Unreadable};
use anyhow::Result;
use std::io::Write;

pub(crate) fn run(args: &HeloArgs) -> Result<Outcome> {
    let mut said: Vec<Said> = postfix::ask(args.address)?.into_iter().collect();
    for sender in SENDERS {
        said.extend(ask(sender, args.address)?);
    }
    if said.is_empty() {
        return Err(
            Unreadable("no program here that is known to send mail by itself".to_owned()).into()
        );
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        let answer = serde_json::json!({ "format": "heloscope.helo/1", "senders": said });
        serde_json::to_writer_pretty(&mut out, &answer)?;
        writeln!(out)?;
    } else {
        for said in &said {
            print(&mut out, said)?;
        }
    }
    out.flush()?;
    let attention = said.iter().any(Said::needs_attention);
    Ok(if attention { Outcome::Attention } else { Outcome::Done })
}

fn print(out: &mut impl Write, said: &Said) -> Result<()> {
    let visible =
        |text: &str| text.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
    let names = if said.helo.is_empty() { "-".to_owned() } else { said.helo.join(", ") };
    write!(out, "{:20} {}", said.sender, visible(&names))?;
    if let Some(remark) = &said.remark {
        write!(out, "  ({})", visible(remark))?;
    }
    writeln!(out)?;
    for note in &said.notes {
        writeln!(
            out,
            "{:20}   a list would note: {} ({})",
            "",
            visible(&note.evidence),
            note.detector
        )?;
    }
    Ok(())
}
