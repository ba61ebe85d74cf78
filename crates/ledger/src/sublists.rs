//! A set of sublists: what a name server answers for a prefix.

use crate::Sublist;
use serde::{Deserialize, Serialize};

/// The sublists that a prefix stands on, and whether by the operator's hand; an address is on one at a
/// time, test points on all.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Sublists(u8);

impl Sublists {
    /// On none.
    pub const NONE: Self = Self(0);
    /// On all.
    pub const ALL: Self = Self(0b11);

    /// On this one only.
    pub const fn only(sublist: Sublist) -> Self {
        Self(Self::bit(sublist))
    }

    /// These and one more.
    pub const fn with(self, sublist: Sublist) -> Self {
        Self(self.0 | Self::bit(sublist))
    }

    /// Whether it stands on that one.
    pub const fn holds(self, sublist: Sublist) -> bool {
        self.0 & Self::bit(sublist) != 0
    }

    /// The same, by the operator's word and no detector's.
    pub const fn by_hand(self) -> Self {
        Self(self.0 | Self::HAND)
    }

    /// Whether it stands there by the operator's word alone.
    pub const fn is_by_hand(self) -> bool {
        self.0 & Self::HAND != 0
    }

    /// Whether it stands on none.
    pub const fn is_empty(self) -> bool {
        self.0 & Self::ALL.0 == 0
    }

    /// As a bit mask: 1 for traps, 2 for bots, 4 for by hand.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Each that it stands on.
    pub fn iter(self) -> impl Iterator<Item = Sublist> {
        [Sublist::Traps, Sublist::Bots].into_iter().filter(move |s| self.holds(*s))
    }

    const HAND: u8 = 4;

    const fn bit(sublist: Sublist) -> u8 {
        match sublist {
            Sublist::Traps => 1,
            Sublist::Bots => 2,
        }
    }
}

impl Sublist {
    /// The last octet of its code in the composite zone, 127.0.0.x.
    pub const fn code(self) -> u8 {
        match self {
            Self::Traps => 3,
            Self::Bots => 4,
        }
    }
}
