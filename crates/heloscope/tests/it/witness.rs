//! The server of `one_address` under `heloscope record`: each sender is named, down to script and inside address, and the Postfix
//! beside them is nobody but Postfix.

use crate::one_address::{
    BOT, CONTAINER, CRON_SCRIPT, EXCHANGER, IN_TUNNEL, LAPTOP, LAPTOP_MAC, PHP, ROOT, SCRIPT,
    SERVER, Scene, VICTIM,
};
use crate::record::Recording;
use lab::clock;
use lab::host::Host;
use serde_json::Value;
use std::path::Path;

#[test]
fn each_sender_behind_one_address_is_named() {
    let Some(scene) = Scene::or_why_not() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("record");
    let Some(recording) = Recording::within(scene.server.pid(), &store) else { return };
    crate::watch_story::play(&scene);
    clock::pause(1.5);
    recording.end();

    let lines = crate::record::lines(&store);
    let of_host = |host: &Host| {
        let netns = scene.netns(host);
        lines.iter().filter(move |l| l["event"] == "connection" && l["netns"] == netns)
    };
    let own: Vec<&Value> = of_host(&scene.server).collect();
    let to_victim: Vec<&&Value> =
        own.iter().filter(|l| l["server"] == format!("{VICTIM}:25").as_str()).collect();

    // The planted script under php-fpm: by its file, and by the pool's user.
    let php = the_one(&to_victim, |l| text(&l["process"]["exe"]).contains("php-fpm"));
    assert_eq!(php["script"], SCRIPT, "{php:#}");
    assert_eq!(php["process"]["uid"], uid(&scene.server, "kiosksite"));

    // The script that cron started, whatever it calls itself.
    let perl = the_one(&to_victim, |l| l["script"] == CRON_SCRIPT);
    assert_eq!(perl["process"]["comm"], "/usr/sbin/apach", "{perl:#}");
    assert!(text(&perl["process"]["exe"]).starts_with("/usr/bin/perl"), "{perl:#}");
    let ancestors: Vec<&str> =
        perl["ancestors"].as_array().unwrap().iter().map(|a| text(&a["comm"])).collect();
    assert!(ancestors.contains(&"cron"), "{perl:#}");

    // The bot that runs as Postfix's user, and is none of its programs.
    let postfix = uid(&scene.server, "postfix");
    let bot = the_one(&to_victim, |l| l["process"]["uid"] == postfix);
    assert_eq!(bot["process"]["exe"], BOT, "{bot:#}");

    // The tunnel: sshd, with the rights of the account.
    let wartung = uid(&scene.server, "wartung");
    let tunnel = the_one(&to_victim, |l| l["process"]["uid"] == wartung);
    assert!(text(&tunnel["process"]["exe"]).ends_with("/sshd"), "{tunnel:#}");
    assert_eq!(to_victim.len(), 4, "nobody else wrote there: {to_victim:#?}");

    // Postfix is Postfix: every letter, and nobody else at the exchanger.
    let letters: Vec<&&Value> =
        own.iter().filter(|l| l["server"] == format!("{EXCHANGER}:25").as_str()).collect();
    assert!(letters.len() >= 2, "{own:#?}");
    for letter in letters {
        assert_eq!(letter["process"]["exe"], "/usr/lib/postfix/sbin/smtp", "{letter:#}");
        assert_eq!(letter["process"]["uid"], postfix);
    }

    // What passed through, with who stands behind it.
    let passing = |client: &str| {
        let of_client = |l: &&Value| {
            l["event"] == "passing" && text(&l["client"]).starts_with(&format!("{client}:"))
        };
        let found: Vec<&Value> = lines.iter().filter(of_client).collect();
        assert_eq!(found.len(), 1, "{client}: {lines:#?}");
        assert_eq!(found[0]["server"], format!("{VICTIM}:25").as_str());
        assert!(text(&found[0]["translated"]).starts_with(SERVER), "{:#}", found[0]);
        found[0].clone()
    };
    assert_eq!(passing(LAPTOP)["mac"], LAPTOP_MAC);
    passing(CONTAINER);
    passing(IN_TUNNEL);
    // A container's processes are this kernel's own: named as well.
    let inside: Vec<&Value> = of_host(&scene.app).collect();
    assert!(
        matches!(inside[..], [one] if text(&one["process"]["exe"]).contains("perl")),
        "{inside:#?}"
    );

    the_record_answers_the_notice(&scene, php, &lines, folder.path());
    crate::guard_story::play(&scene);
}

/// The administrator has the notice, his mail log, his web root and the record, and no capture: the script is named.
fn the_record_answers_the_notice(scene: &Scene, php: &Value, lines: &[Value], folder: &Path) {
    let evidence = folder.join("evidence");
    // His kernel knows the server and its container; the others are machines of their own here, too.
    let seen = [scene.netns(&scene.server), scene.netns(&scene.app)];
    let until = text(&php["start"]);
    let his: String = lines
        .iter()
        .filter(|l| {
            l["event"] != "connection" || l["netns"].as_u64().is_some_and(|n| seen.contains(&n))
        })
        .filter(|l| l["start"].as_str().or(l["time"].as_str()).is_none_or(|at| at <= until))
        .map(|l| format!("{l}\n"))
        .collect();
    let notice = format!(
        "IP Address {SERVER} is listed in the CBL. It was last detected at {} UTC (+/- 5 minutes). This host HELOed as [127.0.0.1]\n",
        until.get(..16).unwrap().replace('T', " ")
    );
    let site = format!(
        "addresses = [\"{SERVER}\"]\nmta = [\"postfix\"]\nhelo = [\"mail.kiosk.example\"]\n"
    );
    let files = [
        ("notice.txt", notice.into_bytes()),
        ("record.jsonl", his.into_bytes()),
        ("mail.log", scene.server.read("/var/log/mail.log").unwrap()),
        ("access.log", scene.server.read("/var/log/apache2/kiosk.log").unwrap()),
        ("site.toml", site.into_bytes()),
        (&format!("{ROOT}/index.php")[1..], b"<?php echo 'Kiosk';".to_vec()),
        (&SCRIPT[1..], PHP.as_bytes().to_vec()),
    ];
    for (name, content) in files {
        let path = evidence.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let answer = crate::investigate(&[&evidence]);
    assert_eq!(answer["causes"][0]["culprit"]["value"], SCRIPT, "{answer:#}");
    assert_eq!(answer["causes"].as_array().unwrap().len(), 1, "{answer:#}");
    assert_eq!(answer["causes"][0]["class"], "compromised-site", "{answer:#}");
}

/// The only one.
fn the_one<'l>(lines: &[&&'l Value], is_it: impl Fn(&Value) -> bool) -> &'l Value {
    let found: Vec<&&&Value> = lines.iter().filter(|l| is_it(l)).collect();
    assert_eq!(found.len(), 1, "{lines:#?}");
    found[0]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn uid(host: &Host, name: &str) -> u64 {
    String::from_utf8(host.sh(&format!("id -u {name}")).unwrap()).unwrap().trim().parse().unwrap()
}
