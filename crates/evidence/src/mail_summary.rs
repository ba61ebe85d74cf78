//! pflogsumm's output -> [`Figure`]s: the grand totals, and the counts below each heading. Numbers
//! of eight digits and more are shown in k, m or g of 1024: those are given back rounded.

use crate::facts::Figure;
use crate::scanners::texts;
use heloscope_model::{Place, SourceId};

/// Figures taken from one summary, and bytes of one name.
const MOST: usize = 200_000;
const NAME: usize = 500;

/// Whether a text is a summary.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let front = text.get(..text.len().min(16 << 10)).unwrap_or_default();
    let has = |needle: &str| memchr::memmem::find(front, needle.as_bytes()).is_some();
    has("Postfix log summaries for ") || has("Grand Totals\n------------") && has("messages")
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Figure> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut before = String::new();
    let mut columns: Vec<String> = Vec::new();
    for (offset, line) in texts(text) {
        if found.len() >= MOST {
            break;
        }
        let mut add = |name: &str, count: u64| {
            let name = name.trim().chars().take(NAME).collect::<String>();
            let place = Place::byte(source, base + offset);
            found.push(Figure { section: section.clone(), name, count, place });
        };
        if is_rule(&line) && !before.trim().is_empty() {
            // The rule below a table's head is indented, that below a heading is not.
            if line.starts_with('-') {
                section = before.trim().to_owned();
                columns.clear();
            } else {
                columns = before.split_whitespace().skip(1).map(str::to_owned).collect();
            }
        } else if section.starts_with("Per-") {
            row_of_times(&line, &columns, &mut add);
        } else if section.starts_with("Host/Domain Summary") {
            // Count, bytes and times; the name is last.
            let name = line.split_whitespace().next_back();
            if let (Some((count, _)), Some(name)) = (leading(&line), name) {
                add(name, count);
            }
        } else if let Some((count, rest)) = leading(&line) {
            // "16   deferred  (17  deferrals)", "0   rejected (0%)".
            let (name, more) = rest.split_once('(').unwrap_or((rest, ""));
            let totals = section == "Grand Totals";
            add(if totals { name } else { rest }, count);
            if let (true, Some((count, name))) = (totals, leading(more.trim_end_matches(')'))) {
                add(name, count);
            }
        } else if let Some((name, total)) = line.rsplit_once(" (total: ")
            && let Some((count, "")) = number(total.trim_end_matches(')'))
        {
            add(name, count);
        }
        before = line;
    }
    found
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 4 && line.bytes().all(|b| matches!(b, b'-' | b' '))
}

/// `    0400-0500         116        153         17         12          0`: as many counts as there
/// are columns, behind the time or day.
fn row_of_times(line: &str, columns: &[String], add: &mut dyn FnMut(&str, u64)) {
    let words: Vec<&str> = line.split_whitespace().take(20).collect();
    let Some(at) = words.len().checked_sub(columns.len()).filter(|at| *at > 0) else { return };
    let (front, counts) = words.split_at_checked(at).unwrap_or_default();
    let label = front.join(" ");
    for (column, count) in columns.iter().zip(counts) {
        if let Some((count, "")) = number(count) {
            add(&format!("{label} {column}"), count);
        }
    }
}

/// A number at the beginning of a line, blanks, and what follows.
fn leading(line: &str) -> Option<(u64, &str)> {
    let (count, rest) = number(line.trim_start())?;
    (rest.starts_with(' ') && !rest.trim().is_empty()).then(|| (count, rest.trim()))
}

/// Digits with their unit, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let count: u64 = digits.parse().ok()?;
    let (shift, rest) = match rest.as_bytes() {
        [b'k', ..] => (10, rest.get(1..)?),
        [b'm', ..] => (20, rest.get(1..)?),
        [b'g', ..] => (30, rest.get(1..)?),
        _ => (0, rest),
    };
    Some((count.checked_mul(1 << shift)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SUMMARY: &str = "Postfix log summaries for Nov 24

Grand Totals
------------
messages

    116   received
    153   delivered
     16   deferred  (17  deferrals)
      0   rejected (0%)

  72729   bytes received
  11602k  bytes delivered


Per-Hour Traffic Summary
------------------------
    time          received  delivered   deferred    bounced     rejected
    --------------------------------------------------------------------
    0400-0500         116        153         17         12          0 

Host/Domain Summary: Message Delivery 
--------------------------------------
 sent cnt  bytes   defers   avg dly max dly host/domain
 -------- -------  -------  ------- ------- -----------
     35    51669        0     0.0 s    0.0 s  ospitare.example

Senders by message count
------------------------
     50   anna@fornoverdi.example
     17   \"a (b\"@velabianca.example

message deferral detail
-----------------------
  smtp (total: 17)
        17   connect to mx.example.org[198.51.100.25]:25: Connection refused
";

    #[test]
    fn figures() {
        assert!(recognise(SUMMARY.as_bytes()));
        let shown: Vec<String> = read(SUMMARY.as_bytes(), SourceId(0), 0)
            .iter()
            .map(|f| format!("{} | {} | {}", f.section, f.name, f.count))
            .collect();
        assert_eq!(
            shown,
            [
                "Grand Totals | received | 116",
                "Grand Totals | delivered | 153",
                "Grand Totals | deferred | 16",
                "Grand Totals | deferrals | 17",
                "Grand Totals | rejected | 0",
                "Grand Totals | bytes received | 72729",
                "Grand Totals | bytes delivered | 11880448",
                "Per-Hour Traffic Summary | 0400-0500 received | 116",
                "Per-Hour Traffic Summary | 0400-0500 delivered | 153",
                "Per-Hour Traffic Summary | 0400-0500 deferred | 17",
                "Per-Hour Traffic Summary | 0400-0500 bounced | 12",
                "Per-Hour Traffic Summary | 0400-0500 rejected | 0",
                "Host/Domain Summary: Message Delivery | ospitare.example | 35",
                "Senders by message count | anna@fornoverdi.example | 50",
                "Senders by message count | \"a (b\"@velabianca.example | 17",
                "message deferral detail | smtp | 17",
                "message deferral detail | connect to mx.example.org[198.51.100.25]:25: Connection refused | 17",
            ]
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "[0-9kmg (:-]{0,60}") {
            for front in ["Grand Totals\n------------\n", "Per-Day x\n-------\n a b\n -----\n", "Host/Domain Summary: x\n-------\n"] {
                let mut all = front.as_bytes().to_vec();
                all.extend(text.bytes());
                all.extend(b"\n");
                all.extend(&bytes);
                recognise(&all);
                read(&all, SourceId(0), 0);
            }
        }
    }
}
