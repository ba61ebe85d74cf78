//! A made-up mail server's log, line by line what Postfix 3.7, amavis and Dovecot write.
//!
//! A day is a number of stories (a mail received, submitted, made here; a bot turned away) whose
//! lines overlap; each day has its own people, ids and hours. All names are example names.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

/// What to write.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) first_day: u64,
    pub(crate) days: u64,
    pub(crate) stories_a_day: u64,
    pub(crate) long_ids: bool,
    pub(crate) iso: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            seed: 1,
            first_day: 20_698,
            days: 30,
            stories_a_day: 1000,
            long_ids: true,
            iso: false,
        }
    }
}

/// Writes the log.
pub(crate) struct Generator {
    shape: Shape,
    random: u64,
    inode: u64,
    lines: BinaryHeap<Reverse<(u64, u64, String)>>,
    written: u64,
}

const SECOND: u64 = 1_000_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Generator {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { random: shape.seed, shape, inode: 70_000, lines: BinaryHeap::new(), written: 0 }
    }

    pub(crate) fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        for day in 0..self.shape.days {
            let midnight = (self.shape.first_day + day) * 86_400 * SECOND;
            let mut now = midnight;
            let stories = self.shape.stories_a_day * (80 + self.below(40)) / 100;
            let pace = 86_400 * SECOND / (stories + 1);
            for _ in 0..stories {
                now += self.below(pace * 2);
                self.story(now);
                self.flush(now, out)?;
            }
        }
        self.flush(u64::MAX, out)
    }

    fn flush(&mut self, until: u64, out: &mut impl Write) -> io::Result<()> {
        while let Some(Reverse((at, ..))) = self.lines.peek() {
            if *at > until {
                break;
            }
            if let Some(Reverse((at, _, line))) = self.lines.pop() {
                writeln!(out, "{} mail {line}", self.stamp(at))?;
            }
        }
        Ok(())
    }

    fn stamp(&self, at: u64) -> String {
        let (secs, micros) = (at / SECOND, at % SECOND);
        let (year, month, day) = date(secs / 86_400);
        let (h, m, s) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
        if self.shape.iso {
            return format!("{year}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{micros:06}+00:00");
        }
        let name = MONTHS.get(month as usize - 1).unwrap_or(&"Jan");
        format!("{name} {day:>2} {h:02}:{m:02}:{s:02}")
    }

    /// splitmix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Small numbers often, large ones seldom.
    fn skewed(&mut self, limit: u64) -> u64 {
        let a = self.below(limit);
        let b = self.below(limit);
        a * b / limit.max(1) * self.below(limit) / limit.max(1)
    }

    fn line(&mut self, at: u64, text: String) {
        self.written += 1;
        self.lines.push(Reverse((at, self.written, text)));
    }

    fn id(&mut self, at: u64) -> String {
        self.inode += 1 + self.below(3);
        let (secs, micros, inode) = (at / SECOND, at % SECOND, self.inode);
        if self.shape.long_ids {
            format!("{}{}z{}", digits(secs, 52, 6), digits(micros, 52, 4), digits(inode, 51, 0))
        } else {
            format!("{micros:05X}{inode:X}")
        }
    }

    fn person(&mut self) -> String {
        let n = self.skewed(20_000);
        format!("user{n}@example.org")
    }

    fn domain(&mut self) -> String {
        let n = self.skewed(3_000);
        format!("d{n}.example.{}", ["net", "com", "edu"].get(n as usize % 3).unwrap_or(&"net"))
    }

    fn stranger(&mut self) -> String {
        let n = self.skewed(300_000);
        let domain = self.domain();
        match n % 5 {
            0 => format!("First.Last{n}@{domain}"),
            1 => format!("bounce+{n}-tag=example.org@{}", domain.to_uppercase()),
            _ => format!("name{n}@{domain}"),
        }
    }

    fn address(&mut self) -> String {
        let n = self.skewed(60_000);
        if n.is_multiple_of(11) {
            format!("2001:db8:{:x}::{:x}", n / 256, n % 256)
        } else {
            let net =
                ["192.0.2", "198.51.100", "203.0.113"].get(n as usize % 3).unwrap_or(&"192.0.2");
            format!("{net}.{}", n % 250 + 1)
        }
    }

    fn client(&mut self) -> String {
        let ip = self.address();
        match self.below(4) {
            0 => format!("unknown[{ip}]"),
            _ => format!("mx{}.{}[{ip}]", self.below(9), self.domain()),
        }
    }

    fn pid(&mut self) -> u64 {
        10_000 + self.below(400)
    }

    fn story(&mut self, at: u64) {
        match self.below(100) {
            0..=29 => self.received(at),
            30..=51 => self.submitted(at),
            52..=56 => self.picked_up(at),
            57..=79 => self.turned_away(at),
            80..=86 => self.guesser(at),
            87..=91 => self.screened(at),
            92..=95 => self.imap(at),
            96 => self.dropped_by_cleanup(at),
            97 => self.statistics(at),
            _ => self.lost(at),
        }
    }

    /// smtpd, cleanup and qmgr take a mail; gives its id and when it is active.
    fn taken(
        &mut self,
        at: u64,
        service: &str,
        client: &str,
        sasl: &str,
        from: &str,
        rcpts: usize,
    ) -> (String, u64) {
        let pid = self.pid();
        let id = self.id(at + SECOND / 5);
        self.line(at, format!("postfix/{service}[{pid}]: connect from {client}"));
        self.line(
            at + SECOND / 5,
            format!("postfix/{service}[{pid}]: {id}: client={client}{sasl}"),
        );
        let active = self.queued(at + SECOND / 4, &id, from, rcpts);
        self.line(
            active + 40_000,
            format!("postfix/{service}[{pid}]: disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt={rcpts} data=1 quit=1 commands={}", 6 + rcpts),
        );
        (id, active)
    }

    fn queued(&mut self, at: u64, id: &str, from: &str, rcpts: usize) -> u64 {
        let (cleanup, n) = (self.pid(), self.next());
        let size = 1_000 + self.skewed(400_000);
        self.line(
            at,
            format!("postfix/cleanup[{cleanup}]: {id}: message-id=<{n:016x}@mail.example.org>"),
        );
        let active = at + 10_000 + self.below(100_000);
        self.line(
            active,
            format!(
                "postfix/qmgr[901]: {id}: from=<{from}>, size={size}, nrcpt={rcpts} (queue active)"
            ),
        );
        active
    }

    fn removed(&mut self, at: u64, id: &str) {
        self.line(at, format!("postfix/qmgr[901]: {id}: removed"));
    }

    /// From outside, through amavis, into a mailbox.
    fn received(&mut self, at: u64) {
        let client = self.client();
        let (from, to) = (self.stranger(), self.person());
        let (id, active) = self.taken(at, "smtpd", &client, "", &from, 1);
        let back = active + SECOND + self.below(3 * SECOND);
        let (second, again) = self.taken(back, "smtpd", "localhost[127.0.0.1]", "", &from, 1);
        let smtp = self.pid();
        self.line(
            again + 5_000,
            format!("postfix/smtp[{smtp}]: {id}: to=<{to}>, relay=127.0.0.1[127.0.0.1]:10024, delay=2.4, delays=0.3/0.01/0.01/2.1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {second})"),
        );
        self.removed(again + 6_000, &id);
        self.mailbox(again + 90_000, &second, &to);
    }

    fn mailbox(&mut self, at: u64, id: &str, to: &str) {
        let (pid, n) = (self.pid(), self.next());
        match self.below(10) {
            0 => {
                let forward = self.id(at);
                let next = self.stranger();
                let active = self.queued(at, &forward, "owner@example.org", 1);
                self.line(at + 1_000, format!("postfix/local[{pid}]: {id}: to=<{to}>, relay=local, delay=0.2, delays=0.1/0/0/0.1, dsn=2.0.0, status=sent (forwarded as {forward})"));
                self.removed(at + 2_000, id);
                self.outside(active, &forward, &next, "owner@example.org", true);
            }
            1 => {
                self.line(at, format!("postfix/virtual[{pid}]: {id}: to=<{to}>, orig_to=<alias{}@example.org>, relay=virtual, delay=0.2, delays=0.1/0/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)", n % 900));
                self.removed(at + 1_000, id);
            }
            _ => {
                self.line(at, format!("postfix/lmtp[{pid}]: {id}: to=<{to}>, relay=mail.example.org[private/dovecot-lmtp], delay=0.3, delays=0.1/0/0.05/0.1, dsn=2.0.0, status=sent (250 2.0.0 <{to}> {n:016x} Saved)"));
                self.removed(at + 1_000, id);
            }
        }
    }

    /// From a user, to others.
    fn submitted(&mut self, at: u64) {
        let account = self.person();
        let client = self.client();
        let rcpts = 1 + self.skewed(30) as usize;
        let method = if self.below(2) == 0 { "PLAIN" } else { "LOGIN" };
        let sasl = format!(", sasl_method={method}, sasl_username={account}");
        let service = if self.below(4) == 0 { "smtps/smtpd" } else { "submission/smtpd" };
        let (id, active) = self.taken(at, service, &client, &sasl, &account, rcpts);
        let mut end = active;
        for n in 0..rcpts {
            let to = self.stranger();
            end = end.max(self.outside(active + n as u64 * 30_000, &id, &to, &account, false));
        }
        self.removed(end + 2_000, &id);
    }

    /// A script's.
    fn picked_up(&mut self, at: u64) {
        let uid = [33, 0, 1001, 1002].get(self.below(4) as usize).copied().unwrap_or(33);
        let (id, pid) = (self.id(at), self.pid());
        let to = self.stranger();
        self.line(at, format!("postfix/pickup[{pid}]: {id}: uid={uid} from=<www-data>"));
        let active = self.queued(at + 1_000, &id, "www-data@mail.example.org", 1);
        let end = self.outside(active, &id, &to, "www-data@mail.example.org", false);
        self.removed(end + 2_000, &id);
    }

    /// Delivery to another server; gives when it ended.
    fn outside(&mut self, at: u64, id: &str, to: &str, from: &str, remove: bool) -> u64 {
        let domain = to.split('@').nth(1).unwrap_or("example.net").to_lowercase();
        let relay = format!("mx.{domain}[{}]", self.address());
        let mut pid = self.pid();
        let mut end = at + SECOND / 2 + self.below(2 * SECOND);
        let mut retry = SECOND * 300;
        let mut age = 1.0;
        while self.below(9) == 0 && end < at + 4 * 86_400 * SECOND {
            if self.below(3) == 0 {
                self.line(end, format!("postfix/smtp[{pid}]: connect to mx.{domain}[192.0.2.250]:25: Connection timed out"));
                self.line(end + 500, format!("postfix/smtp[{pid}]: {id}: to=<{to}>, relay=none, delay={age}, delays={age}/0.01/30/0, dsn=4.4.1, status=deferred (connect to mx.{domain}[192.0.2.250]:25: Connection timed out)"));
            } else {
                self.line(end, format!("postfix/smtp[{pid}]: {id}: host {relay} said: 450 4.2.0 <{to}>: Recipient address rejected: Greylisted, see http://greylist.example.org/ (in reply to RCPT TO command)"));
                self.line(end + 500, format!("postfix/smtp[{pid}]: {id}: to=<{to}>, relay={relay}:25, delay={age}, delays={age}/0.01/0.4/0.1, dsn=4.2.0, status=deferred (host {relay} said: 450 4.2.0 <{to}>: Recipient address rejected: Greylisted, see http://greylist.example.org/ (in reply to RCPT TO command))"));
            }
            end += retry + self.below(retry);
            age += retry as f64 / SECOND as f64;
            retry *= 2;
            self.line(
                end,
                format!(
                    "postfix/qmgr[901]: {id}: from=<{from}>, size={}, nrcpt=1 (queue active)",
                    1_000
                ),
            );
            pid = self.pid();
            end += SECOND;
        }
        if self.below(12) == 0 {
            self.line(end, format!("postfix/smtp[{pid}]: {id}: to=<{to}>, relay={relay}:25, delay={age}, delays={age}/0.01/0.5/0.2, dsn=5.1.1, status=bounced (host {relay} said: 550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command))"));
            let report = self.id(end);
            let (bounce, active) = (self.pid(), self.queued(end + 1_000, &report, "", 1));
            self.line(
                end + 1_500,
                format!(
                    "postfix/bounce[{bounce}]: {id}: sender non-delivery notification: {report}"
                ),
            );
            let from = from.to_string();
            self.mailbox_of_report(active + 2_000, &report, &from);
        } else {
            let n = self.next();
            let reused = if self.below(6) == 0 { "conn_use=2, " } else { "" };
            if self.below(3) > 0 && reused.is_empty() {
                self.line(end - 300_000, format!("postfix/smtp[{pid}]: Untrusted TLS connection established to {relay}:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256"));
            }
            self.line(end, format!("postfix/smtp[{pid}]: {id}: to=<{to}>, relay={relay}:25, {reused}delay={age}, delays={age}/0.01/0.5/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {:012X})", n >> 16));
        }
        if remove {
            self.removed(end + 2_000, id);
        }
        end + 2_500
    }

    fn mailbox_of_report(&mut self, at: u64, id: &str, to: &str) {
        let pid = self.pid();
        self.line(at, format!("postfix/lmtp[{pid}]: {id}: to=<{to}>, relay=mail.example.org[private/dovecot-lmtp], delay=0.1, delays=0.01/0/0.05/0.04, dsn=2.0.0, status=sent (250 2.0.0 <{to}> Saved)"));
        self.removed(at + 1_000, id);
    }

    /// A bot at RCPT.
    fn turned_away(&mut self, at: u64) {
        let (client, from, to, pid) = (self.client(), self.stranger(), self.person(), self.pid());
        self.line(at, format!("postfix/smtpd[{pid}]: connect from {client}"));
        if self.below(3) == 0 {
            let domain = self.domain();
            self.line(at + 1_000, format!("postfix/smtpd[{pid}]: warning: hostname host.{domain} does not resolve to address 192.0.2.1: Name or service not known"));
        }
        let stage = at + SECOND / 2;
        let line = match self.below(5) {
            0 => format!(
                "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from {client}: 554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.example.org; https://www.example.org/query/ip/192.0.2.9; from=<{from}> to=<{to}> proto=ESMTP helo=<ylmf-pc>"
            ),
            1 => format!(
                "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from {client}: 504 5.5.2 <User>: Helo command rejected: need fully-qualified hostname; from=<{from}> to=<{to}> proto=SMTP helo=<User>"
            ),
            2 => format!(
                "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from {client}: 454 4.7.1 <{from}>: Relay access denied; from=<{from}> to=<{from}> proto=ESMTP helo=<[192.0.2.9]>"
            ),
            3 => format!(
                "postfix/smtpd[{pid}]: NOQUEUE: reject_warning: RCPT from {client}: 450 4.1.8 <{from}>: Sender address rejected: Domain not found; from=<{from}> to=<{to}> proto=ESMTP helo=<mx.example.net>"
            ),
            _ => format!(
                "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from {client}: 550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table; from=<{from}> to=<{to}> proto=ESMTP helo=<mx.example.net>"
            ),
        };
        self.line(stage, line);
        self.line(stage + 100_000, format!("postfix/smtpd[{pid}]: disconnect from {client} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"));
    }

    /// Password guesses.
    fn guesser(&mut self, at: u64) {
        let (client, pid, account) = (self.client(), self.pid(), self.person());
        self.line(at, format!("postfix/submission/smtpd[{pid}]: connect from {client}"));
        for n in 0..1 + self.below(3) {
            self.line(at + n * SECOND + 1, format!("dovecot: auth: passwd-file({account},192.0.2.77): Password mismatch (SHA1 of given password: 21bd12)"));
            self.line(at + n * SECOND + 9, format!("postfix/submission/smtpd[{pid}]: warning: {client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6"));
        }
        self.line(at + 4 * SECOND, format!("postfix/submission/smtpd[{pid}]: disconnect from {client} ehlo=1 auth=0/3 quit=1 commands=2/5"));
    }

    fn screened(&mut self, at: u64) {
        let (ip, to, from) = (self.address(), self.person(), self.stranger());
        let port = 30_000 + self.below(30_000);
        self.line(
            at,
            format!("postfix/postscreen[907]: CONNECT from [{ip}]:{port} to [203.0.113.10]:25"),
        );
        if self.below(2) == 0 {
            self.line(at + 200_000, format!("postfix/postscreen[907]: PREGREET 14 after 0.22 from [{ip}]:{port}: EHLO ylmf-pc\\r\\n"));
            self.line(
                at + 300_000,
                format!(
                    "postfix/dnsblog[908]: addr {ip} listed by domain zen.example.org as 127.0.0.4"
                ),
            );
            self.line(at + 400_000, format!("postfix/postscreen[907]: NOQUEUE: reject: RCPT from [{ip}]:{port}: 550 5.7.1 Service unavailable; client [{ip}] blocked using zen.example.org; from=<{from}>, to=<{to}>, proto=ESMTP, helo=<ylmf-pc>"));
        } else {
            self.line(at + 200_000, format!("postfix/postscreen[907]: PASS OLD [{ip}]:{port}"));
        }
        self.line(at + 500_000, format!("postfix/postscreen[907]: DISCONNECT [{ip}]:{port}"));
    }

    fn imap(&mut self, at: u64) {
        let (user, ip, n) = (self.person(), self.address(), self.next());
        self.line(at, format!("dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={ip}, lip=203.0.113.10, mpid={}, TLS, session=<{n:016x}>", n % 60_000));
        self.line(at + 9 * SECOND, format!("dovecot: imap({user})<{}><{n:016x}>: Disconnected: Logged out in=245 out=1882 deleted=0 expunged=0 trashed=0", n % 60_000));
    }

    /// A header or body check, or a milter.
    fn dropped_by_cleanup(&mut self, at: u64) {
        let (client, from, to, pid) = (self.client(), self.stranger(), self.person(), self.pid());
        let (id, n) = (self.id(at), self.next());
        self.line(at, format!("postfix/smtpd[{pid}]: {id}: client={client}"));
        let domain = self.domain();
        self.line(
            at + 1_000,
            format!("postfix/cleanup[{pid}]: {id}: message-id=<{n:016x}@{domain}>"),
        );
        let fields = format!("from=<{from}> to=<{to}> proto=ESMTP helo=<mx.example.net>");
        let line = match n % 4 {
            0 => format!(
                "milter-reject: END-OF-MESSAGE from {client}: 5.7.1 Spam message rejected; {fields}"
            ),
            1 => {
                format!("reject: header Subject: You won from {client}; {fields}: 5.7.1 No thanks")
            }
            2 => format!("discard: body click here from {client}; {fields}: spam"),
            _ => format!(
                "hold: header Subject: look at this from {client}; {fields}: for the postmaster"
            ),
        };
        self.line(at + 2_000, format!("postfix/cleanup[{pid}]: {id}: {line}"));
        if n % 4 == 3 {
            let active = self.queued(at + 3_000 + 3600 * SECOND, &id, &from, 1);
            self.mailbox_of_report(active + 1_000, &id, &to);
        }
    }

    fn statistics(&mut self, at: u64) {
        let client = self.address();
        self.line(at, format!("postfix/anvil[911]: statistics: max connection rate 3/60s for (smtp:{client}) at Nov 24 03:40:01"));
        self.line(at + 1, format!("postfix/anvil[911]: statistics: max connection count 2 for (smtp:{client}) at Nov 24 03:40:01"));
        self.line(
            at + 2,
            "postfix/scache[912]: statistics: domain lookup hits=0 miss=1 success=0%".into(),
        );
    }

    /// A client that goes away, once with a mail begun.
    fn lost(&mut self, at: u64) {
        let (client, pid) = (self.client(), self.pid());
        self.line(at, format!("postfix/smtpd[{pid}]: connect from {client}"));
        if self.below(3) == 0 {
            let id = self.id(at);
            self.line(at + 1, format!("postfix/smtpd[{pid}]: {id}: client={client}"));
        }
        self.line(
            at + SECOND,
            format!("postfix/smtpd[{pid}]: lost connection after RCPT from {client}"),
        );
        self.line(
            at + SECOND + 1,
            format!(
                "postfix/smtpd[{pid}]: disconnect from {client} ehlo=1 mail=1 rcpt=1 commands=3"
            ),
        );
    }
}

/// A number in digits and consonants.
fn digits(mut number: u64, base: u64, least: usize) -> String {
    const DIGITS: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    let mut text = Vec::new();
    while number > 0 || text.len() < least.max(1) {
        text.push(DIGITS.get((number % base) as usize).copied().unwrap_or(b'0'));
        number /= base;
    }
    text.reverse();
    String::from_utf8(text).unwrap_or_default()
}

/// Year, month, day of a day since 1970.
fn date(day: u64) -> (u64, u64, u64) {
    let days = day + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}
