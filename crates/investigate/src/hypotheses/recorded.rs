//! What the recorder alone proves, without any capture: each opener with a benign twin.

use super::scenario::*;
use super::*;
use heloscope_evidence::facts::Vantage;
use heloscope_evidence::{Kind, Opener};
use heloscope_maillog::{Delivery, Origin, Status};

const BOT: &str = "[127.0.0.1]";
/// What a mail needs at least; and a look by EHLO and QUIT.
const MAIL: u64 = 900;
const LOOK: u64 = 28;
const RUN: [i64; 4] = [-600, -100, 300, 500];
const SCRIPT: &str = "/var/www/shop/media/.cache/resize.php";

/// A host with a record and a mail log: Postfix's own connections with their lines.
fn recorded(helo: Option<&str>) -> Scenario {
    let mut incident = Scenario::listed(helo);
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.sessions.clear();
    incident.kinds = vec![Kind::Connections, Kind::MailLog];
    let smtp = Opener {
        exe: "/usr/lib/postfix/sbin/smtp".to_owned(),
        command: "smtp -t unix -u -c".to_owned(),
        parents: vec!["/usr/lib/postfix/sbin/master -w".to_owned()],
        ..Opener::default()
    };
    for (i, offset) in [-1200, -200, 700].into_iter().enumerate() {
        incident.opened((107, &smtp), &format!("198.51.100.{}", 10 + i), offset, (None, MAIL));
    }
    incident
}

/// Connections of one program to one server after the other.
fn run(incident: &mut Scenario, who: (u32, &Opener), said: (Option<&str>, u64)) {
    for (i, offset) in RUN.into_iter().enumerate() {
        incident.opened(who, &format!("198.51.100.{}", 20 + i), offset, said);
    }
}

fn interpreter(exe: &str, script: Option<&str>, command: &str) -> Opener {
    Opener {
        exe: exe.to_owned(),
        script: script.map(str::to_owned),
        command: command.to_owned(),
        ..Opener::default()
    }
}

fn php_fpm(script: Option<&str>) -> Opener {
    let parents = vec!["php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)".to_owned()];
    Opener { parents, ..interpreter("/usr/sbin/php-fpm8.2", script, "php-fpm: pool shop") }
}

fn named(class: Class, who: &str) -> Option<(Class, Option<String>)> {
    Some((class, Some(who.to_owned())))
}

#[test]
fn the_mail_server_s_own_connections_accuse_nobody() {
    assert_eq!(recorded(Some(BOT)).cause(), None);
    let mut probes = recorded(Some(BOT));
    let smtp = Opener { exe: "/usr/lib/postfix/sbin/smtp".to_owned(), ..Opener::default() };
    run(&mut probes, (107, &smtp), (None, MAIL));
    assert_eq!(probes.cause(), None, "verifications and tries leave no line");
}

#[test]
fn a_mail_server_that_nobody_knows_is_known_by_its_lines() {
    let elsewhere = |exe: &str, logged: bool| {
        let mut incident = recorded(Some(BOT));
        let deliver = Opener { exe: exe.to_owned(), ..Opener::default() };
        for offset in RUN {
            incident.opened((107, &deliver), "198.51.100.20", offset, (None, MAIL));
            let pid = incident.connections.last().unwrap().pid.filter(|_| logged);
            let mut sent = mail(offset + 3, Origin::Unknown, "a@example.org");
            let line = delivery(offset + 3, "198.51.100.20:25", "250 Ok", Status::Sent);
            sent.deliveries.push(Delivery { pid, ..line });
            incident.mails.push(sent);
        }
        incident.opened((107, &deliver), "198.51.100.21", 200, (None, MAIL));
        incident
    };
    let own = "/opt/mta/sbin/deliver";
    assert_eq!(elsewhere(own, true).cause(), None, "its try without a line is its own, too");
    assert_eq!(elsewhere(own, false).cause(), named(Class::DirectSender, own), "time is no proof");
    let bot = "/var/tmp/.m/smtp";
    assert_eq!(elsewhere(bot, true).cause(), named(Class::BotProcess, bot), "a line is no right");
}

#[test]
fn a_site_s_script_is_named_and_judged_by_its_file() {
    let sent = |path: &str| {
        let mut incident = recorded(Some(BOT));
        run(&mut incident, (33, &php_fpm(Some(path))), (None, MAIL));
        incident
    };
    let mut planted = sent("/var/www/shop/wp-info.php");
    planted.file("/var/www/shop/wp-info.php", 0.9);
    assert_eq!(planted.cause(), named(Class::CompromisedSite, "/var/www/shop/wp-info.php"));

    let mut out_of_place = sent(SCRIPT);
    out_of_place.file(SCRIPT, 0.0);
    assert_eq!(out_of_place.cause(), named(Class::CompromisedSite, SCRIPT));

    let mut own = sent("/var/www/shop/cron/orders.php");
    own.file("/var/www/shop/cron/orders.php", 0.0);
    assert_eq!(own.cause(), named(Class::DirectSender, "/var/www/shop/cron/orders.php"));

    let unseen = sent("/var/www/shop/wp-info.php");
    assert_eq!(unseen.cause(), None, "whether a file that was not given is planted is not known");
}

#[test]
fn which_script_a_web_server_ran_may_not_show() {
    let mut incident = recorded(Some(BOT));
    run(&mut incident, (33, &php_fpm(None)), (None, MAIL));
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_script_in_a_folder_for_passing_files_and_one_that_somebody_installed() {
    let path = "/tmp/.font-unix/.x/cache.pl";
    let mut bot = recorded(None);
    let perl = interpreter("/usr/bin/perl", Some(path), "/usr/sbin/apache2 -k start");
    run(&mut bot, (33, &perl), (None, MAIL));
    assert_eq!(bot.cause(), named(Class::BotProcess, path));

    let path = "/usr/local/lib/shop/newsletter.pl";
    let mut twin = recorded(None);
    let perl = interpreter("/usr/bin/perl", Some(path), &format!("/usr/bin/perl {path}"));
    run(&mut twin, (998, &perl), (None, MAIL));
    assert_eq!(twin.cause(), named(Class::DirectSender, path));
}

#[test]
fn a_program_under_the_mail_server_s_user_is_not_the_mail_server() {
    let mut bot = recorded(Some(BOT));
    let own = Opener {
        exe: "/var/tmp/.m/smtp".to_owned(),
        command: "smtp -t unix -u".to_owned(),
        ..Opener::default()
    };
    run(&mut bot, (107, &own), (Some(BOT), MAIL));
    assert_eq!(bot.cause(), named(Class::BotProcess, "/var/tmp/.m/smtp"));
}

#[test]
fn monitoring_is_no_sender() {
    let check = |sent| {
        let mut incident = recorded(Some(BOT));
        let plugin = Opener {
            exe: "/usr/lib/nagios/plugins/check_smtp".to_owned(),
            command: "/usr/lib/nagios/plugins/check_smtp -H mx.example.net -S".to_owned(),
            ..Opener::default()
        };
        for offset in RUN {
            incident.opened((115, &plugin), "198.51.100.20", offset, (None, sent));
        }
        incident
    };
    assert_eq!(check(LOOK).cause(), None, "it said too little for a mail");
    assert_eq!(check(700).cause(), None, "under TLS it always asks the same server");
}

#[test]
fn each_answers_for_its_own_connections() {
    let bot = interpreter("/usr/bin/perl", Some("/var/tmp/.x/m.pl"), "perl /var/tmp/.x/m.pl");
    let own = interpreter("/usr/bin/node", Some("/srv/shop/orders.js"), "node /srv/shop/orders.js");
    let mut incident = recorded(Some(BOT));
    run(&mut incident, (33, &bot), (Some(BOT), MAIL));
    // It wrote a day before, to a partner, under its own name.
    for offset in [-90_000, -80_000] {
        incident.opened((998, &own), "198.51.100.40", offset, (Some("shop.example.org"), MAIL));
    }
    assert_eq!(incident.cause(), named(Class::BotProcess, "/var/tmp/.x/m.pl"));
}

#[test]
fn a_program_that_a_planted_script_left_running() {
    let left = |requested: Option<i64>| {
        let mut incident = recorded(Some(BOT));
        let daemon = Opener {
            parents: vec!["php-fpm: pool shop".to_owned()],
            ..interpreter("/usr/bin/perl", Some("/tmp/.x/d.pl"), "perl /tmp/.x/d.pl")
        };
        run(&mut incident, (33, &daemon), (Some(BOT), MAIL));
        incident.connections.iter_mut().filter(|c| c.uid == Some(33)).for_each(|c| {
            c.pid = Some(4100);
            c.process_started = Some(at(-2000));
        });
        incident.file("/var/www/shop/wp-info.php", 0.9);
        incident.kinds.extend([Kind::WebRoot, Kind::WebLog]);
        if let Some(offset) = requested {
            incident.request("/wp-info.php", offset);
        }
        incident
    };
    let script = "/var/www/shop/wp-info.php";
    assert_eq!(left(Some(-2001)).cause(), named(Class::CompromisedSite, script));
    assert_eq!(left(None).cause(), None, "a web server started it, which script does not show");
}

#[test]
fn who_was_looked_up_afterwards_is_less_sure() {
    let sure = |late: bool| {
        let mut incident = recorded(Some(BOT));
        let path = "/srv/shop/orders.js";
        let node = interpreter("/usr/bin/node", Some(path), &format!("node {path}"));
        run(&mut incident, (998, &Opener { late, ..node }), (None, MAIL));
        let judged = incident.judge();
        judged.iter().find(|(class, ..)| *class == Class::DirectSender).unwrap().2
    };
    assert!(sure(false) > sure(true), "{} {}", sure(false), sure(true));
    assert!(sure(true) > 0.5, "a table of sockets names who holds one, too");
}

#[test]
fn an_account_s_tunnel_is_the_account_s() {
    let tunnel = |servers: usize| {
        let mut incident = recorded(Some(BOT));
        let sshd = Opener {
            exe: "/usr/sbin/sshd".to_owned(),
            command: "sshd: wartung".to_owned(),
            ..Opener::default()
        };
        for (i, offset) in RUN.into_iter().enumerate() {
            let server = format!("198.51.100.{}", 20 + i % servers);
            incident.opened((1004, &sshd), &server, offset, (None, MAIL));
        }
        incident
    };
    assert_eq!(tunnel(4).cause(), named(Class::ShellAccount, "wartung"));
    assert_eq!(tunnel(1).cause(), None, "an administrator's test asks one server");
}
