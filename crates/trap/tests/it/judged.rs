//! What detectors make of sessions that a sensor saw, with their innocent twins.

use crate::trap::Trap;
use heloscope_model::Sighting;

/// As seen by the Internet: detectors leave this very host alone.
fn judge(sighting: &Sighting) -> Vec<(&'static str, char)> {
    let mut session = sighting.session.clone();
    session.client.set_ip("192.0.2.7".parse().unwrap());
    session.server.set_port(25);
    heloscope_detect::judge(&session).iter().map(|d| (d.detector, d.class)).collect()
}

#[test]
fn the_auth_guesser() {
    let mut trap = Trap::start(|config| {
        config.personality.greeting_delay_s = 0.2;
        config.personality.extensions.auth = true;
    });
    let mut client = trap.connect();
    client.send("EHLO ylmf-pc\r\n");
    client.reply();
    client.reply();
    client.say("AUTH LOGIN");
    client.say("YWRtaW4=");
    client.say("MTIzNDU2");
    drop(client);
    let found = judge(&trap.sighting());
    assert!(found.contains(&("helo-ylmf-pc", 'A')), "{found:?}");
    assert!(found.iter().any(|(id, _)| *id == "pregreet"), "{found:?}");
}

#[test]
fn a_spam_cannon_that_does_not_wait_and_its_twin() {
    let mut trap = Trap::start(|config| config.personality.extensions.pipelining = false);
    let burst = "MAIL FROM:<a@example.org>\r\nRCPT TO:<joe@spam.example>\r\nDATA\r\n";
    let mut client = trap.connect();
    client.reply();
    client.say("HELO mail.example.org");
    client.send(burst);
    (0..3).for_each(|_| drop(client.reply()));
    client.say("Subject: x\r\n\r\nx\r\n.");
    client.say("QUIT");
    let found = judge(&trap.sighting());
    assert!(found.iter().any(|(id, _)| *id == "unadvertised-pipelining"), "{found:?}");
    trap.connect().mail("mail.example.org", "joe@spam.example");
    assert_eq!(judge(&trap.sighting()), []);
}

#[test]
fn headers_where_commands_belong() {
    let mut trap = Trap::start(|_| {});
    let mut client = trap.connect();
    client.reply();
    client.say("HELO mail.example.org");
    client.say("DATA");
    client.say("Subject: cheap");
    client.say("From: a@example.org");
    client.say("QUIT");
    let found = judge(&trap.sighting());
    assert!(found.contains(&("headers-as-commands", 'B')), "{found:?}");
}

/// The sensor knows which names are nobody's, and says so; the owner is told no name.
#[test]
fn a_log_in_as_nobody_and_its_twin() {
    let mut trap = Trap::start(|config| {
        config.personality.extensions.auth = true;
        config.traps = config.traps.clone().with_logins(["backup".to_owned()]).unwrap();
    });
    // backup, and anna@example.org whose program asks the wrong server.
    for (response, class) in
        [("AGJhY2t1cABzZWNyZXQ=", Some('A')), ("AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0", None)]
    {
        let mut client = trap.connect();
        client.reply();
        client.say("EHLO mail.example.org");
        client.say(&format!("AUTH PLAIN {response}"));
        client.say("QUIT");
        let mut sighting = trap.sighting();
        sighting.session.client.set_ip("192.0.2.7".parse().unwrap());
        sighting.session.server.set_port(25);
        let (around, dialects) = Default::default();
        let found = heloscope_detect::judge_sighting(&sighting, &around, &dialects);
        let guessing = found.iter().find(|d| d.detector == "auth-guessing");
        assert_eq!(guessing.map(|d| d.class), class, "{found:?}");
        assert!(guessing.is_none_or(|d| !d.owner.as_str().contains("backup")));
    }
}
