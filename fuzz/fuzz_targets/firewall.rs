//! Firewalls of any bytes: read, asked, looked through. Places lie inside the file; what is cut
//! off lets nobody pass whom the whole stops by the same rules.

#![no_main]

use heloscope_evidence::firewall::{self, Answer, Family, Origin, Question, User};
use heloscope_model::{At, Place, SourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let sets = firewall::read(input, SourceId(0), 0, None);
    let inside = |places: &[Place]| {
        let end = input.len() as u64;
        assert!(places.iter().all(|p| matches!(p.at, At::Byte(at) if at <= end)));
    };
    for family in [Family::V4, Family::V6] {
        for origin in [Origin::User(User::Id(33)), Origin::Anyone, Origin::Forwarded(None)] {
            let question = Question { origin, family, port: 25 };
            let answer = firewall::ask(&sets, &question);
            let (Answer::Allowed(places) | Answer::Denied(places) | Answer::Unknown(_, places)) =
                &answer;
            inside(places);
            assert_eq!(answer, firewall::ask(&sets, &question));
        }
    }
    for finding in firewall::findings(&sets, 25) {
        assert!(!finding.says.is_empty() && !finding.says.contains('\u{1b}'));
        inside(&finding.places);
    }
});
