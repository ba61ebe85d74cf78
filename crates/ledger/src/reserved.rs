//! Addresses that can never be listed, whatever a detector says: those that are nobody's, everybody's
//! or only somebody's inside (RFC 6890's special-purpose registry, RFC 6471 on what a list
//! discloses as reserved). Documentation addresses may be listed in the lab, where they stand for the Internet.

use heloscope_model::special::{DOCUMENTATION, RESERVED};
use ipnet::IpNet;

/// Whether every address of the prefix is one that may be listed.
pub fn listable(prefix: IpNet, lab: bool) -> bool {
    let meets = |other: &IpNet| prefix.contains(other) || other.contains(&prefix);
    !RESERVED.iter().any(|(net, _)| meets(net)) && (lab || !DOCUMENTATION.iter().any(meets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_listed_where() {
        // (prefix, outside the lab, in the lab)
        let rows = [
            ("127.0.0.1/32", false, false),
            ("127.0.0.2/32", false, false),
            ("10.1.2.3/32", false, false),
            ("100.100.1.1/32", false, false),
            ("172.31.255.255/32", false, false),
            ("172.32.0.1/32", true, true),
            ("192.168.0.1/32", false, false),
            ("203.0.113.9/32", false, true),
            ("198.51.100.0/24", false, true),
            ("224.0.0.1/32", false, false),
            ("255.255.255.255/32", false, false),
            ("8.8.8.8/32", true, true),
            // A range that holds a reserved one is as bad as it.
            ("0.0.0.0/0", false, false),
            ("192.0.0.0/16", false, false),
            ("::1/128", false, false),
            ("::ffff:8.8.8.8/128", false, false),
            ("2001:db8::5/128", false, true),
            ("2001:db8:0:1::/64", false, true),
            ("2001:0:1::1/128", false, false),
            ("2001:4860::8/128", true, true),
            ("2002:808:808::1/128", false, false),
            ("64:ff9b::808:808/128", false, false),
            ("fd00::1/128", false, false),
            ("fe80::1/128", false, false),
            ("2a00:1450::/64", true, true),
        ];
        for (prefix, outside, lab) in rows {
            let net: IpNet = prefix.parse().unwrap();
            assert_eq!((listable(net, false), listable(net, true)), (outside, lab), "{prefix}");
        }
    }
}
