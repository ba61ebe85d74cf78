//! The time line as inline SVG: a lane a row, a mark an event, the notices' windows behind them.
//! It reads without colour too: marks that accuse are diamonds, explained ones circles.

use super::words::{printable, stamp};
use crate::answer::{Timeline, Tone};
use heloscope_model::{Time, Window};
use std::fmt::Write as _;

/// Drawing width; the page scales it.
const WIDTH: f64 = 960.0;
/// Room for the lanes' names above their marks, and the lane's height.
const LANE: f64 = 46.0;
const TOP: f64 = 28.0;
const SIDE: f64 = 16.0;

/// The drawing; empty where nothing has a time.
pub(super) fn svg(timeline: &Timeline) -> String {
    let Some(span) = span(timeline) else { return String::new() };
    let lanes = timeline.lanes.len() as f64;
    let height = TOP + lanes * LANE + 44.0;
    let mut out = String::new();
    let _ = write!(
        out,
        r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Time line" xmlns="http://www.w3.org/2000/svg">"#
    );
    for (window, name) in &timeline.windows {
        let (from, to) = (x(span, window.from), x(span, window.to));
        let _ = write!(
            out,
            r#"<g class="window"><rect x="{from:.1}" y="{y}" width="{w:.1}" height="{h}"/><text x="{tx:.1}" y="{ty}">{name}</text></g>"#,
            y = TOP - 6.0,
            w = (to - from).max(3.0),
            h = lanes * LANE + 6.0,
            tx = from.min(WIDTH - 160.0),
            ty = TOP - 12.0,
            name = escape(&format!("time the notice names ({name})")),
        );
    }
    for (i, lane) in timeline.lanes.iter().enumerate() {
        let y = TOP + i as f64 * LANE;
        let class = match lane.tone {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Bad => "bad",
        };
        let more =
            if lane.more > 0 { format!(", {} more not drawn", lane.more) } else { String::new() };
        let name = format!("{} ({}{more})", lane.name, lane.marks.len());
        let _ = write!(
            out,
            r#"<g class="{class}"><text x="{SIDE}" y="{ty}">{name}</text><line x1="{SIDE}" x2="{end}" y1="{my}" y2="{my}"/>"#,
            ty = y + 14.0,
            my = y + 28.0,
            end = WIDTH - SIDE,
            name = escape(&name),
        );
        for (time, label) in &lane.marks {
            let at = x(span, *time);
            let label = escape(&format!("{} {label}", stamp(*time)));
            let my = y + 28.0;
            let _ = match lane.tone {
                Tone::Bad => write!(
                    out,
                    r#"<path d="M{at:.1} {a}l6 6l-6 6l-6-6z"><title>{label}</title></path>"#,
                    a = my - 6.0
                ),
                _ => write!(
                    out,
                    r#"<circle cx="{at:.1}" cy="{my}" r="4"><title>{label}</title></circle>"#
                ),
            };
        }
        out.push_str("</g>");
    }
    axis(&mut out, span, TOP + lanes * LANE + 8.0);
    out.push_str("</svg>");
    out
}

/// Ticks at round steps, five to ten of them.
fn axis(out: &mut String, span: Window, y: f64) {
    const STEPS: [i64; 16] =
        [1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
    let length = span.to.since(span.from);
    let step = STEPS.into_iter().find(|s| length / *s as f64 <= 9.0).unwrap_or(30 * 86_400);
    let mut tick = span.from.secs().div_euclid(step) * step;
    let mut days = None;
    while tick <= span.to.secs() {
        let time = Time::from_secs(tick);
        if time >= span.from {
            let text = stamp(time);
            let (day, clock) = text.split_once(' ').unwrap_or((&text, ""));
            let clock = clock.trim_end_matches(" UTC");
            let clock = if step % 60 == 0 { clock.get(..5).unwrap_or(clock) } else { clock };
            let at = x(span, time);
            let tx = at.min(WIDTH - 60.0);
            let _ = write!(
                out,
                r#"<g class="tick"><line x1="{at:.1}" x2="{at:.1}" y1="{y}" y2="{y2}"/><text x="{tx:.1}" y="{ty}">{clock}</text>"#,
                y2 = y + 5.0,
                ty = y + 18.0,
            );
            // The day below its first hour: beside it, it would run into the next.
            if days.as_deref() != Some(day) {
                let (tx, ty) = (at.min(WIDTH - 90.0), y + 32.0);
                let _ = write!(out, r#"<text x="{tx:.1}" y="{ty}">{day}</text>"#);
            }
            out.push_str("</g>");
            days = Some(day.to_owned());
        }
        tick += step;
    }
}

/// From the first to the last mark or window, with a margin; the densest day where it is longer
/// than a week would leave nothing to see is left to the reader's zoom.
fn span(timeline: &Timeline) -> Option<Window> {
    let marks = timeline.lanes.iter().flat_map(|l| l.marks.iter().map(|(t, _)| *t));
    let edges = timeline.windows.iter().flat_map(|(w, _)| [w.from, w.to]);
    let all: Vec<Time> = marks.chain(edges).collect();
    let (from, to) = (*all.iter().min()?, *all.iter().max()?);
    let margin = (to.since(from) * 0.02).max(5.0);
    Some(Window { from, to }.widened(margin))
}

fn x(span: Window, at: Time) -> f64 {
    let length = span.to.since(span.from).max(1.0);
    SIDE + (at.since(span.from) / length).clamp(0.0, 1.0) * (WIDTH - 2.0 * SIDE)
}

fn escape(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
