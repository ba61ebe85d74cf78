//! The server of `one_address` under `heloscope guard`: who sent past Postfix gets out no more, by program or from behind, Postfix's letters
//! do, nobody else's rules are touched, and taken back it leaves all as it was. `witness` plays it when its record has ended.

use crate::one_address::Scene;
use lab::host::Host;

/// The accounts under which something sent past Postfix.
const SENDERS: [&str; 3] = ["kiosksite", "www-data", "wartung"];

/// The guard is applied, confirmed and taken back.
pub(crate) fn play(scene: &Scene) {
    let heloscope = env!("CARGO_BIN_EXE_heloscope");
    let guard = |words: &str| {
        let said = scene.server.sh(&format!("{heloscope} guard {words} --state /run/heloscope"));
        String::from_utf8(said.unwrap()).unwrap()
    };
    let others = || scene.server.sh("iptables-save; ip6tables-save").unwrap();
    let stand = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        // Comments hold the time, chains their counters.
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(" [").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = stand(others());

    guard("apply --forward block --confirm-within 60");
    guard("confirm");
    for user in SENDERS {
        assert!(!connects(&scene.server, &scene.as_user(user)), "{user} gets out");
    }
    for (name, host) in scene.behind() {
        assert!(!connects(host, &scene.as_anybody()), "{name} gets out");
    }
    scene.letter("karla@nordpost.example");
    assert_eq!(stand(others()), before, "others' rules");

    guard("revert");
    assert!(connects(&scene.server, &scene.as_user("kiosksite")), "the way is open again");
    assert!(scene.behind().iter().all(|(_, host)| connects(host, &scene.as_anybody())));
}

fn connects(host: &Host, command: &str) -> bool {
    host.sh(command).is_ok()
}
