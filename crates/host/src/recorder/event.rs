//! The kernel's events as bytes -> typed. The layouts are those of `bpf/recorder.bpf.c`, in the machine's own byte
//! order. Bytes that are too short or name no kind are none of ours and give none. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const PATH: usize = 1024;
const ARGS: usize = 768;
const KIN_EXE: usize = 384;
const KIN_ARGS: usize = 192;
const KIN: usize = 5;
/// Bytes of an ancestor.
const KIN_SIZE: usize = 32 + KIN_EXE + KIN_ARGS;

/// One event; its words are those of the kernel's bytes, not yet copied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    Opening(Box<Opening<'a>>),
    Reading(Reading),
    Opened(Opened),
    Closed(Closed),
}

/// A process begins to connect.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Opening<'a> {
    /// Nanoseconds since the machine started, as all times here.
    pub(crate) at: u64,
    pub(crate) socket: u64,
    pub(crate) cgroup: u64,
    pub(crate) started: u64,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) uid: u32,
    pub(crate) euid: u32,
    pub(crate) netns: u32,
    pub(crate) port: u16,
    pub(crate) address: Option<IpAddr>,
    pub(crate) deleted: bool,
    pub(crate) comm: &'a [u8],
    pub(crate) exe: Vec<u8>,
    pub(crate) folder: Vec<u8>,
    pub(crate) args: Vec<&'a [u8]>,
    /// The arguments at exec; only the first of them where they are many.
    pub(crate) began: Vec<&'a [u8]>,
    /// Its ancestors, not yet read ([`kin`]): of one process they are the same each time.
    pub(crate) kin: &'a [u8],
}

/// An ancestor.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Kin<'a> {
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) comm: &'a [u8],
    pub(crate) exe: Vec<u8>,
    pub(crate) args: Vec<&'a [u8]>,
}

/// The files that an interpreter has open for reading while it connects.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Reading {
    pub(crate) socket: u64,
    /// With the numbers of their descriptors.
    pub(crate) files: Vec<(u16, Vec<u8>)>,
}

/// A connection is open, or has failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opened {
    pub(crate) error: u32,
    pub(crate) socket: u64,
    pub(crate) port: u16,
    pub(crate) address: Option<IpAddr>,
}

/// A connection is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Closed {
    pub(crate) at: u64,
    pub(crate) socket: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl<'a> Event<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        match bytes.u32()? {
            1 => Some(Self::Opening(Box::new(opening(&mut bytes)?))),
            2 => Some(Self::Opened(opened(&mut bytes)?)),
            3 => {
                bytes.u32()?;
                let (at, socket) = (bytes.u64()?, bytes.u64()?);
                Some(Self::Closed(Closed {
                    at,
                    socket,
                    received: bytes.u64()?,
                    sent: bytes.u64()?,
                }))
            }
            4 => Some(Self::Reading(reading(&mut bytes)?)),
            _ => None,
        }
    }
}

fn reading(bytes: &mut Bytes<'_>) -> Option<Reading> {
    let (_, socket) = (bytes.u32()?, bytes.u64()?);
    let fds = [bytes.u16()?, bytes.u16()?, bytes.u16()?, bytes.u16()?];
    let lengths = [bytes.u16()?, bytes.u16()?, bytes.u16()?, bytes.u16()?];
    let mut files = Vec::new();
    for (fd, length) in fds.into_iter().zip(lengths) {
        let path = path(bytes.take(PATH)?, length);
        if !path.is_empty() {
            files.push((fd, path));
        }
    }
    Some(Reading { socket, files })
}

fn opening<'a>(bytes: &mut Bytes<'a>) -> Option<Opening<'a>> {
    let pid = bytes.u32()?;
    let (at, socket, cgroup, started) = (bytes.u64()?, bytes.u64()?, bytes.u64()?, bytes.u64()?);
    let (tid, uid, euid, netns) = (bytes.u32()?, bytes.u32()?, bytes.u32()?, bytes.u32()?);
    let (family, port) = (bytes.u16()?, bytes.u16()?);
    let [exe_len, args_len, folder_len] = [bytes.u16()?, bytes.u16()?, bytes.u16()?];
    let deleted = bytes.u16()? != 0;
    let (began_len, _) = (bytes.u16()?, bytes.u16()?);
    let address = address(family, bytes.take(16)?);
    let comm = word(bytes.take(16)?);
    bytes.take(16)?;
    let exe = path(bytes.take(PATH)?, exe_len);
    let folder = path(bytes.take(PATH)?, folder_len);
    let args = arguments(bytes.take(ARGS)?, args_len);
    let mut began = arguments(bytes.take(KIN_ARGS)?, began_len);
    if usize::from(began_len) >= KIN_ARGS {
        // It may be cut in the middle.
        began.pop();
    }
    let kin = bytes.take(KIN * KIN_SIZE)?;
    Some(Opening {
        at,
        socket,
        cgroup,
        started,
        pid,
        tid,
        uid,
        euid,
        netns,
        port,
        address,
        deleted,
        comm,
        exe,
        folder,
        args,
        began,
        kin,
    })
}

/// The ancestors of an opening, the nearest first.
pub(crate) fn kin(bytes: &[u8]) -> Vec<Kin<'_>> {
    let mut bytes = Bytes(bytes);
    std::iter::from_fn(|| relative(&mut bytes).filter(|one| one.pid != 0)).take(KIN).collect()
}

fn relative<'a>(bytes: &mut Bytes<'a>) -> Option<Kin<'a>> {
    let (pid, uid) = (bytes.u32()?, bytes.u32()?);
    let comm = word(bytes.take(16)?);
    let (exe_len, args_len) = (bytes.u16()?, bytes.u16()?);
    bytes.u32()?;
    let exe = path(bytes.take(KIN_EXE)?, exe_len);
    let args = arguments(bytes.take(KIN_ARGS)?, args_len);
    Some(Kin { pid, uid, comm, exe, args })
}

fn opened(bytes: &mut Bytes<'_>) -> Option<Opened> {
    let (error, _, socket) = (bytes.u32()?, bytes.u64()?, bytes.u64()?);
    let (family, port, _) = (bytes.u16()?, bytes.u16()?, bytes.u32()?);
    Some(Opened { error, socket, port, address: address(family, bytes.take(16)?) })
}

fn address(family: u16, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        2 => Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?).into()),
        10 => Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// Names, leaf first, each ended by a NUL byte -> a path.
fn path(bytes: &[u8], length: u16) -> Vec<u8> {
    let written = bytes.get(..usize::from(length)).unwrap_or(bytes);
    let Some(names) = written.strip_suffix(b"\0") else {
        // Cut, or nothing: what was cut is at the root's end.
        let names = written.split(|&b| b == 0).filter(|name| !name.is_empty());
        let names: Vec<_> = names.collect();
        return names.into_iter().rev().collect::<Vec<_>>().join(&b'/');
    };
    let mut path = Vec::with_capacity(written.len() + 1);
    for name in names.split(|&b| b == 0).rev() {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}

/// Arguments, each ended by a NUL byte; a title that a process gave itself is one of them.
fn arguments(bytes: &[u8], length: u16) -> Vec<&[u8]> {
    let written = bytes.get(..usize::from(length)).unwrap_or(bytes);
    // A title is padded with NUL bytes.
    let end = written.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    let written = written.get(..end).unwrap_or_default();
    if written.is_empty() {
        return Vec::new();
    }
    written.split(|&b| b == 0).collect()
}

fn word(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_ne_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_ne_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_turned_round() {
        let walked = b"perl\0bin\0usr\0rest of the room";
        assert_eq!(path(walked, 13), b"/usr/bin/perl");
        assert_eq!(path(b"\0\0", 0), b"");
        assert_eq!(path(b"a\0very long na", 14), b"very long na/a");
    }

    #[test]
    fn a_title_is_one_argument() {
        assert_eq!(arguments(b"php-fpm: pool www\0\0\0\0\0", 22), [b"php-fpm: pool www"]);
        assert_eq!(arguments(b"sh\0-c\0\0x\0", 9), [&b"sh"[..], b"-c", b"", b"x"]);
    }

    proptest! {
        #[test]
        fn never_panics(kind in 0_u32..6, bytes in proptest::collection::vec(any::<u8>(), 0..7000)) {
            let mut event = kind.to_ne_bytes().to_vec();
            event.extend(bytes);
            let _ = Event::read(&event);
        }
    }
}
