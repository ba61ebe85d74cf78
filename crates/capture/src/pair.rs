//! The two ends of a connection, before and after it is known which of them is the client.

use std::net::{IpAddr, SocketAddr};

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    A,
    B,
}

impl End {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// One thing for each end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair<T> {
    pub(crate) a: T,
    pub(crate) b: T,
}

impl<T> Pair<T> {
    pub(crate) fn of(&self, end: End) -> &T {
        match end {
            End::A => &self.a,
            End::B => &self.b,
        }
    }

    pub(crate) fn of_mut(&mut self, end: End) -> &mut T {
        match end {
            End::A => &mut self.a,
            End::B => &mut self.b,
        }
    }
}

/// A connection's addresses and ports, the same for packets of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    a: (IpAddr, u16),
    b: (IpAddr, u16),
}

impl Key {
    /// The key of a packet's connection, and which end sent it.
    pub(crate) fn of(src: (IpAddr, u16), dst: (IpAddr, u16)) -> (Self, End) {
        if src <= dst {
            (Self { a: src, b: dst }, End::A)
        } else {
            (Self { a: dst, b: src }, End::B)
        }
    }

    pub(crate) fn address(&self, end: End) -> SocketAddr {
        let (ip, port) = match end {
            End::A => self.a,
            End::B => self.b,
        };
        SocketAddr::new(ip, port)
    }
}
