//! One connection seen at several points is one session.

use crate::call::{Call, Pkt, ethernet, mail, read_all, story};
use heloscope_capture::merge;
use heloscope_model::Session;

fn usual() -> String {
    story(&crate::call::one(&mail().packets))
}

/// Each packet also as it looks behind the address translation, a little later.
fn translated(packets: &[Pkt]) -> Vec<Pkt> {
    let public = "203.0.113.10:50999".parse().unwrap();
    packets
        .iter()
        .flat_map(|p| {
            let mut outside = Pkt { at: p.at + 40, mac: [2, 0, 0, 0, 0, 8], ..p.clone() };
            if p.dst.port() == 25 {
                outside.src = public;
                outside.ttl -= 1;
                [p.clone(), outside]
            } else {
                outside.dst = public;
                outside.ttl += 1;
                [outside, p.clone()]
            }
        })
        .collect()
}

fn check_translated(session: &Session) {
    assert_eq!(session.client.to_string(), "203.0.113.10:50999");
    assert_eq!(session.inside.unwrap().to_string(), "192.168.1.23:50112");
    assert_eq!(session.client_mac, Some([2, 0, 0, 0, 0, 1]));
    assert_eq!(session.syn.as_ref().unwrap().ttl, 63);
    assert_eq!(story(session), usual());
}

#[test]
fn before_and_after_translation_in_one_capture() {
    let (sessions, _) = read_all(&ethernet(&translated(&mail().packets)));
    assert_eq!(sessions.len(), 1);
    check_translated(&sessions[0]);
}

#[test]
fn before_and_after_translation_in_two_captures_of_different_clocks() {
    let both = translated(&mail().packets);
    let part = |inside: bool| {
        let mut packets: Vec<_> = both
            .iter()
            .filter(|p| (p.src.port() == 50112 || p.dst.port() == 50112) == inside)
            .cloned()
            .collect();
        if inside {
            packets.iter_mut().for_each(|p| p.at += 7_200_000_000);
        }
        read_all(&ethernet(&packets)).0
    };
    let (inside, outside) = (part(true), part(false));
    for sessions in [[inside.clone(), outside.clone()], [outside.clone(), inside.clone()]] {
        let merged = merge(sessions.concat());
        assert_eq!(merged.len(), 1);
        check_translated(&merged[0]);
    }
    // The same file given twice changes nothing.
    let merged = merge([inside.clone(), inside.clone()].concat());
    assert_eq!(merged, inside);
}

#[test]
fn every_packet_twice_as_any_interface_shows_it() {
    let packets: Vec<_> = mail()
        .packets
        .into_iter()
        .flat_map(|p| {
            let forwarded =
                Pkt { at: p.at + 30, ttl: p.ttl - 1, mac: [2, 0, 0, 0, 0, 8], ..p.clone() };
            [p, forwarded]
        })
        .collect();
    let (sessions, _) = read_all(&ethernet(&packets));
    assert_eq!(sessions.iter().map(story).collect::<Vec<_>>(), [usual()]);
    assert_eq!(sessions[0].inside, None);
    assert_eq!(sessions[0].client_mac, Some([2, 0, 0, 0, 0, 1]));
    assert_eq!(sessions[0].syn.as_ref().unwrap().ttl, 63);
}

#[test]
fn the_fuller_recording_is_kept() {
    let both = translated(&mail().packets);
    // Outside, the recording lost the MAIL command.
    let packets: Vec<_> = both
        .into_iter()
        .filter(|p| !(p.src.port() == 50999 && p.data.starts_with(b"MAIL")))
        .collect();
    let (sessions, _) = read_all(&ethernet(&packets));
    assert_eq!(sessions.len(), 1);
    check_translated(&sessions[0]);
}

#[test]
fn two_clients_with_one_number_are_two() {
    // A home-made stack that gives every connection the same initial number.
    let mut packets = Vec::new();
    for host in 1..=40_u32 {
        let mut call = Call::new(&format!("192.168.1.{host}:4000"), "198.51.100.7:25")
            .isn(1, 1_000_000 * host)
            .after(u64::from(host) * 100_000);
        call.mail();
        packets.extend(call.packets);
    }
    packets.sort_by_key(|p| p.at);
    let (sessions, _) = read_all(&ethernet(&packets));
    assert_eq!(sessions.len(), 40);
    assert_eq!(merge(sessions.clone()), sessions);
}

#[test]
fn sessions_without_numbers_stay_as_they_are() {
    let (sessions, _) = read_all(&ethernet(&mail().packets[3..]));
    let twice = [sessions.clone(), sessions].concat();
    assert_eq!(merge(twice.clone()), twice);
}
