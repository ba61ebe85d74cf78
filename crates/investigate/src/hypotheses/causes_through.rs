//! Causes through the mail server, each with a benign twin that differs in the one fact that matters.

use super::scenario::*;
use super::*;
use heloscope_model::Octets;

const WWW: (u32, &str) = (33, "www-data");

fn named(class: Class, who: &str) -> Option<(Class, Option<String>)> {
    Some((class, Some(who.to_owned())))
}

/// A form is filled in again and again, and each time mails go to these people.
fn form(path: &str, weight: f32, people: impl Fn(i64) -> Vec<String>) -> Scenario {
    let mut incident = Scenario::listed(None);
    for (i, offset) in (-780..780).step_by(30).enumerate() {
        incident.request(path, offset - 1);
        let to = people(i as i64);
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        incident.local_mail(WWW, offset, &to, i % 3 != 0);
    }
    for minute in -50..50 {
        incident.request("/index.php", minute * 60 + 17);
    }
    incident.file(&format!("/var/www/shop{path}"), weight);
    incident.file("/var/www/shop/index.php", 0.0);
    incident
}

fn strangers(i: i64) -> Vec<String> {
    (0..4).map(|k| format!("v{i}{k}@d{k}.example")).collect()
}

#[test]
fn a_form_whose_mail_goes_to_many_strangers() {
    let abused = form("/contact.php", 0.0, strangers);
    assert_eq!(abused.cause(), named(Class::FormAbuse, "POST /contact.php"));

    let planted = form("/contact.php", 0.9, strangers);
    let script = named(Class::CompromisedSite, "/var/www/shop/contact.php");
    assert_eq!(planted.cause(), script, "planted code is never a form");

    let twin = form("/contact.php", 0.0, |_| vec!["owner@shop.example".to_owned()]);
    assert_eq!(twin.cause(), None, "a form that writes to its owner is one");
}

#[test]
fn a_sign_up_that_bombs() {
    let bombed = form("/subscribe", 0.0, |i| vec![format!("victim{i}@d{}.example", i % 9)]);
    assert_eq!(bombed.cause(), named(Class::FormAbuse, "POST /subscribe"));
}

/// Mail for others' servers from one inside address, under others' names, much of it dead.
fn from_inside(ip: &str) -> Scenario {
    let mut incident = Scenario::listed(None);
    incident.setting("mynetworks", "127.0.0.0/8 172.16.0.0/12 192.168.5.0/24");
    for (i, offset) in (-780..780).step_by(30).enumerate() {
        let from = format!("s{i}@sender{i}.example");
        incident.relayed_mail(ip, &from, offset, &format!("v{i}@d{i}.example"), i % 3 != 0);
    }
    incident
}

#[test]
fn strangers_behind_a_trusted_address() {
    let mut relay = from_inside("172.19.0.1");
    for i in 0..6 {
        relay.incoming_mail("172.19.0.1", &format!("friend@elsewhere{i}.example"), i * 100 - 300);
    }
    let setting = "mynetworks = 127.0.0.0/8 172.16.0.0/12 192.168.5.0/24";
    assert_eq!(relay.cause(), named(Class::OpenRelay, setting));
}

#[test]
fn one_trusted_machine() {
    let mut trusted = from_inside("192.168.5.61");
    for i in 0..6 {
        let ip = format!("192.0.2.{}", 30 + i);
        trusted.incoming_mail(&ip, &format!("friend@elsewhere{i}.example"), i * 100 - 300);
    }
    assert_eq!(trusted.cause(), named(Class::TrustedClient, "192.168.5.61"));

    let mut twin = Scenario::listed(None);
    twin.setting("mynetworks", "127.0.0.0/8 192.168.5.0/24");
    for (i, offset) in (-780..780).step_by(60).enumerate() {
        let to = format!("staff{}@example.net", i % 3);
        twin.relayed_mail("192.168.5.61", "scanner@example.org", offset, &to, true);
    }
    assert_eq!(twin.cause(), None, "a scanner that writes to the staff is one");
}

#[test]
fn a_relay_for_everybody() {
    let everybody = |value: &str| {
        let mut incident = Scenario::listed(None);
        incident.setting("mynetworks", value);
        for (i, offset) in (-780..780).step_by(30).enumerate() {
            let from = format!("s{i}@sender{i}.example");
            let ip = format!("192.0.{}.9", 2 + i % 5);
            incident.relayed_mail(&ip, &from, offset, &format!("v{i}@d{i}.example"), i % 3 != 0);
        }
        incident
    };
    let setting = named(Class::OpenRelay, "mynetworks = 0.0.0.0/0");
    assert_eq!(everybody("0.0.0.0/0").cause(), setting);
}

#[test]
fn a_gateway_that_relays_nothing_is_no_relay() {
    let mut twin = Scenario::listed(None);
    twin.setting("mynetworks", "127.0.0.0/8 172.16.0.0/12");
    for i in 0..30 {
        twin.incoming_mail("172.19.0.1", &format!("friend@elsewhere{i}.example"), i * 20 - 300);
    }
    assert_eq!(twin.cause(), None);
}

/// The mail server says this HELO, and the notice quotes that one.
fn says(helo: &str, quoted: &str) -> Scenario {
    let mut incident = Scenario::listed(Some(quoted));
    for session in &mut incident.sessions {
        for command in &mut session.dialogue.commands {
            let text = command.raw.to_string().replace(MTA_HELO, helo);
            command.raw = Octets::from(text.as_str());
        }
    }
    incident.setting("myhostname", helo);
    incident
}

#[test]
fn the_mail_server_s_own_wrong_name() {
    let name = "localhost.localdomain";
    let setting = named(Class::MtaIdentity, "myhostname = localhost.localdomain");
    assert_eq!(says(name, name).cause(), setting);
    assert_eq!(says("mail.example.org", name).cause(), None, "it says its full name");
    assert_eq!(says("mail.example.org", "mail.example.org").cause(), None, "that name is right");
    assert_eq!(says(name, "[127.0.0.1]").cause(), None, "the list heard another");
}
