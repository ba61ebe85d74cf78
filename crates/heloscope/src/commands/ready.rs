//! `heloscope ready`: whether to ask the list for removal yet.

use crate::cli::Ready;
use crate::live;
use crate::outcome::{Outcome, Unreadable};
use crate::progress::Progress;
use anyhow::Result;
use heloscope_investigate::answer::{self, Removal};
use heloscope_investigate::investigate;
use heloscope_model::Time;
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Answer<'a> {
    format: &'static str,
    #[serde(flatten)]
    removal: &'a Removal,
}

pub(crate) fn run(args: &Ready) -> Result<Outcome> {
    let mut given = live::open(&args.given)?;
    if let Some(fixed) = args.fixed {
        given.evidence.facts.site.fixed.push((Time::from_secs(fixed), "--fixed".to_owned()));
    }
    let mut progress = Progress::new("reading");
    let answer = investigate(&mut given.evidence, &mut |done, all| progress.tell(done, all));
    progress.end();
    let removal = answer.removal.ok_or_else(|| {
        Unreadable("no list has written: give its notice, or the text of its page, too".to_owned())
    })?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let answer = Answer { format: "heloscope.ready/1", removal: &removal };
        serde_json::to_writer_pretty(&mut out, &answer)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{removal}")?;
    }
    out.flush()?;
    let is_time = matches!(removal.ready, answer::Ready::Yes | answer::Ready::NoNeed);
    Ok(if is_time { Outcome::Done } else { Outcome::Attention })
}
