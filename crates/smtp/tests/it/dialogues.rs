//! `tests/dialogues/*.txt`: what was on the wire, and what the machine must make of it.
//!
//! Cases are parted by lines `=== title`; in each a script (see `heloscope_smtp::script`), a line
//! `---`, and the outline that must come out. `UPDATE_DIALOGUES=1` writes the outlines anew: read
//! the difference before you keep it.

use heloscope_model::session::{Dialogue, Reply};
use heloscope_smtp::{Limits, script};
use std::fmt::Write;
use std::path::Path;

#[test]
fn documents() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut wrong = String::new();
    let mut cases = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut parts = text.split("=== ");
        let mut renewed = parts.next().unwrap().to_owned();
        for case in parts {
            cases += 1;
            let (title, body) = case.split_once('\n').unwrap();
            let (dialogue, expected) = body.split_once("---\n").unwrap_or((body, ""));
            let turns = script::parse(dialogue).unwrap();
            let found = outline(&script::play(&turns, &Limits::default()));
            if found.trim() != expected.trim() {
                let name = file.file_name().unwrap().to_string_lossy();
                writeln!(wrong, "{name}: {title}\n{found}").unwrap();
            }
            write!(renewed, "=== {title}\n{dialogue}---\n{found}\n").unwrap();
        }
        #[allow(clippy::disallowed_methods)] // a switch for the person who edits the documents
        if std::env::var("UPDATE_DIALOGUES").is_ok() {
            std::fs::write(&file, renewed).unwrap();
        }
    }
    assert!(cases > 30, "only {cases} cases found");
    assert!(wrong.is_empty(), "{wrong}");
}

/// A dialogue as the documents write it.
fn outline(dialogue: &Dialogue) -> String {
    let mut out = String::new();
    let shown = |reply: &Reply| {
        format!("{:03} {}", reply.code, reply.text.as_bytes().escape_ascii()).trim_end().to_owned()
    };
    if let Some(greeting) = &dialogue.greeting {
        writeln!(out, "greeting {}", shown(greeting)).unwrap();
    }
    for command in &dialogue.commands {
        let reply = dialogue.reply(command.reply).map_or("unanswered".to_owned(), shown);
        let early = if command.early { " early" } else { "" };
        let raw = command.raw.as_bytes().escape_ascii();
        writeln!(out, "{:?}{early} {raw} -> {reply}", command.verb).unwrap();
    }
    for message in &dialogue.messages {
        let to: Vec<_> = message.to.iter().map(ToString::to_string).collect();
        let state = if message.complete { "complete" } else { "incomplete" };
        let bare = if message.bare_newline { " bare-newline" } else { "" };
        let reply = dialogue.reply(message.reply).map_or("unanswered".to_owned(), shown);
        writeln!(
            out,
            "message <{}> to [{}] {} bytes {state}{bare} header {} -> {reply}",
            message.from,
            to.join(" "),
            message.bytes,
            message.header.as_bytes().escape_ascii(),
        )
        .unwrap();
    }
    for auth in &dialogue.auth {
        let user = auth.user.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        let reply = dialogue.reply(auth.reply).map_or("unanswered".to_owned(), shown);
        writeln!(out, "auth {} {user} -> {reply}", auth.mechanism).unwrap();
    }
    if let Some(tls) = &dialogue.tls {
        let implicit = if tls.implicit { " implicit" } else { "" };
        let name = tls.server_name.as_ref().map_or("-".to_owned(), ToString::to_string);
        writeln!(out, "tls{implicit} {name} {}/{}", tls.client_bytes, tls.server_bytes).unwrap();
    }
    if dialogue.gaps > 0 || dialogue.midstream {
        writeln!(out, "gaps {} midstream {}", dialogue.gaps, dialogue.midstream).unwrap();
    }
    out
}
