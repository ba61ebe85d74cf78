//! The incidents, one a file.

use anyhow::{Context, Result};
use std::path::Path;

mod announced;
mod backdrop;
mod browsing;
mod comment_form;
mod cron_perl;
mod docker_gateway;
mod dockhouse;
mod far;
mod gathered;
mod guest_wifi;
mod host_network_relay;
mod ipv6_docker;
mod itweek_wireless;
mod joomla_jce;
mod localdomain_helo;
mod mailer_4079;
mod nodemailer_direct;
mod nullclient;
mod ordinary;
mod planted;
mod post_daemon;
mod postfix_uid_bot;
mod premises;
mod qemu_guest;
mod router_nat;
mod scene;
mod seed_guest_laptop;
mod seed_php_script;
mod sender_relay;
mod shell_sendmail;
mod shells;
mod signup_bombing;
mod smarthost_site;
mod spree;
mod squid_connect;
mod ssh_tunnel;
mod stolen_default_alarm;
mod stolen_mailbox;
mod stolen_test_account;
mod trusted_printer;
mod twin_contact_form;
mod twin_cron_script;
mod twin_daemon;
mod twin_docker_gateway;
mod twin_guest_laptop;
mod twin_helo;
mod twin_nodemailer_local;
mod twin_php_site;
mod twin_printer;
mod twin_qemu_guest;
mod twin_router_nat;
mod twin_shell_user;
mod twin_smarthost;
mod twin_squid;
mod twin_traveller;
mod twin_vpn;
mod two_causes;
mod vpn_laptop;
mod wp_email;

/// An incident that can be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Name, also of its folder.
    pub name: &'static str,
    /// One line about it.
    pub says: &'static str,
    /// Seed of its chance, where none is given.
    pub seed: u64,
    /// Plays and writes it.
    pub record: fn(&Plan<'_>) -> Result<()>,
}

/// How to record.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The story's name.
    pub name: &'a str,
    /// The folder to write.
    pub out: &'a Path,
    /// Seconds to play.
    pub length: f64,
    /// Seed.
    pub seed: u64,
}

/// All of them.
pub const ALL: &[Story] = &[
    Story {
        name: "seed-php-script",
        says: "a planted PHP script speaks SMTP past a clean Postfix",
        seed: 11,
        record: seed_php_script::record,
    },
    Story {
        name: "seed-guest-laptop",
        says: "a guest's laptop behind the office NAT speaks to exchangers itself",
        seed: 12,
        record: seed_guest_laptop::record,
    },
    Story {
        name: "stolen-test-account",
        says: "FIELD (a): system account test/test over submission from abroad",
        seed: 13,
        record: stolen_test_account::record,
    },
    Story {
        name: "stolen-mailbox",
        says: "FIELD (b): one of many mailboxes leaked, its owner goes on working",
        seed: 14,
        record: stolen_mailbox::record,
    },
    Story {
        name: "stolen-default-alarm",
        says: "FIELD (c): default-password account, a flood of look-ups",
        seed: 15,
        record: stolen_default_alarm::record,
    },
    Story {
        name: "mailer-4079",
        says: "FIELD (g): queue file, uid 4079, POSTs to several PHP files",
        seed: 16,
        record: mailer_4079::record,
    },
    Story {
        name: "guest-wifi",
        says: "FIELD (o): guest Wi-Fi, no capture, only the firewall's log of port 25",
        seed: 17,
        record: guest_wifi::record,
    },
    Story {
        name: "nodemailer-direct",
        says: "FIELD (w): a legitimate Node application past the MTA",
        seed: 18,
        record: nodemailer_direct::record,
    },
    Story {
        name: "docker-gateway",
        says: "FIELD (q), (r): strangers by IPv6 look like the containers' gateway, which is trusted",
        seed: 51,
        record: docker_gateway::record,
    },
    Story {
        name: "squid-connect",
        says: "an open squid reaches port 25",
        seed: 52,
        record: squid_connect::record,
    },
    Story {
        name: "localdomain-helo",
        says: "FIELD (x): the MTA says localhost.localdomain",
        seed: 53,
        record: localdomain_helo::record,
    },
    Story {
        name: "trusted-printer",
        says: "a machine the MTA trusts is infected and sends through it",
        seed: 54,
        record: trusted_printer::record,
    },
    Story {
        name: "twin-docker-gateway",
        says: "innocent twin of docker-gateway",
        seed: 55,
        record: twin_docker_gateway::record,
    },
    Story {
        name: "vpn-laptop",
        says: "a client of the server's WireGuard tunnel speaks to exchangers",
        seed: 56,
        record: vpn_laptop::record,
    },
    Story {
        name: "itweek-wireless",
        says: "FIELD (m): five lists, clean scans, the firewall's log of port 25",
        seed: 57,
        record: itweek_wireless::record,
    },
    Story {
        name: "router-nat",
        says: "FIELD (t): a router hides clients behind its own address, which is trusted",
        seed: 58,
        record: router_nat::record,
    },
    Story {
        name: "smarthost-site",
        says: "a site behind a smarthost; one of its null clients is not clean",
        seed: 59,
        record: smarthost_site::record,
    },
    Story {
        name: "twin-squid",
        says: "innocent twin of squid-connect",
        seed: 60,
        record: twin_squid::record,
    },
    Story {
        name: "twin-printer",
        says: "innocent twin of trusted-printer",
        seed: 61,
        record: twin_printer::record,
    },
    Story {
        name: "two-causes",
        says: "a NAT client early, stolen credentials late, a notice each",
        seed: 62,
        record: two_causes::record,
    },
    Story {
        name: "host-network-relay",
        says: "FIELD (v): masquerading on every interface makes the mail container trust everybody",
        seed: 63,
        record: host_network_relay::record,
    },
    Story {
        name: "twin-vpn",
        says: "innocent twin of vpn-laptop, with OpenVPN",
        seed: 64,
        record: twin_vpn::record,
    },
    Story {
        name: "twin-helo",
        says: "innocent twin of localdomain-helo",
        seed: 65,
        record: twin_helo::record,
    },
    Story {
        name: "twin-smarthost",
        says: "innocent twin of smarthost-site",
        seed: 66,
        record: twin_smarthost::record,
    },
    Story {
        name: "ipv6-docker",
        says: "FIELD (s): strangers by IPv6 look like the containers' own IPv6 gateway",
        seed: 67,
        record: ipv6_docker::record,
    },
    Story {
        name: "sender-relay",
        says: "an open relay by a plain mistake: a table of senders says OK too early",
        seed: 68,
        record: sender_relay::record,
    },
    Story {
        name: "twin-router-nat",
        says: "innocent twin of router-nat",
        seed: 69,
        record: twin_router_nat::record,
    },
    Story {
        name: "twin-guest-laptop",
        says: "innocent twin of seed-guest-laptop",
        seed: 19,
        record: twin_guest_laptop::record,
    },
    Story {
        name: "twin-php-site",
        says: "innocent twin of seed-php-script",
        seed: 20,
        record: twin_php_site::record,
    },
    Story {
        name: "twin-traveller",
        says: "innocent twin of the stolen credentials",
        seed: 21,
        record: twin_traveller::record,
    },
    Story {
        name: "twin-nodemailer-local",
        says: "innocent twin of nodemailer-direct",
        seed: 22,
        record: twin_nodemailer_local::record,
    },
    Story {
        name: "comment-form",
        says: "FIELD (i): header injection through a comment form, probes first",
        seed: 31,
        record: comment_form::record,
    },
    Story {
        name: "cron-perl",
        says: "FIELD (h): Perl in /var/tmp, started by the web server's own crontab",
        seed: 32,
        record: cron_perl::record,
    },
    Story {
        name: "ssh-tunnel",
        says: "a login account with a weak password carries strangers' connections to port 25",
        seed: 33,
        record: ssh_tunnel::record,
    },
    Story {
        name: "joomla-jce",
        says: "FIELD (f): pictures that are PHP on several sites of one server, one of them sends",
        seed: 34,
        record: joomla_jce::record,
    },
    Story {
        name: "post-daemon",
        says: "one POST to a planted script starts a daemon that mails for the rest of the time",
        seed: 35,
        record: post_daemon::record,
    },
    Story {
        name: "postfix-uid-bot",
        says: "a bot under uid postfix, behind a firewall that lets only that user out",
        seed: 36,
        record: postfix_uid_bot::record,
    },
    Story {
        name: "wp-email",
        says: "FIELD (j): email-this-to-a-friend, used by strangers",
        seed: 37,
        record: wp_email::record,
    },
    Story {
        name: "signup-bombing",
        says: "FIELD (l): an unprotected newsletter sign-up, list-bombed",
        seed: 38,
        record: signup_bombing::record,
    },
    Story {
        name: "twin-contact-form",
        says: "innocent twin of comment-form",
        seed: 39,
        record: twin_contact_form::record,
    },
    Story {
        name: "twin-cron-script",
        says: "innocent twin of cron-perl",
        seed: 40,
        record: twin_cron_script::record,
    },
    Story {
        name: "twin-shell-user",
        says: "innocent twin of ssh-tunnel",
        seed: 41,
        record: twin_shell_user::record,
    },
    Story {
        name: "twin-daemon",
        says: "innocent twin of post-daemon",
        seed: 42,
        record: twin_daemon::record,
    },
    Story {
        name: "qemu-guest",
        says: "a guest in QEMU on the mail host sends; the list names a Windows family",
        seed: 43,
        record: qemu_guest::record,
    },
    Story {
        name: "twin-qemu-guest",
        says: "innocent twin of qemu-guest",
        seed: 44,
        record: twin_qemu_guest::record,
    },
    Story {
        name: "shell-sendmail",
        says: "a guessed SSH password; strangers pipe mail into sendmail from the shell",
        seed: 45,
        record: shell_sendmail::record,
    },
];

/// Records one by its name.
pub fn record(name: &str, out: &Path, minutes: u32, seed: Option<u64>) -> Result<()> {
    let story = ALL
        .iter()
        .find(|story| story.name == name)
        .with_context(|| format!("no story {name}; `lab list` names them"))?;
    let plan =
        Plan { name, out, length: f64::from(minutes) * 60.0, seed: seed.unwrap_or(story.seed) };
    (story.record)(&plan)
}
