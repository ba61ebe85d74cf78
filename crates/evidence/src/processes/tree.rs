//! The trees that `ps axf` and `ps --forest` draw in front of commands: four columns a level,
//! ` \_ ` before the command itself.
//!
//! Any program can call itself ` \_ sshd`, so a table is taken for a tree only where a tenth of
//! its rows are branches; and the parent is
//! said only where the branch stands in a column of the tree (a row that is shifted says none).

use crate::facts::Process;
use crate::lines;

/// The branches above the row that is read.
pub(super) struct Tree {
    drawn: bool,
    /// Where the header's last column begins.
    start: usize,
    branch: Vec<u32>,
}

/// Levels that are followed.
const DEEPEST: usize = 200;

impl Tree {
    /// Looks at a table.
    pub(super) fn of(text: &[u8]) -> Self {
        let (mut rows, mut branches) = (0, 0);
        for (_, line) in lines::of(text).take(super::MOST) {
            rows += 1;
            branches += usize::from(memchr::memmem::find(line, b" \\_ ").is_some());
        }
        Self { drawn: branches > 0 && branches * 10 >= rows, start: 0, branch: Vec::new() }
    }

    /// A header line begins a table.
    pub(super) fn header(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        self.start = memchr::memrchr(b' ', line).map_or(0, |at| at + 1);
        self.branch.clear();
    }

    /// Takes the drawing off a row's command and fills in its parent.
    pub(super) fn row(&mut self, line: &[u8], process: &mut Process) {
        if !self.drawn {
            return;
        }
        let drawing = process.command.find("\\_ ").filter(|at| {
            let front = process.command.get(..*at).unwrap_or_default();
            front.bytes().all(|b| matches!(b, b' ' | b'|'))
        });
        let Some(at) = drawing else {
            self.branch.clear();
            self.branch.push(process.pid);
            return;
        };
        process.command = process.command.get(at + 3..).unwrap_or_default().trim_start().to_owned();
        let level = self.level(line);
        match level.and_then(|level| self.branch.get(level.checked_sub(1)?).copied()) {
            Some(parent) => {
                self.branch.truncate(level.unwrap_or_default());
                self.branch.push(process.pid);
                process.parent = process.parent.or(Some(parent));
            }
            // Beyond what is known nothing below it is known, either.
            None => self.branch.clear(),
        }
    }

    /// How deep a branch stands: one below the row without a drawing is 1.
    fn level(&self, line: &[u8]) -> Option<usize> {
        let at = memchr::memmem::find(line, b"\\_ ")?;
        let columns = at.checked_sub(self.start + 1)?;
        let level = columns / 4 + 1;
        (columns % 4 == 0 && level <= DEEPEST).then_some(level)
    }
}
