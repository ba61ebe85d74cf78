//! Accounts that look stolen and are not: newsletters, colleagues, web mail, a listing's refusals.

use super::doubtful::{spree, stolen};
use super::scenario::*;
use heloscope_model::Octets;

#[test]
fn a_newsletter_from_the_office_is_no_stolen_account() {
    // The office is the only place it was ever sent from; the list of recipients is old.
    for (from, named) in [("news@example.org", true), ("anna@example.org", false)] {
        let mut incident = Scenario::listed(Some(MTA_HELO));
        for (i, offset) in (-800..800).step_by(8).enumerate() {
            incident.account_mail("anna", "192.0.2.44", from, offset, i % 4 != 0);
            incident.name_client(named);
        }
        assert_eq!(incident.cause(), None, "{from}");
    }
}

#[test]
fn colleagues_at_home_who_share_an_account_are_no_strangers() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    for (i, offset) in (-3000..3000).step_by(200).enumerate() {
        let ip = format!("198.{}.7.7", 60 + i % 5);
        incident.account_mail("office", &ip, "office@example.org", offset, true);
        incident.name_client(true);
        let mail = incident.mails.last_mut().unwrap();
        mail.deliveries[0].to = Octets::from(format!("customer{}@example.net", i % 9).as_str());
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn refusals_that_follow_from_the_listing_tell_nothing_of_an_account() {
    let mut incident = Scenario::listed(None);
    for (i, offset) in (-800..800).step_by(80).enumerate() {
        let ip = format!("198.{}.7.7", 60 + i % 3);
        incident.account_mail("office", &ip, "office@example.org", offset, false);
        incident.name_client(true);
        let mail = incident.mails.last_mut().unwrap();
        mail.deliveries[0].reply = Octets::from(
            "554 5.7.1 Service unavailable; Client host [203.0.113.10] blocked using zen.example.net",
        );
        mail.deliveries[0].to = Octets::from(format!("customer{}@example.net", i % 9).as_str());
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_webmail_host_is_everybody_s_address() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    for (i, offset) in (-800..800).step_by(8).enumerate() {
        let account =
            ["anna", "bert", "carla", "newsletter"][if i % 9 == 0 { i / 9 % 3 } else { 3 }];
        let from = format!("{account}{}@example.org", i % 5);
        incident.account_mail(account, "192.0.2.80", &from, offset, i % 5 != 0);
    }
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_planted_file_that_did_not_send_leaves_the_stolen_account_guilty() {
    let mut incident = Scenario::listed(Some(MTA_HELO));
    spree(&mut incident, "test");
    incident.file("/var/www/shop/old/shell.php", 0.95);
    for minute in -50..50 {
        incident.request("/old/shell.php", minute * 60 + 17);
    }
    assert_eq!(incident.cause(), stolen("test"));
}
