//! What is counted, in Prometheus' text format. The roles count for themselves; here their counts
//! are only read, when somebody asks.

use heloscope_dnsbl::{Counters, Transport};
use heloscope_ledger::Ledger;
use heloscope_trap::Counts;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;

/// The counts of this process's roles.
#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) ledger: Ledger,
    pub(crate) trap: Option<Arc<Counts>>,
    pub(crate) dns: Vec<Arc<Counters>>,
}

impl Meters {
    /// All of them, as text.
    pub(crate) fn text(&self) -> String {
        let mut registry = Registry::with_prefix("heloscope");
        registry.register_collector(Box::new(self.clone()));
        let mut text = String::new();
        // Writing to a string fails only where a collector does.
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            Err(fmt::Error) => String::new(),
        }
    }

    /// Sessions that the trap has taken.
    pub(crate) fn sessions(&self) -> u64 {
        self.trap.as_ref().map_or(0, |counts| counts.snapshot().sessions)
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}

impl Collector for Meters {
    fn encode(&self, mut to: DescriptorEncoder) -> fmt::Result {
        gauge(&mut to, "listings", "Listings now", self.ledger.active())?;
        gauge(&mut to, "generation", "The last event applied", self.ledger.generation())?;
        let paused = self.ledger.paused();
        let mut metric = to.encode_descriptor(
            "detector_paused",
            "Detectors that count for nothing until the operator resumes them",
            None,
            MetricType::Gauge,
        )?;
        for (detector, _) in &paused {
            ConstGauge::new(1_i64)
                .encode(metric.encode_family(&[("detector", detector.as_str())])?)?;
        }
        if let Some(trap) = &self.trap {
            let trap = trap.snapshot();
            counter(&mut to, "trap_connections", "Connections accepted", trap.connections)?;
            counter(&mut to, "trap_sessions", "Sessions taken", trap.sessions)?;
            counter(&mut to, "trap_messages", "Messages taken and thrown away", trap.messages)?;
            counter(&mut to, "trap_bytes", "Bytes heard from clients", trap.bytes)?;
            let refused = trap.refusals.iter().map(|(why, n)| ([("reason", why.word())], *n));
            family(&mut to, "trap_refusals", "Connections refused or ended", refused)?;
        }
        for dns in &self.dns {
            let answers = dns.answers().map(|(transport, outcome, n)| {
                let transport = match transport {
                    Transport::Udp => "udp",
                    Transport::Tcp => "tcp",
                };
                ([("transport", transport), ("outcome", outcome.word())], n)
            });
            family(&mut to, "dns_requests", "DNS requests", answers)?;
            let events = dns.events().map(|(event, n)| ([("event", event.word())], n));
            family(&mut to, "dns_events", "What happened to DNS sockets", events)?;
        }
        Ok(())
    }
}

fn counter(to: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(to.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn gauge(to: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    ConstGauge::new(value).encode(to.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn family<const N: usize>(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    counted: impl Iterator<Item = ([(&'static str, &'static str); N], u64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in counted {
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
