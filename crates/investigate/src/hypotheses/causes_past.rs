//! Causes past the mail server, each with a benign twin that differs in the one fact that matters.

use super::scenario::*;
use super::*;
use heloscope_evidence::facts::Vantage;
use heloscope_evidence::{AuthWhat, CronEntry};
use heloscope_model::SourceId;

const BOT: &str = "[127.0.0.1]";
const RUN: [i64; 4] = [-600, -100, 300, 500];

/// Sessions past the mail server, from its own machine, in the notice's time.
fn past_the_mail_server() -> Scenario {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.bot("192.168.5.2", BOT, &RUN);
    incident
}

fn named(class: Class, who: &str) -> Option<(Class, Option<String>)> {
    Some((class, Some(who.to_owned())))
}

fn cron(command: &str) -> CronEntry {
    CronEntry {
        when: "*/15 * * * *".to_owned(),
        user: Some("www-data".to_owned()),
        command: command.to_owned(),
        place: Place::byte(SourceId(13), 0),
    }
}

#[test]
fn a_program_that_cron_runs_from_a_folder_for_passing_files() {
    let mut incident = past_the_mail_server();
    incident.facts.cron.push(cron("/var/tmp/qCVwOWA >/dev/null 2>&1"));
    assert_eq!(incident.cause(), named(Class::BotProcess, "/var/tmp/qCVwOWA"));

    let mut twin = past_the_mail_server();
    twin.facts.cron.push(cron("/usr/local/bin/report --daily"));
    assert_eq!(twin.cause(), None, "installed software that cron runs is nobody's bot");
}

#[test]
fn a_program_in_tmp_explains_nothing_where_nothing_left_past_the_mail_server() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.facts.cron.push(cron("/var/tmp/qCVwOWA"));
    incident.process(900, "www-data", "/var/tmp/qCVwOWA", None);
    assert_eq!(incident.cause(), None);
}

#[test]
fn a_perl_that_calls_itself_a_web_server() {
    let posing = || {
        let mut incident = past_the_mail_server();
        incident.process(900, "www-data", "/usr/sbin/httpd -k start", None);
        incident.socket(900, "perl", "198.51.100.20");
        incident
    };
    let mut incident = posing();
    incident.file("/var/www/shop/index.php", 0.0);
    assert_eq!(incident.cause(), named(Class::BotProcess, "/usr/sbin/httpd"));
    assert_eq!(posing().cause(), None, "without the sites' files one of them may have started it");
}

#[test]
fn what_calls_itself_postfix_but_is_no_child_of_its_master() {
    let mut incident = past_the_mail_server();
    incident.process(1, "root", "/usr/lib/postfix/sbin/master -w", None);
    incident.process(900, "postfix", "/var/spool/postfix/.x/smtp -t unix", None);
    incident.socket(900, "smtp", "198.51.100.20");
    assert_eq!(incident.cause(), named(Class::BotProcess, "/var/spool/postfix/.x/smtp"));

    let mut twin = past_the_mail_server();
    twin.process(900, "postfix", "smtp -t unix -u -c", None);
    twin.socket(900, "smtp", "198.51.100.20");
    assert_eq!(twin.cause(), None, "the mail server's own daemon is past nothing");
}

#[test]
fn a_virtual_machine_and_a_windows_program() {
    let mut incident = past_the_mail_server();
    incident.process(900, "kurt", "qemu-system-x86_64 -m 512 -nic user", None);
    incident.socket(900, "qemu-system-x86", "198.51.100.20");
    assert_eq!(incident.cause(), named(Class::BotProcess, "qemu-system-x86_64"));

    let mut incident = past_the_mail_server();
    let exe = "/home/kurt/.wine/drive_c/users/kurt/Temp/svch0st.exe";
    incident.process(900, "kurt", exe, None);
    incident.socket(900, "svch0st.exe", "198.51.100.20");
    assert_eq!(incident.cause(), named(Class::BotProcess, exe));

    let mut twin = Scenario::listed(Some(BOT));
    twin.facts.site.vantage = Some(Vantage::Host);
    twin.process(900, "kurt", "qemu-system-x86_64 -m 512 -nic user", None);
    assert_eq!(twin.cause(), None, "a guest that sends nothing is no cause");
}

#[test]
fn one_request_that_left_a_program_running() {
    let left_running = |weight: f32| {
        let mut incident = past_the_mail_server();
        incident.process(900, "www-data", "/tmp/.font-unix/run", Some(-2000));
        incident.socket(900, "run", "198.51.100.20");
        incident.request("/img/thumb.php", -2001);
        for minute in -50..50 {
            incident.request("/index.php", minute * 60 + 17);
        }
        incident.file("/var/www/shop/img/thumb.php", weight);
        incident.file("/var/www/shop/index.php", 0.0);
        incident
    };
    let script = named(Class::CompromisedSite, "/var/www/shop/img/thumb.php");
    assert_eq!(left_running(0.9).cause(), script);
    let bot = named(Class::BotProcess, "/tmp/.font-unix/run");
    assert_eq!(left_running(0.0).cause(), bot, "unmodified code is never a compromised site");
}

#[test]
fn a_login_account_that_tunnels() {
    let tunnelled = |user: &str, ip: &str, hosts: &[&str]| {
        let mut incident = past_the_mail_server();
        for _ in 0..5 {
            incident.login(user, ip, -3000, AuthWhat::Failed);
        }
        incident.login(user, ip, -2000, AuthWhat::Accepted("password".to_owned()));
        incident.login(user, ip, -2000, AuthWhat::Opened);
        for (i, host) in hosts.iter().enumerate() {
            let what = AuthWhat::Tunnel((*host).to_owned(), 25);
            incident.login(user, ip, -600 + i as i64 * 200, what);
        }
        incident.process(900, user, &format!("sshd: {user}"), None);
        incident.socket(900, "sshd", "198.51.100.20");
        incident
    };
    let many = ["mx.one.example", "mx.two.example", "mx.three.example"];
    let account = named(Class::ShellAccount, "backup");
    assert_eq!(tunnelled("backup", "192.0.2.66", &many).cause(), account);

    let mut twin = Scenario::listed(Some(BOT));
    twin.facts.site.vantage = Some(Vantage::Host);
    twin.login("admin", "192.0.2.66", -2000, AuthWhat::Accepted("publickey".to_owned()));
    twin.login("admin", "192.0.2.66", -2000, AuthWhat::Opened);
    twin.login("admin", "192.0.2.66", -300, AuthWhat::Tunnel("mx.example.net".to_owned(), 25));
    twin.session("192.168.5.2", "198.51.100.50:25", "test", "MAIL FROM:<", -300, "Ok");
    assert_eq!(twin.cause(), None, "one test of one server is an administrator's");
}

#[test]
fn a_proxy_that_reaches_mail_ports_for_strangers() {
    let mut incident = past_the_mail_server();
    incident.process(900, "proxy", "(squid-1) --kid squid-1", None);
    incident.listens(900, "squid", 3128);
    incident.socket(900, "squid", "198.51.100.20");
    for offset in RUN {
        incident.proxied("192.0.2.90", offset + 4, true);
    }
    assert_eq!(incident.cause(), named(Class::OpenProxy, "tcp/3128 squid"));

    let mut twin = past_the_mail_server();
    twin.listens(900, "squid", 3128);
    for offset in RUN {
        twin.proxied("192.0.2.90", offset + 4, false);
    }
    assert_eq!(twin.cause(), None, "what it refused it did not do");

    let mut twin = Scenario::listed(None);
    twin.facts.site.vantage = Some(Vantage::Host);
    for offset in RUN {
        twin.proxied("192.168.5.40", offset, true);
    }
    assert_eq!(twin.cause(), None, "own machines are no strangers");
}

#[test]
fn a_client_of_the_tunnel() {
    let mut incident = Scenario::listed(Some(BOT));
    incident.facts.site.vantage = Some(Vantage::Host);
    incident.bot("10.8.0.6", BOT, &RUN);
    incident.vpn_client("lena-notebook", "10.8.0.6/32");
    incident.vpn_client("paul-phone", "10.8.0.7/32");
    assert_eq!(incident.cause(), named(Class::VpnClient, "10.8.0.6"));

    let mut twin = Scenario::listed(Some(BOT));
    twin.facts.site.vantage = Some(Vantage::Host);
    for offset in RUN {
        twin.session("10.8.0.6", "198.51.100.50:587", "lena", "MAIL FROM:<", offset, "Ok");
    }
    twin.vpn_client("lena-notebook", "10.8.0.6/32");
    assert_eq!(twin.cause(), None, "one server, always the same, is her provider's");
}
