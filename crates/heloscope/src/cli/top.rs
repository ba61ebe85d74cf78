//! `heloscope top` as typed.

use clap::Args;
use std::net::SocketAddr;

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Where `watch` serves its status page.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8925")]
    pub(crate) watch: SocketAddr,
    /// Print it once, as text, and end; so it does where its output is no terminal.
    #[arg(long)]
    pub(crate) once: bool,
}
