//! The command line as typed. Help, man pages and completions are made from this definition.

pub(crate) mod check;
pub(crate) mod evidence;
pub(crate) mod guard;
pub(crate) mod helo;
pub(crate) mod list;
pub(crate) mod record;
pub(crate) mod scan;
pub(crate) mod top;
pub(crate) mod watch;

use crate::serve::config::Role;
pub(crate) use check::Check;
use clap::{Args, Parser, Subcommand};
pub(crate) use evidence::{Given, Ready, Verify};
pub(crate) use guard::Guard;
pub(crate) use helo::HeloArgs;
use ipnet::IpNet;
pub(crate) use list::List;
pub(crate) use record::Record;
pub(crate) use scan::Scan;
use std::net::SocketAddr;
use std::path::PathBuf;
pub(crate) use top::Top;
pub(crate) use watch::Watch;

/// Find out why an address is on a blocklist, and prove it.
#[derive(Debug, Parser)]
#[command(name = "heloscope", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Name the cause of a listing from whatever evidence there is.
    ///
    /// Takes any files and folders in any mix: the list's notice, mail logs, captures, web logs,
    /// leases, socket and process tables, web roots. Each is recognised by its content; .gz, .xz,
    /// .zst and .bz2 are opened, tar and zip archives read as the folder they hold. Exits 1 when a cause was found, 0 when not, 65 when nothing
    /// could be read.
    Investigate(Investigate),
    /// See whether a fix holds: look for the causes of an earlier answer in newer evidence.
    ///
    /// ANSWER is what `heloscope investigate --json` printed. A cause came back when it is found again,
    /// or its script, program or machine is recorded at a connection, after the fix; it holds when a day
    /// of evidence after the fix shows nothing of it. Exits 1 when one came back or nobody can tell.
    Verify(Verify),
    /// Say whether to ask the list for removal yet, and why.
    ///
    /// Not before the cause is known, fixed (--fixed, or `fixed` in site.toml) and a day of evidence
    /// shows that it is gone: lists let out only so often. Exits 0 when it is time or there is no need,
    /// 1 when not.
    Ready(Ready),
    /// Make every program here that can send mail say its HELO, to a sink on loopback.
    ///
    /// The mail server and what mails past it: curl, msmtp, swaks, libraries of perl, python, ruby and
    /// node, each as it comes. A notice that quotes a HELO is held against this. Nothing leaves the
    /// machine; Postfix is run a second time from a private folder, its service is not touched. Exits
    /// 1 when a list would hold a name against the address.
    Helo(HeloArgs),
    /// Gather the evidence of this host into one archive, reading only.
    ///
    /// Runs one shell script, the same that --script prints for a host where nothing may be
    /// installed: `ssh root@host sh -s < collect.sh > bundle.tar.gz`. It reads firewall, sockets,
    /// processes, leases, mail settings, crontabs, names and times of web files, and the logs of
    /// the time; it writes one private temporary folder, which it removes, and the archive. Exits 0
    /// when done, 1 when something could not be read for want of permission, 73 when the archive
    /// cannot be made, 74 when writing failed, 77 when a capture was asked for without privilege.
    Collect(Collect),
    /// Print every SMTP session in captures or logs, one JSON object a line.
    Sessions(Sessions),
    /// Print the numbers of a mail log and who is behind them.
    Summary(Summary),
    /// Run recorded cases and say which answers are right.
    ///
    /// A case is a folder with evidence and an expect.toml. Exits 1 when an answer is wrong.
    Cases(Cases),
    /// Note which process opens each connection to a mail port, from now on.
    ///
    /// As root, programs in the kernel (eBPF) see every attempt of this host, also of processes that
    /// live a millisecond: process, arguments, script, folder, unit or container, and who started it.
    /// Where they cannot be loaded, the table of open sockets is asked five times a second, which
    /// misses what is shorter; what was chosen and what is not seen is said on stderr and kept. What
    /// passes through (NAT, containers, VPN) comes from connection tracking, with the address and MAC
    /// inside. Kept in a folder, bounded in days and bytes; `investigate` reads the folder. Says
    /// `ready` on stdout; SIGTERM ends it with 0. docs/record.md.
    Record(Record),
    /// Ask blocklists about addresses and domains.
    ///
    /// Each list's own test points come first: one that has ended, lists the world or does not answer
    /// this resolver is never believed, and an error code (127.255.255.x) is never a listing. Exits 0
    /// when no list that answered has it, 1 when one has, 64 when what was typed cannot be asked, 69 when no list
    /// answered. docs/check.md.
    Check(Check),
    /// Record, mail log, queue and lists, looked at all the time: what is wrong is told, with its proof.
    /// Alerts on connections past the mail server, foreign programs and names, rates, a growing queue,
    /// bounces that name a list, lists that changed, fixes that do not hold: each once, and once
    /// when it is over; by mail, webhook and syslog, and on a status page on loopback. Needs no
    /// configuration; without root it watches what it can read and says what it cannot. Says
    /// `ready watch ADDRESS` on stdout; SIGTERM ends it with 0. docs/watch.md.
    Watch(Watch),
    /// Show in the terminal what `watch` sees just now.
    /// Exits 1 with --once when an alert is open, 69 when no watch answers.
    Top(Top),
    /// Let only the mail server out to mail ports: show the rules, load them, try them, remove them.
    /// Without a word after it, it shows what it would do and changes nothing. The rules are one table of
    /// our own (nftables; iptables where that is not there), for ports 25, 465 and 587, IPv4 and IPv6; only new connections are
    /// looked at. docs/guard.md.
    Guard(Guard),
    /// Look at this host as an expert would: files, processes and settings, reading only.
    /// Web sites, folders for temporary files, processes that are not what they say, what starts by itself, keys, proxies,
    /// the mail server's settings, programs against their packages. Nothing that is examined is executed, nothing is
    /// sent. Works without root and says what it could not see. Exits 1 when a finding is above `note`, 65 when
    /// the root cannot be read. docs/scan.md.
    Scan(Scan),
    /// Run a list: trap, ledger, DNS and pages.
    ///
    /// Sessions at the SMTP trap are judged by their traits; the ledger turns detections into
    /// listings; DNS and the look-up page publish them and let their owners out. Needs no
    /// configuration to start: without one it listens on loopback and names no trap of its own.
    /// Started as root, it takes its sockets, becomes the user that is configured, and gives up what it
    /// does not need: capabilities, other files, other system calls (docs/serve.md). Each socket prints
    /// `ready ROLE ADDRESS` on stdout; SIGTERM ends it with 0.
    Serve(Serve),
    /// Take sessions from captures and an existing mail server's logs to the list.
    ///
    /// Not all sensors are traps: what strangers say to any mail server tells bots apart as well.
    /// Only sessions that came in at the servers named by --receiver count, never what the mail
    /// server sent itself, nor what its own users and networks handed in. A log shows less than the
    /// wire; what it cannot show stays unknown. Sessions fed before are passed over. Exits 1 when
    /// there was something to tell, 0 when not, 65 when nothing could be read. docs/feed.md.
    Feed(Feed),
    /// What the detectors know.
    Detect {
        /// What to do.
        #[command(subcommand)]
        command: DetectCommand,
    },
    /// Look at a list, and change it: listings by hand, exemptions, recalls, checks.
    ///
    /// Works while `serve` runs, through a socket in the state folder, and while it does not, on the
    /// folder itself; give it the same --config, --state and --lab. Times are UTC. Exits 64 when what
    /// was asked for is against the list's rules, 65 when there is no list, 69 when the list does not
    /// answer.
    List(List),
    /// Write the man pages into a folder.
    #[command(hide = true)]
    Man {
        /// The folder.
        dir: PathBuf,
    },
    /// Print a completion script for a shell.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Investigate {
    #[command(flatten)]
    pub(crate) given: Given,
    /// Print the answer as JSON (heloscope.investigation/1).
    #[arg(long)]
    pub(crate) json: bool,
    /// Replace people's data (addresses, accounts, subjects, clients, machines) by pseudonyms, so
    /// that the report can be attached to a ticket.
    #[arg(long)]
    pub(crate) redact: bool,
    /// Also write the report as one self-contained HTML page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Collect {
    /// Print the script instead of running it.
    #[arg(long, exclusive = true)]
    pub(crate) script: bool,
    /// The archive; `-` is standard output. Else heloscope-HOST-TIME.tar.gz in this folder, or
    /// standard output where that is no terminal.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Logs from this time on: `2026-11-24 14:30` (UTC), RFC 3339 or @SECONDS. Else 14 days.
    #[arg(long, value_name = "TIME", value_parser = seconds, conflicts_with = "around")]
    pub(crate) since: Option<i64>,
    /// Logs up to this time; else up to now.
    #[arg(long, value_name = "TIME", value_parser = seconds, conflicts_with = "around")]
    pub(crate) until: Option<i64>,
    /// Logs around the time that a notice names.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) around: Option<i64>,
    /// Minutes before and after it.
    #[arg(long, value_name = "MINUTES", default_value_t = 720, requires = "around")]
    pub(crate) window: u32,
    /// Also record mail connections for so long, with tcpdump; needs root.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) capture: Option<u32>,
    /// Folders of web sites whose files are listed; else the usual ones.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub(crate) web_root: Vec<PathBuf>,
    /// Megabytes taken at most, before they are packed.
    #[arg(long, value_name = "MB")]
    pub(crate) limit: Option<u32>,
    /// Say as JSON what was gathered (heloscope.collect/1); needs --out with a file.
    #[arg(long, requires = "out")]
    pub(crate) json: bool,
}

/// A time as typed, in seconds since 1970.
fn seconds(typed: &str) -> Result<i64, String> {
    let at = typed
        .strip_prefix('@')
        .and_then(|n| n.parse().ok())
        .or_else(|| typed.parse::<jiff::Timestamp>().ok().map(|t| t.as_second()))
        .or_else(|| {
            let civil = typed.trim_end_matches('Z').parse::<jiff::civil::DateTime>().ok()?;
            Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_second())
        });
    // The shell's arithmetic and the calendar agree on these.
    at.filter(|at| (0..32_503_680_000).contains(at))
        .ok_or_else(|| "not a time: 2026-11-24 14:30, 2026-11-24T14:30:00Z or @SECONDS".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// Captures or mail logs; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Accepted for uniformity: the output is always JSON lines (heloscope.session/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Summary {
    /// Mail logs, rotated and compressed ones in any order; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON (heloscope.summary/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Serve {
    /// The configuration (docs/serve.toml shows every key).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The roles of this process; else all.
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub(crate) role: Vec<Role>,
    /// The folder of the journal, certificate and keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The composite zone.
    #[arg(long, value_name = "NAME")]
    pub(crate) zone: Option<String>,
    /// Where the trap listens for SMTP.
    #[arg(long, value_name = "ADDR")]
    pub(crate) trap: Option<SocketAddr>,
    /// Where DNS answers, UDP and TCP.
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<SocketAddr>,
    /// Where pages and API are served.
    #[arg(long, value_name = "ADDR")]
    pub(crate) web: Option<SocketAddr>,
    /// A network whose PROXY protocol headers the trap believes; may be given again.
    #[arg(long, value_name = "CIDR")]
    pub(crate) trap_proxy_protocol_from: Vec<IpNet>,
    /// Documentation addresses may be listed, and publication is not delayed. Never in production.
    #[arg(long)]
    pub(crate) lab: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Feed {
    /// Captures and mail logs (Postfix), rotated and compressed ones in any order.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The sensor's name in the ledger.
    #[arg(long, value_name = "NAME")]
    pub(crate) sensor: String,
    /// The list's state folder, as `serve` has it. Without it nothing is recorded: give --json.
    #[arg(long, value_name = "DIR", required_unless_present = "json")]
    pub(crate) state: Option<PathBuf>,
    /// An address of the mail server, or the name it greets with; may be given again. Of a capture
    /// only sessions to these count. Of a log all do, since smtpd only takes what comes in.
    #[arg(long, value_name = "ADDRESS|NAME")]
    pub(crate) receiver: Vec<String>,
    /// A network whose clients are not strangers (own users, a relay in front); may be given again.
    /// Loopback and private networks always are.
    #[arg(long, value_name = "CIDR")]
    pub(crate) own: Vec<IpNet>,
    /// Which recipients are traps: a file of lines `ADDRESS|DOMAIN KIND`.
    #[arg(long, value_name = "FILE")]
    pub(crate) traps: Option<PathBuf>,
    /// The list's configuration: its traps, switched-off detectors and dialects.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The zone of stamps that name none (Europe/Berlin); else this system's.
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Print what is told to the ledger, one JSON object a line (heloscope.feed/1).
    #[arg(long)]
    pub(crate) json: bool,
    /// Documentation addresses may be listed, as `serve --lab` has it. Never in production.
    #[arg(long)]
    pub(crate) lab: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DetectCommand {
    /// Learn dialects from recorded sessions, one readable file each.
    ///
    /// Captures stand in folders by speaker: DIR/bot/NAME/, DIR/mta/NAME/, DIR/library/NAME/. With
    /// --kinds, DIR is a folder of `lab senders`. A dialect is refused, with the reason, where the sessions
    /// are too few or too unlike each other, or where somebody honest speaks alike. Exits 1 when
    /// one was refused, 65 when there is no session.
    Learn(Learn),
}

#[derive(Debug, Args)]
pub(crate) struct Learn {
    /// The folder of recordings; with --unknown any captures and folders.
    #[arg(required = true, value_name = "DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where the dialects are written, NAME.dialect each; else they are printed.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// The folder holds kinds.toml, as `lab senders` writes it.
    #[arg(long)]
    pub(crate) kinds: bool,
    /// Which recipients are traps (lines `ADDRESS|DOMAIN KIND`): a bot whose sessions all hit a
    /// never-used one is proved, and one hit lists.
    #[arg(long, value_name = "FILE")]
    pub(crate) traps: Option<PathBuf>,
    /// Instead: print ways of speaking that no known dialect names, the commonest first.
    #[arg(long, conflicts_with_all = ["kinds", "output", "traps"])]
    pub(crate) unknown: bool,
    /// With --unknown: spoken from at least so many addresses.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "unknown")]
    pub(crate) fewest: usize,
    /// With --unknown: dialects known besides the shipped ones.
    #[arg(long, value_name = "DIR", requires = "unknown")]
    pub(crate) dialects: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Cases {
    /// Folders; every folder with an expect.toml at or below them is a case.
    #[arg(required = true, value_name = "DIR")]
    pub(crate) dirs: Vec<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_typed() {
        for (typed, want) in [
            ("@1449239400", Some(1_449_239_400)),
            ("2015-12-04 14:30", Some(1_449_239_400)),
            ("2015-12-04T14:30:00Z", Some(1_449_239_400)),
            ("2015-12-04T15:30:00+01:00", Some(1_449_239_400)),
            ("2015-12-04", Some(1_449_187_200)),
            ("yesterday", None),
            ("@-5", None),
            ("$(reboot)", None),
        ] {
            assert_eq!(seconds(typed).ok(), want, "{typed}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
