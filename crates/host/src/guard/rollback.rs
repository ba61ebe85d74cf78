//! Changes of what stands, each under the lock, and the watching process that takes back what nobody confirmed.
//!
//! The watcher is started before the rules are loaded, so rules on trial never stand alone. It leaves the caller's session
//! and is nobody's child (started by a process that ended), so it outlives the shell and the connection over which the
//! administrator may just have locked himself out. SIGTERM makes it act at once rather than never. Where it is killed all the
//! same, nftables' own clock empties the set of ports (`nft`).

use super::loading::{Place, ToolError};
use super::policy::Policy;
use super::state::{self, Held, State, StateError, Tool, since_boot};
use super::unit;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// How often the watcher looks.
const LOOK_MS: u16 = 250;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The process that would take it back.
    #[error("starting the process that takes the rules back: {0}: nothing was loaded")]
    Watcher(io::Error),
    /// There is nothing to confirm any more.
    #[error("{0}")]
    Late(&'static str),
}

/// Loads a policy on trial, watched; `exe` is this program.
pub fn apply(
    folder: &Path,
    exe: &Path,
    tool: Tool,
    policy: &Policy,
    seconds: u32,
) -> Result<State, ChangeError> {
    let place = Place::default();
    let held = Held::take(folder)?;
    let old = held.read()?;
    // Rules of the other tool would go on refusing beside these.
    if let Some(old) = old.as_ref().filter(|old| old.with != tool) {
        place.remove(old.with)?;
    }
    let before = old.as_ref().and_then(|old| match old.until {
        None if old.with == tool => Some(old.policy.clone()),
        None => None,
        Some(_) => old.before.clone(),
    });
    let until = since_boot().saturating_add(seconds.into());
    // Nothing is begun that the kernel would not take.
    place.check(tool, policy)?;
    let mut state = State::new(token(), tool, policy.clone(), Some(until), before);
    held.write(&state)?;
    let started = start(exe, folder, &state).map_err(ChangeError::Watcher);
    let loaded = started.and_then(|watcher| {
        state.watcher = Some(watcher);
        held.write(&state)?;
        Ok(place.load(tool, policy, Some(seconds))?)
    });
    if let Err(error) = loaded {
        // As it was: the old rules still stand, a transaction is whole or not at all.
        match &old {
            Some(old) if old.with == tool => {
                held.write(old)?;
                // Its watcher may have seen the new one and gone.
                if old.until.is_some() {
                    start(exe, folder, old).map_err(ChangeError::Watcher)?;
                }
            }
            _ => held.remove()?,
        }
        return Err(error);
    }
    unit::place(Path::new(unit::SYSTEM), policy, exe, folder);
    Ok(state)
}

/// Lets stay what is on trial.
pub fn confirm(folder: &Path) -> Result<State, ChangeError> {
    let held = Held::take(folder)?;
    let Some(mut state) = held.read()? else {
        return Err(ChangeError::Late(
            "nothing is on trial: what was not confirmed in time was taken back, or nothing was applied (heloscope guard status)",
        ));
    };
    let place = Place::default();
    if let Some(until) = state.until {
        if since_boot() >= until {
            return Err(ChangeError::Late(
                "the time is over: the rules are being taken back; apply them again",
            ));
        }
        if !place.stands(state.with)? {
            return Err(ChangeError::Late(
                "the rules are gone: something else removed them (a reload of the firewall?); apply them again",
            ));
        }
        place.keep(state.with, &state.policy)?;
        state.until = None;
        state.before = None;
        state.watcher = None;
        held.write(&state)?;
    }
    Ok(state)
}

/// Takes away whatever of ours stands, whatever the state says; nothing where nothing stands.
pub fn revert(folder: &Path, asked: Option<Tool>) -> Result<(), ChangeError> {
    let held = Held::take(folder)?;
    let known = held.read().ok().flatten().map(|state| state.with);
    let place = Place::default();
    match asked.or(known) {
        Some(tool) => place.remove(tool)?,
        // Which tool loaded it is not known: whatever is installed is asked.
        None => {
            let results = [Tool::Nft, Tool::Iptables].map(|tool| place.remove(tool));
            let missing = |r: &Result<(), ToolError>| matches!(r, Err(ToolError::Missing(..)));
            if results.iter().all(missing) {
                results.into_iter().collect::<Result<(), _>>()?;
            } else {
                results.into_iter().filter(|r| !missing(r)).collect::<Result<(), _>>()?;
            }
        }
    }
    unit::remove(Path::new(unit::SYSTEM));
    Ok(held.remove()?)
}

/// Names the senders anew, if something stands; the mail server's unit calls this as it starts.
pub fn renew(folder: &Path) -> Result<bool, ChangeError> {
    let held = Held::take(folder)?;
    match held.read()? {
        Some(state) => {
            Place::default().renew(state.with, &state.policy)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Starts the watcher by a process that ends; its number.
fn start(exe: &Path, folder: &Path, state: &State) -> io::Result<u32> {
    let output = Command::new(exe)
        .args(["guard", "watch", "--token", &state.token.to_string(), "--state"])
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| io::Error::other("it did not start"))
}

/// The process between: leaves the caller's session and starts the one that stays.
pub fn detach(exe: &Path, folder: &Path, token: u64) -> io::Result<u32> {
    // Where it is a group's first already, it has a session or group of its own.
    let _ = nix::unistd::setsid();
    let child = Command::new(exe)
        .args(["guard", "watch", "--detached", "--token", &token.to_string(), "--state"])
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(child.id())
}

/// The watcher's whole life.
pub fn watch(folder: &Path, token: u64) -> Result<(), ChangeError> {
    let os = |e: nix::Error| ChangeError::Watcher(e.into());
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGPIPE] {
        mask.add(signal);
    }
    mask.thread_block().map_err(os)?;
    let signals =
        SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(os)?;
    let mut deadline = None;
    loop {
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(LOOK_MS)) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(os(error)),
        }
        let asked = signals.read_signal().ok().flatten();
        let asked = asked.is_some_and(|s| s.ssi_signo == Signal::SIGTERM as u32);
        match state::read(folder) {
            Ok(Some(state)) if state.token == token && state.until.is_some() => {
                deadline = state.until
            }
            // Confirmed, taken back, or another's.
            Ok(_) => return Ok(()),
            // A state that nobody can read confirms nothing: what was known of it holds.
            Err(_) => {}
        }
        if asked || deadline.is_some_and(|until| since_boot() >= until) {
            return expire(folder, token);
        }
    }
}

/// The time is over.
fn expire(folder: &Path, token: u64) -> Result<(), ChangeError> {
    let place = Place::default();
    let held = match Held::take(folder) {
        Ok(held) => held,
        Err(error) => {
            for tool in [Tool::Nft, Tool::Iptables] {
                let _ = place.remove(tool);
            }
            return Err(error.into());
        }
    };
    match held.read() {
        Ok(Some(state)) if state.token == token && state.until.is_some() => {
            if let Some(before) = state.before
                && place.load(state.with, &before, None).is_ok()
            {
                unit::place(Path::new(unit::SYSTEM), &before, Path::new("/proc/self/exe"), folder);
                return Ok(held.write(&State::new(state.token, state.with, before, None, None))?);
            }
            place.remove(state.with)?;
        }
        Ok(_) => return Ok(()),
        Err(_) => {
            for tool in [Tool::Nft, Tool::Iptables] {
                let _ = place.remove(tool);
            }
        }
    }
    unit::remove(Path::new(unit::SYSTEM));
    Ok(held.remove()?)
}

/// Tells one application from the next.
fn token() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    let nanos = now.map_or(0, |t| t.tv_sec().wrapping_mul(1_000_000_000).wrapping_add(t.tv_nsec()));
    (nanos as u64).rotate_left(20) ^ u64::from(std::process::id())
}
