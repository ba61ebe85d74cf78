//! A request as one JSON object: nginx and Apache `escape=json` formats by their usual field
//! names, Caddy's nested form.

use crate::facts::Request;
use crate::stamp::Clock;
use heloscope_model::{Octets, Place, Time};
use serde_json::Value;

/// A line's request; none where time, target or status are missing.
pub(super) fn parse(line: &[u8], place: Place) -> Option<Request> {
    let row: Value = serde_json::from_slice(line).ok()?;
    let inner = row.get("request").filter(|r| r.is_object()).unwrap_or(&row);
    let text = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = inner.get(*name).or_else(|| row.get(*name))?;
            match value {
                Value::String(s) if !s.is_empty() && s != "-" => Some(s.clone()),
                Value::Number(n) => Some(n.to_string()),
                _ => None,
            }
        })
    };
    let time = time(&row)?;
    let status = text(&["status", "response", "response_code"])?.parse().ok()?;
    let whole = row.get("request").and_then(Value::as_str);
    let (method, target) = match whole.map(|w| super::request_line(w.as_bytes())) {
        Some((method, target)) if !method.is_empty() => (Octets::new(method), Octets::new(target)),
        _ => {
            let target = text(&["uri", "request_uri", "path", "url", "requested_path"])?;
            let method = text(&["method", "request_method", "verb"])?;
            (Octets::from(method.as_str()), Octets::from(target.as_str()))
        }
    };
    let agent = text(&["http_user_agent", "user_agent", "agent", "useragent"]).or_else(|| {
        let header = inner.get("headers")?.get("User-Agent")?;
        header.as_str().or_else(|| header.get(0)?.as_str()).map(str::to_owned)
    });
    Some(Request {
        time,
        place,
        client: text(&[
            "remote_addr",
            "remote_ip",
            "client_ip",
            "clientip",
            "client",
            "remoteIP",
            "ip",
        ])
        .and_then(|c| super::address(c.as_bytes())),
        host: text(&["host", "vhost", "server_name", "http_host"])
            .map(|h| Octets::from(h.as_str())),
        method,
        target,
        status,
        agent: agent.map(|a| Octets::from(a.as_str())),
        took_s: text(&["request_time", "duration", "took"]).and_then(|t| t.parse().ok()),
    })
}

fn time(row: &Value) -> Option<Time> {
    ["time", "timestamp", "time_iso8601", "@timestamp", "time_local", "ts", "msec"].iter().find_map(
        |name| {
            match row.get(*name)? {
                Value::Number(n) => {
                    let secs = n.as_f64()?;
                    (secs > 0.0 && secs < 1e11).then(|| Time::from_micros((secs * 1e6) as i64))
                }
                Value::String(s) => {
                    if let Ok(stamp) = s.parse::<jiff::Timestamp>() {
                        return Some(Time::from(stamp));
                    }
                    let closed = format!("{}]", s.trim_matches(['[', ']']));
                    if let Some((time, _, _)) = super::clf_stamp(closed.as_bytes()) {
                        return Some(time);
                    }
                    // Without a zone a JSON stamp is UTC by the custom of its writers.
                    let stamp = crate::stamp::iso(s.as_bytes())?;
                    Some(Clock::new(jiff::tz::TimeZone::UTC, 1970).time(&stamp))
                }
                _ => None,
            }
        },
    )
}
