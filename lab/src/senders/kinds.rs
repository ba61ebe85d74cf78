//! The table of kinds, senders/kinds.toml, as typed and as planned: every kind with its address, names and what is expected of it.

use anyhow::{Context, Result};
use serde::Deserialize;

const TABLE: &str = include_str!("../../senders/kinds.toml");

/// How a kind is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configured {
    /// As an administrator who cares would.
    Well,
    /// Real software that was left at its defaults or set up wrongly.
    Badly,
    /// A bot.
    Bot,
}

impl Configured {
    /// Its word in the written table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Badly => "badly",
            Self::Bot => "bot",
        }
    }
}

/// Where a kind's host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// With its own public address.
    Public,
    /// Behind an office's gateway, alone there.
    Inside,
    /// Behind an office's gateway, with a well configured Postfix that sends beside it.
    BesidePostfix,
}

/// A kind to play.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name, and the capture's.
    pub name: String,
    /// File of senders/programs or senders/bots, without its ending.
    pub program: String,
    /// How it is configured.
    pub configured: Configured,
    /// What is bad about it, in words for its owner.
    pub bad: String,
    /// Detectors that should speak; none for a well configured one.
    pub detectors: Vec<String>,
    /// Where it stands.
    pub place: Place,
    /// The address that the receiver sees.
    pub address: String,
    /// The reverse name of that address.
    pub ptr: Option<String>,
    /// The machine's host name.
    pub machine: String,
    /// What it is told to say as HELO; empty leaves the program's default.
    pub says: String,
    /// The message's lines end with LF.
    pub bare_lf: bool,
}

impl Kind {
    /// The domain that its senders' addresses are in.
    pub fn domain(&self) -> String {
        format!("{}.example", self.name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    well: Vec<String>,
    badly: Vec<Badly>,
    bot: Vec<Bot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Badly {
    kind: String,
    program: String,
    machine: Option<String>,
    #[serde(default)]
    says: String,
    ptr: Option<String>,
    #[serde(default)]
    nat: bool,
    #[serde(default)]
    bare_lf: bool,
    bad: String,
    detectors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bot {
    kind: String,
    program: String,
    detectors: Vec<String>,
}

/// All kinds, in the table's order, each with an address of its own.
pub fn all() -> Result<Vec<Kind>> {
    let table: Table = toml::from_str(TABLE).context("senders/kinds.toml")?;
    let mut kinds: Vec<Kind> = table.well.into_iter().map(well).collect();
    kinds.extend(table.badly.into_iter().map(badly));
    for entry in table.bot {
        kinds.extend(bot(entry));
    }
    for (number, kind) in kinds.iter_mut().enumerate() {
        place(kind, number);
    }
    Ok(kinds)
}

/// An address, and what is made of it. The first of each network are the world's own.
fn place(kind: &mut Kind, number: usize) {
    const EACH: usize = 200;
    let network = if number < EACH { "203.0.113" } else { "198.51.100" };
    kind.address = format!("{network}.{}", 10 + number % EACH);
    let dashed = kind.address.replace('.', "-");
    kind.says = match kind.says.as_str() {
        "ADDRESS" => kind.address.clone(),
        says => says.replace("ADDRESS", &dashed),
    };
    kind.ptr = kind.ptr.as_ref().map(|ptr| ptr.replace("ADDRESS", &dashed));
}

fn well(program: String) -> Kind {
    let host = format!("mail.{program}.example");
    Kind {
        name: program.clone(),
        program,
        configured: Configured::Well,
        bad: String::new(),
        detectors: Vec::new(),
        place: Place::Public,
        address: String::new(),
        ptr: Some(host.clone()),
        machine: host.clone(),
        says: host,
        bare_lf: false,
    }
}

fn badly(entry: Badly) -> Kind {
    let host = format!("mail.{}.example", entry.kind);
    let ptr = match entry.ptr {
        Some(none) if none.is_empty() => None,
        Some(given) => Some(given),
        None => Some(host.clone()),
    };
    // What is bad is one thing; where it is not the greeting, the greeting is right.
    let says =
        if entry.machine.is_none() && entry.says.is_empty() { host.clone() } else { entry.says };
    Kind {
        name: entry.kind,
        program: entry.program,
        configured: Configured::Badly,
        bad: entry.bad,
        detectors: entry.detectors,
        place: if entry.nat { Place::Inside } else { Place::Public },
        address: String::new(),
        ptr,
        machine: entry.machine.unwrap_or(host),
        says,
        bare_lf: entry.bare_lf,
    }
}

/// A bot alone on a subscriber's address, and the same behind an office's address with a real mail server.
fn bot(entry: Bot) -> [Kind; 2] {
    let alone = Kind {
        name: entry.kind,
        program: entry.program,
        configured: Configured::Bot,
        bad: String::new(),
        detectors: entry.detectors,
        place: Place::Public,
        address: String::new(),
        ptr: Some("ADDRESS.access.example".to_owned()),
        machine: "pc".to_owned(),
        says: String::new(),
        bare_lf: false,
    };
    let mut beside = alone.clone();
    beside.name.push_str("-beside-postfix");
    beside.ptr = Some(format!("mail.{}", beside.domain()));
    beside.place = Place::BesidePostfix;
    [alone, beside]
}
