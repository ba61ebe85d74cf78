//! The words of `heloscope record`.

use super::seconds;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The folder of the record.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/heloscope/record")]
    pub(crate) store: PathBuf,
    /// A port that is watched; may be given again. Else 25, 465, 587 and 2525.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Vec<u16>,
    /// Days that are kept.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(crate) days: u32,
    /// Megabytes that are kept.
    #[arg(long, value_name = "MB", default_value_t = 512)]
    pub(crate) megabytes: u64,
    /// How connections are seen; else the best that works here.
    #[arg(long, value_name = "MEANS")]
    pub(crate) means: Option<Means>,
    /// Note also what is said in clear: greeting, HELO, the server's answers; needs root.
    ///
    /// Senders and recipients are kept as hashes.
    #[arg(long)]
    pub(crate) words: bool,
    /// With --words: senders and recipients as they are.
    #[arg(long, requires = "words")]
    pub(crate) allow_addresses: bool,
    /// On a router: hear headers of what passes through it, and leases; needs CAP_NET_RAW.
    ///
    /// Notes who inside opened which connection, what came of it, and whose the address was; never what is said.
    #[arg(long, conflicts_with_all = ["means", "words"])]
    pub(crate) headers_only: bool,
    /// With --headers-only: an interface that is inside; may be given again. Else all but those that lead everywhere.
    #[arg(long, value_name = "IF", requires = "headers_only")]
    pub(crate) interface: Vec<String>,
    /// With --headers-only: a lease file of the DHCP server; may be given again. Else where they are known to stand.
    #[arg(long, value_name = "FILE", requires = "headers_only")]
    pub(crate) leases: Vec<PathBuf>,
    /// Print what was recorded, and end; works while another records, and needs the right to read the folder only.
    ///
    /// One line a connection on a terminal, one JSON object a line elsewhere.
    #[arg(long)]
    pub(crate) show: bool,
    /// With --show: JSON lines also on a terminal.
    #[arg(long, requires = "show")]
    pub(crate) json: bool,
    /// With --show: from this time on, UTC.
    #[arg(long, value_name = "TIME", requires = "show", value_parser = seconds)]
    pub(crate) since: Option<i64>,
    /// With --show: until this time, UTC.
    #[arg(long, value_name = "TIME", requires = "show", value_parser = seconds)]
    pub(crate) until: Option<i64>,
}

/// How connections are seen.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Means {
    /// eBPF programs on the kernel's typed trace points; needs root.
    TpBtf,
    /// The firewall announces connections, and the table of open sockets is asked at once; needs root and nft.
    NftLog,
    /// The table of open sockets, asked again and again.
    Polling,
}
