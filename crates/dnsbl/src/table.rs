//! The table: prefixes and their values. `get` is the longest prefix that holds an address.
//!
//! One writer applies batches in the order of their generation, never back; any number of readers
//! ask meanwhile. The form is simple: ordered maps behind a lock that is taken for one look-up, or
//! for [`CHUNK`] changes of a batch, so a reader waits microseconds and never for a whole batch.
//! A reader may therefore see half of a batch; one answer asks one address, and changes of
//! one address are applied in order. The interface promises no more than that, so that pages behind
//! atomic pointers can replace the maps.
//!
//! The SOA serial moves only in [`Table::publish`], which is given the time: at most once a second.

use crate::change::{Change, Codes, Value};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Changes applied under one taking of the lock.
const CHUNK: usize = 64;
/// How many listings are looked at to find one of the codes asked for below a name.
const LOOKED_AT: usize = 256;

/// Prefixes and their values.
#[derive(Default)]
pub struct Table {
    maps: RwLock<Maps>,
    /// Held by the writer for a whole batch; also equal values, so that a million listings with
    /// one reason hold it once.
    known: Mutex<Known>,
}

/// A batch older than what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "apply changes to the DNS table: generation {given} is older than {applied}, which is applied; send what came after it"
)]
pub struct Stale {
    /// The batch's.
    pub given: u64,
    /// The table's.
    pub applied: u64,
}

#[derive(Default)]
struct Maps {
    generation: u64,
    v4: Prefixes<u32>,
    v6: Prefixes<u128>,
    serial: u32,
    /// When the serial moved last, and for which generation.
    moved: Option<(u32, u64)>,
}

#[derive(Default)]
struct Known {
    values: HashSet<Value>,
    /// Swept of values in no more use when so many are known.
    sweep_at: usize,
}

impl Table {
    /// An empty one, generation 0.
    pub fn new() -> Table {
        Table::default()
    }

    /// The value of the longest prefix that holds the address. An IPv4 address written as IPv6
    /// (`::ffff:…`) is an IPv6 address here.
    pub fn get(&self, address: IpAddr) -> Option<Value> {
        let maps = self.read();
        match address {
            IpAddr::V4(v4) => maps.v4.longest(v4.to_bits(), 32),
            IpAddr::V6(v6) => maps.v6.longest(v6.to_bits(), 128),
        }
        .cloned()
    }

    /// Applies changes in order. A generation lower than the last is refused and changes nothing;
    /// the same one again is taken, since a generation may come in pieces.
    pub fn apply(&self, generation: u64, changes: &[Change]) -> Result<(), Stale> {
        let mut known = self.known();
        let applied = self.read().generation;
        if generation < applied {
            return Err(Stale { given: generation, applied });
        }
        for chunk in changes.chunks(CHUNK) {
            // Looked up before the lock is taken: readers wait for the maps alone.
            let values: Vec<_> =
                chunk.iter().map(|change| change.value.as_ref().map(|v| known.same(v))).collect();
            let mut gone = Vec::new();
            let mut maps = self.write();
            for (change, value) in chunk.iter().zip(values) {
                gone.push(match change.prefix {
                    IpNet::V4(net) => maps.v4.set(net.network().to_bits(), net.prefix_len(), value),
                    IpNet::V6(net) => maps.v6.set(net.network().to_bits(), net.prefix_len(), value),
                });
            }
            // Old values are freed after the lock is.
            drop(maps);
            drop(gone);
        }
        self.write().generation = generation;
        Ok(())
    }

    /// The last generation applied wholly.
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    /// How many prefixes have a value.
    pub fn len(&self) -> usize {
        let maps = self.read();
        maps.v4.map.len() + maps.v6.map.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The serial of the zones' SOA records.
    pub fn serial(&self) -> u32 {
        self.read().serial
    }

    /// Moves the serial if something was applied since it moved last, to `now` (seconds of Unix
    /// time) or one further; not twice in one second. What was not yet moved for moves it next time.
    pub fn publish(&self, now: u32) -> u32 {
        let mut maps = self.write();
        let due =
            maps.moved.is_none_or(|(at, generation)| at != now && generation != maps.generation);
        if due {
            // RFC 1982: further by one where the clock went back (or the serial began ahead of it).
            let ahead = now.wrapping_sub(maps.serial);
            maps.serial =
                if ahead == 0 || ahead >= 1 << 31 { maps.serial.wrapping_add(1) } else { now };
            maps.moved = Some((now, maps.generation));
        }
        maps.serial
    }

    /// Whether something is listed under one of the codes in, or around, the prefix. Where much is
    /// listed there under other codes alone it says yes without having looked through all: the
    /// name then exists without data, which misleads nobody (RFC 8020 fears the other slip only).
    pub(crate) fn any_below(&self, net: IpNet, codes: Codes) -> bool {
        let maps = self.read();
        match net {
            IpNet::V4(net) => maps.v4.any_below(net.network().to_bits(), net.prefix_len(), codes),
            IpNet::V6(net) => maps.v6.any_below(net.network().to_bits(), net.prefix_len(), codes),
        }
    }

    /// Up to `limit` IPv4 prefixes behind `after`, by address, the wider first. Taking them in
    /// pieces keeps the writer waiting for one piece only.
    pub(crate) fn some_v4(&self, after: Option<Ipv4Net>, limit: usize) -> Vec<(Ipv4Net, Value)> {
        let after = after.map(|net| (net.network().to_bits(), net.prefix_len()));
        let net = |bits, length| Ipv4Net::new(Ipv4Addr::from_bits(bits), length).ok();
        self.read().v4.some(after, limit, net)
    }

    /// The same for IPv6.
    pub(crate) fn some_v6(&self, after: Option<Ipv6Net>, limit: usize) -> Vec<(Ipv6Net, Value)> {
        let after = after.map(|net| (net.network().to_bits(), net.prefix_len()));
        let net = |bits, length| Ipv6Net::new(Ipv6Addr::from_bits(bits), length).ok();
        self.read().v6.some(after, limit, net)
    }

    // A lock is poisoned by a panic, of which there is none in here; the maps are whole anyway.
    fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Maps> {
        self.maps.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The value equal to this one that is held already.
    fn same(&mut self, value: &Value) -> Value {
        if let Some(held) = self.values.get(value) {
            return held.clone();
        }
        if self.values.len() >= self.sweep_at {
            self.values.retain(|value| value.is_shared());
            self.sweep_at = (2 * self.values.len()).max(1024);
        }
        self.values.insert(value.clone());
        value.clone()
    }
}

/// An address as a number.
trait Bits: Copy + Ord {
    const WIDTH: u8;
    /// Without the bits behind the length.
    fn first(self, length: u8) -> Self;
    /// With all bits behind the length.
    fn last(self, length: u8) -> Self;
}

macro_rules! bits {
    ($number:ty) => {
        impl Bits for $number {
            const WIDTH: u8 = <$number>::BITS as u8;

            fn first(self, length: u8) -> $number {
                self & !<$number>::MAX.checked_shr(length.into()).unwrap_or(0)
            }

            fn last(self, length: u8) -> $number {
                self | <$number>::MAX.checked_shr(length.into()).unwrap_or(0)
            }
        }
    };
}
bits!(u32);
bits!(u128);

/// The prefixes of one family.
struct Prefixes<B> {
    map: BTreeMap<(B, u8), Value>,
    /// How many prefixes there are of each length, so that only lengths in use are tried.
    lengths: BTreeMap<u8, usize>,
}

impl<B> Default for Prefixes<B> {
    fn default() -> Prefixes<B> {
        Prefixes { map: BTreeMap::new(), lengths: BTreeMap::new() }
    }
}

impl<B: Bits> Prefixes<B> {
    /// Of the prefixes up to a length.
    fn longest(&self, bits: B, length: u8) -> Option<&Value> {
        let mut lengths = self.lengths.range(..=length).rev();
        lengths.find_map(|(length, _)| self.map.get(&(bits.first(*length), *length)))
    }

    /// Gives back the old value.
    fn set(&mut self, bits: B, length: u8, value: Option<Value>) -> Option<Value> {
        let key = (bits.first(length), length);
        let adds = value.is_some();
        let old = match value {
            Some(value) => self.map.insert(key, value),
            None => self.map.remove(&key),
        };
        match (adds, old.is_some()) {
            (true, false) => *self.lengths.entry(length).or_default() += 1,
            (false, true) => {
                if let Some(count) = self.lengths.get_mut(&length) {
                    *count -= 1;
                    if *count == 0 {
                        self.lengths.remove(&length);
                    }
                }
            }
            _ => {}
        }
        old
    }

    fn any_below(&self, bits: B, length: u8, codes: Codes) -> bool {
        let has = |value: &Value| !value.codes().and(codes).is_empty();
        if self.longest(bits, length).is_some_and(has) {
            return true;
        }
        let range = (bits.first(length), length)..=(bits.last(length), B::WIDTH);
        let mut looked_at = 0;
        for (_, value) in self.map.range(range) {
            looked_at += 1;
            if has(value) || looked_at > LOOKED_AT {
                return true;
            }
        }
        false
    }

    fn some<N>(
        &self,
        after: Option<(B, u8)>,
        limit: usize,
        net: impl Fn(B, u8) -> Option<N>,
    ) -> Vec<(N, Value)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (after.map_or(Unbounded, Excluded), Unbounded);
        let entries = self.map.range(range).take(limit);
        entries.filter_map(|(key, value)| Some((net(key.0, key.1)?, value.clone()))).collect()
    }
}

#[cfg(test)]
mod tests;
