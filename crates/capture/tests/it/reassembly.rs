//! Packets reordered, repeated, lost, cut, one-sided: each situation, and mixtures of them.

use crate::call::{BODY, Call, Pkt, ethernet, mail, one, read_all, read_with, story};
use heloscope_capture::Options;
use heloscope_model::session::EndState;
use heloscope_model::{At, Octets, Time};
use proptest::prelude::*;

/// What the usual session says.
const STORY: &str = r#"S 220 mx.example.net ESMTP
C Ehlo "EHLO [127.0.0.1]\r\n" false -> Some((250, "mx.example.net\nPIPELINING"))
C Mail "MAIL FROM:<a@example.org>\r\n" false -> Some((250, "2.1.0 Ok"))
C Rcpt "RCPT TO:<b@example.net>\r\n" false -> Some((250, "2.1.5 Ok"))
C Data "DATA\r\n" false -> Some((354, "go on"))
C Quit "QUIT\r\n" false -> Some((221, "2.0.0 Bye"))
M a@example.org ["b@example.net"] 110 "From: <a@example.org>\r\nTo: <b@example.net>\r\nSubject: hello\r\n" true -> Some(250)
gaps 0 midstream false bytes (195, 141) Quit
"#;

fn client_says(call: &Call, text: &[u8]) -> usize {
    call.packets.iter().position(|p| p.data == text).unwrap()
}

#[test]
fn in_order() {
    let session = one(&mail().packets);
    assert_eq!(story(&session), STORY);
    assert_eq!(session.client.to_string(), "192.168.1.23:50112");
    assert_eq!(session.server.to_string(), "198.51.100.7:25");
    assert_eq!(session.place.at, At::Frame(1));
    assert_eq!(session.start.rfc3339(), "2026-11-24T14:31:07Z");
    assert_eq!(session.end.since(session.start), 0.17);
    assert_eq!(session.client_mac, Some([2, 0, 0, 0, 0, 1]));
    assert_eq!(session.sequence, (Some(1000), Some(500_000)));
    let syn = session.syn.unwrap();
    assert_eq!((syn.ttl, syn.window, syn.mss, syn.scale), (63, 64_240, Some(1460), Some(7)));
    assert_eq!((syn.options, syn.df), (Octets::new(&[2, 4, 8, 1, 3]), true));
}

#[test]
fn one_byte_segments_in_reverse_between_the_handshake_and_the_end() {
    let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25");
    call.segment = 1;
    call.mail();
    let first = client_says(&call, b"E");
    let line = "EHLO [127.0.0.1]\r\n".len();
    call.packets[first..first + line].reverse();
    assert_eq!(story(&one(&call.packets)), STORY);
}

#[test]
fn sequence_numbers_wrap() {
    for back in [1_u32, 2, 20, 100, 150] {
        let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25")
            .isn(0_u32.wrapping_sub(back), 0_u32.wrapping_sub(back / 2));
        call.mail();
        assert_eq!(story(&one(&call.packets)), STORY, "{back} before the wrap");
    }
}

#[test]
fn overlapping_retransmissions() {
    let mut call = mail();
    let body = client_says(&call, BODY);
    // The body came as two segments, and again cut elsewhere, and again whole.
    let whole = call.packets[body].clone();
    let part = |from: usize, to: usize| Pkt {
        seq: whole.seq + from as u32,
        data: whole.data[from..to].to_vec(),
        ..whole.clone()
    };
    let copies = [part(60, 112), part(20, 70), part(0, 30), part(0, 112), part(50, 113)];
    call.packets.splice(body..body, copies);
    assert_eq!(story(&one(&call.packets)), STORY);
}

#[test]
fn of_bytes_sent_twice_the_first_copy_counts() {
    let mut call = mail();
    let helo = client_says(&call, b"EHLO [127.0.0.1]\r\n");
    let mut other = call.packets[helo].clone();
    other.data = b"EHLO innocent.example\r\n"[..18].to_vec();
    call.packets.insert(helo + 1, other);
    assert_eq!(story(&one(&call.packets)), STORY);
}

#[test]
fn a_segment_lost_in_a_message_is_one_gap() {
    let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25");
    call.segment = 40;
    call.mail();
    let second = call.packets.iter().position(|p| p.data == BODY[40..80]).unwrap();
    call.packets.remove(second);
    let session = one(&call.packets);
    assert_eq!(session.dialogue.gaps, 1);
    assert_eq!(session.bytes, (195, 141));
    assert_eq!(session.end_state, EndState::Quit);
    assert_eq!(session.dialogue.messages[0].to, [Octets::from("b@example.net")]);
}

#[test]
fn a_command_lost_by_the_capture_is_one_gap_and_nothing_else_is_lost() {
    let mut call = mail();
    let mail_from = client_says(&call, b"MAIL FROM:<a@example.org>\r\n");
    call.packets.remove(mail_from);
    let session = one(&call.packets);
    assert_eq!((session.dialogue.gaps, session.bytes), (1, (195, 141)));
    let commands: Vec<_> = session.dialogue.commands.iter().map(|c| c.raw.to_string()).collect();
    assert!(commands.contains(&"RCPT TO:<b@example.net>\r\n".to_owned()), "{commands:?}");
    assert_eq!(session.end_state, EndState::Quit);
}

#[test]
fn a_hole_is_given_up_long_before_the_end_where_the_peer_acknowledged_it() {
    let mut call = mail();
    call.packets.truncate(call.packets.len() - 3);
    let helo = client_says(&call, b"EHLO [127.0.0.1]\r\n");
    call.packets.remove(helo);
    // An hour of keep-alives; were the hole kept open until the end, memory would tell.
    let options = Options { reorder_bytes: 10, ..Options::default() };
    let (sessions, _) = read_with(&ethernet(&call.packets), &options);
    assert_eq!(sessions[0].dialogue.gaps, 1);
    assert_eq!(sessions[0].dialogue.messages.len(), 1);
}

#[test]
fn only_the_clients_side() {
    let packets: Vec<_> = mail().packets.into_iter().filter(|p| p.dst.port() == 25).collect();
    let session = one(&packets);
    assert_eq!(session.dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())));
    assert_eq!(session.dialogue.greeting, None);
    // What the server said can be counted from the acknowledgements (its FIN with it).
    assert_eq!((session.bytes.0, session.dialogue.gaps), (195, 0));
    assert!((141..=142).contains(&session.bytes.1), "{:?}", session.bytes);
    assert_eq!(session.sequence.0, Some(1000));
}

#[test]
fn only_the_servers_side() {
    let packets: Vec<_> = mail().packets.into_iter().filter(|p| p.src.port() == 25).collect();
    let session = one(&packets);
    assert_eq!(session.dialogue.greeting.unwrap().code, 220);
    assert_eq!(session.dialogue.replies.len(), 6);
    assert_eq!(session.client.port(), 50112);
    assert_eq!((session.syn, session.sequence), (None, (Some(1000), Some(500_000))));
}

#[test]
fn the_recording_begins_mid_stream() {
    let call = mail();
    let from = client_says(&call, b"RCPT TO:<b@example.net>\r\n");
    let session = one(&call.packets[from..]);
    assert!(session.dialogue.midstream);
    assert_eq!(session.client.port(), 50112);
    assert_eq!(session.dialogue.commands[0].raw, "RCPT TO:<b@example.net>\r\n".into());
    assert_eq!(session.end_state, EndState::Quit);
    assert_eq!(session.syn, None);
}

#[test]
fn a_beginning_without_its_handshake_is_no_mid_stream_where_the_greeting_is_there() {
    let session = one(&mail().packets[3..]);
    assert!(!session.dialogue.midstream);
    assert_eq!(session.dialogue.greeting.unwrap().code, 220);
}

#[test]
fn frames_cut_by_the_snapshot_length_keep_their_sizes() {
    let packets = mail().packets;
    let mut file = ethernet(&[]);
    let mut cut = 0;
    for packet in &packets {
        let frame = packet.ethernet();
        let kept = frame.len().min(96);
        cut += u64::from(kept < frame.len());
        let at = crate::call::START + packet.at;
        for field in [at / 1_000_000, at % 1_000_000, kept as u64, frame.len() as u64] {
            file.extend_from_slice(&(field as u32).to_le_bytes());
        }
        file.extend_from_slice(&frame[..kept]);
    }
    let (sessions, report) = read_all(&file);
    assert_eq!((report.cut, sessions.len()), (cut, 1));
    assert!(cut > 0);
    assert_eq!(sessions[0].bytes, (195, 141));
    assert_eq!(sessions[0].dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())));
    assert_eq!(sessions[0].end_state, EndState::Quit);
}

#[test]
fn time_running_backwards_is_told_and_changes_nothing() {
    let mut call = mail();
    let len = call.packets.len() as u64;
    for (index, packet) in call.packets.iter_mut().enumerate() {
        packet.at = (len - index as u64) * 3_000_000;
    }
    let (sessions, report) = read_all(&ethernet(&call.packets));
    assert_eq!(story(&sessions[0]), STORY);
    assert!(
        report.notes[0].starts_with("time runs backwards 18 times, by up to 3.0"),
        "{report:?}"
    );
    assert!(report.first < report.last && sessions[0].start < sessions[0].end);
}

#[test]
fn a_port_used_again_is_another_session() {
    let mut first = mail();
    // The first one never ended, as far as the capture knows.
    first.packets.truncate(10);
    let mut second = Call::new("192.168.1.23:50112", "198.51.100.7:25").isn(77, 88).after(200_000);
    second.mail();
    first.packets.extend(second.packets);
    let (sessions, _) = read_all(&ethernet(&first.packets));
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].end_state, EndState::Timeout);
    assert_eq!(sessions[0].dialogue.commands.len(), 3);
    assert_eq!(story(&sessions[1]), STORY);
    assert_eq!(sessions[1].sequence, (Some(77), Some(88)));
}

#[test]
fn a_port_used_again_after_a_proper_end() {
    let mut packets = mail().packets;
    let mut second = Call::new("192.168.1.23:50112", "198.51.100.7:25").isn(77, 88).after(200_000);
    second.mail();
    packets.extend(second.packets);
    let (sessions, _) = read_all(&ethernet(&packets));
    assert_eq!(sessions.iter().map(story).collect::<Vec<_>>(), [STORY, STORY]);
}

#[test]
fn a_syn_sent_again_is_no_new_session() {
    let mut packets = mail().packets;
    packets.insert(1, packets[0].clone());
    packets.insert(3, packets[0].clone());
    assert_eq!(story(&one(&packets)), STORY);
}

#[test]
fn reset() {
    let mut call = mail();
    call.packets.truncate(10);
    call.packets[9].flags = "R".to_owned();
    call.packets[9].data.clear();
    let session = one(&call.packets);
    assert_eq!(session.end_state, EndState::Reset);
    assert_eq!(session.dialogue.commands.len(), 3);
}

#[test]
fn a_reset_from_far_outside_the_window_is_not_believed() {
    let mut call = mail();
    call.packets.insert(
        8,
        Pkt { seq: 0x7fff_0000, flags: "R".into(), data: vec![], ..call.packets[7].clone() },
    );
    assert_eq!(story(&one(&call.packets)), STORY);
}

#[test]
fn bytes_behind_a_reset_still_count_when_they_were_only_mixed_up() {
    let mut call = mail();
    call.packets.truncate(12);
    let last = call.packets.len() - 1;
    let reset = Pkt {
        seq: call.packets[last].seq,
        flags: "R".into(),
        data: vec![],
        ..call.packets[last].clone()
    };
    call.packets.insert(last, reset);
    let session = one(&call.packets);
    assert_eq!(session.dialogue.commands.len(), 4);
    assert_eq!(session.end_state, EndState::Reset);
}

#[test]
fn the_client_closes_its_half_first() {
    let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25");
    call.open();
    call.say(false, b"220 mx.example.net ESMTP\r\n");
    call.send(true, "PF", b"EHLO x.example\r\n");
    call.say(false, b"250 mx.example.net\r\n");
    call.send(false, "F", b"");
    call.send(true, "", b"");
    let session = one(&call.packets);
    assert_eq!(session.dialogue.replies.len(), 1);
    assert_eq!(session.end_state, EndState::Close);
    assert_eq!(session.bytes, (16, 46));
}

#[test]
fn keep_alives_add_nothing() {
    let mut call = mail();
    let at = client_says(&call, b"DATA\r\n");
    let next = call.packets[at].clone();
    for data in [vec![], b"x".to_vec()] {
        let probe = Pkt { seq: next.seq - 1, data, flags: String::new(), ..next.clone() };
        call.packets.insert(at, probe);
    }
    assert_eq!(story(&one(&call.packets)), STORY);
}

#[test]
fn late_packets_of_an_ended_connection_begin_no_new_one() {
    let mut packets = mail().packets;
    let late: Vec<_> = [7, 9, 17, 18].iter().map(|&i| packets[i].clone()).collect();
    packets.extend(late);
    assert_eq!(story(&one(&packets)), STORY);
}

#[test]
fn an_attempt_without_an_answer_is_no_session() {
    let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25");
    call.send(true, "S", b"");
    let refused = Pkt {
        src: call.server,
        dst: call.client,
        seq: 0,
        ack: Some(1001),
        flags: "R".into(),
        ..call.packets[0].clone()
    };
    // Sent again: still one attempt.
    call.packets.push(Pkt { at: 1_000_000, ..call.packets[0].clone() });
    let attempt = |packets: &[Pkt]| {
        let (sessions, report) = read_all(&ethernet(packets));
        assert!(sessions.is_empty());
        assert_eq!(report.attempts.len(), 1);
        report.attempts[0].clone()
    };
    let silent = attempt(&call.packets);
    assert_eq!((silent.client, silent.server), (call.client, call.server));
    assert_eq!((silent.count, silent.refused, silent.place.at), (1, false, At::Frame(1)));
    call.packets.push(refused);
    let mut again = Call::new("192.168.1.23:50113", "198.51.100.7:25").after(9_000_000);
    again.send(true, "S", b"");
    call.packets.extend(again.packets);
    let refused = attempt(&call.packets);
    assert_eq!((refused.count, refused.refused), (2, true));
    assert_eq!(refused.last.since(refused.first), 9.0);
}

#[test]
fn idle_and_cut_off_sessions_end_so() {
    let mut call = mail();
    call.packets.truncate(8);
    assert_eq!(one(&call.packets).end_state, EndState::Truncated);
    let mut later =
        Call::new("192.168.1.24:50112", "198.51.100.7:25").isn(5, 6).after(3_600_000_000);
    later.mail();
    call.packets.extend(later.packets);
    let (sessions, _) = read_all(&ethernet(&call.packets));
    assert_eq!(sessions[0].end_state, EndState::Timeout);
    assert_eq!(sessions[1].end_state, EndState::Quit);
}

#[test]
fn beyond_the_bound_the_one_idle_longest_gives_way() {
    let mut packets = Vec::new();
    for host in 1..=5_u32 {
        let mut call = Call::new(&format!("192.168.1.{host}:50112"), "198.51.100.7:25")
            .isn(host, host * 2)
            .after(u64::from(host) * 1000);
        call.mail();
        packets.extend(call.packets.drain(..6));
    }
    let options = Options { flows: 3, ..Options::default() };
    let (sessions, report) = read_with(&ethernet(&packets), &options);
    assert_eq!(sessions.len(), 5);
    assert_eq!(sessions[0].client.to_string(), "192.168.1.1:50112");
    assert!(report.notes[1].starts_with("2 connections were ended early"), "{report:?}");
}

#[test]
fn a_client_that_acknowledges_what_was_never_sent_hides_nothing() {
    let mut call = mail();
    for packet in &mut call.packets[4..] {
        if packet.dst.port() == 25 {
            packet.ack = packet.ack.map(|ack| ack + 1_000_000);
        }
    }
    let (sessions, _) = read_all(&ethernet(&call.packets));
    let dialogue = &sessions[0].dialogue;
    assert_eq!(dialogue.greeting.as_ref().unwrap().code, 220);
    assert_eq!(dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())));
    assert_eq!(dialogue.commands.len(), 5, "{dialogue:#?}");
}

#[test]
fn garbage_far_ahead_does_not_swallow_the_rest() {
    let mut call = mail();
    let helo = client_says(&call, b"EHLO [127.0.0.1]\r\n");
    let ahead = call.packets[helo].seq + 50_000_000;
    let garbage = Pkt { seq: ahead, data: vec![b'x'; 100], ..call.packets[helo].clone() };
    call.packets.insert(helo, garbage);
    // The session takes minutes, longer than anyone waits for the hole to fill.
    for (index, packet) in call.packets.iter_mut().enumerate() {
        packet.at = index as u64 * 30_000_000;
    }
    let session = one(&call.packets);
    assert_eq!(session.dialogue.helo(), Some(("EHLO", "[127.0.0.1]".into())));
    assert_eq!(session.dialogue.commands.len(), 5);
    assert_eq!(session.end_state, EndState::Quit);
}

#[test]
fn stamps_of_commands_are_those_of_their_packets() {
    let mut call = mail();
    let (helo, mail_from) = (
        client_says(&call, b"EHLO [127.0.0.1]\r\n"),
        client_says(&call, b"MAIL FROM:<a@example.org>\r\n"),
    );
    let (a, b) = (call.packets[helo].at, call.packets[mail_from].at);
    call.packets.swap(helo, mail_from);
    let session = one(&call.packets);
    let stamp = |at| Time::from_micros((crate::call::START + at) as i64);
    assert_eq!(session.dialogue.commands[0].at, stamp(a));
    assert_eq!(session.dialogue.commands[1].at, stamp(b));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// However the bytes are cut into segments, and with segments displaced by up to twelve
    /// places, some sent twice: the same dialogue.
    #[test]
    fn chunks_order_and_copies_do_not_matter(
        segment in 1_usize..200,
        shifts in proptest::collection::vec(0_usize..12, 600),
        copies in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        isn in any::<(u32, u32)>(),
    ) {
        let mut call = Call::new("192.168.1.23:50112", "198.51.100.7:25").isn(isn.0, isn.1);
        call.segment = segment;
        call.mail();
        let mut order: Vec<(usize, Pkt)> = Vec::new();
        for (index, packet) in call.packets.iter().enumerate() {
            order.push((index + shifts[index % shifts.len()], packet.clone()));
        }
        for copy in copies {
            let index = copy.index(call.packets.len());
            order.push((index + 11, call.packets[index].clone()));
        }
        order.sort_by_key(|(place, _)| *place);
        let packets: Vec<_> = order.into_iter().map(|(_, packet)| packet).collect();
        prop_assert_eq!(story(&one(&packets)), STORY);
    }
}
