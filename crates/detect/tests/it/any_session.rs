//! Any bytes: no panic, evidence stays one short line.

use crate::session::play;
use heloscope_detect::judge;
use heloscope_smtp::Side;
use heloscope_smtp::script::Turn;
use proptest::prelude::*;

fn turn() -> impl Strategy<Value = Turn> {
    let side = prop_oneof![Just(Side::Client), Just(Side::Server)];
    let spoken = prop_oneof![
        "(EHLO|HELO|MAIL FROM:|RCPT TO:|DATA|GET /|Subject:|220|250|354|550|421|AUTH) ?\\PC{0,80}\r?\n",
        prop::collection::vec(any::<u8>(), 0..60)
            .prop_map(|b| String::from_utf8_lossy(&b).into_owned()),
    ];
    (side, spoken).prop_map(|(side, text)| Turn::Says(side, text.into_bytes()))
}

proptest! {
    #[test]
    fn evidence_is_a_short_line(turns in prop::collection::vec(turn(), 0..20)) {
        for detection in judge(&play(&turns)) {
            prop_assert!(detection.owner.as_str().chars().count() < 300, "{}", detection.owner.as_str());
            prop_assert!(!detection.owner.as_str().contains(char::is_control), "{:?}", detection.owner.as_str());
        }
    }
}
