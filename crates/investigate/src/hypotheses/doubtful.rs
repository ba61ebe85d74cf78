//! Incidents that look like something they are not. Each names what may be said and, above all,
//! what may not; the accused of a test is whoever stands above one half.

use super::scenario::*;
use super::*;
use heloscope_evidence::facts::Vantage;
use heloscope_evidence::{Connection, Kind, Lease, Process};
use heloscope_maillog::Origin;
use heloscope_model::notice::TimeKind;
use heloscope_model::session::Tls;
use heloscope_model::{Octets, SourceId};

const BOT: &str = "[127.0.0.1]";
const RUN: [i64; 6] = [-600, -400, -100, 100, 300, 500];

fn nat(ip: &str) -> Option<(Class, Option<String>)> {
    Some((Class::NatClient, Some(ip.to_owned())))
}

pub(super) fn stolen(account: &str) -> Option<(Class, Option<String>)> {
    Some((Class::StolenCredentials, Some(account.to_owned())))
}

/// All that it sends comes from a private address: 1:1 translation in a cloud.
fn in_a_cloud(helo: Option<&str>) -> Scenario {
    let mut incident = Scenario::listed(helo);
    incident.facts.site.networks.clear();
    for session in &mut incident.sessions {
        session.client.set_ip("192.168.5.2".parse().unwrap());
        session.inside = None;
    }
    incident
}

#[test]
fn a_lone_mail_server_behind_one_to_one_translation_is_no_client_behind_it() {
    for helo in [None, Some(BOT), Some(MTA_HELO)] {
        let logged = in_a_cloud(helo);
        assert_eq!(logged.cause(), None, "with its log, {helo:?}");
        let mut unlogged = in_a_cloud(helo);
        unlogged.mails.clear();
        unlogged.kinds = vec![Kind::Capture];
        assert_eq!(unlogged.cause(), None, "without a log, {helo:?}");
    }
}

#[test]
fn the_only_sender_of_a_capture_without_a_log_is_accused_of_nothing() {
    let mut incident = Scenario::listed(None);
    incident.mails.clear();
    incident.kinds = vec![Kind::Capture];
    for offset in RUN {
        let server = format!("198.51.{}.25:25", 100 + offset % 7);
        incident.session("192.168.5.2", &server, MTA_HELO, "MAIL FROM:<", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_second_mail_server_that_logs_elsewhere_is_no_bot() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in RUN.into_iter().enumerate() {
        let server = format!("198.51.{}.25:25", 100 + i);
        incident.session("192.168.5.3", &server, "mx2.example.org", "MAIL FROM:<", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_server_that_names_itself_in_the_site_s_domain_is_named_where_the_list_quotes_it() {
    let mut incident = Scenario::listed(Some("crm.example.org"));
    for (i, offset) in RUN.into_iter().enumerate() {
        let server = format!("198.51.{}.25:25", 100 + i);
        incident.session("192.168.5.3", &server, "crm.example.org", "MAIL FROM: <", offset, "Ok");
    }
    assert_eq!(incident.cause(), nat("192.168.5.3"));
}

#[test]
fn the_mail_server_s_other_address_is_the_mail_server() {
    // IPv6 beside IPv4: nothing visible differs, and no line joins these sessions.
    let mut incident = Scenario::listed(None);
    incident.facts.site.networks.push("2001:db8:5::/48".parse().unwrap());
    for (i, offset) in RUN.into_iter().enumerate() {
        incident.session(
            "2001:db8:5::2",
            &format!("[2001:db8:{i}::25]:25"),
            MTA_HELO,
            "MAIL FROM:<",
            offset,
            "Ok",
        );
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_printer_that_uses_its_provider_s_relay_is_no_bot() {
    for helo in [None, Some(BOT)] {
        let mut incident = Scenario::listed(helo);
        for (i, offset) in RUN.into_iter().enumerate() {
            // The provider's relay has several addresses in one network.
            let server = format!("198.51.100.{}:25", 70 + i % 3);
            incident.session("192.168.5.40", &server, "printer", "MAIL FROM:<", offset, "Ok");
        }
        assert_eq!(incident.cause(), None, "{helo:?}");
    }
}

#[test]
fn what_goes_to_the_site_s_own_relay_is_seen_by_no_list() {
    let mut incident = Scenario::listed(None);
    incident.facts.site.relays =
        (0..4).map(|i| format!("198.51.{}.25", 100 + i).parse().unwrap()).collect();
    for (i, offset) in RUN.into_iter().enumerate() {
        let server = format!("198.51.{}.25:25", 100 + i % 4);
        incident.session("192.168.5.40", &server, "printer", "MAIL FROM:<", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn beside_a_smarthost_the_machine_that_goes_direct_is_named() {
    let mut incident = Scenario::listed(None);
    incident.sessions.clear();
    incident.mails.clear();
    incident.facts.site.relays = vec!["198.51.100.200".parse().unwrap()];
    for offset in [-1200, -200, 700] {
        incident.logged_session(offset, "198.51.100.200:25");
    }
    incident.bot("192.168.5.77", BOT, &RUN);
    assert_eq!(incident.cause(), nat("192.168.5.77"));
}

#[test]
fn an_old_mail_client_that_knows_one_exchanger_is_no_bot() {
    let mut incident = Scenario::listed(None);
    for offset in RUN {
        incident.session("192.168.5.41", "198.51.100.70:25", BOT, "MAIL FROM: <", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_site_without_a_description_names_the_machine_all_the_same() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site = Default::default();
    incident.bot("192.168.5.77", BOT, &RUN);
    assert_eq!(incident.cause(), nat("192.168.5.77"));
}

#[test]
fn a_notice_without_a_helo_still_names_the_bot() {
    let mut incident = Scenario::listed(None);
    incident.bot("192.168.5.77", "user-pc", &RUN);
    assert_eq!(incident.cause(), nat("192.168.5.77"));
}

#[test]
fn a_machine_that_never_says_what_the_list_heard_is_not_named() {
    for quoted in [MTA_HELO, "other.example.net"] {
        let mut incident = Scenario::listed(Some(quoted));
        incident.bot("192.168.5.77", BOT, &RUN);
        assert_eq!(incident.cause(), None, "{quoted}");
    }
}

#[test]
fn of_two_notices_each_finds_its_own_cause() {
    for turned in [false, true] {
        let mut incident = Scenario::listed(Some(BOT));
        let mut second = incident.facts.notices[0].clone();
        second.helo = Some(Octets::from(MTA_HELO));
        incident.facts.notices.push(second);
        if turned {
            incident.facts.notices.reverse();
        }
        incident.bot("192.168.5.77", BOT, &RUN);
        spree(&mut incident, "test");
        let accused: Vec<_> = incident.judge().into_iter().filter(|j| j.2 > 0.5).collect();
        let classes: Vec<_> = accused.iter().map(|j| j.0).collect();
        assert!(classes.contains(&Class::NatClient), "{turned} {accused:?}");
        assert!(classes.contains(&Class::StolenCredentials), "{turned} {accused:?}");
    }
}

/// Strangers everywhere with one account's password.
pub(super) fn spree(incident: &mut Scenario, account: &str) {
    for (i, offset) in (-600..600).step_by(20).enumerate() {
        let ip = format!("192.0.{}.9", 2 + i % 7 * 10);
        let from = format!("s{}@elsewhere.example", i % 9);
        incident.account_mail(account, &ip, &from, offset, i % 3 == 0);
    }
}

#[test]
fn a_sinkhole_s_notice_accuses_no_sender_of_mail() {
    let mut incident = Scenario::listed(None);
    incident.facts.notices[0].dst = Some("192.0.2.250".parse().unwrap());
    incident.facts.notices[0].dst_port = Some(80);
    incident.bot("192.168.5.9", BOT, &[-100, 3000]);
    assert_eq!(incident.cause(), None);
}

#[test]
fn blocked_attempts_reached_no_list() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in RUN.into_iter().enumerate() {
        incident.firewall_line(
            "192.168.5.60",
            &format!("198.51.{}.25", 100 + i),
            offset,
            "SMTP-DROP",
        );
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn monitoring_that_starts_tls_and_leaves_is_no_delivery() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in RUN.into_iter().enumerate() {
        let server = format!("198.51.{}.25:25", 100 + i);
        incident.session("192.168.5.9", &server, "nagios", "MAIL FROM:<", offset, "Ok");
        let probe = incident.sessions.last_mut().unwrap();
        probe.dialogue.commands.truncate(1);
        probe.dialogue.tls = Some(Tls { client_bytes: 640, ..Tls::default() });
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn one_machine_with_two_leases_is_one_machine() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", BOT, &[-600, -400, -100]);
    incident.bot("192.168.5.78", BOT, &[100, 300, 500]);
    for ip in ["192.168.5.77", "192.168.5.78"] {
        incident.facts.leases.push(Lease {
            ip: ip.parse().unwrap(),
            mac: "02:00:00:aa:bb:cc".to_owned(),
            name: Some("guest".to_owned()),
            from: None,
            until: None,
            place: Place::byte(SourceId(6), 0),
        });
    }
    let cause = incident.cause();
    assert!(cause == nat("192.168.5.77") || cause == nat("192.168.5.78"), "{cause:?}");
}

/// A bot on the mail server's machine, and visitors who keep a path busy by day.
fn busy_site(path: &str) -> Scenario {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    let offsets: Vec<i64> = (0..20).map(|i| -700 + i * 61).collect();
    incident.bot("192.168.5.2", BOT, &offsets);
    for second in (-900..900).step_by(7) {
        incident.request(path, second);
    }
    incident.request("/index.php", -80_000);
    incident
}

#[test]
fn busy_paths_meet_everything_by_chance() {
    for path in ["/wp-cron.php", "/wp-admin/admin-ajax.php", "/cache/x.php"] {
        for with_files in [true, false] {
            let mut incident = busy_site(path);
            if !with_files {
                incident.kinds = vec![Kind::Capture, Kind::MailLog, Kind::WebLog];
            }
            assert_eq!(incident.cause(), None, "{path} {with_files}");
        }
    }
}

#[test]
fn a_picture_sends_no_mail() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.bot("192.168.5.2", BOT, &RUN);
    for offset in RUN {
        incident.request("/images/logo.png", offset - 1);
    }
    incident.request("/index.php", -80_000);
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_probe_that_holds_another_socket_did_not_open_these() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.bot("192.168.5.2", BOT, &RUN);
    let place = Place::byte(SourceId(5), 10);
    incident.facts.processes.push(Process {
        uid: None,
        user: "nagios".to_owned(),
        pid: 812,
        parent: None,
        started: None,
        command: "/usr/lib/nagios/plugins/check_smtp -H mx.example.net".to_owned(),
        place,
    });
    incident.connections.push(Connection {
        time: None,
        src: "192.168.5.2".parse().unwrap(),
        src_port: Some(51_111),
        dst: "192.0.2.200".parse().unwrap(),
        dst_port: 25,
        translated: None,
        mac: None,
        in_interface: None,
        out_interface: None,
        pid: Some(812),
        program: Some("check_smtp".to_owned()),
        opener: None,
        helo: None,
        sent: None,
        process_started: None,
        uid: None,
        state: "ESTAB".to_owned(),
        place,
    });
    assert_eq!(incident.cause(), None);
}

#[test]
fn bounces_to_forged_senders_are_no_account_s_mail() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    for offset in -200..200 {
        let mut bounce = mail(offset, Origin::Internal, "");
        bounce.deliveries.push(delivery(
            offset + 1,
            "198.51.100.99:25",
            "550 5.7.1 no such user",
            heloscope_maillog::Status::Bounced,
        ));
        incident.mails.push(bounce);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn clocks_hours_apart_leave_the_mail_server_itself() {
    let mut incident = Scenario::listed(None);
    incident.session("192.168.5.9", "198.51.100.50:25", "probe", "MAIL FROM:<", 30, "Ok");
    for session in &mut incident.sessions {
        session.dialogue.commands.truncate(1);
        session.dialogue.replies.clear();
        session.dialogue.tls = Some(Tls { client_bytes: 4000, ..Tls::default() });
    }
    for mail in &mut incident.mails {
        mail.deliveries[0].time = mail.deliveries[0].time.plus_secs(7200.0);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_mail_server_whose_log_explains_nothing_is_known_by_the_log_s_host() {
    // The log is of another day's zone and all of it under TLS: no delivery can be joined.
    let mut incident = Scenario::listed(None);
    incident.facts.site.helo.clear();
    incident.mails.iter_mut().for_each(|m| m.deliveries.clear());
    for (i, offset) in RUN.into_iter().enumerate() {
        let server = format!("198.51.{}.25:25", 100 + i);
        incident.session("192.168.5.2", &server, MTA_HELO, "MAIL FROM:<", offset, "Ok");
    }
    incident.session("192.168.5.9", "198.51.100.50:25", "probe", "MAIL FROM:<", 30, "Ok");
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_guest_who_also_submits_through_the_mail_server_is_named() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.bot("192.168.5.77", BOT, &RUN);
    for offset in [-50, 50] {
        incident.account_mail("anna", "192.168.5.77", "anna@example.org", offset, true);
    }
    assert_eq!(incident.cause(), nat("192.168.5.77"));
}

#[test]
fn a_machine_without_a_quoted_helo_outside_the_recorded_time_is_not_named() {
    let mut incident = Scenario::listed(None);
    incident.facts.notices[0].time = Some((at(-90_000), TimeKind::Detection));
    incident.bot("192.168.5.77", BOT, &RUN);
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_removed_listing_makes_no_second_server_guilty() {
    let mut incident = Scenario::listed(None);
    incident.facts.notices[0].time = Some((at(0), TimeKind::Removal));
    for (i, offset) in RUN.into_iter().enumerate() {
        let server = format!("198.51.{}.25:25", 100 + i);
        incident.session("192.168.5.3", &server, "mx2.example.org", "MAIL FROM:<", offset, "Ok");
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_planted_file_that_is_called_now_and_then_explains_no_run_of_sessions() {
    // One of twenty sessions stands near to one of five calls, as chance has it.
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    let offsets: Vec<i64> = (0..20).map(|i| -800 + i * 83).collect();
    incident.bot("192.168.5.2", BOT, &offsets);
    for offset in [-3000, -1500, -800, 1400, 2800] {
        incident.request("/uploads/x.php", offset);
    }
    incident.file("/var/www/shop/uploads/x.php", 0.95);
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_planted_file_beside_a_form_s_mail_leaves_the_stolen_account_guilty() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    spree(&mut incident, "test");
    for offset in (-3000..3000).step_by(300) {
        let origin = Origin::Local { uid: 33, from: Octets::from("www-data") };
        incident.mails.push(mail(offset, origin, "form@example.org"));
    }
    for offset in [-3000, -1450, 320, 1400] {
        incident.request("/uploads/x.php", offset);
    }
    incident.file("/var/www/shop/uploads/x.php", 0.95);
    assert_eq!(incident.cause(), stolen("test"));
}

#[test]
fn a_person_s_changing_ipv6_addresses_are_one_person_s() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    for (i, offset) in (-800..800).step_by(100).enumerate() {
        let ip = if i % 3 == 2 {
            "192.0.2.9".to_owned()
        } else {
            format!("2001:db8:77:1::{:x}", 0xa00 + i * 77)
        };
        incident.account_mail("anna", &ip, "anna@example.org", offset, true);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_telephone_on_the_road_is_its_owner_s() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    for (i, offset) in (-840..840).step_by(140).enumerate() {
        let ip = if i % 2 == 0 { "192.0.2.9".to_owned() } else { format!("100.{}.7.7", 10 + i) };
        incident.account_mail("anna", &ip, "anna@example.org", offset, true);
        incident.name_client(i % 2 == 0);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_machine_that_writes_to_one_domain_s_two_exchangers_is_no_bot() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in RUN.into_iter().enumerate() {
        incident.firewall_line(
            "192.168.5.60",
            &format!("198.51.{}.25", 100 + i % 2),
            offset,
            "P25",
        );
        incident.firewall_line("192.168.5.77", &format!("192.0.2.{}", 100 + i), offset, "P25");
        incident.firewall_line("192.168.5.77", &format!("192.0.2.{}", 110 + i), offset + 9, "P25");
    }
    assert_eq!(incident.cause(), nat("192.168.5.77"));
}
