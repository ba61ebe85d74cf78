//! TCP connections and attempts as others name them -> [`Connection`]s: netfilter's LOG lines
//! ([`netfilter`]) and those of routers ([`routers`]), socket tables ([`sockets`]: `ss`,
//! `netstat`; [`lsof`]), connection tracking ([`conntrack`]), our own recorder
//! ([`recorder`]).
//!
//! Only TCP is taken: mail, proxies and sinkholes speak nothing else that matters here.

pub mod conntrack;
pub mod lsof;
pub mod netfilter;
pub mod recorder;
pub mod routers;
pub mod sockets;

use crate::facts::Connection;
use heloscope_model::Place;
use std::net::IpAddr;

/// An otherwise empty connection.
fn bare(src: IpAddr, dst: IpAddr, dst_port: u16, place: Place) -> Connection {
    Connection {
        time: None,
        src,
        src_port: None,
        dst,
        dst_port,
        translated: None,
        mac: None,
        in_interface: None,
        out_interface: None,
        pid: None,
        program: None,
        opener: None,
        helo: None,
        sent: None,
        process_started: None,
        uid: None,
        state: String::new(),
        place,
    }
}

/// Text of a line, cut.
fn text(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    heloscope_model::octets::lossy_text(cut).0.into_owned()
}

#[cfg(test)]
mod tests;
