//! The client's SYN as Linux saves it (tcp(7): TCP_SAVE_SYN, TCP_SAVED_SYN): asked of a listener
//! before it accepts, read once of each connection. Where the system does not know it, there is
//! none, and detectors of TCP stacks stay silent.

#![allow(unsafe_code)] // neither std, socket2 nor nix has these two options

use heloscope_model::session::Syn;
use nix::libc::{self, c_int, c_void, socklen_t};
use std::os::fd::{AsRawFd, BorrowedFd};

/// tcp(7); libc has only the second's number on every platform.
const TCP_SAVE_SYN: c_int = 27;
const TCP_SAVED_SYN: c_int = 28;

/// Makes a listener save the SYN of each connection. False where the system cannot.
pub(crate) fn save(listener: BorrowedFd<'_>) -> bool {
    let on: c_int = 1;
    let len = size_of::<c_int>() as socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the pointer and the length are those of
    // a live c_int, which the kernel only reads.
    let answer = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            TCP_SAVE_SYN,
            (&raw const on).cast::<c_void>(),
            len,
        )
    };
    answer == 0
}

/// The facts of a connection's SYN. The kernel forgets it once it was read.
pub(crate) fn of(connection: BorrowedFd<'_>) -> Option<Syn> {
    // An IPv6 header with some extensions and the longest TCP header fit.
    let mut packet = [0u8; 256];
    let mut len = packet.len() as socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes
    // to the buffer, which is that long, and sets `len` to what it wrote (or, without writing, to
    // what it would need, which `get` below then refuses).
    let answer = unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            TCP_SAVED_SYN,
            packet.as_mut_ptr().cast::<c_void>(),
            &raw mut len,
        )
    };
    let saved = packet.get(..usize::try_from(len).ok()?).filter(|saved| !saved.is_empty())?;
    if answer == 0 { heloscope_capture::syn_facts(saved) } else { None }
}
