//! `heloscope check` as typed.

use clap::Args;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

#[derive(Debug, Default, Args)]
pub(crate) struct Check {
    /// Public addresses (IPv4, IPv6) and domains.
    #[arg(required_unless_present = "show_lists", value_name = "ADDRESS|DOMAIN")]
    pub(crate) of: Vec<String>,
    /// Print JSON (heloscope.check/1); `investigate` reads it.
    #[arg(long, conflicts_with = "nagios")]
    pub(crate) json: bool,
    /// Print one line as a monitoring plugin: exits 0 clean, 1 listed by policy or on a minor list, 2 listed for
    /// what was seen, 3 when nothing could be asked.
    #[arg(long)]
    pub(crate) nagios: bool,
    /// Ask through this resolver; may be given again. Else those of the system.
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = resolver)]
    pub(crate) resolver: Vec<SocketAddr>,
    /// Only this list; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) list: Vec<String>,
    /// A further file of lists, in the format of docs/check.md; may be given again.
    #[arg(long, value_name = "FILE")]
    pub(crate) lists: Vec<PathBuf>,
    /// Leave our own lists out: only those of --lists.
    #[arg(long, requires = "lists")]
    pub(crate) own_lists_only: bool,
    /// The key of a list that takes one, alone in a file (`/dev/stdin` is one); may be given again.
    #[arg(long, value_name = "LIST=FILE", value_parser = key)]
    pub(crate) key: Vec<(String, PathBuf)>,
    /// Seconds that one question may go unanswered; it is asked twice.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) timeout: u64,
    /// Questions under way at once.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) at_once: u64,
    /// Print the lists that are known instead of asking.
    #[arg(long, conflicts_with_all = ["json", "nagios"])]
    pub(crate) show_lists: bool,
    /// Documentation addresses may be asked about, for lists of your own.
    #[arg(long)]
    pub(crate) lab: bool,
}

fn resolver(typed: &str) -> Result<SocketAddr, String> {
    let bare = typed.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    address.or_else(|_| typed.parse()).map_err(|_| {
        "a resolver is an address, with a port or without: 127.0.0.1, 127.0.0.1:5353, [::1]:53"
            .to_owned()
    })
}

fn key(typed: &str) -> Result<(String, PathBuf), String> {
    match typed.split_once('=') {
        Some((list, file)) if !list.is_empty() && !file.is_empty() => {
            Ok((list.to_owned(), file.into()))
        }
        // What was typed may be a key: it is not repeated.
        _ => Err("write LIST=FILE, such as spamhaus-zen=/etc/heloscope/zen.key".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_and_keys_as_typed() {
        for (typed, want) in [
            ("127.0.0.1", Some("127.0.0.1:53")),
            ("127.0.0.1:5353", Some("127.0.0.1:5353")),
            ("::1", Some("[::1]:53")),
            ("[::1]", Some("[::1]:53")),
            ("[::1]:5353", Some("[::1]:5353")),
            ("dns.example", None),
        ] {
            assert_eq!(resolver(typed).ok().map(|a| a.to_string()).as_deref(), want, "{typed}");
        }
        assert_eq!(key("a=/x=y"), Ok(("a".into(), "/x=y".into())));
        assert!(!key("secret").unwrap_err().contains("secret"));
    }
}
