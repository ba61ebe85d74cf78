//! FIELD (m): five lists, all scans clean; once the firewall logs port 25, a wireless laptop shows within seconds.

use super::Plan;
use super::announced::{self, listing};
use super::backdrop::{self, Person};
use super::gathered::Part;
use super::premises::{Dhcp, Office, Premises};
use super::spree::{Spree, spree};
use crate::evidence::{Expect, Folder};
use crate::letter;
use crate::notice::{self, Told};
use crate::office::Stack;
use crate::sink;
use crate::syslog::Stamps;
use anyhow::{Context, Result};
use jiff::SignedDuration;

const OFFICE: Office = Office {
    gateway: "smoothwall",
    name: "post",
    domain: "hartley-surveyors.example",
    hostname: "post.hartley-surveyors.example",
    clock: "Europe/London",
    stamps: Some(Stamps::Bsd),
    lan: "172.20.5",
    dhcp: Dhcp::Isc,
    people: &[
        ("graham", "Theodolite.62", "GRAHAM-PC", Some(Stack::Windows)),
        ("moira", "plumb-line-3", "MOIRA-PC", Some(Stack::Windows)),
        ("reception", "Biscuit.Tin.1", "FRONTDESK", Some(Stack::Windows)),
    ],
    machines: &[
        ("laserjet-1f", 30, None),
        ("nagios", 11, None),
        ("iPad-van-Moira", 0, None),
        ("HARTLEY-LT7", 0, Some(Stack::Windows)),
        ("HARTLEY-LT3", 0, Some(Stack::Windows)),
    ],
    networks: "",
    settings: "",
    rules: "",
    packets: Some("SMTPOUT "),
};
/// Put in by the administrator in the middle of the story.
const RULE: &str = "iptables -I FORWARD -i lan0 -o wan0 -p tcp --dport 25 -m conntrack --ctstate NEW -j LOG --log-prefix 'SMTPOUT '";

pub(super) fn record(plan: &Plan<'_>) -> Result<()> {
    let mut office = Premises::build(plan, &OFFICE)?;
    let server = office.scene.submission;
    let (laptop, culprit) = office.machine("HARTLEY-LT7")?;
    let culprit = culprit.to_owned();
    let (other, _) = office.machine("HARTLEY-LT3")?;
    let (printer, _) = office.machine("laserjet-1f")?;
    let (watch, _) = office.machine("nagios")?;
    let (tablet, _) = office.machine("iPad-van-Moira")?;
    // One provider asks a list before it takes mail.
    let (strict, provider) = office.scene.far.keeper(1)?;
    let strict = office.scene.far.net.exchanger(strict)?;
    strict.sh("postconf -e 'smtpd_client_restrictions = reject_rbl_client zen.spamhaus.org' && postfix reload >/dev/null 2>&1")?;

    office.scene.everyday();
    let gateway = office.scene.gateway.clone().context("no gateway")?;
    let scene = &mut office.scene;
    let length = scene.length;
    let address = scene.address;
    scene.line.sh(length * 0.46, &gateway, "rule", RULE);
    let served = [
        listing(address, "zen.spamhaus.org", "127.0.0.4", &format!("https://www.spamhaus.org/query/ip/{address}")),
        listing(address, "bl.spamcop.net", "127.0.0.2", &format!("Blocked - see https://www.spamcop.net/bl.shtml?{address}")),
        listing(address, "dnsbl-1.uceprotect.net", "127.0.0.2", &format!("IP {address} is UCEPROTECT-Level 1 listed. See http://www.uceprotect.net/rblcheck.php?ipr={address}")),
    ]
    .concat();
    let names = std::rc::Rc::clone(&scene.far.net.names);
    scene.line.sh(length * 0.5, &names, "listed", &announced::script(&served));
    // Its Postfix remembers what the list said as long as a process lives.
    scene.line.sh(length * 0.5 + 3.0, &strict, "reload", "postfix reload");
    // Graham writes to a customer of that provider, before and after.
    let graham = scene.people.first().cloned().context("nobody works here")?;
    let person = Person {
        at: &graham.at,
        from_ip: "",
        ehlo: graham.ehlo,
        server,
        user: graham.user,
        password: graham.password,
        address: graham.address,
        agent: graham.agent,
    };
    for part in [0.3, 0.62, 0.78] {
        let to = format!("site.office@{provider}");
        let text = letter::personal(&mut scene.chance, graham.address, &to, graham.agent);
        backdrop::submit(&mut scene.line, length * part, "to-strict", &person, &[&to], &text);
    }
    for at in scene.chance.arrivals(0.5, 4.0, length - 8.0) {
        let from = "scans@hartley-surveyors.example";
        let text =
            letter::report(from, "moira@hartley-surveyors.example", "Scanned document", "1 page\n");
        let words = [
            "--server",
            server,
            "--ehlo",
            "laserjet-1f",
            "--from",
            from,
            "--rcpt",
            "moira@hartley-surveyors.example",
        ];
        backdrop::speak(&mut scene.line, at, "printer", &printer, &words, &text);
    }
    // The other wireless laptop holds a private account with a provider that takes mail on port 25 only.
    let (own, home) = scene.far.keeper(0)?;
    for at in scene.chance.arrivals(0.8, 4.0, length - 8.0) {
        let (from, to) = (
            format!("d.hartley@{home}"),
            format!("{}@{home}", scene.chance.pick(&["golfclub", "sis", "allotment"])),
        );
        let text =
            letter::personal(&mut scene.chance, &from, &to, "Microsoft Windows Live Mail 15.4");
        let words = ["--server", own, "--ehlo", "HARTLEYLT3", "--from", &from, "--rcpt", &to];
        backdrop::speak(&mut scene.line, at, "own-provider", &other, &words, &text);
    }
    let mut at = 25.0;
    while at < length - 3.0 {
        let domain = scene.chance.pick(&scene.far.domains);
        backdrop::speak(
            &mut scene.line,
            at,
            "monitor",
            &watch,
            &["--domain", domain, "--ehlo", "nagios.hartley.lan", "--probe"],
            "",
        );
        at += 95.0;
    }
    for (host, rate) in [(&tablet, 1.4), (&laptop, 1.0), (&other, 0.8)] {
        for at in scene.chance.arrivals(rate, 2.0, length - 3.0) {
            scene.line.sh(
                at,
                host,
                "surf",
                &format!("dig +short +timeout=2 {home} MX >/dev/null; true"),
            );
        }
    }
    for (part, rate) in [((0.12, 0.24), 0.8), ((0.34, 0.45), 0.8), ((0.58, 0.84), 1.4)] {
        spree(
            scene,
            "bad",
            &Spree {
                host: &laptop,
                rate,
                part,
                server: "",
                ehlo: &["hartley-7f3c1e"],
                from_ip: &[],
                sender: "",
                victims: 1,
                words: &["--helo", "--space", "--no-quit", "--wait", "130"],
            },
        );
    }

    let played = scene.play()?;
    let (first, last) = played.span("bad").context("nothing bad happened")?;
    let early = sink::received(&strict, "offers.example")?.map_or(first, |mail| mail.arrived);
    let stored = scene.far.stored("offers.example")?;
    let trapped = stored.as_ref().map_or(last, |mail| mail.arrived);

    let mut folder = Folder::create(plan.out)?;
    let told = Told { address, seen: early, tolerance: 15, helo: "hartley-7f3c1e" };
    folder.notice("notices/cbl.txt", &notice::cbl_2018(told, 3))?;
    let told = Told { seen: trapped, tolerance: 0, ..told };
    folder.notice(
        "notices/spamcop.eml",
        &notice::spamcop(
            told,
            "graham@hartley-surveyors.example",
            stored.as_ref().map_or("", |mail| mail.sender.as_str()),
            "Work from home, 400 a day",
        ),
    )?;
    let told = Told { seen: last - SignedDuration::from_secs(20), ..told };
    folder.notice(
        "notices/isp.eml",
        &notice::hoster(told, "severnlink.example", "graham@hartley-surveyors.example"),
    )?;
    for zone in ["zen.spamhaus.org", "dnsbl-1.uceprotect.net"] {
        let name = address.split('.').rev().collect::<Vec<_>>().join(".");
        folder.ask(
            &gateway,
            &format!("dig {name}.{zone} TXT"),
            &format!("notices/dig-{}.txt", zone.replace('.', "-")),
        )?;
    }
    let bounce = scene.server.sh(
        "f=$(grep -l 'blocked using' /home/graham/Maildir/new/* | head -1); test -z \"$f\" || cat \"$f\"",
    )?;
    anyhow::ensure!(plan.length < 600.0 || !bounce.is_empty(), "nothing bounced");
    folder.file("notices/undelivered.eml", &bounce, "Postfix's own bounce in graham's mailbox")?;
    scene.usual(&mut folder, &[Part::AuthLog, Part::CronLog, Part::Crontabs])?;
    folder.ask(&scene.server, "chkrootkit amd basename chfn chsh cron crontab date du env find fingerd inetdconf init killall ls lsof mail netstat passwd pidof ps pstree rpcinfo scalper slapper bindshell w55808 z2 2>/dev/null", "host/chkrootkit.txt")?;
    let mut decoys = office.others(&["HARTLEY-LT7"]);
    decoys.extend(office.scene.accounts());
    folder.finish(
        &Expect {
            class: "nat-client",
            culprit: &culprit,
            must_not_accuse: decoys,
            origin: "FIELD (m), itweek 2187649: five lists, clean scans, a firewall rule that logs port 25; recorded by the lab",
            ..Expect::default()
        },
        "Five lists and a wireless laptop",
        STORY,
    )
}

const STORY: &str = "A surveyors' office in England (BSD stamps, ISC dhcpd) behind one public address; the mail server stands inside. Five lists name the address: the CBL's page, SpamCop's report, the provider's abuse desk, two look-ups, and a bounce from a provider that asks a list. \
The mail log is clean, chkrootkit finds nothing. In the middle of it the administrator has the gateway log new connections to port 25 from inside: only what came after stands in that log. The first notice tells of an earlier time.

A wireless laptop speaks to exchangers in three bouts.

Noise: three people who submit, mail from outside, greylisting, an exchanger that is down, unknown recipients, password guessers, monitoring. Decoys: another wireless laptop sends private mail over port 25 to its own provider throughout; nagios greets exchangers and quits; the printer hands in to the server; \
the server itself, whose connections pass the same rule.

Real: the list's answers (the lab's name server begins to serve them in the middle), the refusal and the bounce are Postfix's own. The laptop shows the TTL and port range of Windows, set by sysctl. By hand: `notices/cbl.txt`, `notices/spamcop.eml`, `notices/isp.eml`, `site.toml`, the dialects.";
