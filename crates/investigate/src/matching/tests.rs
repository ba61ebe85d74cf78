//! What a log line explains and what it does not, one situation a test.

use super::*;
use heloscope_maillog::{Origin, Status};
use heloscope_model::session::{Command, Dialogue, EndState, Reply, Session, Tls, Verb};
use heloscope_model::{Octets, SourceId};

const MX: &str = "198.51.100.7:25";

/// A session of 4 s that starts at `start`, with one recipient and the reply to its content.
fn session(start: i64, recipient: &str, reply: &str) -> Session {
    let at = Time::from_secs(start);
    let command = |verb, raw: &str, reply| Command {
        at,
        verb,
        raw: Octets::from(raw),
        len: raw.len() as u32,
        early: false,
        reply,
    };
    Session {
        place: Place::frame(SourceId(0), start as u64),
        start: at,
        end: at.plus_secs(4.0),
        client: "192.168.5.2:40000".parse().unwrap(),
        server: MX.parse().unwrap(),
        inside: None,
        client_mac: None,
        syn: None,
        sequence: (Some(start as u32), Some(1)),
        proxy: None,
        dialogue: Dialogue {
            commands: vec![
                command(Verb::Ehlo, "EHLO mail.example.org\r\n", None),
                command(Verb::Mail, "MAIL FROM:<a@example.org>\r\n", None),
                command(Verb::Rcpt, &format!("RCPT TO:<{recipient}>\r\n"), None),
            ],
            replies: vec![Reply { at: at.plus_secs(3.0), code: 250, text: Octets::from(reply) }],
            ..Dialogue::default()
        },
        bytes: (500, 300),
        end_state: EndState::Quit,
    }
}

/// The same under TLS: only EHLO and STARTTLS can be seen.
fn hidden(start: i64) -> Session {
    let mut session = session(start, "", "");
    session.dialogue.commands.truncate(1);
    session.dialogue.replies.clear();
    session.dialogue.tls = Some(Tls::default());
    session
}

/// A mail with one delivery to the server, logged at `time` after `took` seconds.
fn mail(time: f64, took: f32, to: &str, reply: &str) -> Mail {
    let at = Time::from_secs(0).plus_secs(time);
    let place = Place::byte(SourceId(1), time as u64);
    Mail {
        queue_id: Octets::from("4F1d2s"),
        host: Octets::from("mail"),
        instance: Octets::from("postfix"),
        origin: Origin::Unknown,
        first: at,
        place,
        last: at,
        message_id: None,
        from: None,
        size: None,
        recipients: Some(1),
        deliveries: vec![Delivery {
            time: at,
            place,
            agent: Octets::from("smtp"),
            pid: None,
            tls: false,
            to: Octets::from(to),
            orig_to: None,
            relay_name: Octets::from("mx.example.net"),
            relay_ip: Some("198.51.100.7".parse().unwrap()),
            relay_port: Some(25),
            conn_use: 1,
            delays: Some([0.1, 0.0, took / 2.0, took / 2.0]),
            dsn: Octets::from("2.0.0"),
            status: Status::Sent,
            reply: Octets::from(reply),
        }],
        more_deliveries: 0,
        parent: None,
        expired: false,
        complete: true,
        cleanup_action: None,
    }
}

/// Runs the matching; for each session whether it is explained, and if so by content.
fn explained(sessions: &[Session], mails: &[Mail]) -> Vec<Option<bool>> {
    let mut seen: Vec<Seen> = sessions.iter().map(Seen::new).collect();
    let mut pending = Pending::default();
    for mail in mails {
        pending.mail(mail, &mut seen);
    }
    pending.settle(&mut seen);
    seen.iter().map(|s| s.explained.map(|(_, sure)| sure)).collect()
}

#[test]
fn the_queue_id_in_the_reply_joins_whatever_the_clocks_say() {
    let sessions = [session(1_000, "x@example.net", "2.0.0 Ok: queued as 7D21C40A9B")];
    let late = mail(9_003.0, 3.0, "x@example.net", "250 2.0.0 Ok: queued as 7D21C40A9B");
    assert_eq!(explained(&sessions, &[late]), [Some(true)]);
}

#[test]
fn a_recipient_in_clear_text_joins_at_its_time_only() {
    let sessions = [session(1_000, "x@example.net", "Ok")];
    let right = mail(1_003.0, 3.0, "X@example.net", "250 Ok");
    let wrong = mail(5_003.0, 3.0, "x@example.net", "250 Ok");
    assert_eq!(explained(&sessions, &[right]), [Some(true)]);
    assert_eq!(explained(&sessions, &[wrong]), [None]);
}

#[test]
fn a_bot_that_talks_to_the_same_server_at_the_same_time_stays_unexplained() {
    let ours = session(1_000, "x@example.net", "2.0.0 Ok: queued as 7D21C40A9B");
    let bot = session(1_001, "victim@example.net", "2.0.0 Ok: queued as 7D21C40A9C");
    let mails = [mail(1_003.0, 3.0, "x@example.net", "250 2.0.0 Ok: queued as 7D21C40A9B")];
    assert_eq!(explained(&[ours, bot], &mails), [Some(true), None]);
}

#[test]
fn under_tls_one_delivery_explains_one_session() {
    let sessions = [hidden(1_000), hidden(1_001)];
    let mails = [mail(1_003.0, 3.0, "x@example.net", "250 2.0.0 Ok: queued as 7D21C40A9B")];
    assert_eq!(explained(&sessions, &mails), [Some(false), None]);
}

#[test]
fn the_difference_of_the_clocks_is_measured_before_time_decides() {
    // One plaintext session tells that the log is an hour ahead; the TLS session follows it.
    let sessions =
        [session(1_000, "x@example.net", "2.0.0 Ok: queued as 7D21C40A9B"), hidden(2_000)];
    let mails = [
        mail(4_603.0, 3.0, "x@example.net", "250 2.0.0 Ok: queued as 7D21C40A9B"),
        mail(5_603.0, 3.0, "y@example.net", "250 2.0.0 Ok: queued as 7D21C40AFF"),
    ];
    assert_eq!(explained(&sessions, &mails), [Some(true), Some(false)]);
}

#[test]
fn clocks_are_compared_without_any_plaintext_too() {
    let sessions: Vec<_> = [1_000, 1_100, 1_350, 1_900].map(hidden).into();
    let mails: Vec<_> = [1_000.0, 1_100.0, 1_350.0, 1_900.0]
        .map(|t| mail(t + 7_204.0, 4.0, "x@example.net", "250 Ok"))
        .into();
    assert_eq!(explained(&sessions, &mails), [Some(false); 4]);
}

/// The same by another machine.
fn of_another(start: i64) -> Session {
    Session { client: "192.168.5.77:40000".parse().unwrap(), ..hidden(start) }
}

#[test]
fn many_looks_at_one_server_are_no_clock() {
    // A slow machine's stamps lie two seconds off; a probe looks six times in one second, once.
    let mut sessions: Vec<_> = [1_000, 1_100, 1_350].map(hidden).into();
    sessions.extend([5_000; 6].map(of_another));
    let mails: Vec<_> =
        [1_000.0, 1_100.0, 1_350.0].map(|t| mail(t + 2.0, 4.0, "x@example.net", "250 Ok")).into();
    let mut expected = [None; 9];
    expected[..3].fill(Some(false));
    assert_eq!(explained(&sessions, &mails), expected);
}

#[test]
fn who_could_have_made_all_deliveries_made_them() {
    // A laptop writes to the same server a second before each letter, and at other times.
    let laptop: Vec<_> = [999, 1_099, 1_349, 3_000, 3_001].map(of_another).into();
    let server: Vec<_> = [1_000, 1_100, 1_350, 1_900].map(hidden).into();
    let mails: Vec<_> = [1_000.0, 1_100.0, 1_350.0, 1_900.0]
        .map(|t| mail(t + 3.3, 4.0, "x@example.net", "250 Ok"))
        .into();
    let sessions = [laptop, server].concat();
    let mut expected = [None; 9];
    expected[5..].fill(Some(false));
    assert_eq!(explained(&sessions, &mails), expected);
}

#[test]
fn a_delivery_to_another_server_explains_nothing() {
    let sessions = [hidden(1_000)];
    let mut other = mail(1_003.0, 3.0, "x@example.net", "250 Ok");
    other.deliveries[0].relay_ip = Some("198.51.100.8".parse().unwrap());
    assert_eq!(explained(&sessions, &[other]), [None]);
}

#[test]
fn a_firewall_s_line_is_joined_by_its_start() {
    // How long the connection lasted is not known; its guessed end must not pass for a clock.
    let mut seen: Vec<Seen> = [1_000, 1_100, 1_350, 1_900]
        .map(|start| {
            let mut seen = Seen::new(&hidden(start));
            seen.end = seen.start.plus_secs(300.0);
            seen.hearsay =
                Some(crate::seen::Hearsay { forwarded: false, dropped: false, from_tunnel: false });
            seen
        })
        .into();
    let mut pending = Pending::default();
    for time in [1_000.0, 1_100.0, 1_350.0, 1_900.0] {
        pending.mail(&mail(time + 0.1, 0.1, "x@example.net", "250 Ok"), &mut seen);
    }
    pending.settle(&mut seen);
    assert!(seen.iter().all(|s| s.explained.is_some()));
}
