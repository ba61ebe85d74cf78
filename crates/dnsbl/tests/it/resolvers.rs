//! dig, and resolvers that people have (unbound, dnsmasq) with our port as the zone's server.

use crate::world::{Child, World, dig, listing, own_address, program, wait_for};
use heloscope_dnsbl::{Limits, Outcome, Transport};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

fn world() -> World {
    let long = "A sentence of which every word was weighed by people who had a lot of time for it, and who were paid for each of the words they wrote.";
    let changes = [
        listing("192.0.2.99/32", &[(3, "A trap was hit."), (4, "A bot.")]),
        listing("2001:db8::1/128", &[(4, "A bot on IPv6.")]),
        listing("2001:db8:1111:1111:1111:1111:1111:1111/128", &[(3, long), (4, long)]),
    ];
    World::start(&changes, Limits::default())
}

const SIX: &str = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example.org";
const LARGE: &str =
    "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.8.b.d.0.1.0.0.2.bl.example.org";

#[test]
fn dig_understands_us() {
    let world = world();
    let name = "99.2.0.192.bl.example.org";
    let Some(short) = dig(world.address, &["+short", name, "A"]) else { return };
    assert_eq!(short, "127.0.0.3\n127.0.0.4\n");
    let ask = |arguments: &[&str]| dig(world.address, arguments).unwrap();
    for how in [&["+tcp"][..], &["+noedns"], &["+bufsize=512"], &["+bufsize=4096", "+dnssec"]] {
        assert_eq!(ask(&[how, &["+short", name, "A"]].concat()), short, "{how:?}");
    }
    let texts = ask(&["+short", name, "TXT"]);
    assert!(texts.contains("\"A bot. https://example.org/lookup/192.0.2.99\""), "{texts}");
    assert_eq!(ask(&["+short", SIX, "A"]), "127.0.0.4\n");
    // ANY goes by TCP with dig unless it is told otherwise.
    for how in ["+tcp", "+notcp"] {
        let any = ask(&["+noall", "+answer", how, name, "ANY"]);
        assert_eq!(any.lines().count(), 2, "{any}");
    }
    // Too large for UDP without EDNS: dig sees TC and comes by TCP by itself.
    let large = ask(&["+noedns", LARGE, "TXT"]);
    assert!(
        large.contains("Truncated, retrying in TCP mode") && large.contains("ANSWER: 2"),
        "{large}"
    );
    let ignored = ask(&["+noedns", "+ignore", LARGE, "TXT"]);
    assert!(ignored.contains("flags: qr aa tc;") && ignored.contains("ANSWER: 0"), "{ignored}");
    let nothing = ask(&["98.2.0.192.bl.example.org", "A"]);
    assert!(nothing.contains("status: NXDOMAIN") && nothing.contains("AUTHORITY: 1"), "{nothing}");
    let between = ask(&["2.0.192.bl.example.org", "A"]);
    assert!(between.contains("status: NOERROR") && between.contains("ANSWER: 0"), "{between}");
    for (how, status) in
        [("+edns=1", "BADVERS"), ("+opcode=notify", "NOTIMP"), ("+class=CH", "REFUSED")]
    {
        let how = if how == "+class=CH" { "-cCH" } else { how };
        let refused = ask(&["+noednsnegotiation", how, name, "A"]);
        assert!(refused.contains(&format!("status: {status}")), "{how}: {refused}");
    }
    for warning in [&large, &nothing, &between] {
        assert!(!warning.contains("WARNING") && !warning.contains("malformed"), "{warning}");
    }
}

/// Waits until it answers, then compares what it gives with what we give.
fn asked_through(resolver: SocketAddr, world: &World) {
    let ask = |name: &str, rtype: &str| {
        dig(resolver, &["+recurse", "+short", "+time=2", name, rtype]).unwrap()
    };
    wait_for("an answer of the resolver", || ask("4.0.0.127.bl.example.org", "A") == "127.0.0.4\n");
    let sorted = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(ask("99.2.0.192.bl.example.org", "A")), ["127.0.0.3", "127.0.0.4"]);
    assert_eq!(ask("99.2.0.192.bots.bl.example.org", "A"), "127.0.0.4\n");
    assert_eq!(ask(SIX, "A"), "127.0.0.4\n");
    assert_eq!(sorted(ask("99.2.0.192.bl.example.org", "TXT")).len(), 2);
    assert_eq!(sorted(ask(LARGE, "TXT")).len(), 2);
    let nothing = dig(resolver, &["+recurse", "98.2.0.192.bl.example.org", "A"]).unwrap();
    assert!(nothing.contains("status: NXDOMAIN"), "{nothing}");
    let between = dig(resolver, &["+recurse", "2.0.192.bl.example.org", "A"]).unwrap();
    assert!(between.contains("status: NOERROR") && between.contains("ANSWER: 0"), "{between}");
    assert!(world.counters.answered(Transport::Udp, Outcome::Listed) > 0);
}

/// With query name minimisation: unbound walks down the labels, so NXDOMAIN at a name between would
/// hide what is below (RFC 8020, RFC 9156).
#[test]
fn unbound_walks_down_to_what_is_listed() {
    let Some(unbound) = program("unbound") else { return };
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let own = own_address();
    let configuration = format!(
        r#"server:
  directory: "{0}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 1
  interface: {2}@{3}
  do-not-query-localhost: no
  do-daemonize: no
  qname-minimisation: yes
  qname-minimisation-strict: yes
  harden-below-nxdomain: yes
  use-caps-for-id: yes
  module-config: "iterator"
stub-zone:
  name: "bl.example.org"
  stub-addr: 127.0.0.1@{1}
remote-control:
  control-enable: no
"#,
        folder.path().display(),
        world.address.port(),
        own.ip(),
        own.port(),
    );
    let file = folder.path().join("unbound.conf");
    std::fs::write(&file, configuration).unwrap();
    let mut command = Command::new(unbound);
    command.arg("-d").arg("-c").arg(&file).stderr(Stdio::null());
    let _child = Child(command.spawn().unwrap());
    asked_through(own, &world);
}

#[test]
fn dnsmasq_forwards_to_us() {
    let Some(dnsmasq) = program("dnsmasq") else { return };
    let world = world();
    let own = own_address();
    let mut command = Command::new(dnsmasq);
    command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"]);
    command.args(["--bind-interfaces", "--pid-file="]);
    command.arg(format!("--listen-address={}", own.ip()));
    command.args([
        format!("--port={}", own.port()),
        format!("--server=127.0.0.1#{}", world.address.port()),
    ]);
    let _child = Child(command.stderr(Stdio::null()).spawn().unwrap());
    asked_through(own, &world);
}
