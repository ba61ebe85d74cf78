//! Where a claim's bytes stand. Readers note a [`Place`] with every record; line and frame
//! numbers for people are derived from it only when a record is quoted.

/// One input of an investigation: its number in the order the inputs were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A record in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The input.
    pub source: SourceId,
    /// Where in it.
    pub at: At,
}

/// A position inside a source, always of the decompressed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// The source as a whole (a file of a web root, a setting without a line).
    Whole,
    /// The byte a line or record of text starts at, from 0.
    Byte(u64),
    /// The number of a captured frame, from 1 as Wireshark counts.
    Frame(u64),
}

impl Place {
    /// The whole of a source.
    pub fn whole(source: SourceId) -> Self {
        Self { source, at: At::Whole }
    }

    /// The line that starts at a byte of a source.
    pub fn byte(source: SourceId, offset: u64) -> Self {
        Self { source, at: At::Byte(offset) }
    }

    /// A frame of a capture, counted from 1.
    pub fn frame(source: SourceId, number: u64) -> Self {
        Self { source, at: At::Frame(number) }
    }
}
