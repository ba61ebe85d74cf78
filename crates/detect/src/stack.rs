//! TCP stacks told apart by the client's SYN (facts as p0f reads them), and how likely two SYNs
//! of one address come from two machines.

use heloscope_model::session::Syn;
use std::net::IpAddr;

/// Whose stack a SYN looks like. Only layouts that are sure have a name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Linux and Android.
    Linux,
    /// Windows.
    Windows,
    /// macOS, iOS and the BSDs.
    Bsd,
    /// No system's own: another system's options with a foreign time to live, or no options at all.
    Custom,
    /// Not sure.
    Unknown,
}

/// A stack as stable text: `64:2-4-8-1-3:7:df`: first time to live, option kinds, window scale,
/// don't-fragment. What changes with the link (MSS) or from host to host (window) stays out.
pub fn signature(syn: &Syn) -> String {
    let options: Vec<String> = syn.options.as_bytes().iter().map(u8::to_string).collect();
    let scale = syn.scale.map_or("-".to_owned(), |scale| scale.to_string());
    let df = if syn.df { "df" } else { "-" };
    format!("{}:{}:{scale}:{df}", first_ttl(syn.ttl), options.join("-"))
}

/// The time to live a packet began with.
pub(crate) fn first_ttl(ttl: u8) -> u8 {
    match ttl {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        _ => 255,
    }
}

/// Whose stack a SYN looks like.
pub fn family(syn: &Syn) -> Family {
    let first = first_ttl(syn.ttl);
    // End-of-list bytes at the end are padding.
    let options = syn.options.as_bytes();
    let options = options
        .get(..options.iter().rposition(|&o| o != 0).map_or(0, |at| at + 1))
        .unwrap_or(options);
    match (options, first) {
        ([2, 4, 8, 1, 3], 64) => Family::Linux,
        ([2, 4, 8, 1, 3], 128 | 255) => Family::Custom,
        (
            [2, 1, 3, 1, 1, 4] | [2, 1, 1, 4] | [2, 1, 3, 1, 1, 8, 1, 1, 4] | [2, 3, 8, 1, 1, 4],
            128,
        ) => Family::Windows,
        ([2, 1, 3, 1, 1, 4], 255) => Family::Custom,
        ([2, 1, 3, 1, 1, 8, 4] | [2, 1, 3, 4, 8] | [2, 1, 3, 1, 1, 4], 64) => Family::Bsd,
        // Every system sends at least its MSS.
        ([], _) if syn.mss.is_none() => Family::Custom,
        _ => Family::Unknown,
    }
}

/// The MTU that a SYN's MSS speaks of.
pub(crate) fn mtu(syn: &Syn, client: IpAddr) -> Option<u32> {
    let headers = if client.to_canonical().is_ipv4() { 40 } else { 60 };
    syn.mss.map(|mss| u32::from(mss) + headers)
}

/// The tunnel whose MTU this is. 1492 is DSL, and no tunnel of anybody's choice.
pub(crate) fn tunnel(mtu: u32) -> Option<&'static str> {
    match mtu {
        1420 => Some("WireGuard"),
        1476 => Some("GRE"),
        1480 => Some("IP in IP"),
        _ => None,
    }
}

/// What is kept of the last SYN to compare the next with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SynNote {
    family: Family,
    ttl: u8,
    mss: Option<u16>,
    port: u16,
}

impl SynNote {
    pub(crate) fn of(syn: &Syn, port: u16) -> Self {
        Self { family: family(syn), ttl: syn.ttl, mss: syn.mss, port }
    }

    /// How unlike two SYNs of one address are, in p0f's points.
    pub(crate) fn score(&self, next: &Self) -> u8 {
        let sure = |f: Family| f != Family::Unknown;
        let mut score = 0;
        if sure(self.family) && sure(next.family) && self.family != next.family {
            score += 8;
        }
        score += match self.ttl.abs_diff(next.ttl) {
            0 => 0,
            1 | 2 => 1, // a route that changed
            _ => 4,
        };
        score += u8::from(self.mss != next.mss);
        score += u8::from(self.port.saturating_sub(next.port) >= 64);
        score
    }
}

/// Whether the last scores of an address say that several machines share it.
pub(crate) fn is_shared(scores: &[u8]) -> bool {
    let above = |limit: u8| scores.iter().filter(|&&score| score > limit).count();
    above(2) >= 6 || above(4) >= 3 || above(6) >= 2 || above(8) >= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use heloscope_model::Octets;

    fn syn(ttl: u8, options: &[u8]) -> Syn {
        Syn {
            ttl,
            window: 64240,
            mss: (!options.is_empty()).then_some(1460),
            scale: Some(7),
            options: Octets::new(options),
            df: true,
        }
    }

    #[test]
    fn stacks_are_told_apart() {
        for (ttl, options, expected) in [
            (52, &[2, 4, 8, 1, 3][..], Family::Linux),
            (116, &[2, 1, 3, 1, 1, 4], Family::Windows),
            (57, &[2, 1, 3, 1, 1, 8, 4, 0, 0], Family::Bsd),
            (116, &[2, 4, 8, 1, 3], Family::Custom),
            (250, &[], Family::Custom),
            (57, &[2], Family::Unknown), // a printer
        ] {
            assert_eq!(family(&syn(ttl, options)), expected, "{ttl} {options:?}");
        }
        assert_eq!(signature(&syn(52, &[2, 4, 8, 1, 3])), "64:2-4-8-1-3:7:df");
    }

    #[test]
    fn scores_tell_one_machine_from_two() {
        let one = SynNote::of(&syn(52, &[2, 4, 8, 1, 3]), 40000);
        let again = SynNote::of(&syn(51, &[2, 4, 8, 1, 3]), 40100);
        let other = SynNote::of(&syn(116, &[2, 1, 3, 1, 1, 4]), 40000);
        assert_eq!(one.score(&again), 1);
        assert_eq!(one.score(&other), 12);
        assert!(is_shared(&[12]) && !is_shared(&[1, 1, 1, 1, 1, 1, 1]) && is_shared(&[5, 0, 5, 5]));
    }
}
