//! What the list does, in numbers that tell nothing of any address: plots, and the same as a table.

use crate::page::{self, Frame};
use crate::plot::Plot;
use crate::state::State;
use crate::words;
use askama::Template;
use axum::extract::State as With;
use axum::http::StatusCode;
use axum::response::Response;
use heloscope_ledger::Day;
use std::collections::BTreeMap;

/// Days that the plots show.
const PLOTTED: usize = 90;
/// Days that the table shows.
const TABLED: usize = 30;

/// `GET /statistics`
pub(crate) async fn statistics(With(state): With<State>) -> Response {
    let mut days = state.ledger.statistics();
    // Whoever mails one recipient and sees today's number move has found a trap.
    let today = state.now().secs().div_euclid(86_400);
    days.retain(|d| d.day.secs().div_euclid(86_400) < today);
    days.drain(..days.len().saturating_sub(PLOTTED));
    let listed = state.ledger.active();
    let page = Statistics {
        frame: Frame::from(&*state),
        listed: words::number(listed),
        days: words::number(days.len() as u64),
        active: active(&days),
        moved: moved(&days),
        detectors: detectors(&days),
        rows: days.iter().rev().take(TABLED).map(Row::from).collect(),
    };
    page::html(StatusCode::OK, &page)
}

fn active(days: &[Day]) -> String {
    let description = match (days.first(), days.last()) {
        (Some(first), Some(last)) => format!(
            "From {} addresses at the end of {} to {} at the end of {}.",
            words::number(first.active),
            words::day(first.day),
            words::number(last.active),
            words::day(last.day)
        ),
        _ => "Nothing has been counted yet.".to_owned(),
    };
    let days = days.iter().map(|d| (words::day(d.day), vec![d.active])).collect();
    Plot { id: "active", title: "Addresses listed at the end of each day", description, days }
        .lines()
}

fn moved(days: &[Day]) -> String {
    let sum = |count: fn(&Day) -> u64| words::number(days.iter().map(count).sum());
    let description = format!(
        "In these days {} listings began, {} ran out by themselves and {} were removed on request.",
        sum(|d| d.listed),
        sum(|d| d.expired),
        sum(|d| d.removed)
    );
    let days =
        days.iter().map(|d| (words::day(d.day), vec![d.listed, d.expired, d.removed])).collect();
    let title = "Listings begun, run out and removed each day";
    Plot { id: "moved", title, description, days }.bars()
}

/// What each detector saw, most first.
fn detectors(days: &[Day]) -> Vec<(String, String)> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, count) in days.iter().flat_map(|d| &d.detectors) {
        *sums.entry(id).or_default() += count;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    sums.into_iter().map(|(id, n)| (id.to_owned(), words::number(n))).collect()
}

#[derive(Template)]
#[template(path = "statistics.html")]
struct Statistics {
    frame: Frame,
    listed: String,
    days: String,
    active: String,
    moved: String,
    detectors: Vec<(String, String)>,
    rows: Vec<Row>,
}

struct Row {
    day: String,
    counts: [String; 6],
}

impl From<&Day> for Row {
    fn from(day: &Day) -> Self {
        let counts =
            [day.detections, day.listed, day.expired, day.removed, day.refused, day.active];
        Self { day: words::day(day.day), counts: counts.map(words::number) }
    }
}
