//! What is counted, in Prometheus' text format.

use crate::status::Status;
use heloscope_evidence::ListState;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;

/// The metrics of how things stand.
pub(crate) fn text(status: Arc<Status>) -> String {
    let mut registry = Registry::with_prefix("heloscope_watch");
    registry.register_collector(Box::new(Meters(status)));
    let mut text = String::new();
    // Writing to a string fails only where a collector does.
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => text,
        Err(fmt::Error) => String::new(),
    }
}

#[derive(Debug)]
struct Meters(Arc<Status>);

impl Collector for Meters {
    fn encode(&self, mut to: DescriptorEncoder) -> fmt::Result {
        let status = &self.0;
        let open = status.raised.iter().map(|(rule, _)| {
            let many = status.open.iter().filter(|alert| alert.rule == *rule).count();
            ([("rule", rule.word())], many as u64)
        });
        gauges(&mut to, "alerts_open", "Alerts that are open", open)?;
        let raised = status.raised.iter().map(|(rule, many)| ([("rule", rule.word())], *many));
        counters(&mut to, "alerts_raised", "Alerts that were raised", raised)?;
        let day = &status.day;
        let connections = [
            ("mta", day.by_the_mta),
            ("allowed", day.allowed),
            ("past", day.past_the_mta),
            ("passing", day.passing),
        ];
        let connections = connections.map(|(of, many)| ([("of", of)], many)).into_iter();
        gauges(
            &mut to,
            "connections_today",
            "Connections to mail servers since the last summary",
            connections,
        )?;
        let sent: u64 = status.by_hour.iter().sum();
        gauges(
            &mut to,
            "recipients_24h",
            "Recipients sent to in 24 hours",
            [([], sent)].into_iter(),
        )?;
        if let Some(queue) = status.queue {
            let parts =
                [("active", queue.active), ("deferred", queue.deferred), ("held", queue.held)];
            gauges(
                &mut to,
                "queue",
                "Mails that wait",
                parts.map(|(part, n)| ([("part", part)], n)).into_iter(),
            )?;
        }
        gauges(
            &mut to,
            "lost_events",
            "Events that the recorder lost since the last summary",
            [([], day.lost)].into_iter(),
        )?;
        gauges(
            &mut to,
            "blind",
            "Things that cannot be seen or said at the moment",
            [([], status.blind.len() as u64)].into_iter(),
        )?;
        let address: Vec<_> =
            status.lists.iter().map(|known| known.last.address.to_string()).collect();
        let listed = status.lists.iter().zip(&address).filter_map(|(known, address)| {
            let firm = known.firm.as_ref()?;
            let labels = [("list", known.last.list.as_str()), ("address", address.as_str())];
            Some((labels, u64::from(firm.state == ListState::Listed)))
        });
        gauges(&mut to, "listed", "Whether a list has an address", listed)
    }
}

fn gauges<'a, const N: usize>(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl Iterator<Item = ([(&'a str, &'a str); N], u64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        if N == 0 {
            return ConstGauge::new(value).encode(metric);
        }
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counters<const N: usize>(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl Iterator<Item = ([(&'static str, &'static str); N], u64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
