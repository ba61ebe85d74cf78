//! What the kernel counted: how many were let out and refused, and who tried lately. From `nft -j list table`, which is
//! read leniently: another version prints more, or other forms of it. Pure.

use super::policy::Policy;
use serde::Serialize;
use serde_json::Value;
use std::net::IpAddr;

/// How long the kernel remembers who tried, in seconds.
const REMEMBERED: u64 = 86_400;

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// First packets that were let out.
    pub allowed: u64,
    /// Of programs of this host, refused (or only logged). A program that is refused may try again at once.
    pub others: u64,
    /// Of machines behind this host, where they are asked for.
    pub behind: Option<u64>,
    /// Who tried, the latest first.
    pub tried: Vec<Tried>,
    /// Ports that are matched; none where a trial's time is over.
    pub ports: Vec<u16>,
}

/// Somebody who was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// A user's number, or the address of a machine behind this host.
    pub who: String,
    /// To where.
    pub to: IpAddr,
    /// To which port.
    pub port: u16,
    /// How often, in a day.
    pub times: u64,
    /// How many seconds ago last.
    pub ago: Option<u64>,
}

/// Reads what nft printed.
pub fn read(text: &str) -> Counted {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let mut counted = Counted::default();
    for object in value.get("nftables").and_then(Value::as_array).into_iter().flatten() {
        if let Some(counter) = object.get("counter") {
            let packets = counter.get("packets").and_then(Value::as_u64).unwrap_or_default();
            match counter.get("name").and_then(Value::as_str) {
                Some("allowed") => counted.allowed = packets,
                Some("others") => counted.others = packets,
                Some("behind") => counted.behind = Some(packets),
                _ => {}
            }
        }
        if let Some(set) = object.get("set") {
            let elements = set.get("elem").and_then(Value::as_array).into_iter().flatten();
            match set.get("name").and_then(Value::as_str) {
                Some("ports") => counted.ports.extend(elements.filter_map(port)),
                Some("tried4" | "tried6" | "behind4" | "behind6") => {
                    counted.tried.extend(elements.filter_map(tried));
                }
                _ => {}
            }
        }
    }
    counted.tried.sort_by_key(|t| (t.ago.unwrap_or(u64::MAX), std::cmp::Reverse(t.times)));
    counted.ports.sort_unstable();
    counted
}

/// Control groups that the rules do not know any more: they were made anew (the mail server was restarted) and only their
/// names are the same. nft prints the number of one that is gone.
pub fn stale(chain: &str, policy: &Policy) -> Vec<String> {
    let groups = policy.senders.iter().filter_map(|s| s.cgroup.as_ref());
    let gone = groups.filter(|group| !chain.contains(&format!("\"{}\"", group.path())));
    let mut says: Vec<String> = gone
        .map(|group| {
            format!(
                "The rules do not mean {} any more, or it does not run: after a restart of the mail server `heloscope guard renew` names it anew, until then its mail waits.",
                group.path()
            )
        })
        .collect();
    says.dedup();
    says
}

fn port(element: &Value) -> Option<u16> {
    let value = element.get("elem").and_then(|e| e.get("val")).unwrap_or(element);
    u16::try_from(value.as_u64()?).ok()
}

fn tried(element: &Value) -> Option<Tried> {
    let element = element.get("elem")?;
    let [who, to, port] = element.get("val")?.get("concat")?.as_array()?.as_slice() else {
        return None;
    };
    Some(Tried {
        who: who
            .as_u64()
            .map(|n| n.to_string())
            .or_else(|| who.as_str().map(|w| crate::connection::text(w.as_bytes())))?,
        to: to.as_str()?.parse().ok()?,
        port: u16::try_from(port.as_u64()?).ok()?,
        times: element.get("counter").and_then(|c| c.get("packets")?.as_u64()).unwrap_or(1),
        ago: element
            .get("expires")
            .and_then(Value::as_u64)
            .map(|left| REMEMBERED.saturating_sub(left)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nft_printed() {
        let counted = read(
            r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"counter": {"name": "allowed", "packets": 1, "bytes": 60}}, {"counter": {"name": "others", "packets": 3}},
            {"set": {"name": "ports", "elem": [{"elem": {"val": 25, "timeout": 3, "expires": 2}}, 465]}},
            {"set": {"name": "tried4", "elem": [{"elem": {"val": {"concat": [33, "203.0.113.9", 25]}, "expires": 86340, "counter": {"packets": 2, "bytes": 60}}},
              {"elem": {"val": {"concat": [0, "203.0.113.9", 25]}, "expires": 86399}}]}}]}"#,
        );
        assert_eq!((counted.allowed, counted.others, counted.behind), (1, 3, None));
        assert_eq!(counted.ports, [25, 465]);
        let tried: Vec<_> = counted.tried.iter().map(|t| (&*t.who, t.times, t.ago)).collect();
        assert_eq!(tried, [("0", 1, Some(1)), ("33", 2, Some(60))]);
    }

    #[test]
    fn a_control_group_that_was_made_anew() {
        let policy = super::super::policy::tests::postfix();
        assert_eq!(
            stale("socket cgroupv2 level 2 \"system.slice/postfix.service\" accept", &policy),
            [""; 0]
        );
        assert_eq!(stale("socket cgroupv2 level 2 44 accept", &policy).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text: String) {
            read(&text);
            read(&format!(r#"{{"nftables": [{{"set": {{"name": "tried4", "elem": [{text}]}}}}]}}"#));
        }
    }
}
