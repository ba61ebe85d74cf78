//! The judging core on made-up incidents: each class with what must not be taken for it.
//!
//! The recorded cases in `cases/` show the whole way on real software; here one fact at a time is
//! changed and the judgement must follow.

use super::scenario::*;
use super::*;
use crate::gather::Gathered;
use crate::incident::Incident;
use heloscope_evidence::facts::Vantage;
use heloscope_evidence::{Connection, Lease, Process, Sink};
use heloscope_model::SourceId;

const BOT: &str = "[127.0.0.1]";

#[test]
fn a_machine_behind_the_nat_is_named() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", BOT, &[-600, -100, 300, 500]);
    assert_eq!(incident.cause(), Some((Class::NatClient, Some("192.168.5.77".to_owned()))));
}

#[test]
fn a_machine_that_was_silent_in_the_recorded_window_is_not() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", "laptop.example.org", &[-3500, -3400, 3000]);
    assert_eq!(incident.cause(), None);
}

#[test]
fn monitoring_that_always_asks_one_server_is_not() {
    let mut incident = Scenario::listed(None);
    for offset in [-900, -300, 300, 900] {
        incident.session("192.168.5.9", "198.51.100.50:25", "probe", "MAIL FROM:<", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_lineless_session_that_looks_like_the_mta_accuses_nobody() {
    let mut incident = Scenario::listed(None);
    incident.session("192.168.5.2", "198.51.100.60:25", MTA_HELO, "MAIL FROM:<", 10, "Ok");
    incident.session("192.168.5.2", "198.51.100.61:25", MTA_HELO, "MAIL FROM:<", 40, "Ok");
    assert_eq!(incident.cause(), None);
}

/// Sessions past the MTA from its own machine, each just after a request to one script.
fn posts_before_sessions(path: &str, weight: f32) -> Scenario {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    let offsets = [-600, -100, 300, 500];
    incident.bot("192.168.5.2", BOT, &offsets);
    for offset in offsets {
        incident.request(path, offset - 1);
    }
    for minute in -50..50 {
        incident.request("/index.php", minute * 60 + 17);
    }
    incident.file(&format!("/var/www/shop{path}"), weight);
    incident.file("/var/www/shop/index.php", 0.0);
    incident
}

#[test]
fn a_planted_script_whose_requests_meet_the_sessions_is_named() {
    let incident = posts_before_sessions("/uploads/x.php", 0.9);
    let script = "/var/www/shop/uploads/x.php".to_owned();
    assert_eq!(incident.cause(), Some((Class::CompromisedSite, Some(script))));
}

#[test]
fn an_unmodified_script_is_never_a_compromised_site() {
    let incident = posts_before_sessions("/contact.php", 0.0);
    assert!(
        incident.judge().iter().all(|(class, _, c)| *class != Class::CompromisedSite || *c < 0.5)
    );
}

#[test]
fn a_planted_file_that_nobody_calls_is_no_cause() {
    let mut incident = posts_before_sessions("/contact.php", 0.0);
    incident.file("/var/www/shop/old/shell.php", 0.95);
    let judged = incident.judge();
    assert!(
        judged
            .iter()
            .all(|(_, who, c)| who.as_deref() != Some("/var/www/shop/old/shell.php") || *c < 0.5)
    );
}

/// Sessions past the MTA from its own machine, and the socket table that names a process.
fn with_process(command: &str) -> Scenario {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.bot("192.168.5.2", BOT, &[-600, -100, 300, 500]);
    let place = Place::byte(SourceId(5), 10);
    incident.facts.processes.push(Process {
        uid: None,
        user: "shop".to_owned(),
        pid: 812,
        parent: None,
        started: None,
        command: command.to_owned(),
        place,
    });
    incident.connections.push(Connection {
        time: None,
        src: "192.168.5.2".parse().unwrap(),
        src_port: Some(40_005),
        dst: "198.51.100.21".parse().unwrap(),
        dst_port: 25,
        translated: None,
        mac: None,
        in_interface: None,
        out_interface: None,
        pid: Some(812),
        program: Some("node".to_owned()),
        opener: None,
        helo: None,
        sent: None,
        process_started: None,
        uid: None,
        state: "ESTAB".to_owned(),
        place,
    });
    incident
}

#[test]
fn an_application_that_the_socket_table_shows_is_a_direct_sender() {
    let incident = with_process("/usr/bin/node /srv/shop/orders.js");
    let script = "/srv/shop/orders.js".to_owned();
    assert_eq!(incident.cause(), Some((Class::DirectSender, Some(script))));
}

#[test]
fn a_program_in_a_folder_for_passing_files_is_no_legitimate_sender() {
    let bot = (Class::BotProcess, Some("/var/tmp/.x/sess".to_owned()));
    assert_eq!(with_process("perl /var/tmp/.x/sess").cause(), Some(bot));
}

#[test]
fn an_account_used_by_strangers_is_named() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in (-600..600).step_by(40).enumerate() {
        let ip = format!("192.0.{}.9", 2 + i % 7 * 10);
        incident.account_mail("test", &ip, &format!("s{i}@elsewhere.example"), offset, i % 3 == 0);
    }
    assert_eq!(incident.cause(), Some((Class::StolenCredentials, Some("test".to_owned()))));
}

#[test]
fn a_traveller_with_a_newsletter_is_not() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in (-600..600).step_by(40).enumerate() {
        let ip = if i < 10 { "192.0.2.9" } else { "198.18.7.7" };
        incident.account_mail("anna", ip, "anna@example.org", offset, true);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_lease_adds_the_machine_s_name() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", BOT, &[-600, -100, 300]);
    incident.facts.leases.push(Lease {
        ip: "192.168.5.77".parse().unwrap(),
        mac: "02:00:00:aa:bb:cc".to_owned(),
        name: Some("guest-laptop".to_owned()),
        from: None,
        until: None,
        place: Place::byte(SourceId(6), 0),
    });
    let incident_facts = Incident::new(&incident.facts);
    let mut gathered = Gathered::new(&incident_facts, &[]);
    incident.sessions.into_iter().for_each(|s| gathered.session(s));
    incident.mails.into_iter().for_each(|m| gathered.mail(m));
    gathered.settle();
    let case = Case::new(&incident.facts, &incident_facts, &gathered, &[]);
    let culprit = all(&case).into_iter().find_map(|h| h.culprit).expect("somebody");
    assert_eq!(culprit.attrs.get("mac").and_then(|m| m.as_str()), Some("02:00:00:aa:bb:cc"));
    assert_eq!(culprit.attrs.get("name").and_then(|m| m.as_str()), Some("guest-laptop"));
}
