//! The two tables, in Markdown. Each gives how many wrong listings it holds: a well configured
//! sender that would be listed, or a Postfix whose own sessions would list the address that it shares
//! with a bot.

use crate::play::{Play, Played, Tally};
use crate::recording::Configured;
use heloscope_detect::{CATALOGUE, catalogue};
use heloscope_ledger::{OwnerListing, Sublist};
use std::collections::BTreeSet;

/// Real mailers.
pub(crate) fn senders(played: &[Played<'_>]) -> usize {
    let of =
        |configured: Configured| played.iter().filter(move |p| p.kind.configured == configured);
    println!("## Senders ({} detectors)\n", CATALOGUE.len());
    println!(
        "| well configured | sessions | A | B | C | X | listed | listed when it comes again next day |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let (mut sessions, mut wrong, mut kinds) = (0, 0, 0);
    for p in of(Configured::Well) {
        let t = &p.once.own;
        println!(
            "| {} | {} | {} | {} | {} |",
            p.kind.kind,
            t.sessions,
            classes(t),
            listed(&p.once),
            listed(&p.next_day)
        );
        kinds += 1;
        sessions += t.sessions;
        wrong += usize::from(is_listed(&p.once) || is_listed(&p.next_day));
    }
    println!("\n{kinds} kinds, {sessions} sessions, {wrong} listed.\n");
    println!(
        "| badly configured | sessions | what is bad | verdict | next day | what its owner is told | expected and silent |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let (mut sessions, mut kinds) = (0, 0);
    for p in of(Configured::Badly) {
        let t = &p.once.own;
        let words: Vec<&str> = t.words.iter().map(String::as_str).collect();
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            p.kind.kind,
            t.sessions,
            p.kind.bad,
            listed(&p.once),
            listed(&p.next_day),
            if words.is_empty() { "nothing".to_owned() } else { words.join("; ") },
            silent(p)
        );
        kinds += 1;
        sessions += t.sessions;
    }
    println!("\n{kinds} kinds, {sessions} sessions.\n");
    said_of(of(Configured::Well), "well configured senders");
    wrong
}

/// Bots, alone and beside a Postfix.
pub(crate) fn bots(played: &[Played<'_>]) -> usize {
    let mut wrong = 0;
    for (beside, title) in
        [(false, "alone on a subscriber's address"), (true, "beside a real Postfix")]
    {
        println!("## Bots, {title}\n");
        let postfix = if beside {
            " Postfix's sessions | A or B spoke of them | X | they would list |"
        } else {
            ""
        };
        println!(
            "| dialect | sessions | A | B | C | X | listed | next day | at a trap | expected and silent |{postfix}"
        );
        println!(
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |{}",
            if beside { " --- | --- | --- | --- |" } else { "" }
        );
        let mut sum = Sum::default();
        for p in played
            .iter()
            .filter(|p| p.kind.configured == Configured::Bot && p.kind.beside_postfix == beside)
        {
            let t = &p.once.own;
            print!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                p.kind.kind.trim_end_matches("-beside-postfix"),
                t.sessions,
                classes(t),
                listed(&p.once),
                listed(&p.next_day),
                p.at_trap.as_ref().map_or("-".into(), listed),
                silent(p)
            );
            if beside {
                let t = &p.once.postfix;
                let lists = [Some(&p.once), Some(&p.next_day), p.at_trap.as_ref()]
                    .into_iter()
                    .flatten()
                    .any(|play| play.postfix.listing.is_some());
                wrong += usize::from(lists);
                let accused = t.spoke.keys().filter(|(class, _)| matches!(class, 'A' | 'B'));
                let accused: BTreeSet<&str> = accused.map(|(_, detector)| *detector).collect();
                let accused = accused.into_iter().collect::<Vec<_>>().join(", ");
                print!(
                    " {} | {} | {} | {} |",
                    t.sessions,
                    if accused.is_empty() { "-" } else { &accused },
                    t.classes.get(&'X').copied().unwrap_or(0),
                    if lists { "YES" } else { "no" }
                );
            }
            println!();
            sum.add(p);
        }
        sum.print(beside);
    }
    said_of(played.iter().filter(|p| p.kind.configured == Configured::Bot), "bots");
    wrong
}

/// Recall over all dialects.
#[derive(Default)]
struct Sum {
    dialects: usize,
    sessions: usize,
    classes: [usize; 3],
    listed: [usize; 3],
    postfix: usize,
    postfix_accused: usize,
}

impl Sum {
    fn add(&mut self, p: &Played<'_>) {
        self.dialects += 1;
        let t = &p.once.own;
        self.sessions += t.sessions;
        for (sum, class) in self.classes.iter_mut().zip(['A', 'B', 'C']) {
            *sum += t.classes.get(&class).copied().unwrap_or(0);
        }
        let plays = [Some(&p.once), Some(&p.next_day), p.at_trap.as_ref()];
        for (sum, play) in self.listed.iter_mut().zip(plays) {
            *sum += usize::from(play.is_some_and(is_listed));
        }
        let postfix = &p.once.postfix;
        self.postfix += postfix.sessions;
        self.postfix_accused += ['A', 'B']
            .iter()
            .map(|class| postfix.classes.get(class).copied().unwrap_or(0))
            .sum::<usize>();
    }

    fn print(&self, beside: bool) {
        let share = |n: usize| 100.0 * n as f64 / self.sessions.max(1) as f64;
        let [a, b, c] = self.classes;
        let [once, next_day, at_trap] = self.listed;
        println!(
            "\n{} dialects, {} sessions: a detector of class A spoke in {:.0} %, B in {:.0} %, C in {:.0} %; \
             {once} listed as recorded, {next_day} when they come again next day, {at_trap} at a trap.",
            self.dialects,
            self.sessions,
            share(a),
            share(b),
            share(c)
        );
        if beside {
            println!(
                "{} sessions of the Postfix, class A or B spoke in {}.",
                self.postfix, self.postfix_accused
            );
        }
        println!();
    }
}

/// `| A | B | C | X` of a tally, sessions each.
fn classes(tally: &Tally) -> String {
    ['A', 'B', 'C', 'X']
        .map(|class| match tally.classes.get(&class) {
            Some(count) => count.to_string(),
            None => "-".to_owned(),
        })
        .join(" | ")
}

fn is_listed(play: &Play) -> bool {
    play.own.listing.is_some()
}

fn listed(play: &Play) -> String {
    match &play.own.listing {
        None => "no".to_owned(),
        Some(OwnerListing { public, .. }) => {
            let place = match public.sublist {
                Sublist::Bots => "yes",
                Sublist::Traps => "yes, traps",
            };
            format!("{place}: {}", public.detectors.join(", "))
        }
    }
}

/// Detectors that should have spoken and did not, or that are not there yet.
fn silent(p: &Played<'_>) -> String {
    let spoke: BTreeSet<&str> = p.once.own.spoke.keys().map(|(_, detector)| *detector).collect();
    let missing = p.kind.detectors.iter().filter(|id| !spoke.contains(id.as_str()));
    let missing: Vec<String> = missing
        .map(|id| match catalogue::find(id) {
            Some(_) => id.clone(),
            None => format!("{id} (none yet)"),
        })
        .collect();
    if missing.is_empty() { "-".to_owned() } else { missing.join(", ") }
}

/// Which detectors spoke of these, in how many sessions of how many kinds.
fn said_of<'a>(played: impl Iterator<Item = &'a Played<'a>> + Clone, whom: &str) {
    println!("| detector that spoke of {whom} | class | sessions | kinds |");
    println!("| --- | --- | --- | --- |");
    for detector in CATALOGUE {
        for class in ['A', 'B', 'C', 'X'] {
            let counts = played.clone().filter_map(|p| p.once.own.spoke.get(&(class, detector.id)));
            let (sessions, kinds) = counts.fold((0, 0), |(s, k), count| (s + count, k + 1));
            if kinds > 0 {
                println!("| {} | {class} | {sessions} | {kinds} |", detector.id);
            }
        }
    }
    println!();
}
