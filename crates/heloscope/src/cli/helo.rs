//! `heloscope helo` as typed.

use clap::Args;
use std::net::IpAddr;

#[derive(Debug, Args)]
pub(crate) struct HeloArgs {
    /// The address that others see, where names that are addresses are to be held against it.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<IpAddr>,
    /// Print JSON (heloscope.helo/1).
    #[arg(long)]
    pub(crate) json: bool,
}
