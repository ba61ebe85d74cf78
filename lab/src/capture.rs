//! Recording packets on a host with tcpdump (pcap) or dumpcap (pcapng).

use crate::clock;
use crate::host::Host;
use anyhow::Result;

/// A running recording.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Where the file stands on the host.
    pub path: String,
    pid_file: String,
}

/// Starts tcpdump.
pub fn pcap(host: &Host, interface: &str, filter: &str, name: &str) -> Result<Capture> {
    let path = format!("/var/tmp/{name}");
    start(
        host,
        &format!("tcpdump -U -Z root -n -s 0 -i {interface} -w {path} '{filter}'"),
        path,
        name,
    )
}

/// Starts dumpcap, which writes pcapng.
pub fn pcapng(host: &Host, interface: &str, filter: &str, name: &str) -> Result<Capture> {
    let path = format!("/var/tmp/{name}");
    start(host, &format!("dumpcap -q -i {interface} -f '{filter}' -w {path}"), path, name)
}

/// Ends a recording.
pub fn end(host: &Host, capture: &Capture) -> Result<()> {
    host.sh(&format!("kill -INT $(cat {}); sleep 0.7", capture.pid_file))?;
    Ok(())
}

fn start(host: &Host, line: &str, path: String, name: &str) -> Result<Capture> {
    let pid_file = format!("/run/{name}.pid");
    host.daemon(&["bash", "-c", &format!("echo $$ > {pid_file}; exec {line}")])?;
    clock::pause(0.8);
    Ok(Capture { path, pid_file })
}
