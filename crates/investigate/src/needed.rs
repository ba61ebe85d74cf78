//! What would settle what is open: the missing evidence, and the exact command that collects it.

use crate::answer::{Class, Needed};
use crate::case::Case;
use crate::hypotheses::Hypothesis;
use heloscope_evidence::Kind;
use heloscope_evidence::facts::Vantage;

/// What to collect, the most telling first.
pub(crate) fn needed(case: &Case<'_>, causes: &[Hypothesis]) -> Vec<Needed> {
    let mut wanted = Vec::new();
    let mut want = |what: &str, how: String| {
        wanted.push(Needed { what: what.to_owned(), how });
    };
    if let Some(cause) = causes.first() {
        for_a_cause(case, cause, &mut want);
        return wanted;
    }
    if case.incident.notices.is_empty() {
        want(
            "the list's notice: it names the time, the HELO and the kind of detection",
            "save the text of the list's look-up page for your address as notice.txt".to_owned(),
        );
    }
    for notice in &case.incident.notices {
        if let (Some(dst), Some(port)) = (notice.dst, notice.dst_port) {
            want(
                &format!(
                    "which machine contacted {dst} port {port}: this listing is for malware calling \
                     home, it has nothing to do with mail"
                ),
                format!(
                    "tcpdump -ni any -w beacon.pcap 'host {dst}'   (on the gateway; and: conntrack -E -d {dst})"
                ),
            );
        }
    }
    if case.covers_window(Kind::Capture) != Some(true) {
        let behind_nat = !case.facts.site.networks.is_empty()
            || case.gathered.outbound.iter().any(|s| s.inside.is_some());
        let where_ = if behind_nat { "on the gateway" } else { "on the mail server" };
        want(
            &format!(
                "a recording of mail connections {where_} that covers the next detection \
                 (a list that lists again gives a new time)"
            ),
            "tcpdump -ni any -s 0 -w smtp-%Y%m%d-%H.pcap -G 3600 'tcp port 25 or tcp port 465 or \
             tcp port 587'"
                .to_owned(),
        );
    }
    if case.covers_window(Kind::MailLog) != Some(true) {
        want(
            "the mail log of the time the notice names",
            "cp /var/log/mail.log* .   (or: journalctl -u 'postfix*' -o short-iso > mail.log)"
                .to_owned(),
        );
    }
    if case.facts.site.vantage != Some(Vantage::Host)
        && case.covers_window(Kind::Connections) != Some(true)
        && case.covers_window(Kind::Capture) != Some(true)
    {
        want(
            "which machine behind the gateway opens connections to port 25",
            "nft insert rule inet filter forward tcp dport 25 ct state new log prefix '\"SMTP-OUT \"'   \
             (then: journalctl -k | grep SMTP-OUT)"
                .to_owned(),
        );
    }
    let on_host = case.past_mta_on_host();
    if !on_host.is_empty() {
        if !case.has(Kind::Processes) || case.gathered.connections.is_empty() {
            want(
                "the process behind sessions that the mail server did not make",
                "while true; do ss -tnpH '( dport = :25 )'; sleep 0.2; done | tee ss.txt   \
                 (and: ps auxww > ps.txt)"
                    .to_owned(),
            );
        }
        if !case.has(Kind::WebLog) {
            want(
                "the web server's access log of the same time",
                "cp /var/log/apache2/*access.log* /var/log/nginx/*access.log* .".to_owned(),
            );
        }
        if !case.has(Kind::WebRoot) {
            want(
                "the files of the web sites",
                "tar -C / -cf - var/www | tar -xf - -C evidence/   (keeps the times of the files)"
                    .to_owned(),
            );
        }
    }
    if wanted.is_empty() {
        wanted.push(Needed {
            what: "a recording over the whole time of the next detection, at the place where all mail \
                   connections leave: what was given for this time explains every session in it"
                .to_owned(),
            how: "tcpdump -ni any -s 0 -w smtp-%Y%m%d-%H.pcap -G 3600 'tcp port 25 or tcp port 465 or \
                  tcp port 587'"
                .to_owned(),
        });
    }
    wanted
}

fn for_a_cause(case: &Case<'_>, cause: &Hypothesis, want: &mut impl FnMut(&str, String)) {
    match cause.class {
        Class::NatClient if cause.culprit.is_none() => want(
            "which machine it is: a recording on the inside of the gateway",
            "tcpdump -ni LAN-INTERFACE -s 0 -w inside.pcap 'tcp dst port 25'".to_owned(),
        ),
        Class::NatClient if case.facts.leases.is_empty() => want(
            "whose machine has that address",
            "cat /var/lib/misc/dnsmasq.leases   (or /var/lib/dhcp/dhcpd.leases)".to_owned(),
        ),
        Class::CompromisedSite if !case.has(Kind::WebRoot) => {
            want("the script itself", "tar -C / -cf - var/www | tar -xf - -C evidence/".to_owned())
        }
        _ => {}
    }
}
