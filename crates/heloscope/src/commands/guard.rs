//! `heloscope guard`: only the mail server gets out to mail ports. What it does and what it means stand in
//! `heloscope_host::guard`; here a person is told.

mod plan;
mod prove;
mod status;

use crate::cli::guard::{Apply, Guard, Place, What, With};
use crate::outcome::Outcome;
use anyhow::{Context, Result};
use heloscope_host::guard::attempt::{self, Asked};
use heloscope_host::guard::loading::ToolError;
use heloscope_host::guard::prove::listen;
use heloscope_host::guard::rollback::{self, ChangeError};
use heloscope_host::guard::state::{StateError, Tool};
use heloscope_host::guard::{policy, state};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

pub(crate) fn run(args: &Guard) -> Result<Outcome> {
    match &args.what {
        None => plan::run(&args.plan),
        Some(What::Plan(args)) => plan::run(args),
        Some(What::Apply(args)) => apply(args),
        Some(What::Confirm(place)) => confirm(place),
        Some(What::Revert(args)) => {
            need_root("removing rules")?;
            settled(rollback::revert(&args.place.state, args.with.map(tool)), |()| {
                println!("No rule of the guard stands.");
                Outcome::Done
            })
        }
        Some(What::Status(args)) => status::run(args),
        Some(What::Prove(args)) => prove::run(args),
        Some(What::Sink { at, port }) => {
            let ports = if port.is_empty() { policy::PORTS.to_vec() } else { port.clone() };
            for address in listen(*at, &ports).with_context(|| format!("listening on {at}"))? {
                println!("ready sink {address}");
            }
            io::stdout().flush()?;
            loop {
                std::thread::park();
            }
        }
        Some(What::Renew(place)) => {
            need_root("loading rules")?;
            settled(rollback::renew(&place.state), |_| Outcome::Done)
        }
        Some(What::Watch { token, detached: false, place }) => {
            println!("{}", rollback::detach(&own_program(), &place.state, *token)?);
            Ok(Outcome::Done)
        }
        Some(What::Watch { token, detached: true, place }) => {
            settled(rollback::watch(&place.state, *token), |()| Outcome::Done)
        }
        Some(What::Attempt { uid, gid, cgroup, namespace, to }) => {
            let (cgroup, namespace) = (cgroup.clone(), namespace.clone());
            attempt::serve(&Asked { uid: *uid, gid: *gid, cgroup, namespace, to: to.clone() })?;
            Ok(Outcome::Done)
        }
    }
}

fn apply(args: &Apply) -> Result<Outcome> {
    need_root("loading rules")?;
    let mut plan = plan::Plan::make(&args.wishes);
    if let Some(missing) = plan.missing.take() {
        return complain(&missing.into());
    }
    plan.must_be_sound()?;
    plan.tell_limits();
    let (policy, seconds) = (&plan.policy, args.confirm_within);
    let state = match rollback::apply(&args.place.state, &own_program(), plan.tool, policy, seconds)
    {
        Ok(state) => state,
        Err(error) => return complain(&error),
    };
    println!(
        "The rules stand for {seconds} seconds and are then taken back (by process {}).",
        state.watcher.unwrap_or(0)
    );
    if !io::stdin().is_terminal() {
        println!("Keep them with: heloscope guard confirm{}", of_place(&args.place));
        return Ok(Outcome::Done);
    }
    println!("Try to send a mail, and to log in anew. Keep the rules? Type yes: ");
    match answer(Duration::from_secs(seconds.into())) {
        Some(word) if word == "yes" => confirm(&args.place),
        Some(_) => settled(rollback::revert(&args.place.state, None), |()| {
            println!("Taken back.");
            Outcome::Done
        }),
        None => {
            println!("Nobody answered: taken back.");
            Ok(Outcome::Attention)
        }
    }
}

fn confirm(place: &Place) -> Result<Outcome> {
    need_root("keeping rules")?;
    settled(rollback::confirm(&place.state), |_| {
        println!(
            "The rules stay until `heloscope guard revert{}` or the next boot.",
            of_place(place)
        );
        Outcome::Done
    })
}

/// What is typed within a time; nothing where nothing is.
fn answer(within: Duration) -> Option<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line).is_ok_and(|n| n > 0) {
            let _ = tell.send(line.trim().to_owned());
        }
    });
    told.recv_timeout(within).ok()
}

fn settled<T>(result: Result<T, ChangeError>, done: impl FnOnce(T) -> Outcome) -> Result<Outcome> {
    match result {
        Ok(value) => Ok(done(value)),
        Err(error) => complain(&error),
    }
}

/// Says what went wrong, and how it counts.
fn complain(error: &ChangeError) -> Result<Outcome> {
    eprintln!("heloscope: {error}");
    Ok(match error {
        ChangeError::Tool(ToolError::Missing(..) | ToolError::Neither) => Outcome::ServiceAway,
        ChangeError::Tool(ToolError::Failed { said, .. })
            if said.contains("Operation not permitted") =>
        {
            Outcome::NoPermission
        }
        ChangeError::State(StateError::File { source, .. })
            if source.kind() == io::ErrorKind::PermissionDenied =>
        {
            Outcome::NoPermission
        }
        ChangeError::State(StateError::Strange { .. }) => Outcome::NothingReadable,
        ChangeError::Late(_) => Outcome::Attention,
        _ => Outcome::InputOutput,
    })
}

/// Only root changes rules.
fn need_root(what: &str) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let words =
        format!("{what} needs root (sudo heloscope guard …); `heloscope guard plan` does not");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, words).into())
}

fn tool(with: With) -> Tool {
    match with {
        With::Nft => Tool::Nft,
        With::Iptables => Tool::Iptables,
    }
}

/// This program's file; what runs now, where that was replaced meanwhile.
fn own_program() -> PathBuf {
    let file = std::env::current_exe().ok().filter(|file| file.is_file());
    file.unwrap_or_else(|| PathBuf::from("/proc/self/exe"))
}

/// ` --state DIR`, where it is not the usual one.
fn of_place(place: &Place) -> String {
    if place.state.as_os_str() == state::FOLDER {
        return String::new();
    }
    format!(" --state {}", place.state.display())
}
