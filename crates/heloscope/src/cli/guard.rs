//! `heloscope guard` as typed.

use clap::{Args, Subcommand, ValueEnum};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Guard {
    #[command(subcommand)]
    pub(crate) what: Option<What>,
    #[command(flatten)]
    pub(crate) plan: Plan,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Show the rules, what they would have stopped, and what gets in their way; change nothing.
    ///
    /// The default. Works without root with what it can see, and says what it could not.
    Plan(Plan),
    /// Load the rules for a time; they are taken back unless they are confirmed.
    ///
    /// On a terminal it asks; elsewhere `heloscope guard confirm` keeps them. A process of its own takes them
    /// back when the time is over, also when this shell or its connection is gone. Exits 64 when no mail
    /// server was found and nobody was named who may send, 69 when neither nft nor iptables is here.
    Apply(Apply),
    /// Keep the rules that were applied.
    Confirm(Place),
    /// Remove the guard's rules, and nothing else; also when there are none.
    Revert(Revert),
    /// Say whether the guard stands, what it counted, and who tried lately.
    ///
    /// Exits 1 when it does not do what it was told: its rules are gone, or do not know the mail
    /// server any more.
    Status(Status),
    /// Try connections as several users, from here and behind, over IPv4 and IPv6, and compare.
    ///
    /// Where the guard stands, its rules are tried, to a sink in a network namespace made for it; else
    /// those of the plan, in namespaces of their own. No traffic leaves the machine, unless --sink names
    /// another. Exits 1 when the kernel disagrees with the plan.
    Prove(Prove),
    /// Listen on the ports, for a trial from another machine (its --sink), until it is ended.
    Sink {
        /// The address to listen on.
        #[arg(value_name = "ADDR")]
        at: IpAddr,
        /// A port; may be given again. Else 25, 465 and 587.
        #[arg(long, value_name = "PORT")]
        port: Vec<u16>,
    },
    /// Name the mail server's control group anew: its unit calls this when it starts.
    #[command(hide = true)]
    Renew(Place),
    /// Take the rules back unless they are confirmed in time.
    #[command(hide = true)]
    Watch {
        #[arg(long)]
        token: u64,
        #[arg(long)]
        detached: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Try connections as somebody.
    #[command(hide = true)]
    Attempt {
        #[arg(long)]
        uid: u32,
        #[arg(long)]
        gid: u32,
        #[arg(long)]
        cgroup: Option<String>,
        #[arg(long)]
        namespace: Option<String>,
        to: Vec<SocketAddr>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The folder of the guard's state.
    #[arg(long, value_name = "DIR", default_value = heloscope_host::guard::state::FOLDER)]
    pub(crate) state: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// A folder of `heloscope record`: what would have been stopped of what it holds.
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Print the rules alone, as `nft -f` (iptables-restore, ip6tables-restore) takes them.
    #[arg(long, conflicts_with = "json")]
    pub(crate) rules: bool,
    /// Print JSON (heloscope.guard/1).
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the rules are to say.
#[derive(Debug, Args)]
pub(crate) struct Wishes {
    /// A port that is guarded; may be given again. Else 25, 465 and 587.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Vec<u16>,
    /// A relay: the mail server itself may go nowhere else; may be given again.
    #[arg(long, value_name = "ADDR|CIDR", value_parser = network)]
    pub(crate) to: Vec<IpNet>,
    /// Another user who may send, by name or number; may be given again.
    #[arg(long, value_name = "USER")]
    pub(crate) allow_uid: Vec<String>,
    /// Ask for the mail server's user alone, not for its control group.
    #[arg(long)]
    pub(crate) uid_only: bool,
    /// Stop nobody: count and log only.
    #[arg(long)]
    pub(crate) log_only: bool,
    /// What becomes of connections of machines behind this host (NAT, VPN, containers).
    #[arg(long, value_enum, default_value_t = Forward::Leave)]
    pub(crate) forward: Forward,
    /// A network behind this host; may be given again. Else the private ones.
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub(crate) inside: Vec<IpNet>,
    /// A machine behind this host that may send (a mail server in a container); may be given again.
    #[arg(long, value_name = "ADDR|CIDR", value_parser = network)]
    pub(crate) allow_from: Vec<IpNet>,
    /// The log group (NFLOG) that is told of the rest: `tcpdump -i nflog:25`.
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub(crate) log_group: u16,
    /// What loads the rules; else nft, or iptables where that is not installed.
    #[arg(long, value_enum)]
    pub(crate) with: Option<With>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// How long the rules stay unless they are confirmed.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) confirm_within: u32,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Revert {
    /// Which rules; else those that were applied.
    #[arg(long, value_enum)]
    pub(crate) with: Option<With>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON (heloscope.guard-status/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// An address of another machine where `heloscope guard sink` listens.
    #[arg(long, value_name = "ADDR")]
    pub(crate) sink: Option<IpAddr>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON (heloscope.guard-proof/1).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Forward {
    /// Refuse them.
    Block,
    /// Count and log them.
    Log,
    /// Do not look at them.
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// nftables.
    Nft,
    /// iptables and ip6tables.
    Iptables,
}

/// An address or a network.
fn network(typed: &str) -> Result<IpNet, String> {
    let single = typed.parse::<IpAddr>().map(IpNet::from);
    single.or_else(|_| typed.parse()).map_err(|_| {
        "neither an address nor a network: 192.0.2.25, 192.0.2.0/24, 2001:db8::/32 (names are not resolved)"
            .to_owned()
    })
}
