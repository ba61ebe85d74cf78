//! Notices in the words and shapes of lists and providers (FIELD.md, section 1), with times true to the recording.
//!
//! These texts are the one part of a case that cannot be recorded: no list watches the lab.

use crate::clock::show;
use jiff::{SignedDuration, Timestamp};

/// The subject and times of a notice.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The listed address.
    pub address: &'a str,
    /// When a sensor saw it.
    pub seen: Timestamp,
    /// The list's tolerance in minutes.
    pub tolerance: u32,
    /// What it said, where the list quotes it.
    pub helo: &'a str,
}

/// To the nearest `minutes`, as lists blur times.
pub fn blur(at: Timestamp, minutes: i64) -> Timestamp {
    let step = minutes * 60;
    let second = (at.as_second() + step / 2).div_euclid(step) * step;
    Timestamp::from_second(second).unwrap_or(at)
}

/// The CBL's page of late 2015, read `age` after the detection.
pub fn cbl_2015(told: Told<'_>, botnet: &str, age: SignedDuration) -> String {
    let hours = age.as_hours();
    format!(
        "IP Address {0} is listed in the CBL. It appears to be infected with a spam sending trojan, proxy or some other form of botnet.\n\n\
         It was last detected at {1} UTC +/- {2} minutes (approximately {3} days, {4} hours, {5} minutes ago).\n\n\
         This IP address is infected (or NATting for a computer that is infected) with the {6} spambot. In other words, it's participating in a botnet.\n\n\
         This host HELOed as {7}\n",
        told.address,
        show(blur(told.seen, 5), "%Y:%m:%d ~%H:%M", "UTC"),
        told.tolerance,
        hours / 24,
        hours % 24,
        age.as_mins() % 60,
        botnet,
        told.helo,
    )
}

/// The CBL's earlier page.
pub fn cbl_early(told: Told<'_>, age: SignedDuration) -> String {
    format!(
        "IP Address {0} is listed in the CBL. It appears to be infected with a spam sending trojan, proxy or some other form of botnet.\n\n\
         It was last detected at {1} GMT (+/- {2} minutes), approximately {3} hours, {4} minutes ago.\n\n\
         It has been relisted following a previous removal.\n\n\
         This IP is infected (or NATting for a computer that is infected), because it HELOs as {5}\n",
        told.address,
        show(blur(told.seen, 5), "%Y-%m-%d %H:%M", "UTC"),
        told.tolerance,
        age.as_hours(),
        age.as_mins() % 60,
        told.helo,
    )
}

/// The CBL's page of 2018.
pub fn cbl_2018(told: Told<'_>, times: u32) -> String {
    let helo = if told.helo.is_empty() {
        String::new()
    } else {
        format!("\nThe host at this IP address was observed HELOing as {}\n", told.helo)
    };
    format!(
        "IP Address {0} is listed in the CBL.\n\n\
         This IP address was detected and listed {times} times in the past 28 days, and {1} times in the past 24 hours. \
         The most recent detection was at {2} UTC +/- {3} minutes\n\n\
         This IP address is either a server that is compromised, or it is NATting for a machine that sends spam.\n{helo}",
        told.address,
        times.min(1),
        show(blur(told.seen, 5), "%a %b %-d %H:%M:00 %Y", "UTC"),
        told.tolerance,
    )
}

/// The CBL's page of an address that was taken out.
pub fn cbl_removed(told: Told<'_>, removed: Timestamp, age: SignedDuration) -> String {
    format!(
        "IP Address {0} is not listed in the CBL.\n\n\
         It was previously listed, but was removed at {1} GMT ({2} days, {3} hours, {4} minutes ago)\n\n\
         At the time of removal, this was the explanation for this listing:\n\n\
         This IP is infected (or NATting for a computer that is infected) with a spam sending trojan, proxy or some other form of botnet.\n\
         It was last detected at {5} GMT (+/- {6} minutes)\n\
         This host HELOed as {7}\n",
        told.address,
        show(removed, "%Y-%m-%d %H:%M", "UTC"),
        age.as_hours() / 24,
        age.as_hours() % 24,
        age.as_mins() % 60,
        show(blur(told.seen, 5), "%Y-%m-%d %H:%M", "UTC"),
        told.tolerance,
        told.helo,
    )
}

/// A hoster's plain mail about a complaint.
pub fn hoster(told: Told<'_>, hoster: &str, customer: &str) -> String {
    format!(
        "From: Abuse desk <abuse@{hoster}>\nTo: {customer}\nSubject: [abuse #{1}] Spam from your IP address {0}\nDate: {2}\n\
         Message-ID: <abuse-{1}@{hoster}>\nContent-Type: text/plain; charset=UTF-8\n\n\
         Dear customer,\n\nwe have received a complaint about unsolicited mail (spam) sent from your IP address {0}.\n\n\
         IP address: {0}\nTime: {3} UTC\nSource: spam trap\n\n\
         Please find the cause and tell us within 24 hours what you have done. Otherwise we have to close port 25 of your server.\n\n\
         Your abuse desk\n",
        told.address,
        told.seen.as_second() % 100_000,
        show(told.seen + SignedDuration::from_mins(95), "%a, %d %b %Y %H:%M:%S +0000", "UTC"),
        show(told.seen, "%Y-%m-%d %H:%M:%S", "UTC"),
    )
}

/// SpamCop's report to whoever answers for the address (its form is shown in SpamCop's own help): who sent, when, and the
/// head of the offending message, cut down.
pub fn spamcop(told: Told<'_>, customer: &str, sender: &str, subject: &str) -> String {
    let number = 7_100_000_000 + told.seen.as_second() % 90_000_000;
    let stamp = show(told.seen, "%a, %d %b %Y %H:%M:%S +0000", "UTC");
    format!(
        "From: {number}@reports.spamcop.net\nTo: {customer}\nSubject: [SpamCop ({0}) id:{number}]{subject}\nDate: {1}\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=us-ascii\n\n[ SpamCop V5.4.0 ]\nThis message is brief for your comfort. Please use links below for details.\n\n\
         Spam report id {number} sent to: {customer}\n\nEmail from {0} / {stamp}\nhttps://www.spamcop.net/w3m?i=z{number}z\n\n\
         [ Offending message ]\nReceived: from unknown (HELO {2}) ({0})\n  by x with SMTP; {stamp}\nFrom: {sender}\nSubject: {subject}\n\n[ text cut ]\n",
        told.address,
        show(told.seen + SignedDuration::from_mins(37), "%a, %d %b %Y %H:%M:%S +0000", "UTC"),
        told.helo,
    )
}

/// A complaint in the Abuse Reporting Format (RFC 5965) about `message`, as the complainer's server received it.
pub fn arf(told: Told<'_>, reporter: &str, customer: &str, sender: &str, message: &str) -> String {
    format!(
        "From: <feedback@{reporter}>\nDate: {1}\nSubject: FW: complaint about mail from {0}\nTo: <{customer}>\nMIME-Version: 1.0\n\
         Message-ID: <fbl-{2}@{reporter}>\nContent-Type: multipart/report; report-type=feedback-report;\n boundary=\"part-{2}\"\n\n\
         --part-{2}\nContent-Type: text/plain; charset=\"US-ASCII\"\nContent-Transfer-Encoding: 7bit\n\n\
         This is an email abuse report for an email message received from IP\n{0} on {3}.\nFor more information about this format please see RFC 5965.\n\n\
         --part-{2}\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Feedback/2.4\nVersion: 1\nOriginal-Mail-From: <{sender}>\n\
         Arrival-Date: {3}\nReported-Domain: {4}\nSource-IP: {0}\n\n\
         --part-{2}\nContent-Type: message/rfc822\nContent-Disposition: inline\n\n{message}\n--part-{2}--\n",
        told.address,
        show(told.seen + SignedDuration::from_mins(210), "%a, %d %b %Y %H:%M:%S +0000", "UTC"),
        told.seen.as_second(),
        show(told.seen, "%a, %d %b %Y %H:%M:%S +0000", "UTC"),
        sender.rsplit('@').next().unwrap_or_default(),
    )
}

/// An answer of Spamhaus's intelligence API about one address.
pub fn intelligence(told: Told<'_>, dataset: &str, heuristic: &str) -> String {
    let seen = told.seen.as_second();
    let helo =
        if told.helo.is_empty() { String::new() } else { format!("\"helo\":\"{}\",", told.helo) };
    format!(
        "{{\"code\":200,\"results\":[{{\"ipaddress\":\"{}\",\"dataset\":\"{dataset}\",\"listed\":{},\"valid_until\":{},\"heuristic\":\"{heuristic}\",{helo}\"seen\":{seen},\"dstport\":25}}]}}\n",
        told.address,
        seen + 190,
        seen + 3 * 86_400,
    )
}

/// The Spamhaus checker's page with a HELO and its time.
pub fn checker(told: Told<'_>) -> String {
    format!(
        "{0} has been found on the Exploits Blocklist (XBL)\n\nWhy was this IP listed?\n\n\
         {0} is making SMTP connections that indicate it is misconfigured.\n\nThe most recent detection:\n(IP, UTC timestamp, HELO value)\n{0} {1} {2}\n",
        told.address,
        show(told.seen, "%Y-%m-%d %H:%M:%S", "UTC"),
        told.helo,
    )
}
