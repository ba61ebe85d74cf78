//! Progress on stderr, from the second second on: a bar on a terminal, a line now and then
//! elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Nothing is shown before this.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Progress of one piece of work.
pub(crate) struct Progress {
    what: &'static str,
    started: Instant,
    told: Option<Instant>,
    bar: Option<ProgressBar>,
    is_terminal: bool,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            started: now(),
            told: None,
            bar: None,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Bytes done of bytes in all.
    pub(crate) fn tell(&mut self, done: u64, all: u64) {
        let time = now();
        if time.duration_since(self.started) < PATIENCE {
            return;
        }
        if self.is_terminal {
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
                let style = "{msg} [{bar:30}] {bytes} of {total_bytes}, {eta} left";
                bar.set_style(
                    ProgressStyle::with_template(style)
                        .unwrap_or_else(|_| ProgressStyle::default_bar()),
                );
                bar.with_message(self.what)
            });
            bar.set_position(done);
        } else if self.told.is_none_or(|t| time.duration_since(t) >= EVERY) {
            self.told = Some(time);
            let percent = (done * 100).checked_div(all).unwrap_or(100);
            eprintln!("heloscope: {} {percent} % of {} MB", self.what, all / 1_000_000);
        }
    }

    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the rim: progress is about our own time")]
fn now() -> Instant {
    Instant::now()
}
