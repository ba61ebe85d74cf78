//! Plain words: what a HELO was like, how long ago, what happened, and what a detector's finding
//! usually means, the innocent explanation first.

use heloscope_ledger::{HeloClass, PastEvent, Sublist, Told};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;

/// What a detector's finding means to the owner of the address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning {
    /// Its id.
    pub(crate) id: &'static str,
    /// What was seen, as the rest of a sentence that begins with "The client".
    pub(crate) seen: &'static str,
    /// Where that may come from without any malice.
    pub(crate) innocent: &'static str,
    /// What it comes from most often.
    pub(crate) usual: &'static str,
}

/// The words for a detector; those of one that is newer than this page come from the catalogue.
pub(crate) fn meaning(id: &str) -> Meaning {
    if let Some(known) = MEANINGS.iter().find(|m| m.id == id) {
        return *known;
    }
    let innocent = heloscope_detect::catalogue::find(id).map_or("", |d| d.innocent);
    Meaning { id: "", seen: "behaved as this detector’s name says", innocent, usual: BOT }
}

const BOT: &str = "a spam-sending program on a machine behind this address";

/// One line a detector: id; what was seen; innocent; usual.
static MEANINGS: &[Meaning] = &[
    m(
        "helo-ylmf-pc",
        "called itself “ylmf-pc”",
        "a researcher who plays the bot",
        "a password-guessing bot on a Windows machine that bears this name by default",
    ),
    m(
        "helo-is-receiver",
        "gave our own name or address as its own",
        "a test tool, or a relay of your own set up that way",
        "a bot that hopes to pass as one of the receiver’s own machines",
    ),
    m(
        "helo-literal-mismatch",
        "gave a public address in brackets that is not the one it came from",
        "a machine behind address translation that names another of its addresses",
        BOT,
    ),
    m(
        "helo-loopback-private",
        "gave a loopback or private address, such as [127.0.0.1] or [192.168.1.5], as its name",
        "a web application or a container whose mail library was never told a name (Symfony Mailer, SwiftMailer and Nodemailer say [127.0.0.1]); a machine behind address translation",
        "a mailer planted in a web site, or a spam-sending program on a computer behind this address",
    ),
    m(
        "helo-localhost",
        "called itself “localhost”",
        "a script or an old program that never learnt its machine’s name",
        "a planted script that sends mail by itself, past the mail server",
    ),
    m(
        "helo-localdomain",
        "called itself “localhost.localdomain”",
        "a machine that was never named; the fall-back of PHPMailer and other libraries",
        "a planted script that uses such a library",
    ),
    m(
        "helo-bare-ip",
        "gave an address without brackets as its name",
        "an old mail server or an appliance",
        BOT,
    ),
    m(
        "helo-dotless",
        "gave a name without a dot",
        "a Windows server that says its computer name",
        "a spam-sending program on an office or home computer",
    ),
    m(
        "helo-random-dynamic",
        "gave a name of random letters, from an address that is given out to households",
        "a small office whose server was never named",
        BOT,
    ),
    m(
        "helo-home-lan",
        "gave a name that ends in .lan, .home or .local",
        "a home or office server behind a router that named it",
        "a spam-sending program on a computer in that network",
    ),
    m(
        "helo-dynamic-name",
        "gave a name with the address’s own digits in it",
        "a mail server at home that uses the name its provider gave",
        BOT,
    ),
    m(
        "helo-random-in-ptr-domain",
        "gave a made-up name in the domain of this address’s reverse name",
        "a name that only your inner name servers know",
        BOT,
    ),
    m(
        "helo-big-name-wrong-ptr",
        "gave the name of a large mail provider that does not run this address",
        "a forwarder set up that way",
        "a bot that borrows a well-known name",
    ),
    m(
        "helo-rotation",
        "gave many different names from one address",
        "many customers behind one address of a provider",
        "a bot that changes its name with each connection",
    ),
    m(
        "helo-changes-in-session",
        "gave two different names in one session",
        "a second greeting under TLS that says another name",
        BOT,
    ),
    m(
        "helo-invalid-syntax",
        "gave a name that is neither a host name nor an address",
        "an appliance with a free-text name",
        BOT,
    ),
    m(
        "pregreet",
        "spoke before our greeting",
        "a test tool",
        "a program that sends its commands blindly, as bots do and mail servers never do",
    ),
    m(
        "unadvertised-pipelining",
        "sent several commands at once without having been offered that",
        "a broken mail program",
        "a program that sends its commands blindly",
    ),
    m(
        "proxy-command",
        "sent the commands of a web or SOCKS proxy to a mail port",
        "a scanner for open proxies",
        "an open proxy here that strangers send mail through",
    ),
    m(
        "headers-as-commands",
        "sent the lines of a message where commands belong",
        "a home-made mailer that ignores a refusal",
        "a program that posts mail through a web proxy or a form",
    ),
    m(
        "deaf",
        "went on after we had refused, as if we had agreed",
        "a broken client",
        "a spam-sending program that does not read answers",
    ),
    m("bare-lf", "ended its lines in a way that mail does not allow", "a home-made script", BOT),
    m(
        "dialect-known-bot",
        "spoke the dialect of a known spam-sending program",
        "an honest program that shares a library with it",
        BOT,
    ),
    m(
        "dialect-unknown-cluster",
        "spoke a dialect that many addresses began to speak at once",
        "a new product",
        "a new spam-sending program",
    ),
    m("abort-without-quit", "broke off without saying goodbye", "a network that broke", BOT),
    m(
        "sender-is-recipient",
        "named the recipient as the sender",
        "a test to oneself",
        "spam that hopes to be let through as one’s own mail",
    ),
    m(
        "dictionary-harvest",
        "tried one made-up recipient after another",
        "a very old list of subscribers",
        "a harvester that looks for addresses that exist",
    ),
    m(
        "auth-guessing",
        "tried to log in where nobody has an account",
        "a mail program set up with the wrong server",
        "a bot that guesses passwords",
    ),
    m(
        "trap-hit",
        "wrote to an address that nobody ever used",
        "a slip of a finger, or somebody who signed the address up",
        "a bought or harvested list of addresses",
    ),
    m(
        "backup-mx-only",
        "went only to the second-best mail server",
        "the first one was down for a while",
        "spam that hopes for weaker filters there",
    ),
    m(
        "no-retry",
        "never came back when it was asked to try later",
        "a provider whose many machines take turns",
        "a program that does not keep a queue",
    ),
    m(
        "ratware-message-id",
        "sent messages whose numbers contradict each other, as one spam program writes them",
        "a message that was forwarded",
        BOT,
    ),
    m(
        "forged-mua",
        "sent messages that claim to be written with a program that does not write so",
        "a gateway that rewrites messages",
        BOT,
    ),
    m(
        "mua-direct-to-mx",
        "sent, straight from a desktop program, what a mail server should have carried",
        "a relay that strips the lines that would show it",
        BOT,
    ),
    m(
        "stack-vs-software",
        "ran on another operating system than the software it claims to be",
        "a firewall that rewrites connections",
        BOT,
    ),
    m(
        "two-stacks",
        "came from two different systems at one address",
        "address translation, which is no fault in itself",
        "one infected machine among several behind this address",
    ),
    m(
        "campaign-cluster",
        "sent what hundreds of unrelated addresses sent at the same time",
        "a mailing service",
        BOT,
    ),
    m(
        "no-or-dynamic-ptr",
        "has no reverse name, or one that providers give to households",
        "a server at home",
        BOT,
    ),
    m(
        "address-shared",
        "shares its address with several other machines",
        "address translation, which is no fault in itself",
        "one infected machine among several behind this address",
    ),
    m(
        "tunnel-exit",
        "came out of a tunnel",
        "a company’s own VPN",
        "a VPN service whose client is infected",
    ),
    m(
        "real-mta",
        "behaved as the mail server that its name says it is, which speaks for it",
        "a mail server that does what mail servers do",
        "a mail server; what was listed here came from something else behind this address",
    ),
];

const fn m(
    id: &'static str,
    seen: &'static str,
    innocent: &'static str,
    usual: &'static str,
) -> Meaning {
    Meaning { id, seen, innocent, usual }
}

/// What a HELO was like.
pub(crate) fn helo(class: HeloClass) -> &'static str {
    match class {
        HeloClass::None => "no name at all",
        HeloClass::LocalLiteral => {
            "a loopback or private address, such as [127.0.0.1] or [192.168.1.5]"
        }
        HeloClass::Literal => "a public IP address instead of a name",
        HeloClass::Localhost => "“localhost”, with or without a domain",
        HeloClass::Dotless => "a name without a dot",
        HeloClass::Name => "a host name",
        HeloClass::Invalid => "something that is neither a name nor an address",
    }
}

/// The public word of a HELO's class, as the API gives it.
pub(crate) fn helo_id(class: HeloClass) -> &'static str {
    match class {
        HeloClass::None => "none",
        HeloClass::LocalLiteral => "local-literal",
        HeloClass::Literal => "literal",
        HeloClass::Localhost => "localhost",
        HeloClass::Dotless => "dotless",
        HeloClass::Name => "name",
        HeloClass::Invalid => "invalid",
    }
}

/// What is on a sublist.
pub(crate) fn sublist(sublist: Sublist) -> &'static str {
    match sublist {
        Sublist::Traps => "mail to addresses that nobody ever used",
        Sublist::Bots => "bots, proxies and planted mailers",
    }
}

/// What the composite zone answers.
pub(crate) fn code(sublist: Sublist) -> String {
    format!("127.0.0.{}", sublist.code())
}

/// What happened, for people.
pub(crate) fn event(event: PastEvent) -> &'static str {
    match event {
        PastEvent::Listed => "listed",
        PastEvent::Expired => "ran out by itself",
        PastEvent::Removed => "removed on request",
        PastEvent::Refused => "removal refused",
        PastEvent::Withdrawn => "withdrawn by us",
        PastEvent::Recalled => "recalled: our detector was wrong",
        PastEvent::Exempted => "exempted by us",
    }
}

/// What kind of trap, for the desk.
pub(crate) fn trap(kind: TrapKind) -> &'static str {
    match kind {
        TrapKind::NeverUsed => "never used",
        TrapKind::Recycled => "recycled",
        TrapKind::Typo => "a slip of a finger",
    }
}

/// `2015-12-04 14:30 UTC`.
pub(crate) fn minute(time: Time) -> String {
    let text = Time::from_secs(time.secs()).rfc3339();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

/// `2015-12-04 14:30:07 UTC`.
pub(crate) fn second(time: Time) -> String {
    let text = Time::from_secs(time.secs()).rfc3339();
    format!("{} UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// `2015-12-04`.
pub(crate) fn day(time: Time) -> String {
    let text = Time::from_secs(time.secs()).rfc3339();
    text.get(..10).unwrap_or(&text).to_owned()
}

/// `2015-12-04 14:30 UTC, give or take 15 minutes`.
pub(crate) fn told(told: Told) -> String {
    match told.tolerance_s {
        0 => second(told.time),
        s => format!("{}, give or take {}", minute(told.time), span(u64::from(s))),
    }
}

/// `about 3 days and 4 hours ago`.
pub(crate) fn ago(then: Time, now: Time) -> String {
    match now.secs().saturating_sub(then.secs()) {
        s if s < 60 => "within the last minute".to_owned(),
        s => format!("about {} ago", span(u64::try_from(s).unwrap_or(0))),
    }
}

/// `3 days and 4 hours`: the two largest units; a second one only where it says something.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        let n = rest / size;
        rest %= size;
        if n > 0 {
            parts.push(format!("{n} {name}{}", if n == 1 { "" } else { "s" }));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" and ") }
}

/// A policy's number of seconds.
pub(crate) fn term(seconds: i64) -> String {
    span(u64::try_from(seconds).unwrap_or(0))
}

/// A whole number with thin groups: `12,345`.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_say_two_units_at_most() {
        let cases = [
            (0, "0 seconds"),
            (1, "1 second"),
            (900, "15 minutes"),
            (3600, "1 hour"),
            (3661, "1 hour and 1 minute"),
            (86_400, "1 day"),
            (7 * 86_400, "7 days"),
            (3 * 86_400 + 4 * 3600 + 59 * 60, "3 days and 4 hours"),
            (86_400 + 59, "1 day"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(span(seconds), expected);
        }
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
    }

    #[test]
    fn times_are_told_as_well_as_they_are_known() {
        let time = Time::from_secs(1_449_239_407);
        assert_eq!(minute(time), "2015-12-04 14:30 UTC");
        assert_eq!(second(time), "2015-12-04 14:30:07 UTC");
        assert_eq!(
            told(Told { time, tolerance_s: 900 }),
            "2015-12-04 14:30 UTC, give or take 15 minutes"
        );
        assert_eq!(told(Told { time, tolerance_s: 0 }), "2015-12-04 14:30:07 UTC");
    }

    #[test]
    fn every_detector_has_words_of_its_own() {
        for detector in heloscope_detect::CATALOGUE {
            assert_eq!(meaning(detector.id).id, detector.id, "words.rs has no line for it");
        }
    }
}
