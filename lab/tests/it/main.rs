//! A minimal world end to end: one Postfix, one exchanger, one mail; the line stands in the log and the mail arrived.
//! Needs root; says so and passes where there is none.

use lab::capture;
use lab::chance::Chance;
use lab::clock;
use lab::dns::Zone;
use lab::internet::Internet;
use lab::mta::Mta;
use lab::sink::Manner;
use lab::timeline::Timeline;
use lab::world::World;

const PROVIDERS: &[lab::internet::Provider] =
    &[(&["faraway.example"], &[(10, "mx.faraway.example", "198.51.100.20", Manner::Tls)])];

#[test]
fn a_mail_leaves_and_arrives() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let world = World::new().unwrap();
    let mut zone = Zone::default();
    zone.host("mail.near.example", "203.0.113.25");
    let internet = Internet::build(&world, zone, PROVIDERS).unwrap();
    let server = world.public("mail", "203.0.113.25", "UTC").unwrap();
    Mta {
        hostname: "mail.near.example",
        domains: "near.example",
        settings: "mydomain = near.example\n",
        ..Mta::default()
    }
    .start(&server)
    .unwrap();
    let wire = capture::pcap(&server, "eth0", "tcp port 25", "it.pcap").unwrap();
    let mut line = Timeline::default();
    line.at(
        0.2,
        &server,
        "mail",
        &["sendmail", "-f", "me@near.example", "-i", "you@faraway.example"],
        "Subject: hello\n\nhello\n",
    );
    let played = line.play("it", 2.0).unwrap();
    assert_eq!(played.moments.len(), 1);
    capture::end(&server, &wire).unwrap();

    let log = String::from_utf8(server.read("/var/log/mail.log").unwrap()).unwrap();
    let sent = log
        .lines()
        .find(|line| line.contains("status=sent"))
        .unwrap_or_else(|| panic!("no delivery in:\n{log}"));
    assert!(
        sent.contains("to=<you@faraway.example>, relay=mx.faraway.example[198.51.100.20]:25"),
        "{sent}"
    );
    let far = internet.exchanger("mx.faraway.example").unwrap();
    let arrived = far.sh("cat /var/vmail/box/new/*").unwrap();
    assert!(String::from_utf8_lossy(&arrived).contains("Subject: hello"));
    let packets = server.read(&wire.path).unwrap();
    assert!(packets.len() > 1000, "{} bytes captured", packets.len());
    // Each host has its own names, files and clock.
    assert_eq!(server.sh("hostname").unwrap(), b"mail\n");
    assert!(!far.inside("/var/tmp/it.pcap").exists());
    let first = server.pid();
    drop((server, far));
    clock::pause(0.3);
    assert!(
        !std::path::Path::new(&format!("/proc/{first}/root/etc")).exists(),
        "its processes end with the host"
    );
}

#[test]
fn every_story_has_its_own_name() {
    let mut names: Vec<&str> = lab::stories::ALL.iter().map(|story| story.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(
        lab::stories::record("no such story", std::path::Path::new("/nowhere"), 1, None).is_err()
    );
}

#[test]
fn chance_is_repeatable_and_spread() {
    let arrivals = Chance::new(7).arrivals(2.0, 0.0, 6000.0);
    assert_eq!(arrivals, Chance::new(7).arrivals(2.0, 0.0, 6000.0));
    assert!((150..250).contains(&arrivals.len()), "{}", arrivals.len());
    assert!(arrivals.is_sorted());
    let scattered = Chance::new(9).scatter(50, 10.0, 20.0);
    assert!(scattered.is_sorted() && scattered.iter().all(|at| (10.0..20.0).contains(at)));
}

#[test]
fn every_kind_of_sender_is_told_apart_and_has_its_source() {
    use lab::senders::kinds::{self, Configured, Place};
    let kinds = kinds::all().unwrap();
    for by in [|kind: &kinds::Kind| kind.name.clone(), |kind: &kinds::Kind| kind.address.clone()] {
        let mut all: Vec<String> = kinds.iter().map(by).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), kinds.len());
    }
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("senders");
    for kind in &kinds {
        let (file, says_why) = match kind.configured {
            Configured::Bot => (format!("bots/{}.py", kind.program), "FIELD.md"),
            _ => (format!("programs/{}.sh", kind.program), "version()"),
        };
        let text = std::fs::read_to_string(sources.join(&file)).unwrap_or_default();
        assert!(text.contains(says_why), "{file}");
        // Well configured means: nothing speaks against it, and its name is the address's.
        let well = kind.configured == Configured::Well;
        assert_eq!(kind.detectors.is_empty(), well, "{}", kind.name);
        assert!(!well || kind.ptr.as_deref() == Some(kind.says.as_str()), "{}", kind.name);
        assert_eq!(kind.bad.is_empty(), kind.configured != Configured::Badly, "{}", kind.name);
    }
    let well = kinds.iter().filter(|kind| kind.configured == Configured::Well).count();
    let beside = kinds.iter().filter(|kind| kind.place == Place::BesidePostfix).count();
    assert!(well >= 25 && beside >= 12, "{well} programs, {beside} dialects");
}

#[test]
fn the_kept_recording_of_senders_is_whole_and_small() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../recordings/senders");
    let kinds = lab::senders::told::read(&folder).unwrap();
    let bytes: u64 =
        kinds.iter().map(|kind| std::fs::metadata(folder.join(&kind.capture)).unwrap().len()).sum();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    let count = |word: &str| kinds.iter().filter(|kind| kind.configured == word).count();
    assert!(count("well") >= 25 && count("badly") >= 15 && count("bot") >= 24, "{}", kinds.len());
    assert!(kinds.iter().all(|kind| !kind.version.is_empty()));
}
