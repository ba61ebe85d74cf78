//! What a packet socket could not hand over (packet(7): PACKET_STATISTICS); asking sets it to nothing.

#![allow(unsafe_code)] // neither std, socket2 nor nix has this option

use nix::libc::{self, c_void, socklen_t, tpacket_stats};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Packets that the filter let through and that found no room; none where the system cannot say.
pub(super) fn dropped(socket: BorrowedFd<'_>) -> u64 {
    let mut counts = tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut length = size_of::<tpacket_stats>() as socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `length` bytes to `counts`, which is
    // that long and of plain numbers, for which every bit pattern is a value.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut counts).cast::<c_void>(),
            &raw mut length,
        )
    };
    if answer == 0 { u64::from(counts.tp_drops) } else { 0 }
}
