//! A line as it comes in: cut at a limit, counted whole.

use heloscope_model::Time;

/// A line under way or complete.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Its first bytes, at most the limit; the line end too where it fits.
    pub(crate) kept: Vec<u8>,
    /// All its bytes.
    pub(crate) len: u64,
    /// When its first byte came.
    pub(crate) at: Time,
    /// Whether its first byte came before the other side had answered.
    pub(crate) early: bool,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends, keeping no more than `limit` bytes in all.
    pub(crate) fn push(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.len = self.len.saturating_add(bytes.len() as u64);
    }

    /// Hands the line out and begins anew.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// The length as commands keep it.
    pub(crate) fn len_u32(&self) -> u32 {
        u32::try_from(self.len).unwrap_or(u32::MAX)
    }
}

/// What ends a line as sent: CRLF, LF, CR or nothing (cut, or the session ended inside it).
pub(crate) fn ending(line: &[u8]) -> &'static [u8] {
    match line {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        [.., b'\r'] => b"\r",
        _ => b"",
    }
}
