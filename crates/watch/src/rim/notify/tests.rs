//! A way that is down, one that is up, and the runs of a watch after each other.

use super::*;
use crate::alert::Summary;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Takes what it is given, or nothing.
struct Way {
    up: bool,
    tried: Sender<u64>,
}

impl Post for Way {
    fn name(&self) -> &'static str {
        "way"
    }

    fn send<'a>(&'a self, say: &'a Say, _: &'a str) -> Later<'a> {
        let Say::Summary(day) = say else { panic!("{say:?}") };
        self.tried.send(day.sent).unwrap();
        let failed = || Failed { why: "it is down".to_owned(), for_good: false };
        let answer = if self.up { Ok(()) } else { Err(failed()) };
        Box::pin(async move { answer })
    }
}

/// One run with these to say, until nothing is on its way out; what was tried.
fn run(state: &std::path::Path, up: bool, says: &[u64]) -> (Vec<u64>, Notes) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (tried, tries): (_, Receiver<u64>) = channel();
    let posts: Vec<Box<dyn Post>> = vec![Box::new(Way { up, tried })];
    let (outbox, failed) = Outbox::open(state.join("unsent.json"), &posts);
    assert!(failed.is_none(), "{failed:?}");
    let notes = Notes::default();
    start(&runtime, posts, &outbox, "mx", &notes);
    for sent in says {
        outbox.push(Say::Summary(Summary { sent: *sent, ..Summary::default() }), &notes);
    }
    outbox.wait(Duration::from_secs(10));
    runtime.shutdown_timeout(Duration::from_secs(1));
    (tries.try_iter().collect(), notes)
}

#[test]
fn what_did_not_go_out_goes_out_in_the_next_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let (tried, notes) = run(folder.path(), false, &[1, 2]);
    // The first is tried again later; what comes after it waits.
    assert_eq!(tried, [1]);
    assert!(notes.all().iter().any(|note| note.contains("it is down")), "{notes:?}");
    let (tried, notes) = run(folder.path(), true, &[3]);
    assert_eq!(tried, [1, 2, 3]);
    assert!(notes.all().is_empty(), "{notes:?}");
    assert!(run(folder.path(), true, &[]).0.is_empty());
}

#[test]
fn a_way_that_is_down_for_long_keeps_no_more_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<u64> = (0..300).collect();
    let (tried, notes) = run(folder.path(), false, &many);
    assert_eq!(tried, [0]);
    assert!(notes.all().iter().any(|note| note.contains("too many")), "{notes:?}");
    assert_eq!(run(folder.path(), true, &[]).0.len(), 256);
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("unsent.json");
    std::fs::write(&file, "{").unwrap();
    let (tried, _tries) = channel();
    let posts: Vec<Box<dyn Post>> = vec![Box::new(Way { up: true, tried })];
    assert!(Outbox::open(file, &posts).1.unwrap().contains("cannot be read"));
}
