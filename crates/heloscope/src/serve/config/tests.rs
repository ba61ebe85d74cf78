//! The configuration as documented, as refused, and with flags over it.

use super::*;

fn read(text: &str) -> Result<Config> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("serve.toml");
    std::fs::write(&path, text)?;
    Config::read(&Serve { config: Some(path), ..Serve::default() })
}

const DOCUMENTED: &str = include_str!("../../../../../docs/serve.toml");

#[test]
fn the_documented_file_is_what_holds_without_one() {
    let documented = read(DOCUMENTED).unwrap();
    let without = Config::read(&Serve::default()).unwrap();
    assert_eq!(format!("{documented:?}"), format!("{without:?}"));
}

#[test]
fn every_documented_example_is_taken() {
    // What is commented out is `# key = value` below its explanation.
    let shown = DOCUMENTED.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") && !rest.contains("it ") => rest,
        _ => line,
    });
    let config = read(&shown.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(config.web.url.as_deref(), Some("https://bl.example"));
    assert_eq!(config.trap.domains.len(), 1);
    assert_eq!(config.user.as_deref(), Some("heloscope"));
    let relay = Relay { host: "127.0.0.1".to_owned(), port: 25 };
    assert_eq!(config.mail.relay, Some(relay));
    assert_eq!(config.trap.helocheck.as_deref(), Some("helocheck@bl.example"));
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (text, says) in [
        ("zoen = \"bl.example\"", "unknown field `zoen`"),
        ("[trap]\nlisten = [\"here\"]", "line 2"),
        ("[trap]\ndomains = { \"a.example\" = \"old\" }", "never-used"),
        ("[trap]\ngreeting_delay_s = 900.0", "between 0 and 60"),
        ("[detect]\noff = [\"helo-nonsense\"]", "there are helo-ylmf-pc"),
        ("roles = [\"dns\"]", "add the role ledger"),
        ("roles = []", "no role is left"),
        ("[ledger]\nlockout_s = 0", "between 1 and"),
        ("[ledger]\nslot_s = 30", "between 120 and"),
        ("[ledger]\nslot_s = 180", "an even number of minutes"),
        ("[ledger]\ndelay_spread_s = 0", "between 60 and"),
        ("[mail]\nrelay = \"127.0.0.1\"", "say its name and port"),
        ("[mail]\naccount = \"list\"", "go together"),
        (
            "[mail]\naccount = \"list\"\npassword = \"/etc/password\"",
            "without mail.ca would send the password in clear",
        ),
        ("[trap]\nbodies_hours = 100000", "at most a year"),
    ] {
        let error = format!("{:#}", read(text).err().unwrap());
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn flags_win_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.toml");
    std::fs::write(&path, "zone = \"a.example\"\n[trap]\nsessions = 7").unwrap();
    let zone = Some("b.example".to_owned());
    let flags = Serve { config: Some(path), zone, lab: true, ..Serve::default() };
    let config = Config::read(&flags).unwrap();
    assert_eq!((config.zone.as_str(), config.lab, config.trap.sessions), ("b.example", true, 7));
}

#[test]
fn the_ledger_keeps_to_the_numbers_said_and_the_lab_delays_nothing() {
    let config = read("[ledger]\nlockout_s = 20\nterm_s = 120\nslot_s = 240").unwrap();
    let policy = config.ledger.policy(false);
    assert_eq!((policy.lockout_s, policy.term_s, policy.slot_s), (20, 120, 240));
    assert_eq!(Config::default().ledger.policy(false), Policy::standard());
    assert_eq!(Config::default().ledger.policy(true), Policy::lab());
}
