//! Files newer than their neighbours. An application is unpacked or updated as a whole, so most
//! of a folder's code has one age; a file that came weeks later was put there by itself.
//!
//! A checkout or a copy may have lost the times: where a tree's times do not vary, or vary
//! without a bulk, they say nothing.

use crate::facts::{Finding, WebFile};
use heloscope_model::Time;
use std::collections::BTreeMap;

const DAY: f64 = 86_400.0;

/// Adds the finding to files that are newer than the bulk of their folder. `times` are those of
/// every code file of the tree by its path.
pub fn newer(files: &mut [WebFile], times: &BTreeMap<String, Time>) {
    let mut folders: BTreeMap<&str, Vec<Time>> = BTreeMap::new();
    for (path, time) in times {
        // A file counts for its folder and the two above: small folders have no bulk.
        let mut folder = path.as_str();
        for _ in 0..3 {
            match folder.rfind('/') {
                Some(at) if at > 0 => folder = folder.get(..at).unwrap_or_default(),
                _ => break,
            }
            folders.entry(folder).or_default().push(*time);
        }
    }
    let bulks: BTreeMap<&str, Time> =
        folders.into_iter().filter_map(|(folder, times)| Some((folder, bulk(times)?))).collect();
    // What came together with many others is an update, not a single file put there.
    let mut days: BTreeMap<i64, usize> = BTreeMap::new();
    for time in times.values() {
        *days.entry(time.secs().div_euclid(86_400)).or_default() += 1;
    }
    let company = |at: Time| {
        let day = at.secs().div_euclid(86_400);
        days.range(day - 1..=day + 1).map(|(_, n)| n).sum::<usize>()
    };
    for file in files {
        let Some(modified) = file.modified.filter(|at| company(*at) <= 4) else { continue };
        let mut folder = file.path.as_str();
        let near = (0..3).find_map(|_| {
            folder = folder.get(..folder.rfind('/').filter(|at| *at > 0)?)?;
            bulks.get(folder).copied()
        });
        let Some(bulk) = near else { continue };
        let days = modified.since(bulk) / DAY;
        if days > 14.0 {
            file.findings.push(Finding {
                rule: "newer-than-neighbours".to_owned(),
                because: format!(
                    "it was modified at {modified}, {} days after nearly all code around it",
                    days as u64
                ),
                weight: 0.2,
                place: file.place,
            });
        }
    }
}

/// The time that four of five files of a folder share within two days.
fn bulk(mut times: Vec<Time>) -> Option<Time> {
    if times.len() < 5 {
        return None;
    }
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied()?;
    let near = times.iter().filter(|t| t.since(middle).abs() <= 2.0 * DAY).count();
    // Where every time is the same, nothing is newer; the caller sees no difference then.
    (near * 5 >= times.len() * 4).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::{Place, SourceId};

    fn run(days: &[i64]) -> Vec<usize> {
        let times: BTreeMap<String, Time> = days
            .iter()
            .enumerate()
            .map(|(i, d)| {
                (format!("/var/www/shop/{i}.php"), Time::from_secs(1_400_000_000 + d * 86_400))
            })
            .collect();
        let mut files: Vec<WebFile> = times
            .iter()
            .map(|(path, time)| WebFile {
                path: path.clone(),
                findings: Vec::new(),
                modified: Some(*time),
                can_mail: false,
                place: Place::whole(SourceId(0)),
            })
            .collect();
        newer(&mut files, &times);
        files.iter().enumerate().filter(|(_, f)| !f.findings.is_empty()).map(|(i, _)| i).collect()
    }

    #[test]
    fn one_came_later() {
        assert_eq!(run(&[0, 0, 0, 1, 0, 0, 400, 0]), [6]);
        assert!(run(&[0, 0, 0, 0, 0, 0]).is_empty());
        assert!(run(&[0, 40, 90, 200, 300, 400, 500]).is_empty());
        assert!(run(&[0, 400]).is_empty());
    }
}
