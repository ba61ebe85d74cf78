//! The thread that has lists asked, hourly with jitter, so that not all hosts ask at the full hour.

use super::run::{Inbox, Notes};
use crate::event::{Answer, Event};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

/// Asks lists. Answers that cost nothing to give twice: what changed is the core's to find.
pub trait Ask: Send {
    /// What all lists say of these addresses; an error where nobody could be asked.
    fn ask(&mut self, addresses: &[IpAddr]) -> Result<Vec<Answer>, String>;
}

/// Asks until the inbox is gone.
pub(crate) fn run(
    mut ask: Box<dyn Ask>,
    addresses: &[IpAddr],
    every: Duration,
    inbox: &Inbox,
    notes: &Notes,
) {
    while !inbox.is_ending() {
        match ask.ask(addresses) {
            Ok(answers) => {
                notes.set("lists", None);
                for answer in answers {
                    if !inbox.send(Event::List(answer)) {
                        return;
                    }
                }
            }
            Err(error) => notes.set("lists", Some(format!("the lists cannot be asked: {error}"))),
        }
        inbox.pause(every + jitter(every / 10));
    }
}

/// Something between nothing and that.
fn jitter(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) % 1000;
    most.mul_f64(random as f64 / 1000.0)
}
