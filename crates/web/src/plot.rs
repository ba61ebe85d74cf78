//! Small plots as inline SVG: a line or bars over days. Each has a title and a description for those who
//! do not see it, and the page gives the same numbers as a table. Colours come from the style sheet.
//! Pure: the same numbers give the same picture, byte for byte.

use crate::words;
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// A plot's words and its days.
pub(crate) struct Plot<'a> {
    /// Unique on the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: String,
    /// The day's label and its values, one a series.
    pub(crate) days: Vec<(String, Vec<u64>)>,
}

impl Plot<'_> {
    /// Each series a line; the first is filled below.
    pub(crate) fn lines(&self) -> String {
        let step = self.step();
        let top = self.top();
        let series = self.days.first().map_or(0, |(_, values)| values.len());
        let mut body = String::new();
        for index in 0..series {
            let mut path = String::new();
            for (n, (_, values)) in self.days.iter().enumerate() {
                let value = values.get(index).copied().unwrap_or(0);
                let x = LEFT + (n as f64 + 0.5) * step;
                let _ =
                    write!(path, "{}{x:.1} {:.1}", if n == 0 { "M" } else { "L" }, y(value, top));
            }
            if index == 0 && self.days.len() > 1 {
                let (first, last) =
                    (LEFT + 0.5 * step, LEFT + (self.days.len() as f64 - 0.5) * step);
                let floor = HEIGHT - BOTTOM;
                let _ = write!(
                    body,
                    "<path class=\"area\" d=\"{path}L{last:.1} {floor:.1}L{first:.1} {floor:.1}Z\"/>"
                );
            }
            let _ = write!(body, "<path class=\"line s{index}\" d=\"{path}\"/>");
        }
        self.frame(top, &body)
    }

    /// The series side by side within each day.
    pub(crate) fn bars(&self) -> String {
        let step = self.step();
        let top = self.top();
        let mut body = String::new();
        for (n, (_, values)) in self.days.iter().enumerate() {
            let width = (step * 0.8 / values.len().max(1) as f64).max(0.6);
            for (index, value) in values.iter().enumerate().filter(|(_, v)| **v > 0) {
                let x = LEFT + (n as f64 + 0.1) * step + index as f64 * width;
                let at = y(*value, top);
                let height = HEIGHT - BOTTOM - at;
                let _ = write!(
                    body,
                    "<rect class=\"bar s{index}\" x=\"{x:.1}\" y=\"{at:.1}\" width=\"{width:.1}\" \
                     height=\"{height:.1}\"/>"
                );
            }
        }
        self.frame(top, &body)
    }

    fn frame(&self, top: u64, body: &str) -> String {
        let id = self.id;
        let mut out = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            escape(self.title),
            escape(&self.description)
        );
        for quarter in [0, top / 2, top] {
            let at = y(quarter, top);
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0,
                words::number(quarter)
            );
        }
        out.push_str(body);
        // The first, the middle and the last day by name, where they do not run together.
        let last = self.days.len().saturating_sub(1);
        let named = match last {
            0 => vec![(0, "middle")],
            1..=4 => vec![(0, "middle"), (last, "middle")],
            _ => vec![(0, "start"), (last / 2, "middle"), (last, "end")],
        };
        for (n, anchor) in named {
            let Some((label, _)) = self.days.get(n) else { continue };
            let x = match anchor {
                "start" => LEFT,
                "end" => WIDTH - RIGHT,
                _ => LEFT + (n as f64 + 0.5) * self.step(),
            };
            let _ = write!(
                out,
                "<text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"{anchor}\">{}</text>",
                HEIGHT - 8.0,
                escape(label)
            );
        }
        out.push_str("</svg>");
        out
    }

    fn step(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.days.len().max(1) as f64
    }

    /// The axis's top: the least of 2, 4, 10, 20, 40, 100, … that holds everything, so that half of it
    /// is a whole number.
    fn top(&self) -> u64 {
        let most = self.days.iter().flat_map(|(_, values)| values).copied().max().unwrap_or(0);
        let mut ten = 1_u64;
        loop {
            for times in [2, 4, 10] {
                let top = ten.saturating_mul(times);
                if top >= most || top == u64::MAX {
                    return top;
                }
            }
            ten = ten.saturating_mul(10);
        }
    }
}

fn y(value: u64, top: u64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value as f64 / top.max(1) as f64
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: &[u64]) -> Plot<'static> {
        let days = values.iter().map(|v| ("2026-01-01".to_owned(), vec![*v])).collect();
        Plot { id: "p", title: "A & B", description: "<none>".to_owned(), days }
    }

    #[test]
    fn any_numbers_give_a_picture() {
        for values in [&[][..], &[0], &[1, 2, 3], &[u64::MAX, 0], &[7; 400]] {
            for svg in [plot(values).lines(), plot(values).bars()] {
                assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
                assert!(svg.contains("A &amp; B") && svg.contains("&lt;none&gt;"));
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert!(!svg.contains("style="), "the policy forbids it");
            }
        }
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (most, top) in
            [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (39, 40), (41, 100), (101, 200)]
        {
            assert_eq!(plot(&[most]).top(), top);
        }
    }
}
