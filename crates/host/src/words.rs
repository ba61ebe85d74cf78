//! What is said in clear on connections to mail ports, heard beside them: greeting, HELO, envelope, the server's answer to each
//! mail with the queue id in it, whether STARTTLS hid the rest.
//!
//! In: copies of packets (AF_PACKET; a filter in the kernel lets only these ports through, and of what goes to a server
//! nothing large, so bodies cost nothing). Out: [`Spoken`], once when the client has said who it is and again when the
//! connection is over. Addresses of the envelope are hashed unless allowed. Needs CAP_NET_RAW at the start; hears its own
//! network namespace alone, forwarded connections too.

mod flows;

pub use flows::Spoken;

use crate::packets::{Ear, filter};
use flows::Flows;
use heloscope_model::Time;
use std::io;

/// Bytes of a packet that are read.
const PACKET: usize = 2048;

/// An ear on the wire.
#[derive(Debug)]
pub struct Words {
    ear: Ear,
    flows: Flows,
}

impl Words {
    /// Begins to listen; with `addresses` the envelope is kept in clear.
    pub fn start(ports: &[u16], addresses: bool) -> io::Result<Self> {
        let ear = Ear::open(&filter::mail(ports))?;
        Ok(Self { ear, flows: Flows::new(ports, addresses) })
    }

    /// What was said since, without waiting.
    pub fn read(&mut self, now: Time) -> io::Result<Vec<Spoken>> {
        let mut spoken = Vec::new();
        let mut room = [0; PACKET];
        let flows = &mut self.flows;
        self.ear.read(&mut room, &mut |packet, _| spoken.extend(flows.packet(packet, now)))?;
        spoken.extend(self.flows.idle(now));
        Ok(spoken)
    }
}
