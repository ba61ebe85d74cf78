//! Configurations that are taken, and each that is refused with its reason.

use super::*;

fn config() -> ZoneConfig {
    let server = NameServer { name: "ns.example.net".into(), addresses: vec![] };
    ZoneConfig::new(
        "bl.example.org",
        vec![server],
        "hostmaster@example.org",
        "https://example.org/lookup/{address}",
    )
}

fn with(change: impl FnOnce(&mut ZoneConfig)) -> Option<BadZone> {
    let mut config = config();
    change(&mut config);
    Zones::new(&config).err()
}

#[test]
fn what_is_fine_is_taken() {
    assert_eq!(with(|_| ()), None);
    assert_eq!(with(|c| c.apex = "BL.Example.ORG.".into()), None);
    assert_eq!(with(|c| c.contact = "host.master@example.org".into()), None);
    assert_eq!(with(|c| c.contact = "hostmaster.example.org".into()), None);
    assert_eq!(with(|c| c.link = String::new()), None);
    let inside = NameServer {
        name: "ns1.bl.example.org".into(),
        addresses: vec!["192.0.2.1".parse().unwrap()],
    };
    assert_eq!(with(|c| c.name_servers.push(inside)), None);
}

#[test]
fn what_is_not_is_refused_with_its_name() {
    let server = |name: &str, address: Option<&str>| NameServer {
        name: name.into(),
        addresses: address.map(|a| a.parse().unwrap()).into_iter().collect(),
    };
    let sublist =
        |label: &str, code| Sublist { label: label.into(), code: Code::new(code).unwrap() };
    let name = |what, name: &str| Some(BadZone::Name { what, name: name.into() });
    assert_eq!(with(|c| c.apex = "bl..example".into()), name("the apex", "bl..example"));
    assert_eq!(with(|c| c.apex = "bl example".into()), name("the apex", "bl example"));
    assert_eq!(with(|c| c.apex = ".".into()), Some(BadZone::Apex(".".into())));
    let long = vec!["a".repeat(62); 3].join(".");
    assert_eq!(with(|c| c.apex.clone_from(&long)), Some(BadZone::Apex(long)));
    assert_eq!(with(|c| c.name_servers.clear()), Some(BadZone::NoNameServer));
    assert_eq!(
        with(|c| c.name_servers.push(server("ns.bl.example.org", None))),
        Some(BadZone::NoAddress("ns.bl.example.org".into()))
    );
    for label in ["7", "a", "300", "bots"] {
        let full = format!("x.{label}.bl.example.org");
        assert_eq!(
            with(|c| c.name_servers.push(server(&full, Some("192.0.2.1")))),
            Some(BadZone::InTheWay(full.clone()))
        );
    }
    assert_eq!(with(|c| c.sublists.clear()), Some(BadZone::NoSublist));
    assert_eq!(with(|c| c.sublists.push(sublist("Bots", 9))), Some(BadZone::Twice("bots".into())));
    assert_eq!(with(|c| c.sublists.push(sublist("more", 4))), Some(BadZone::Twice("bots".into())));
    for label in ["4", "f", "", "a.b", "127"] {
        assert_eq!(
            with(|c| c.sublists.push(sublist(label, 9))),
            Some(BadZone::Label(label.into()))
        );
    }
    let link = "x".repeat(LINK_MAX + 1);
    assert_eq!(with(|c| c.link.clone_from(&link)), Some(BadZone::Link(link)));
    assert_eq!(with(|c| c.contact = "@example.org".into()), name("the contact", "@example.org"));
}
