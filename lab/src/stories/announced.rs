//! Names that come up while a world runs: a list that begins to answer, a host that a story adds.

use super::far::Far;
use anyhow::Result;

/// The script that adds lines to the name server's settings and has it read them.
pub(super) fn script(lines: &str) -> String {
    format!(
        "cat >> /etc/zone.conf <<'X'\n{lines}X\npkill -x dnsmasq; sleep 0.3; setsid -f dnsmasq --keep-in-foreground --conf-file=/etc/zone.conf --pid-file= >/dev/null 2>&1"
    )
}

/// Adds them now.
pub(super) fn now(far: &Far, lines: &str) -> Result<()> {
    far.net.names.sh(&script(lines))?;
    Ok(())
}

/// What a list serves of an address: the answer and its text.
pub(super) fn listing(address: &str, zone: &str, answer: &str, text: &str) -> String {
    let mut parts: Vec<&str> = address.split('.').collect();
    parts.reverse();
    let name = format!("{}.{zone}", parts.join("."));
    format!("address=/{name}/{answer}\ntxt-record={name},\"{text}\"\n")
}
