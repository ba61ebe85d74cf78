//! The signs that every hypothesis about mail through the mail server weighs the same way: how much
//! of what went out in the notice's time it is, what receivers said, to how many people it went.

use crate::case::{Case, count};
use crate::usage::Usage;
use crate::weight::{About, Cited, Weighing};
use std::net::IpAddr;

/// Mails of a user (those from addresses that `counts` takes) against the notice's time. `words`
/// say where they came from, and that there were none; `otherwise` is cited for the latter.
pub(super) fn window(
    case: &Case<'_>,
    usage: &Usage,
    counts: impl Fn(Option<IpAddr>) -> bool,
    (whence, none): (&str, &str),
    otherwise: Vec<Cited>,
    weighing: &mut Weighing,
) {
    if case.incident.windows.is_empty() {
        return;
    }
    let in_window: Vec<Cited> = usage
        .gone_out()
        .filter(|(t, ip, _)| case.in_window(*t) && counts(*ip))
        .map(|(t, _, place)| (place, Some(t)))
        .collect();
    if in_window.is_empty() {
        weighing.add(About::Offence, 0.05, none, otherwise);
        return;
    }
    weighing.add(
        About::Offence,
        3.0,
        format!("{} {whence} within the time the notice names", count(in_window.len(), "mail")),
        in_window.clone(),
    );
    let went_out = &case.gathered.usages.went_out;
    let all = went_out.iter().filter(|t| case.in_window(**t)).count();
    let share = in_window.len() as f64 / all.max(1) as f64;
    if all >= 4 && share >= 0.5 {
        weighing.add(
            About::Offence,
            6.0,
            format!("that is {} of the {all} mails that went out in that time", in_window.len()),
            in_window,
        );
    } else if share <= 0.2 {
        weighing.add(
            About::Offence,
            0.3,
            format!(
                "that is only {} of the {all} mails that went out in that time",
                in_window.len()
            ),
            in_window,
        );
    }
}

/// What receivers said. `about` is what it tells: where only the culprit's own mail is counted, how it
/// fares also tells who wrote it.
pub(super) fn receivers(usage: &Usage, about: About, weighing: &mut Weighing) {
    refusals(usage, about, weighing);
    let (dead, all) = (usage.dead.len(), usage.distinct_recipients.len());
    if all >= 8 && dead * 20 <= all && usage.refused_as_spam.is_empty() {
        weighing.add(
            About::Offence,
            0.5,
            format!("receivers took its mail: {dead} of {all} recipients bounced"),
            usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
        );
    }
}

/// What receivers said against it. That they took it clears no form: who is signed up by strangers
/// exists.
pub(super) fn refusals(usage: &Usage, about: About, weighing: &mut Weighing) {
    if !usage.refused_as_spam.is_empty() {
        weighing.add(
            about,
            4.0,
            format!(
                "receivers refused {} of its mails as spam or by reputation",
                usage.refused_as_spam.len()
            ),
            usage.refused_as_spam.iter().map(|(t, p)| (*p, Some(*t))),
        );
    }
    let (dead, all) = (usage.dead.len(), usage.distinct_recipients.len());
    if dead >= 4 && dead * 7 >= all {
        weighing.add(
            about,
            4.0,
            format!("{dead} of {all} recipients do not exist, as on bought or old lists"),
            usage.samples.iter().take(1).map(|(t, p)| (*p, Some(*t))),
        );
    }
}

/// How many different people it wrote to in its busiest hour: owners write to the same ones
/// again (Lin et al.: how unique recipients are tells spammers from users).
pub(super) fn volume(usage: &Usage, about: About, weighing: &mut Weighing) {
    let busiest = usage.hours.values().copied().max().unwrap_or(0);
    let people = usage.distinct_recipients.len();
    let places = usage.samples.iter().take(2).map(|(t, p)| (*p, Some(*t)));
    if people >= 60 && busiest >= 20 {
        let domains = count(usage.domains.len(), "domain");
        weighing.add(
            about,
            3.0,
            format!(
                "{} in its busiest hour, to {people} different people in {domains} altogether",
                count(busiest as usize, "mail"),
            ),
            places,
        );
    } else if usage.mails >= 10 && people as u64 * 2 <= usage.recipients {
        weighing.add(
            about,
            0.5,
            format!(
                "it writes to the same {} again and again, as people do",
                count(people, "address")
            ),
            places,
        );
    } else if usage.mails <= 3 {
        weighing.add(
            about,
            0.7,
            format!("it sent only {}", count(usage.mails as usize, "mail")),
            places,
        );
    }
}
