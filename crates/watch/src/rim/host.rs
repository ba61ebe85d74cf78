//! What this host is: its mail server, users, logs and queue, from the configuration and from what stands where it
//! usually does. Reads files; runs nothing.

use super::answers;
use crate::config::{Config, User};
use crate::settings::{Allowed, Mta, Settings};
use heloscope_model::mail_server::{self, MailServer};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that was found.
#[derive(Debug)]
pub struct Found {
    /// This host's name.
    pub host: String,
    /// For the core.
    pub settings: Settings,
    /// The mail logs.
    pub logs: Vec<PathBuf>,
    /// The spool of the queue.
    pub queue: Option<PathBuf>,
    /// The zone of stamps that name none.
    pub zone: jiff::tz::TimeZone,
    /// When the summary goes out.
    pub summary: Option<jiff::civil::Time>,
    /// What cannot be seen.
    pub blind: Vec<String>,
}

/// What the configuration names and this host has not.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Unresolved {
    #[error("there is no user {0} on this host")]
    User(String),
    #[error("timezone = {0:?} is no time zone (Europe/Berlin)")]
    Zone(String),
    #[error(transparent)]
    Answer(#[from] answers::Unread),
    #[error(transparent)]
    Refused(#[from] crate::config::Refused),
}

/// Where mail logs stand.
const LOGS: [&str; 2] = ["/var/log/mail.log", "/var/log/maillog"];
const MAIN_CF: &str = "/etc/postfix/main.cf";

impl Found {
    /// Looks at this host.
    pub fn here(config: &Config) -> Result<Self, Unresolved> {
        let users = users();
        let uid = |user: &User| match user {
            User::Number(uid) => Ok(*uid),
            User::Name(name) => by_name(&users, name).ok_or_else(|| Unresolved::User(name.clone())),
        };
        let mut blind = Vec::new();
        let mut mta = known(&users);
        if !config.mta.folders.is_empty() || !config.mta.programs.is_empty() {
            mta.folders.clone_from(&config.mta.folders);
            mta.programs.clone_from(&config.mta.programs);
            if mta.name.is_empty() {
                "the configured programs".clone_into(&mut mta.name);
            }
        }
        if !config.mta.users.is_empty() {
            mta.users = config.mta.users.iter().map(uid).collect::<Result<_, _>>()?;
        }
        mta.helo.clone_from(&config.mta.helo);
        if mta.folders.is_empty() && mta.programs.is_empty() {
            "none".clone_into(&mut mta.name);
            blind.push("no mail server is found here: every program that sends is past it; name it under [mta]".to_owned());
        }
        let allowed = config.allowed.iter().map(|said| {
            Ok(Allowed {
                name: said.name.clone(),
                exe: said.exe.clone(),
                script: said.script.clone(),
                uid: said.user.as_ref().map(uid).transpose()?,
                to: said.to.iter().map(|net| net.0).collect(),
                ports: said.ports.clone(),
            })
        });
        let fixed = answers::resolved(&config.fixed, &mut blind)?;
        let settings = Settings {
            mta,
            allowed: allowed.collect::<Result<_, Unresolved>>()?,
            allowed_clients: config.allowed_clients.iter().map(|net| net.0).collect(),
            addresses: config.addresses.clone(),
            fixed,
            limits: config.limits.into(),
            count_local: config.count_local,
            own_pid: std::process::id(),
            users,
        };
        let zone = match &config.timezone {
            None => super::clock::zone(),
            Some(name) => {
                jiff::tz::TimeZone::get(name).map_err(|_| Unresolved::Zone(name.clone()))?
            }
        };
        let logs = match &config.logs[..] {
            [] => LOGS.iter().map(PathBuf::from).filter(|log| log.is_file()).take(1).collect(),
            named => named.to_vec(),
        };
        Ok(Self {
            host: host(),
            settings,
            logs,
            queue: config.mta.queue.clone().or_else(queue),
            zone,
            summary: config.summary.time()?,
            blind,
        })
    }
}

/// The mail servers that are installed; several are one.
fn known(users: &BTreeMap<u32, String>) -> Mta {
    let mut mta = Mta::default();
    let mut names: Vec<&str> = Vec::new();
    for server in mail_server::KNOWN {
        let MailServer { name, shown_by, folders, programs, users: of } = server;
        if !Path::new(shown_by).exists() {
            continue;
        }
        if !names.contains(&name) {
            names.push(name);
        }
        mta.folders
            .extend(folders.iter().filter(|f| Path::new(f).is_dir()).map(|f| (*f).to_owned()));
        mta.programs.extend(programs.iter().map(|p| (*p).to_owned()));
        mta.users.extend(of.iter().filter_map(|name| by_name(users, name)));
    }
    if names.contains(&"Postfix") {
        let main = fs::read_to_string(MAIN_CF).unwrap_or_default();
        if let Some(folder) = setting(&main, "daemon_directory").filter(|f| f.starts_with('/')) {
            mta.folders.push(folder);
        }
        if let Some(uid) = setting(&main, "mail_owner").and_then(|name| by_name(users, &name)) {
            mta.users.insert(uid);
        }
    }
    let unique: BTreeSet<String> = mta.folders.drain(..).collect();
    mta.folders = unique.into_iter().collect();
    mta.name = names.join(" and ");
    mta
}

fn queue() -> Option<PathBuf> {
    let main = fs::read_to_string(MAIN_CF).ok()?;
    let folder = setting(&main, "queue_directory").filter(|f| f.starts_with('/'));
    Some(folder.map_or_else(|| PathBuf::from("/var/spool/postfix"), PathBuf::from))
}

/// The last word of main.cf on a setting, where it is written out.
fn setting(main: &str, name: &str) -> Option<String> {
    let mut said = main.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim_end() == name).then(|| value.trim().to_owned())
    });
    said.next_back().filter(|value| !value.is_empty() && !value.contains('$'))
}

/// The users of /etc/passwd.
fn users() -> BTreeMap<u32, String> {
    let text = fs::read("/etc/passwd").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((fields.nth(1)?.parse().ok()?, name))
    };
    let mut users = BTreeMap::new();
    for (uid, name) in text.lines().filter_map(line) {
        users.entry(uid).or_insert(name);
    }
    users
}

fn by_name(users: &BTreeMap<u32, String>, name: &str) -> Option<u32> {
    users.iter().find(|(_, known)| *known == name).map(|(uid, _)| *uid)
}

fn host() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.unwrap_or_else(|| "this host".to_owned())
}
