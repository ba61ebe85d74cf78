//! Which ports are worth a look in the table of connections: a bit a port, so that a frame of
//! other traffic is let go after two bit tests.

use std::collections::HashMap;

/// A set of ports.
pub(crate) struct Ports {
    bits: Box<[u64; 1024]>,
    /// How often each port was put in.
    counts: HashMap<u16, u32>,
}

impl Ports {
    pub(crate) fn new(ports: &[u16]) -> Self {
        let mut set = Self { bits: Box::new([0; 1024]), counts: HashMap::new() };
        for &port in ports {
            set.add(port);
        }
        set
    }

    #[inline]
    pub(crate) fn has(&self, port: u16) -> bool {
        self.bits.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 != 0)
    }

    pub(crate) fn add(&mut self, port: u16) {
        *self.counts.entry(port).or_insert(0) += 1;
        if let Some(word) = self.bits.get_mut(usize::from(port >> 6)) {
            *word |= 1 << (port & 63);
        }
    }

    /// Takes a port out, once for each time it was put in.
    pub(crate) fn remove(&mut self, port: u16) {
        let Some(count) = self.counts.get_mut(&port) else { return };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&port);
            if let Some(word) = self.bits.get_mut(usize::from(port >> 6)) {
                *word &= !(1 << (port & 63));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_stays_while_any_user_of_it_does() {
        let mut ports = Ports::new(&[25, 65535]);
        ports.add(25);
        ports.remove(25);
        assert!(ports.has(25) && ports.has(65535) && !ports.has(0) && !ports.has(26));
        ports.remove(25);
        ports.remove(25);
        assert!(!ports.has(25));
    }
}
