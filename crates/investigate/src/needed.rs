//! What would settle what is open: the missing evidence, and the exact command that collects it on
//! this kind of host: its mail server, gateway or single host, the time the notice names.

use crate::answer::{Class, Needed};
use crate::case::Case;
use crate::hypotheses::Hypothesis;
use heloscope_evidence::Kind;
use heloscope_evidence::facts::Vantage;
use heloscope_model::Time;

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
    if !case.inputs.iter().any(|i| is_of_the_host(i.kind) && i.records > 0) {
        let when = around(case).map(|at| format!(" --around '{at}'")).unwrap_or_default();
        want(
            "everything this host can show at once (it only reads; see what it took before you hand it on)",
            format!(
                "heloscope collect{when} --out bundle.tar.gz   (or where it is not installed: heloscope \
                 collect --script | ssh root@HOST sh -s > bundle.tar.gz)"
            ),
        );
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
        want("the mail log of the time the notice names", mail_log(case));
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
    let on_host = case.past();
    if on_host.is_empty() && !case.gathered.usages.uids.is_empty() && !case.has(Kind::WebRoot) {
        want(
            "the files of the web sites: programs of this host handed in mail, and they show which",
            "tar -C / -cf - var/www | tar -xf - -C evidence/   (keeps the times of the files)"
                .to_owned(),
        );
    }
    if !on_host.is_empty() {
        let noted =
            on_host.sessions.iter().any(|s| s.process.as_ref().is_some_and(|p| p.opener.is_some()));
        if !noted && (!case.has(Kind::Processes) || case.gathered.connections.is_empty()) {
            want(
                "the process behind sessions that the mail server did not make",
                "heloscope record --words   (left running; then give investigate its folder, \
                 /var/lib/heloscope/record. Where it is not installed: while true; do ss -tnpH \
                 '( dport = :25 )'; sleep 0.2; done | tee ss.txt, and: ps auxww > ps.txt)"
                    .to_owned(),
            );
        }
        if !case.has(Kind::WebLog) {
            want(
                "the web server's access log of the same time",
                "cp /var/log/apache2/*access.log* /var/log/nginx/*access.log* .".to_owned(),
            );
        }
        if case.facts.cron.is_empty() {
            want(
                "what cron runs, and what runs now, with parents and times of start",
                "cat /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/* > crontabs.txt; ps -ewwo \
                 pid,ppid,uid,user,lstart,args > ps.txt"
                    .to_owned(),
            );
        }
        if !case.has(Kind::AuthLog) {
            want(
                "who logged in to this host at that time",
                "cp /var/log/auth.log* .   (or /var/log/secure*; or: journalctl -u ssh -o short-iso)"
                    .to_owned(),
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
    wanted.extend(crate::unread::needed(case.facts));
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

/// Whether a kind comes from the host, not from the list or the administrator's head.
fn is_of_the_host(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Notice | Kind::Site | Kind::ListAnswers | Kind::DnsFacts | Kind::Unrecognised
    )
}

/// The instant the first notice names, as `heloscope collect` takes it.
fn around(case: &Case<'_>) -> Option<String> {
    let (index, _) = case.incident.windows.first()?;
    let (at, _) = case.incident.notices.get(*index)?.time?;
    Some(Time::from_secs(at.secs()).rfc3339())
}

/// `2026-11-24 14:30:00 UTC`, as `journalctl` takes it.
fn utc(at: Time) -> String {
    let text = Time::from_secs(at.secs()).rfc3339();
    format!("{} UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// Where this host's mail server logs.
fn mail_log(case: &Case<'_>) -> String {
    let is = |name: &str| case.facts.site.mta.iter().any(|m| m.to_ascii_lowercase().contains(name));
    if is("exim") {
        return "cp /var/log/exim4/mainlog* .   (or /var/log/exim/main.log*)".to_owned();
    }
    let between = match case.incident.windows.first() {
        Some((_, window)) => format!(
            " --since '{}' --until '{}'",
            utc(window.from.plus_secs(-3600.0)),
            utc(window.to.plus_secs(3600.0))
        ),
        None => String::new(),
    };
    let unit = if is("sendmail") { "sendmail" } else { "postfix*" };
    format!(
        "cp /var/log/mail.log* /var/log/maillog* .   (or: journalctl -u '{unit}' -o short-iso{between} > mail.log)"
    )
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
        Class::OpenRelay if case.facts.settings.is_empty() => {
            want("the setting that lets them", "postconf -n > postconf.txt".to_owned());
        }
        Class::TrustedClient if case.facts.leases.is_empty() => want(
            "whose machine has that address",
            "cat /var/lib/misc/dnsmasq.leases   (or /var/lib/dhcp/dhcpd.leases)".to_owned(),
        ),
        Class::OpenProxy if case.gathered.proxies.total == 0 => want(
            "who used the proxy",
            "cp /var/log/squid/access.log* .   (or the proxy's own log)".to_owned(),
        ),
        Class::ShellAccount if !case.has(Kind::AuthLog) => want(
            "from where the account was logged in to",
            "cp /var/log/auth.log* .   (or /var/log/secure*)".to_owned(),
        ),
        Class::CompromisedSite if !case.has(Kind::WebRoot) => {
            want("the script itself", "tar -C / -cf - var/www | tar -xf - -C evidence/".to_owned())
        }
        _ => {}
    }
}
