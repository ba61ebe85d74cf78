//! The server of `one_address` under `heloscope watch`: the story of the first notice, seen as it happens. Postfix sends, and no word
//! falls about it; a stranger calls a script of the site, which speaks to a mail server past Postfix as `[127.0.0.1]`, and the webhook
//! names that script within five seconds of its first connection. So it goes with all who send behind the address.
//!
//! All hosts of the lab and all tests share one kernel, and the recorder sees them all: what is held against the server's story is
//! what its proof says comes from its addresses. `witness` plays it, and looks at what `record` beside it kept.

#![allow(clippy::disallowed_methods, reason = "the test holds seconds against the clock")]

use crate::one_address::{
    BOT, CONTAINER, CRON_SCRIPT, EXCHANGER, IN_TUNNEL, LAPTOP, LAPTOP_MAC, SCRIPT, SERVER, Scene,
};
use crate::watch::{Watching, hook};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How soon the culprit is to be named.
const SOON: Duration = Duration::from_secs(5);

/// All send, one after the other, and are told of within seconds: everybody but Postfix.
pub(crate) fn play(scene: &Scene) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let server = scene.server.pid();
    // An earlier answer named the script, and one that sends no more.
    let cause = |script: &str| {
        format!(
            r#"{{"class":"compromised-site","path":"past-mta","culprit":{{"kind":"script","value":"{script}"}}}}"#
        )
    };
    let answer = format!(
        r#"{{"format":"heloscope.investigation/1","coverage":[{{"last":"2026-01-01T00:00:00Z"}}],"causes":[{},{}]}}"#,
        cause(SCRIPT),
        cause("/var/www/kiosk/index.php")
    );
    std::fs::write(folder.path().join("answer.json"), answer).unwrap();
    let (hooked, posted) = hook(Some(server));
    let config = format!(
        "state = \"{at}/state\"\nlogs = [\"/proc/{server}/root/var/log/mail.log\"]\n\
         [mta]\nqueue = \"/proc/{server}/root/var/spool/postfix\"\n\
         [[fixed]]\nanswer = \"{at}/answer.json\"\n[webhook]\nurl = \"http://{hooked}/\"\ntoken = \"{at}/token\"\n"
    );
    let watching = Watching::within(server, folder.path(), &config);
    assert!(!watching.said.iter().any(|s| s.contains("are not seen")), "{:?}", watching.said);

    // Nothing but the mail server: nothing to tell, and its name is learnt.
    scene.letter("ole@nordpost.example");
    let status = watching.until("the letter is Postfix's", |status| {
        status["day"]["sent"] == 1 && sessions_to(status, EXCHANGER).next().is_some()
    });
    assert!(sessions_to(&status, EXCHANGER).all(|s| s["standing"]["is"] == "mta"), "{status:#}");
    assert_eq!(ours(&status), Vec::<&Value>::new());

    // The script: named by its file, within seconds, with the name by which lists know it.
    let begun = Instant::now();
    scene.call_the_script();
    let (when, alert) = told(&posted, "past-the-mta", SCRIPT);
    println!("the script is named {} ms after it was called", (when - begun).as_millis());
    assert!(when - begun < SOON, "{:?}", when - begun);
    let proof = alert["proof"].to_string();
    for word in ["php-fpm", "192.0.2.44:25", SERVER] {
        assert!(proof.contains(word), "{word}: {alert:#}");
    }
    let (_, alert) = told(&posted, "foreign-helo", "[127.0.0.1]");
    assert!(alert["proof"].to_string().contains(SCRIPT), "{alert:#}");

    // The rest of them, and a letter of Postfix's in their midst.
    scene.the_others();
    scene.letter("bertha@nordpost.example");
    let machines = [CONTAINER, IN_TUNNEL, LAPTOP].map(|inside| format!("machine {inside}"));
    let came_back = format!("the script {SCRIPT}");
    let mut want: BTreeSet<(&str, &str)> = [
        ("past-the-mta", SCRIPT),
        ("fix-undone", &came_back),
        ("foreign-helo", "[127.0.0.1]"),
        ("past-the-mta", CRON_SCRIPT),
        ("foreign-exe", BOT),
        ("past-the-mta", "/usr/sbin/sshd"),
    ]
    .into();
    want.extend(machines.iter().map(|machine| ("past-the-mta", machine.as_str())));
    let is_of = |alert: &Value, (rule, who): &(&str, &str)| {
        alert["rule"] == *rule && subject(alert).split(" (uid").next() == Some(who)
    };
    let status = watching.until("all are named", |status| {
        let ours = ours(status);
        want.iter().all(|one| ours.iter().any(|alert| is_of(alert, one)))
            && sessions_to(status, EXCHANGER).count() >= 2
    });
    for alert in ours(&status) {
        // Processes of the container and of the machines behind are this kernel's own too, and what is said through the
        // tunnel may be heard.
        let beside = subject(alert).starts_with("/usr/bin/perl") || subject(alert) == "x";
        assert!(beside || want.iter().any(|one| is_of(alert, one)), "{alert:#}");
    }
    let laptop = status["open"].as_array().unwrap().iter().find(|a| subject(a) == machines[2]);
    assert!(laptop.unwrap()["proof"].to_string().contains(LAPTOP_MAC), "{laptop:#?}");

    // Postfix in the midst of it: each of its connections is its own, nobody is told of it.
    assert!(sessions_to(&status, EXCHANGER).all(|s| s["standing"]["is"] == "mta"), "{status:#}");
    for (_, said) in posted.try_iter().filter(|(_, said)| is_ours(&said["alert"])) {
        assert!(!said["text"].to_string().contains("/usr/lib/postfix"), "{said:#}");
        assert!(!said["alert"]["proof"].to_string().contains(EXCHANGER), "{said:#}");
        let again = said["event"] == "raised" && subject(&said["alert"]).starts_with(SCRIPT);
        assert!(!again || said["alert"]["rule"] != "past-the-mta", "told once: {said:#}");
    }
    assert!(watching.get("/").contains(SCRIPT));
    watching.end();
}

/// Waits for what is posted of somebody.
fn told(posted: &Receiver<(Instant, Value)>, rule: &str, who: &str) -> (Instant, Value) {
    loop {
        let (when, said) = posted.recv_timeout(Duration::from_secs(20)).unwrap();
        if said["alert"]["rule"] == rule && subject(&said["alert"]).starts_with(who) {
            return (when, said["alert"].clone());
        }
    }
}

/// Alerts whose proof is of this server's addresses.
fn ours(status: &Value) -> Vec<&Value> {
    status["open"].as_array().unwrap().iter().filter(|alert| is_ours(alert)).collect()
}

fn is_ours(alert: &Value) -> bool {
    let proof = alert["proof"].to_string();
    let mut from = [SERVER, CONTAINER, LAPTOP, IN_TUNNEL].iter();
    from.any(|address| proof.contains(&format!("{address}:")))
}

fn sessions_to<'s>(status: &'s Value, server: &str) -> impl Iterator<Item = &'s Value> {
    let server = format!("{server}:25");
    let all = status["sessions"].as_array().unwrap().iter();
    all.filter(move |session| session["server"] == server.as_str())
}

fn subject(alert: &Value) -> &str {
    alert["subject"].as_str().unwrap_or_default()
}
