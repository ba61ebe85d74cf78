//! A real squid on a host.

use crate::host::Host;
use anyhow::Result;

/// Writes squid.conf and starts it; its access.log stands in /var/log/squid.
pub fn squid(host: &Host, settings: &str) -> Result<()> {
    host.write("/etc/squid/squid.conf", settings, 0o644)?;
    host.sh(
        "mkdir -p /var/log/squid /var/spool/squid && chown proxy:proxy /var/log/squid /var/spool/squid
         rm -f /etc/squid/conf.d/*; squid -f /etc/squid/squid.conf
         for i in $(seq 40); do ss -ltn | grep -q ':3128 ' && exit 0; sleep 0.25; done; tail -5 /var/log/squid/cache.log >&2; exit 1",
    )?;
    Ok(())
}
