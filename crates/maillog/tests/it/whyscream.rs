//! Every line of whyscream's Postfix patterns: the fields they must give are the fields we give.

use crate::collect::{Collect, read};
use crate::corpus;
use heloscope_maillog::{Mail, Origin, Status};
use std::collections::BTreeMap;

struct Case {
    name: String,
    service: &'static str,
    data: String,
    want: BTreeMap<String, String>,
}

/// Daemons by pattern name; patterns of parts of a line have none.
fn service(pattern: &str) -> Option<&'static str> {
    let name = pattern.trim_matches(|c: char| !c.is_ascii_uppercase() && c != '_');
    Some(match name.strip_prefix("POSTFIX_")? {
        "ANVIL" => "anvil",
        "BOUNCE" => "bounce",
        "CLEANUP" => "cleanup",
        "DISCARD" => "discard",
        "DNSBLOG" => "dnsblog",
        "ERROR" => "error",
        "LMTP" => "lmtp",
        "LOCAL" => "local",
        "MASTER" => "master",
        "PICKUP" => "pickup",
        "PIPE" => "pipe",
        "POSTDROP" => "postdrop",
        "POSTMAP" => "postmap",
        "POSTSCREEN" => "postscreen",
        "POSTSUPER" => "postsuper",
        "QMGR" => "qmgr",
        "SCACHE" => "scache",
        "SCRIPT" => "postfix-script",
        "SENDMAIL" => "sendmail",
        "SMTP" => "smtp",
        "SMTPD" => "smtpd",
        "TLSMGR" => "tlsmgr",
        "TLSPROXY" => "tlsproxy",
        "TRIVIAL_REWRITE" => "trivial-rewrite",
        "VERIFY" => "verify",
        "VIRTUAL" => "virtual",
        _ => return None,
    })
}

/// The few lines of YAML these files are: `key: value`, quoted or not, and indented results.
fn parse(name: &str, text: &str) -> Option<Case> {
    let mut case =
        Case { name: name.into(), service: "", data: String::new(), want: BTreeMap::new() };
    let mut known = false;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':').filter(|_| !line.trim().starts_with('#'))
        else {
            continue;
        };
        let value = unquote(value.trim());
        match key {
            "pattern" => {
                known = service(&value).map(|s| case.service = s).is_some();
            }
            "data" => case.data = value,
            _ if key.starts_with(' ') => {
                case.want.insert(key.trim().into(), value);
            }
            _ => {}
        }
    }
    known.then_some(case)
}

/// The log line of a case, its mail opened before it; empty for patterns of parts of a line.
pub(crate) fn line_of(path: &str, text: &str) -> String {
    let Some(case) = parse(path, text).filter(|_| path.ends_with(".yaml")) else {
        return String::new();
    };
    format!("Nov 24 03:40:01 mx postfix/{}[2]: {}\n", case.service, case.data)
}

fn unquote(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) else {
        return value.into();
    };
    // \r and \n stand for the two characters: a log line holds no line ends.
    inside.replace("\\\"", "\"")
}

/// `from=<a> to=<b> proto=ESMTP helo=<c>` and `to=<a>, relay=b, …` as pairs.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for field in text.split_inclusive([' ', ',']) {
        if let Some((key, value)) = field.split_once('=') {
            let value = value.trim_end_matches([',', ' ']).trim_matches(['<', '>']);
            found.insert(key.trim().to_string(), value.to_string());
        }
    }
    found
}

fn check_delivery(case: &Case, mail: &Mail) {
    let [d] = mail.deliveries.as_slice() else { panic!("{}: {mail:?}", case.name) };
    let fields = pairs(&case.want["postfix_keyvalue_data"]);
    let name = &case.name;
    assert_eq!(d.to.to_string(), fields["to"], "{name}");
    assert_eq!(d.orig_to.as_ref().map(|o| o.to_string()), fields.get("orig_to").cloned(), "{name}");
    assert_eq!(d.dsn.to_string(), fields["dsn"], "{name}");
    assert_eq!(d.agent.to_string(), case.service, "{name}");
    let delays: Vec<f32> = fields["delays"].split('/').map(|d| d.parse().unwrap()).collect();
    assert_eq!(d.delays.unwrap().as_slice(), delays, "{name}");
    let mut relay = d.relay_name.to_string();
    if let (Some(ip), Some(port)) = (d.relay_ip, d.relay_port) {
        relay += &format!("[{ip}]:{port}");
    }
    assert!(fields["relay"].starts_with(&relay), "{name}: {relay}");
    let status = match case.want.get("postfix_status").map_or("sent", |s| s) {
        "sent" => Status::Sent,
        "deferred" => Status::Deferred,
        "bounced" => Status::Bounced,
        _ => Status::Other,
    };
    assert_eq!(d.status, status, "{name}");
    if let Some((_, reply)) = case.want.iter().find(|(key, _)| key.ends_with("_response")) {
        assert_eq!(&d.reply.to_string(), reply, "{name}");
    }
}

fn check_refusal(case: &Case, out: &Collect) {
    let [reject] = out.rejects.as_slice() else { panic!("{}: no refusal", case.name) };
    let name = &case.name;
    let want = |key: &str| case.want.get(key);
    if let Some(ip) = want("postfix_client_ip") {
        assert_eq!(&reject.ip.unwrap().to_string(), ip, "{name}");
    }
    if let Some(stage) = want("postfix_smtp_stage") {
        assert_eq!(&reject.stage.to_string(), stage, "{name}");
    }
    for key in [
        "postfix_status_code",
        "postfix_status_code_enhanced",
        "postfix_status_data",
        "postfix_status_message",
        "postfix_postscreen_toobusy_data",
    ] {
        if let Some(part) = want(key) {
            assert!(reject.text.to_string().contains(part), "{name}: {key} in {}", reject.text);
        }
    }
    if let Some(fields) = want("postfix_keyvalue_data").map(|text| pairs(text)) {
        let given = [("from", &reject.from), ("to", &reject.to), ("helo", &reject.helo)];
        for (key, value) in given {
            assert_eq!(
                value.as_ref().map(|v| v.to_string()),
                fields.get(key).cloned(),
                "{name} {key}"
            );
        }
    }
}

/// What a line must give beside being understood; false where it gives nothing of its own.
fn check(case: &Case, out: &Collect, mail: Option<&Mail>) -> bool {
    let name = &case.name;
    let want = |key: &str| case.want.get(key);
    let refused =
        matches!(want("postfix_action").map(|s| s.as_str()), Some("reject" | "milter-reject"))
            || want("postfix_milter_result").is_some_and(|r| r == "reject")
            || case.data.contains("NOQUEUE: reject:");
    if case.data.contains("to=") && case.data.contains("status=") {
        check_delivery(case, mail.expect(name));
    } else if refused {
        check_refusal(case, out);
    } else if let Some(result) = want("postfix_milter_result") {
        assert_eq!(
            mail.expect(name).cleanup_action,
            Some(format!("milter-{result}").as_str().into())
        );
    } else if let Some(child) = want("postfix_bounce_queueid") {
        let [link] = out.links.as_slice() else { panic!("{name}: no link") };
        assert_eq!(&link.child.to_string(), child);
        assert_eq!(Some(&link.parent.to_string()), want("postfix_queueid"));
    } else if let Some(id) = want("postfix_message-id") {
        let given = mail.expect(name).message_id.as_ref().expect(name).to_string();
        assert_eq!(given.trim_start_matches('<').trim_end_matches('>'), id, "{name}");
    } else if case.service == "pickup" {
        let origin = Origin::Local { uid: 0, from: "fail2ban".into() };
        assert_eq!(mail.expect(name).origin, origin);
    } else if case.data.contains("client=") {
        let Origin::Client { name: host, ip, .. } = &mail.expect(name).origin else { panic!() };
        assert!(case.data.ends_with(&format!("client={host}[{}]", ip.unwrap())), "{name}");
    } else if case.data.contains(" SASL LOGIN authentication failed") && case.service == "smtpd" {
        let [login] = out.logins.as_slice() else { panic!("{name}: no login") };
        assert_eq!(Some(login.ip.unwrap().to_string()).as_ref(), want("postfix_client_ip"));
        assert_eq!(Some(login.name.to_string()).as_ref(), want("postfix_client_hostname"));
        assert!(!login.success);
    } else if case.service == "qmgr" && case.data.contains("size=") {
        let fields = pairs(&case.want["postfix_keyvalue_data"]);
        let mail = mail.expect(name);
        assert_eq!(mail.from.as_ref().unwrap().to_string(), fields["from"]);
        assert_eq!(mail.size.unwrap().to_string(), fields["size"]);
        assert_eq!(mail.recipients.unwrap().to_string(), fields["nrcpt"]);
    } else if case.data.contains("status=expired") {
        assert!(mail.expect(name).expired, "{name}");
    } else if case.data.ends_with(": removed") {
        assert!(mail.expect(name).complete, "{name}");
    } else if case.service == "smtp"
        && want("postfix_relay_hostname").is_some()
        && want("postfix_tls_trustlevel").is_none()
        && want("postfix_tls_error").is_none()
        && want("postfix_pix_workaround").is_none()
    {
        let [attempt] = out.attempts.as_slice() else { panic!("{name}: no attempt") };
        assert_eq!(Some(attempt.relay_name.to_string()).as_ref(), want("postfix_relay_hostname"));
        assert_eq!(Some(attempt.relay_ip.unwrap().to_string()).as_ref(), want("postfix_relay_ip"));
        assert_eq!(attempt.port.map(|p| p.to_string()).as_ref(), want("postfix_relay_port"));
        let id = attempt.queue_id.as_ref().map(|id| id.to_string());
        assert_eq!(id.as_ref(), want("postfix_queueid"), "{name}");
    } else {
        return false;
    }
    true
}

#[test]
fn fields() {
    let Some(files) = corpus::untar("logs/whyscream/whyscream-tests.tar.xz") else { return };
    let cases: Vec<Case> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".yaml"))
        .filter_map(|(path, text)| parse(path, &String::from_utf8_lossy(text)))
        .collect();
    assert!(cases.len() > 170, "{}", cases.len());
    let mut checked = 0;
    for case in &cases {
        let id = case.want.get("postfix_queueid").filter(|id| *id != "NOQUEUE");
        let opens = case.data.contains("client=") || case.service == "pickup";
        let mut log = String::new();
        if let Some(id) = id.filter(|_| !opens) {
            log += &format!(
                "Nov 24 03:40:00 mx postfix/smtpd[1]: {id}: client=seed.example.org[192.0.2.99]\n"
            );
        }
        log += &format!("Nov 24 03:40:01 mx postfix/{}[2]: {}\n", case.service, case.data);
        let (out, report) = read(log.as_bytes(), 1);
        assert_eq!(
            report.understood, report.lines,
            "{}: {} {:?}",
            case.name, case.data, report.notes
        );
        let mail = id.and_then(|id| out.mails.iter().find(|m| m.queue_id.to_string() == *id));
        checked += u32::from(check(case, &out, mail));
    }
    println!("{} lines understood, the fields of {checked} compared", cases.len());
    assert!(checked >= 65, "{checked}");
}
