//! Which mail server is here, and as whom it sends: from processes, installed programs and its settings.
//!
//! In: a root folder, so that tests have theirs. Out: [`Found`], with what each claim rests on and what could not be
//! seen. A mail server that runs counts before one that is only installed; one in a network namespace of its own (a
//! container) is not here: what it sends is forwarded. Nothing is executed and no name is resolved.

mod kinds;
mod surroundings;

pub use surroundings::{Program, Surroundings};

use super::policy::{Cgroup, Sender, Who};
use kinds::{Kind, Place, Rights};
use serde::Serialize;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// The mail servers, those that run first.
    pub mailers: Vec<Mailer>,
    /// What could not be seen, or is not as wished.
    pub notes: Vec<String>,
}

/// A mail server of this host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mailer {
    /// `postfix`.
    pub name: &'static str,
    /// Whether it runs.
    pub running: bool,
    /// As whom it sends; nobody, where it cannot be told from its caller.
    pub who: Vec<Who>,
    /// Its control groups, where systemd runs it.
    pub cgroups: Vec<Cgroup>,
    /// What says so.
    pub seen: Vec<String>,
    /// What its rules cannot do.
    pub limits: Vec<String>,
}

impl Found {
    /// Who may send: of the mail servers that run, else of those that are installed.
    pub fn senders(&self, by_cgroup: bool) -> Vec<Sender> {
        let running = self.mailers.iter().any(|m| m.running && !m.who.is_empty());
        let chosen = self.mailers.iter().filter(|m| m.running || !running);
        let mut senders = Vec::new();
        for mailer in chosen {
            for who in &mailer.who {
                let sender = |cgroup| Sender {
                    who: *who,
                    cgroup,
                    name: mailer.name.to_owned(),
                    mailer: true,
                };
                if mailer.cgroups.is_empty() || !by_cgroup {
                    senders.push(sender(None));
                } else {
                    senders.extend(mailer.cgroups.iter().cloned().map(Some).map(sender));
                }
            }
        }
        senders
    }
}

/// Looks for them.
pub fn find(at: &Surroundings) -> Found {
    let mut found = Found { mailers: Vec::new(), notes: at.unseen.clone() };
    for kind in &kinds::KINDS {
        let running: Vec<&Program> = at.programs.iter().filter(|p| kind.is(p)).collect();
        for program in running.iter().filter(|p| p.elsewhere).take(1) {
            found.notes.push(format!(
                "{} runs in a network namespace of its own (process {}): what it sends passes through this host and is not asked for by the rules for programs; see --forward, and --allow-from for its address",
                kind.name, program.pid
            ));
        }
        let here: Vec<&&Program> = running.iter().filter(|p| !p.elsewhere).collect();
        let files: Vec<&str> = kind.files.iter().copied().filter(|f| at.is_there(f)).collect();
        let configured = kind.settings.is_empty() || kind.settings.iter().any(|f| at.is_there(f));
        if here.is_empty() && (files.is_empty() || !configured) {
            continue;
        }
        found.mailers.push(mailer(kind, &here, &files, at));
    }
    found.mailers.sort_by_key(|m| !m.running);
    found
}

fn mailer(kind: &Kind, here: &[&&Program], files: &[&str], at: &Surroundings) -> Mailer {
    let mut seen: Vec<String> = here
        .iter()
        .take(3)
        .map(|p| format!("process {} ({})", p.pid, p.exe.as_deref().unwrap_or(&p.comm)))
        .collect();
    seen.extend(files.iter().take(2).map(|file| (*file).to_owned()));
    let mut limits = Vec::new();
    let who = who(kind, at, &mut seen, &mut limits);
    let mut cgroups = Vec::new();
    match kind.place {
        Place::Unit => {
            for program in here {
                match at.unit(program) {
                    Ok(cgroup) if !cgroups.contains(&cgroup) && cgroups.len() < 4 => {
                        seen.push(format!("control group {}", cgroup.path()));
                        cgroups.push(cgroup);
                    }
                    Ok(_) => {}
                    Err(why) if !limits.contains(&why) => limits.push(why),
                    Err(_) => {}
                }
            }
            if cgroups.is_empty() {
                if here.is_empty() {
                    limits.push(
                        "it does not run, so its unit's control group is not known".to_owned(),
                    );
                }
                limits.push(alone(&who));
            }
        }
        Place::Anywhere(why) => {
            limits.push(why.to_owned());
            if !who.is_empty() {
                limits.push(alone(&who));
            }
        }
    }
    Mailer { name: kind.name, running: !here.is_empty(), who, cgroups, seen, limits }
}

/// What it means that only the user is asked.
fn alone(who: &[Who]) -> String {
    let ids: Vec<String> = who.iter().map(Who::to_string).collect();
    let root = if who.contains(&Who::Uid(0)) { ", that is every program of root" } else { "" };
    format!(
        "only the user can be asked: a bot that runs as {} gets out as well{root}",
        ids.join(", ")
    )
}

fn who(
    kind: &Kind,
    at: &Surroundings,
    seen: &mut Vec<String>,
    limits: &mut Vec<String>,
) -> Vec<Who> {
    let (names, group) = match kind.rights {
        Rights::User { setting, names } => {
            let set = setting.and_then(|(file, key)| at.setting(file, key));
            if let (Some((file, _)), Some(name)) = (setting, &set) {
                seen.push(format!("{file} says {name}"));
            }
            let names: Vec<String> = set
                .map_or_else(|| names.iter().map(|n| (*n).to_owned()).collect(), |name| vec![name]);
            (names, false)
        }
        Rights::Group(name) => (vec![name.to_owned()], true),
        Rights::Caller(why) => {
            limits.push(why.to_owned());
            return Vec::new();
        }
    };
    for name in &names {
        let id = if group { at.gid(name) } else { at.uid(name) };
        if let Some(id) = id {
            return vec![if group { Who::Gid(id) } else { Who::Uid(id) }];
        }
    }
    limits.push(format!(
        "no {} {} on this host",
        if group { "group" } else { "user" },
        names.join(" or ")
    ));
    Vec::new()
}

#[cfg(test)]
mod tests;
