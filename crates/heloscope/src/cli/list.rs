//! `heloscope list` as typed.

use super::seconds;
use clap::{Args, Subcommand};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(subcommand)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Which list: as `serve` was told.
#[derive(Debug, Default, Args)]
pub(crate) struct Place {
    /// The configuration that `serve` runs with.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The state folder that `serve` runs with.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
    /// Documentation addresses may be listed, and publication is not delayed: as `serve` was started.
    #[arg(long, global = true)]
    pub(crate) lab: bool,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Print what is listed; of one address everything that is known.
    ///
    /// Without an address every listing; of a network those in it; of an address its listing, its
    /// history and the evidence, with the traps: this is for the operator. Exits 1 when what was
    /// asked for is listed.
    Show {
        /// An address, or a network such as 192.0.2.0/24.
        #[arg(value_name = "ADDRESS|CIDR", value_parser = prefix)]
        of: Option<IpNet>,
    },
    /// Print how the list stands: exemptions, paused detectors, recalls.
    Status,
    /// List an address, or a /64 of IPv6, by your own word.
    ///
    /// The page says that the operator listed it, and the reason. It ends in its time, whatever is
    /// seen meanwhile; whoever has the address gets out as everybody does.
    Add {
        /// The address, or the /64.
        #[arg(value_name = "PREFIX", value_parser = prefix)]
        prefix: IpNet,
        /// Why; published.
        #[arg(long, value_name = "WORDS", value_parser = words)]
        reason: String,
        /// When it did what it is listed for; else now.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        seen: Option<i64>,
        /// When the listing ends, 28 days from now at most; else in 7 days.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        until: Option<i64>,
    },
    /// Let addresses never be listed; what is listed of them is taken out.
    Exempt {
        /// An address or a network.
        #[arg(value_name = "PREFIX", value_parser = prefix)]
        prefix: IpNet,
        /// Why; for the operator's eyes.
        #[arg(long, value_name = "WORDS", value_parser = words)]
        reason: String,
        /// For how long; else for good.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        until: Option<i64>,
    },
    /// Take an exemption back.
    Unexempt {
        /// As it was exempted.
        #[arg(value_name = "PREFIX", value_parser = prefix)]
        prefix: IpNet,
    },
    /// Remove an address for somebody who asked; always granted.
    Remove {
        /// The address.
        address: IpAddr,
    },
    /// Take addresses out because the list was wrong; the reason is published.
    Withdraw {
        /// An address or a network.
        #[arg(value_name = "PREFIX", value_parser = prefix)]
        prefix: IpNet,
        /// Why; published.
        #[arg(long, value_name = "WORDS", value_parser = words)]
        reason: String,
    },
    /// Take back everything that a detector listed.
    ///
    /// What rests on nothing else falls, and what the detector says from then on counts for nothing.
    /// With --from or --to only what it said of that time. The recall is published with its reason.
    Recall {
        /// Its id, and the version where not every one is meant.
        #[arg(value_name = "DETECTOR[@VERSION]", value_parser = detector)]
        detector: (String, Option<u32>),
        /// What went wrong; published.
        #[arg(
            long,
            value_name = "WORDS",
            value_parser = words,
            default_value = "It was recalled by the operator of the list."
        )]
        reason: String,
        /// Only sessions from this time on.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        from: Option<i64>,
        /// Only sessions before this time.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        to: Option<i64>,
    },
    /// Let a detector count for nothing until it is resumed; what it listed stays.
    Pause {
        /// Its id.
        detector: String,
        /// Why.
        #[arg(
            long,
            value_name = "WORDS",
            value_parser = words,
            default_value = "paused by the operator"
        )]
        reason: String,
    },
    /// Let a paused detector count again.
    Resume {
        /// Its id.
        detector: String,
    },
    /// Forget everything about addresses, in the list and in its files.
    ///
    /// The chain stays whole: it holds commitments only. Exemptions stay.
    Erase {
        /// An address or a network.
        #[arg(value_name = "PREFIX", value_parser = prefix)]
        prefix: IpNet,
    },
    /// Give the list out: a line a listing, zone files for rbldnsd, or with --json the public chain.
    ///
    /// The chain is one JSON object an event (heloscope.chain/1): its hash, what was hashed, and the
    /// public text of what the public may see by now, to hold against the commitment.
    Export {
        /// Write zone files for rbldnsd into this folder, and print its arguments.
        #[arg(long, value_name = "DIR", conflicts_with = "json")]
        rbldnsd: Option<PathBuf>,
        /// The composite zone of these files; else as configured.
        #[arg(long, value_name = "NAME", requires = "rbldnsd")]
        zone: Option<String>,
    },
    /// Check the chain, and that every text is the one that was committed to.
    ///
    /// Exits 1 and names the place when anything was changed, lost or damaged. What was erased is
    /// no fault.
    Verify,
    /// Repeat the record under the present policy, and say where the list differs from it.
    ///
    /// Exits 1 when it does. Nothing is changed.
    Replay,
}

/// An address or a network.
fn prefix(typed: &str) -> Result<IpNet, String> {
    let net = typed.parse().or_else(|_| typed.parse::<IpAddr>().map(IpNet::from));
    let net: IpNet =
        net.map_err(|_| "neither an address nor a network such as 192.0.2.0/24".to_owned())?;
    // An IPv4 address written as IPv6 is listed as what it is.
    Ok(match net.addr().to_canonical() {
        v4 @ IpAddr::V4(_) if net.prefix_len() == net.max_prefix_len() => v4.into(),
        _ => net.trunc(),
    })
}

/// Words that are kept, and where they are published read.
fn words(typed: &str) -> Result<String, String> {
    match typed.trim() {
        "" => {
            Err("say why: the words are kept, and where they are published people read them".into())
        }
        long if long.len() > 1000 => Err("at most 1,000 letters".into()),
        words if words.chars().any(char::is_control) => Err("one line, please".into()),
        words => Ok(words.to_owned()),
    }
}

fn detector(typed: &str) -> Result<(String, Option<u32>), String> {
    match typed.split_once('@') {
        None => Ok((typed.to_owned(), None)),
        Some((id, version)) => {
            let version = version.parse().map_err(|_| "a version is a whole number".to_owned())?;
            Ok((id.to_owned(), Some(version)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_detectors_as_typed() {
        for (typed, want) in [
            ("192.0.2.7", Some("192.0.2.7/32")),
            ("192.0.2.7/24", Some("192.0.2.0/24")),
            ("2001:db8::5", Some("2001:db8::5/128")),
            ("2001:db8::5/64", Some("2001:db8::/64")),
            ("::ffff:192.0.2.7", Some("192.0.2.7/32")),
            ("192.0.2", None),
            ("192.0.2.0/33", None),
            ("", None),
        ] {
            assert_eq!(prefix(typed).ok().map(|p| p.to_string()).as_deref(), want, "{typed}");
        }
        assert_eq!(detector("pregreet"), Ok(("pregreet".into(), None)));
        assert_eq!(detector("pregreet@2"), Ok(("pregreet".into(), Some(2))));
        assert!(detector("pregreet@new").is_err());
        assert!(
            words("  ").is_err() && words("a\nb").is_err() && words(&"x".repeat(1001)).is_err()
        );
        assert_eq!(words(" a printer "), Ok("a printer".into()));
    }

    #[test]
    fn the_guide_has_every_command() {
        let guide = include_str!("../../../../docs/list.md");
        let cli = <crate::cli::Cli as clap::CommandFactory>::command();
        let list = cli.find_subcommand("list").unwrap();
        for command in list.get_subcommands() {
            let name = command.get_name();
            assert!(guide.contains(&format!("`{name}")), "docs/list.md has nothing on {name}");
        }
        assert!(list.get_subcommands().count() > 10);
    }
}
