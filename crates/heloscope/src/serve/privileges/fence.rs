//! Landlock: which files and TCP ports the server reaches.
//!
//! Read and written is the state folder alone; read are the few files by which names are looked up.
//! Nothing is executed, no TCP port is taken, and connections go to the ports of name servers and of the
//! mail relay only. UDP is not Landlock's (it has no such rule), nor is accepting what was bound before.

use super::Bounds;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, make_bitflags,
};
use std::fmt::Write as _;

/// The newest that is asked for; an older kernel gives what it has.
const ASKED: ABI = ABI::V6;

/// How names are looked up: the resolver's servers, and what comes before them.
const READ: [&str; 5] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf"];

/// Raises it; what holds now.
pub(super) fn raise(bounds: &Bounds) -> String {
    match restrict(bounds) {
        Ok(status) => said(&status, bounds),
        Err(error) => format!("no Landlock ({error})"),
    }
}

fn restrict(bounds: &Bounds) -> Result<RestrictionStatus, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ASKED))?
        .handle_access(AccessNet::from_all(ASKED))?
        .scope(Scope::from_all(ASKED))?
        .create()?;
    // No devices and nothing to execute, not even below the state folder.
    let written = AccessFs::from_all(ASKED)
        & !make_bitflags!(AccessFs::{Execute | MakeChar | MakeBlock | MakeFifo | IoctlDev});
    if let Ok(state) = PathFd::new(bounds.state) {
        rules = rules.add_rule(PathBeneath::new(state, written))?;
    }
    for file in READ {
        // One that is not there is not read.
        if let Ok(file) = PathFd::new(file) {
            rules = rules.add_rule(PathBeneath::new(file, AccessFs::ReadFile))?;
        }
    }
    for &port in &bounds.ports {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()
}

fn said(status: &RestrictionStatus, bounds: &Bounds) -> String {
    let abi = match (&status.ruleset, &status.landlock) {
        (RulesetStatus::NotEnforced, _) => return "no Landlock in this kernel".to_owned(),
        (_, LandlockStatus::Available { effective_abi, .. }) => *effective_abi,
        (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => {
            return "no Landlock in this kernel".to_owned();
        }
    };
    let mut said = format!("Landlock {abi:?}: files below {}", bounds.state.display());
    if abi >= ABI::V4 {
        let ports: Vec<_> = bounds.ports.iter().map(u16::to_string).collect();
        // Writing to a string does not fail.
        let _ = write!(said, ", TCP to ports {} and bound to none", ports.join(", "));
    } else {
        said.push_str(", TCP as before");
    }
    said
}
