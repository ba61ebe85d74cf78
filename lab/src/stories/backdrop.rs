//! What goes on anyway: mail in and out, visitors, scanners, monitoring. Every story has it before, during and after the incident.

use crate::chance::Chance;
use crate::host::{CLIENT, Host};
use crate::letter;
use crate::timeline::Timeline;
use crate::web::AGENTS;
use std::rc::Rc;

/// Someone with an account and a mail program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person<'a> {
    /// The machine.
    pub(super) at: &'a Rc<Host>,
    /// Its address to send from, where it has several.
    pub(super) from_ip: &'a str,
    /// What the mail program says after EHLO.
    pub(super) ehlo: &'a str,
    /// The submission server's address.
    pub(super) server: &'a str,
    /// Account.
    pub(super) user: &'a str,
    /// Password.
    pub(super) password: &'a str,
    /// Mail address.
    pub(super) address: &'a str,
    /// Mail program.
    pub(super) agent: &'a str,
}

/// Submits a letter over port 587 with STARTTLS and AUTH.
pub(super) fn submit(
    line: &mut Timeline,
    at: f64,
    tag: &str,
    person: &Person<'_>,
    to: &[&str],
    letter: &str,
) {
    let url = format!("smtp://{}:587/{}", person.server, person.ehlo);
    let login = format!("{}:{}", person.user, person.password);
    let mut argv = vec![
        "curl",
        "-sS",
        "-g",
        "-k",
        "--ssl-reqd",
        "--max-time",
        "60",
        "--url",
        &url,
        "--user",
        &login,
    ];
    argv.extend(["--login-options", "AUTH=PLAIN", "--mail-from", person.address]);
    for recipient in to {
        argv.extend(["--mail-rcpt", recipient]);
    }
    if !person.from_ip.is_empty() {
        argv.extend(["--interface", person.from_ip]);
    }
    argv.extend(["-T", "-"]);
    line.at(at, person.at, tag, &argv, letter);
}

/// Letters of a person to people elsewhere, `per_minute`.
pub(super) fn correspondence(
    line: &mut Timeline,
    chance: &mut Chance,
    length: f64,
    per_minute: f64,
    person: &Person<'_>,
    to: &[&str],
) {
    for at in chance.arrivals(per_minute, 4.0, length - 8.0) {
        let recipient = chance.pick(to);
        let text = letter::personal(chance, person.address, recipient, person.agent);
        submit(line, at, "mail-out", person, &[recipient], &text);
    }
}

/// Letters from elsewhere: a real Postfix there delivers to us.
pub(super) fn incoming(
    line: &mut Timeline,
    chance: &mut Chance,
    length: f64,
    per_minute: f64,
    senders: &[(Rc<Host>, &str)],
    to: &[&str],
) {
    for at in chance.arrivals(per_minute, 3.0, length - 8.0) {
        let Some((host, from)) = senders.get(chance.below(senders.len())) else { continue };
        let recipient = chance.pick(to);
        let text = letter::personal(chance, from, recipient, "Mozilla Thunderbird");
        line.at(at, host, "mail-in", &["sendmail", "-f", from, "-i", recipient], &text);
    }
}

/// A web site's address and name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Web<'a> {
    /// Address.
    pub(super) address: &'a str,
    /// Server name.
    pub(super) name: &'a str,
}

/// Visits of people who read pages.
#[allow(clippy::too_many_arguments)] // a stream of requests has this many parts
pub(super) fn visits(
    line: &mut Timeline,
    chance: &mut Chance,
    length: f64,
    per_minute: f64,
    crowd: &Rc<Host>,
    from: &[&str],
    web: Web<'_>,
    pages: &[&str],
) {
    for at in chance.arrivals(per_minute, 1.0, length - 2.0) {
        let (page, address, agent) = (chance.pick(pages), chance.pick(from), chance.pick(AGENTS));
        request(line, at, "visit", crowd, address, web, &["-A", agent], page);
    }
}

/// Scanners looking for other people's holes.
pub(super) fn scanners(
    line: &mut Timeline,
    chance: &mut Chance,
    length: f64,
    crowd: &Rc<Host>,
    from: &[&str],
    web: Web<'_>,
) {
    const PATHS: &[&str] = &[
        "/wp-login.php",
        "/xmlrpc.php",
        "/.env",
        "/.git/config",
        "/phpmyadmin/index.php",
        "/wp-content/plugins/wp-file-manager/readme.txt",
        "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
        "/admin.php",
        "/shell.php",
        "/cgi-bin/luci",
    ];
    for at in chance.arrivals(1.6, 2.0, length - 2.0) {
        let (path, address) = (chance.pick(PATHS), chance.pick(from));
        if chance.unit() < 0.4 {
            request(
                line,
                at,
                "scan",
                crowd,
                address,
                web,
                &["-A", "Mozilla/5.0", "-d", "log=admin&pwd=admin123"],
                path,
            );
        } else {
            request(line, at, "scan", crowd, address, web, &["-A", "Go-http-client/1.1"], path);
        }
    }
}

/// One request.
#[allow(clippy::too_many_arguments)] // one request has this many parts
pub(super) fn request(
    line: &mut Timeline,
    at: f64,
    tag: &str,
    crowd: &Rc<Host>,
    from: &str,
    web: Web<'_>,
    more: &[&str],
    path: &str,
) {
    let header = format!("Host: {}", web.name);
    let url = format!("http://{}{path}", web.address);
    let mut argv = vec!["curl", "-sS", "-o", "/dev/null", "--max-time", "60", "-H", &header];
    if !from.is_empty() {
        argv.extend(["--interface", from]);
    }
    argv.extend(more);
    argv.push(&url);
    line.at(at, crowd, tag, &argv, "");
}

/// Someone's monitoring that greets our port 25 every `every` seconds and leaves.
pub(super) fn monitored(
    line: &mut Timeline,
    length: f64,
    every: f64,
    from: &Rc<Host>,
    server: &str,
    ehlo: &str,
) {
    let mut at = every * 0.37;
    while at < length - 3.0 {
        speak(line, at, "monitor", from, &["--server", server, "--ehlo", ehlo, "--probe"], "");
        at += every;
    }
}

/// A session of the scripted client on a host.
pub(super) fn speak(
    line: &mut Timeline,
    at: f64,
    tag: &str,
    host: &Rc<Host>,
    words: &[&str],
    message: &str,
) {
    let mut argv = vec![CLIENT, "speak"];
    argv.extend(words);
    line.at(at, host, tag, &argv, message);
}
