//! Whose a connection is: the MTA's, an allowed program's, or nobody's who should send.
//!
//! The MTA's are known by their file and their user together: a file of that name that another user starts is not
//! the MTA, nor is another file under the MTA's user. Both come from the configuration, or from a connection that a line of the
//! mail log explains (same process, same server): a program of the system's folders, no interpreter, under a system's user,
//! because any user can write such a line. **Lineless is not yet guilty**: a connection of the MTA's own needs no line.

use crate::session::Session;
use crate::settings::{Allowed, Mta, Settings};
use heloscope_model::mail_server;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Programs that are learnt.
const MOST_LEARNT: usize = 64;
/// How a connection stands to the MTA.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "name")]
pub enum Standing {
    /// The MTA's own.
    Mta,
    /// Of a program that may, by its name in the configuration.
    Allowed(String),
    /// To this host itself.
    Local,
    /// Of a program that a line of the mail log may yet explain.
    Waiting,
    /// Of another program under the MTA's user.
    Foreign,
    /// Of a program that should not send.
    Past,
}

impl Standing {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Mta => "the MTA".to_owned(),
            Self::Allowed(name) => format!("allowed: {name}"),
            Self::Local => "to this host".to_owned(),
            Self::Waiting => "not explained yet".to_owned(),
            Self::Foreign => "foreign, under the MTA's user".to_owned(),
            Self::Past => "past the MTA".to_owned(),
        }
    }

    /// Whether it should not be.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Foreign | Self::Past)
    }
}

/// Programs that lines of the mail log have proved to be the MTA's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Learnt(BTreeSet<(String, u32)>);

impl Learnt {
    /// A line explains the connection; whether that teaches something.
    pub(crate) fn learn(&mut self, session: &Session) -> bool {
        let Some(exe) = session.exe.as_ref().filter(|_| can_be_learnt(session)) else {
            return false;
        };
        self.0.len() < MOST_LEARNT && self.0.insert((exe.clone(), session.uid))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, u32)> {
        self.0.iter()
    }
}

/// How a connection stands.
pub(crate) fn judge(
    session: &Session,
    settings: &Settings,
    learnt: &Learnt,
    own: &BTreeSet<IpAddr>,
) -> Standing {
    let server = session.server.ip().to_canonical();
    if session.pid == settings.own_pid {
        return Standing::Allowed("Heloscope's own alerts".to_owned());
    }
    if !settings.count_local && (server.is_loopback() || own.contains(&server)) {
        return Standing::Local;
    }
    let mta = &settings.mta;
    let mut by_right = session.exe.iter();
    if by_right
        .any(|exe| mta.has(exe, session.uid) || learnt.0.contains(&(exe.clone(), session.uid)))
    {
        return Standing::Mta;
    }
    if let Some(allowed) = settings.allowed.iter().find(|allowed| allowed.holds(session)) {
        return Standing::Allowed(allowed.name.clone());
    }
    if session.uid != 0 && mta.users.contains(&session.uid) {
        return Standing::Foreign;
    }
    if can_be_learnt(session) { Standing::Waiting } else { Standing::Past }
}

impl Mta {
    /// Whether that file, under that user, is the MTA.
    fn has(&self, exe: &str, uid: u32) -> bool {
        let file = self.programs.iter().any(|program| program == exe)
            || self.folders.iter().any(|folder| {
                exe.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| {
                    rest.strip_prefix('/').is_some_and(|file| !file.contains('/'))
                })
            });
        file && (self.users.is_empty() || self.users.contains(&uid))
    }
}

impl Allowed {
    fn holds(&self, session: &Session) -> bool {
        let server = session.server.ip().to_canonical();
        self.exe.as_ref().is_none_or(|exe| session.exe.as_ref() == Some(exe))
            && self.script.as_ref().is_none_or(|script| session.script.as_ref() == Some(script))
            && self.uid.is_none_or(|uid| uid == session.uid)
            && (self.to.is_empty() || self.to.iter().any(|net| net.contains(&server)))
            && (self.ports.is_empty() || self.ports.contains(&session.server.port()))
    }
}

/// Whether a line of the mail log may teach that it is the MTA's.
fn can_be_learnt(session: &Session) -> bool {
    let exe = session.exe.as_deref().filter(|_| !session.deleted);
    exe.is_some_and(|exe| mail_server::can_be_one(exe, session.uid))
}
