//! A check for a person: what is bad first, with the meaning, the list's words and what to do next; then what speaks
//! well, what is clean, and what could not be asked with what helps.

use heloscope_lists::{Answer, Check, Lists, Outcome, Severity, Status, Target};
use std::io::{self, Write};

/// Prints a check.
pub(super) fn print(out: &mut impl Write, targets: &[Target], check: &Check) -> io::Result<()> {
    for target in targets {
        let answers: Vec<&Answer> = check.answers.iter().filter(|a| a.target == *target).collect();
        summary(out, target, &answers)?;
        let mut listed: Vec<_> = answers.iter().filter(|a| !a.found().is_empty()).collect();
        listed.sort_by_key(|a| std::cmp::Reverse(a.severity()));
        for answer in listed {
            one(out, answer)?;
        }
        let clean: Vec<_> = answers
            .iter()
            .filter(|a| matches!(a.outcome, Outcome::Clean { .. }) && !a.welcome)
            .map(|a| a.title.as_str())
            .collect();
        if !clean.is_empty() {
            wrapped(out, "  clean      ", &clean.join(", "))?;
        }
        for answer in answers {
            unheard(out, answer)?;
        }
        writeln!(out)?;
    }
    if let Some(note) = &check.resolver_note {
        wrapped(out, "Resolver: ", note)?;
    }
    for not_asked in &check.not_asked {
        wrapped(out, "Not asked: ", &format!("{}: {}", not_asked.title, not_asked.because))?;
    }
    if check.answers.is_empty() {
        writeln!(out, "No list was asked.")?;
    }
    Ok(())
}

fn summary(out: &mut impl Write, target: &Target, answers: &[&Answer]) -> io::Result<()> {
    let bad = answers.iter().filter(|a| a.is_bad()).count();
    let heard = answers.iter().filter(|a| a.outcome.is_heard()).count();
    let said = match (bad, heard) {
        (_, 0) => "no list could be asked, so nothing is known".to_owned(),
        (0, heard) => format!("not listed ({heard} lists answered)"),
        (bad, heard) => format!("LISTED on {bad} of {heard} lists that answered"),
    };
    writeln!(out, "{target}: {said}")
}

fn one(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let state = match answer.severity() {
        Severity::Major => "LISTED   ",
        Severity::Minor => "listed   ",
        Severity::None => "noted    ",
    };
    for (i, found) in answer.found().iter().enumerate() {
        let label = if i == 0 { format!("  {state}  ") } else { " ".repeat(13) };
        let said =
            format!("{}: {} ({}, {})", found.name, found.means, found.answer, found.kind.word());
        wrapped(out, &label, &said)?;
    }
    let Outcome::Listed { texts, .. } = &answer.outcome else { return Ok(()) };
    for text in texts {
        wrapped(out, "             says: ", text)?;
    }
    if let (Some(net), Target::Ip(_)) = (&answer.covers, &answer.target)
        && net.prefix_len() < net.max_prefix_len()
    {
        wrapped(out, "             ", &format!("an entry there stands for all of {net}"))?;
    }
    if !answer.is_bad() {
        return Ok(());
    }
    if let Some(advice) = answer.advice() {
        wrapped(out, "             next: ", advice)?;
    }
    if let Some(page) = &answer.look_up {
        writeln!(out, "             page: {page}")?;
    }
    if let Some(page) = answer.removal.as_ref().filter(|p| Some(*p) != answer.look_up.as_ref()) {
        writeln!(out, "             removal: {page}")?;
    }
    if let Some(habit) = &answer.habit {
        wrapped(out, "             ", habit)?;
    }
    Ok(())
}

fn unheard(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let (state, because, remedy) = match &answer.outcome {
        Outcome::Refused { because, remedy } => ("refused  ", because, Some(remedy)),
        Outcome::Error { because, remedy } => ("error    ", because, remedy.as_ref()),
        Outcome::Dead { because } => ("dead     ", because, None),
        Outcome::Listed { .. } | Outcome::Clean { .. } => return Ok(()),
    };
    wrapped(out, &format!("  {state}  "), &format!("{}: {because}", answer.title))?;
    match remedy {
        Some(remedy) => wrapped(out, "             next: ", remedy),
        None => Ok(()),
    }
}

/// The lists that are known.
pub(super) fn lists(out: &mut impl Write, lists: &Lists) -> io::Result<()> {
    for list in lists.iter() {
        let how = match (&list.status, &list.zone, &list.keyed) {
            (Status::Dead(Some(since), note), ..) => format!("dead since {since}: {note}"),
            (Status::Dead(None, note), ..) => format!("dead: {note}"),
            (Status::Subscribers(note), ..) => format!("not in DNS for the public: {note}"),
            (Status::Live, Some(zone), None) => zone.clone(),
            (Status::Live, Some(zone), Some(_)) => format!("{zone} (also with --key)"),
            (Status::Live, None, _) => "with --key only".to_owned(),
        };
        writeln!(out, "{:<16} {:<22} {how}", list.name, list.title)?;
    }
    Ok(())
}

/// Words after a label, wrapped below each other.
fn wrapped(out: &mut impl Write, label: &str, words: &str) -> io::Result<()> {
    const WIDE: usize = 110;
    let indent = " ".repeat(label.chars().count());
    let mut line = label.to_owned();
    let mut empty = true;
    for word in words.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDE {
            writeln!(out, "{line}")?;
            line.clone_from(&indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}
