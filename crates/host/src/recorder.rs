//! The recorder: eBPF programs (`bpf/recorder.bpf.c`) on the kernel's trace points, their events joined and given out.
//!
//! ```text
//!  fork, exec ──> who came from whom (in the kernel)
//!                        │
//!  connect() ────────────┴──> opening ┐
//!  SYN-ACK, RST, time-out ──> opened  ├─ ring ──> join ──> Noted
//!  close ───────────────────> closed  ┘
//! ```
//!
//! Needs the right to load programs (root, or CAP_BPF and CAP_PERFMON) and a kernel with BTF, 5.17 or later; refused otherwise
//! with the reason. Once loaded the rights may be dropped. The object is part of the binary, so users need no compiler.

mod before;
mod event;
mod join;

use crate::{Noted, clock};
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, RingBuf};
use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf};
use event::Event;
use heloscope_model::Time;
use join::{Epoch, Join};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::time::ClockId;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// Ports of mail: between servers, submission, and what is used where those are shut.
pub const PORTS: [u16; 4] = [25, 465, 587, 2525];

/// The programs and where they are hooked in.
const PROGRAMS: [(&str, &str); 4] = [
    ("forked", "sched_process_fork"),
    ("executed", "sched_process_exec"),
    ("exited", "sched_process_exit"),
    ("state", "inet_sock_set_state"),
];

/// How long events are gathered once there is one.
const TOGETHER: Duration = Duration::from_millis(10);

static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/recorder.bpf.o");

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel describes none of its types.
    #[error("this kernel has no BTF (/sys/kernel/btf/vmlinux): {0}")]
    Btf(#[from] aya::BtfError),
    /// It does not take the programs.
    #[error("loading the recorder into the kernel: {0}")]
    Load(#[from] aya::EbpfError),
    /// One of them cannot be hooked in.
    #[error("hooking the recorder into {hook}: {source}")]
    Attach {
        /// Where.
        hook: &'static str,
        /// Why.
        source: aya::programs::ProgramError,
    },
    /// A map of theirs is not usable.
    #[error("the recorder's maps: {0}")]
    Map(#[from] aya::maps::MapError),
    /// The object lacks a part.
    #[error("the recorder's object has no {0}: it was built from other source")]
    Missing(&'static str),
    /// A clock of the machine.
    #[error("reading the clock: {0}")]
    Clock(nix::Error),
    /// Waiting for events.
    #[error("waiting for events: {0}")]
    Wait(nix::Error),
}

impl Error {
    /// Whether more rights would help.
    pub fn is_permission(&self) -> bool {
        let mut cause: Option<&dyn std::error::Error> = Some(self);
        while let Some(error) = cause {
            let io = error.downcast_ref::<std::io::Error>();
            if io.is_some_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// Programs that run in the kernel until this is dropped.
pub struct Recorder {
    // Dropped with it: the programs are unhooked.
    _programs: Ebpf,
    ring: RingBuf<MapData>,
    lost: PerCpuArray<MapData, u64>,
    said: u64,
    /// When it was read last.
    read: Time,
    join: Join,
}

impl Recorder {
    /// Loads the programs and begins to record connections to these ports.
    pub fn start(ports: &[u16]) -> Result<Self, Error> {
        let btf = Btf::from_sys_fs()?;
        let mut programs = Ebpf::load(OBJECT)?;
        fill_ports(&mut programs, ports)?;
        for (name, hook) in PROGRAMS {
            let program = programs.program_mut(name).ok_or(Error::Missing(name))?;
            let attach = |program: &mut aya::programs::Program| {
                let program: &mut BtfTracePoint = program.try_into()?;
                program.load(hook, &btf)?;
                program.attach().map(drop)
            };
            attach(program).map_err(|source| Error::Attach { hook, source })?;
        }
        fill_processes(&mut programs)?;
        let ring = RingBuf::try_from(taken(&mut programs, "EVENTS")?)?;
        let lost = PerCpuArray::try_from(taken(&mut programs, "LOST")?)?;
        Ok(Self {
            _programs: programs,
            ring,
            lost,
            said: 0,
            read: clock::now(),
            join: Join::default(),
        })
    }

    /// Waits until something is to be noted, or the time is over.
    pub fn next(&mut self, wait: Duration) -> Result<Vec<Noted>, Error> {
        let mut noted = self.read()?;
        if noted.is_empty() {
            let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.ring.as_fd(), PollFlags::POLLIN)];
            match nix::poll::poll(&mut fds, timeout) {
                // What comes together is read together: a burst wakes us a hundred times a second, not at each event.
                Ok(ready) if ready > 0 => pause(TOGETHER.min(wait)),
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(error) => return Err(Error::Wait(error)),
            }
            noted = self.read()?;
        }
        Ok(noted)
    }

    fn read(&mut self) -> Result<Vec<Noted>, Error> {
        let nanos = |clock| clock::nanos(clock).map_err(Error::Clock);
        let boot = nanos(ClockId::CLOCK_BOOTTIME)?;
        let epoch = Epoch(Time::from_micros((nanos(ClockId::CLOCK_REALTIME)? - boot) / 1000));
        let boot = u64::try_from(boot).unwrap_or_default();
        let mut noted = Vec::new();
        while let Some(item) = self.ring.next() {
            if let Some(event) = Event::read(&item) {
                noted.extend(self.join.take(event, epoch));
            }
        }
        noted.extend(self.join.overdue(boot));
        let lost: u64 = self.lost.get(&0, 0)?.iter().sum();
        if lost > self.said {
            noted.push(Noted::Lost {
                events: lost - self.said,
                since: self.read,
                time: epoch.time(boot),
            });
            self.said = lost;
        }
        self.read = epoch.time(boot);
        Ok(noted)
    }
}

fn taken(programs: &mut Ebpf, name: &'static str) -> Result<Map, Error> {
    programs.take_map(name).ok_or(Error::Missing(name))
}

fn fill_ports(programs: &mut Ebpf, ports: &[u16]) -> Result<(), Error> {
    let map = programs.map_mut("PORTS").ok_or(Error::Missing("PORTS"))?;
    let mut words: Array<_, u64> = Array::try_from(map)?;
    for &port in ports {
        let word = u32::from(port >> 6);
        let bits = words.get(&word, 0)? | 1 << (port & 63);
        words.set(word, bits, 0)?;
    }
    Ok(())
}

/// What was there before; what the kernel's part knows already is newer.
fn fill_processes(programs: &mut Ebpf) -> Result<(), Error> {
    const NEW_ONLY: u64 = 1;
    let map = programs.map_mut("PROCESSES").ok_or(Error::Missing("PROCESSES"))?;
    let mut known: HashMap<_, u32, [u8; before::SIZE]> = HashMap::try_from(map)?;
    for (pid, process) in before::processes(Path::new("/proc")) {
        match known.insert(pid, process, NEW_ONLY) {
            Ok(()) | Err(MapError::SyscallError(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Sleeps; a signal may end it early, which does no harm.
/// Does nothing for a while.
pub(crate) fn pause(time: Duration) {
    if let Ok(timeout) = PollTimeout::try_from(time) {
        let _ = nix::poll::poll(&mut [], timeout);
    }
}
