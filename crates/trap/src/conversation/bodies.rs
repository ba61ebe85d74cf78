//! The bodies of a session's messages: their hashes, and, only where the operator said so, their
//! first bytes. One a message as the record counts them (each accepted DATA, each row of BDAT).

use crate::limits::MESSAGES;
use crate::shingles::Sketch;
use heloscope_model::sighting::Shingles;

/// What is kept of one message's content.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Body {
    /// What it was like.
    pub shingles: Shingles,
    /// Its first bytes as sent (dots doubled), where bodies are kept.
    pub content: Vec<u8>,
}

/// The messages of a session.
#[derive(Debug)]
pub(super) struct Bodies {
    key: [u8; 16],
    /// Bytes that may still be kept.
    room: usize,
    open: Option<Box<(Sketch, Vec<u8>)>>,
    done: Vec<Body>,
    begun: usize,
}

impl Bodies {
    pub(super) fn new(key: [u8; 16], room: usize) -> Self {
        Self { key, room, open: None, done: Vec::new(), begun: 0 }
    }

    /// Content begins, unless it is under way.
    pub(super) fn begin(&mut self) {
        if self.open.is_none() {
            self.begun += 1;
            if self.begun <= MESSAGES {
                self.open = Some(Box::new((Sketch::new(self.key), Vec::new())));
            }
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open {
            open.0.feed(bytes);
            let kept = bytes.get(..self.room).unwrap_or(bytes);
            self.room -= kept.len();
            open.1.extend_from_slice(kept);
        }
    }

    /// Content is over.
    pub(super) fn end(&mut self) {
        if let Some(open) = self.open.take() {
            let (sketch, content) = *open;
            self.done.push(Body { shingles: sketch.finish(), content });
        }
    }

    /// All of them, the one under way too.
    pub(super) fn take(&mut self) -> Vec<Body> {
        self.end();
        std::mem::take(&mut self.done)
    }
}
