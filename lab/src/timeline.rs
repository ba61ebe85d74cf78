//! A story's events, played in real time: at such a second, run this on that host.
//!
//! Children are started and not waited for before the next event; at the end they have a few seconds to finish and are then ended.

use crate::clock;
use crate::host::Host;
use anyhow::Result;
use jiff::Timestamp;
use std::process::Child;
use std::rc::Rc;

/// The script of a story.
#[derive(Debug, Default)]
pub struct Timeline {
    events: Vec<Event>,
}

#[derive(Debug)]
struct Event {
    at: f64,
    host: Rc<Host>,
    argv: Vec<String>,
    input: String,
    tag: String,
}

/// What was played.
#[derive(Debug)]
pub struct Played {
    /// When the first second was.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Tags of events and when they were started.
    pub moments: Vec<(String, Timestamp)>,
}

impl Timeline {
    /// Adds an event. `{DATE}` and `{ID}` in arguments and input become the time of sending and a unique word.
    pub fn at(&mut self, seconds: f64, host: &Rc<Host>, tag: &str, argv: &[&str], input: &str) {
        self.events.push(Event {
            at: seconds,
            host: Rc::clone(host),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            input: input.to_owned(),
            tag: tag.to_owned(),
        });
    }

    /// Adds a bash script as an event.
    pub fn sh(&mut self, seconds: f64, host: &Rc<Host>, tag: &str, script: &str) {
        self.at(seconds, host, tag, &["bash", "-c", script], "");
    }

    /// Plays everything, `length` seconds in all.
    pub fn play(mut self, name: &str, length: f64) -> Result<Played> {
        self.events.sort_by(|a, b| a.at.total_cmp(&b.at));
        let started = clock::now();
        let total = self.events.len();
        let mut moments = Vec::new();
        let mut children: Vec<Child> = Vec::new();
        let mut said = 0;
        for (number, event) in self.events.into_iter().enumerate() {
            if event.at > length {
                continue;
            }
            clock::pause(event.at - clock::seconds_since(started));
            let date = clock::show(clock::now(), "%a, %d %b %Y %H:%M:%S %z", &event.host.zone);
            let id = format!("{:x}.{number:x}", clock::now().as_millisecond());
            let fill = |text: &str| text.replace("{DATE}", &date).replace("{ID}", &id);
            let argv: Vec<String> = event.argv.iter().map(|word| fill(word)).collect();
            let line: Vec<&str> = argv.iter().map(String::as_str).collect();
            moments.push((event.tag, clock::now()));
            children.push(event.host.spawn(&line, fill(&event.input).as_bytes())?);
            children.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
            let minute = (event.at / 60.0) as u32;
            if minute > said {
                said = minute;
                eprintln!("{name}: minute {minute}, event {number} of {total}");
            }
        }
        clock::pause(length - clock::seconds_since(started));
        for _ in 0..30 {
            children.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
            if children.is_empty() {
                break;
            }
            clock::pause(0.5);
        }
        for mut child in children {
            let _ = child.kill();
            let _ = child.wait();
        }
        Ok(Played { started, ended: clock::now(), moments })
    }
}

impl Played {
    /// First and last moment of a tag.
    pub fn span(&self, tag: &str) -> Option<(Timestamp, Timestamp)> {
        let mut of_tag = self.moments.iter().filter(|(t, _)| t == tag).map(|(_, at)| *at);
        let first = of_tag.next()?;
        Some((first, of_tag.next_back().unwrap_or(first)))
    }
}
