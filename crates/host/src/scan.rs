//! What an expert would look at on this host, or below another root: static and read-only. Nothing that is examined
//! is executed, nothing is sent anywhere.
//!
//! In: a root ([`Options::root`]), and its `/proc` for processes. Out: a [`Report`] with findings ([`Finding`]: grade,
//! place, why it matters, how sure, what to do, what speaks against it), what could not be seen, and an inventory by
//! which the next scan says what changed ([`baseline`]). Each check is a module that reads through `tree::Tree`,
//! so that links never lead out of the root and nothing blocks; time is bounded by [`Options::stop`].

pub mod baseline;
mod behind;
mod checksums;
mod clamd;
mod command;
pub mod finding;
mod logins;
mod mta;
mod out;
mod packages;
mod pool;
mod processes;
mod proxies;
mod report;
mod scanners;
mod startup;
mod temporary;
mod tree;
mod users;
mod web;

pub use finding::{Finding, Grade, Unseen};
pub use report::Report;

use heloscope_model::Time;
use packages::Packages;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use tree::Tree;
use users::Users;

/// What is scanned and how.
pub struct Options<'a> {
    /// The root; `/` is this host.
    pub root: PathBuf,
    /// Where processes are read; else `proc` below the root.
    pub proc: Option<PathBuf>,
    /// Further folders of web sites.
    pub web_roots: Vec<PathBuf>,
    /// Every file of every package is held against its checksum, not only those that matter most.
    pub packages: bool,
    /// Code files are kept in the inventory with a hash of each.
    pub inventory: bool,
    /// Files are read by so many threads.
    pub threads: usize,
    /// Whether to stop: asked often.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// When it is.
    pub now: Time,
    /// Names of addresses and addresses of names, where they may be asked.
    pub names: Option<&'a (dyn Names + Sync)>,
    /// The socket of clamd, where it is to be used.
    pub clamd: Option<PathBuf>,
}

/// Asks name servers, for a bounded time; an error is "not known".
pub trait Names {
    /// The names of an address.
    fn of_address(&self, ip: IpAddr) -> io::Result<Vec<String>>;
    /// The addresses of a name.
    fn of_name(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// What checks look at.
struct Host<'a> {
    options: &'a Options<'a>,
    tree: Tree,
    proc: PathBuf,
    users: Users,
    packages: Packages,
}

/// Looks at everything.
pub fn run(options: &Options<'_>) -> io::Result<Report> {
    let tree = Tree::open(&options.root)?;
    let proc = options.proc.clone().unwrap_or_else(|| tree.path().join("proc"));
    let users = Users::read(&tree);
    let packages = Packages::read(&tree);
    let host = Host { options, tree, proc, users, packages };
    let mut out = out::Out::default();
    if host.packages.rpm {
        out.cannot(
            "checksums of packages",
            "rpm's data base is not read: run `rpm -Va` and hand its output over",
        );
    }
    let processes = processes::look(&host, &mut out);
    temporary::look(&host, &mut out);
    let cron = startup::look(&host, &mut out);
    proxies::look(&host, &processes, &mut out);
    mta::look(&host, &mut out);
    behind::look(&host, &processes, &mut out);
    logins::look(&host, &mut out);
    scanners::look(&host, &mut out);
    checksums::look(&host, &mut out);
    let sites = web::look(&host, &mut out);
    Ok(report::Report::make(&host, out, processes, cron, sites))
}
