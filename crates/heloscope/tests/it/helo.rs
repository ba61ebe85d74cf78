//! `heloscope helo` with what is installed here: each says what it says by itself, and a list's opinion of it.

use super::*;

#[test]
fn programs_say_their_names() {
    let output = heloscope(["helo", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["format"], "heloscope.helo/1");
    let senders = answer["senders"].as_array().unwrap();
    let of = |name: &str| senders.iter().find(|s| s["sender"] == name);
    // curl says the host's name, which uname tells as well.
    let name = nix::sys::utsname::uname().unwrap().nodename().to_str().unwrap().to_owned();
    assert_eq!(of("curl").unwrap()["helo"][0], name.as_str(), "{answer:#}");
    if let Some(perl) = of("perl, Net::SMTP") {
        assert_eq!(perl["helo"][0], "localhost.localdomain", "{answer:#}");
        assert_eq!(perl["notes"][0]["detector"], "helo-localdomain");
    }
    // The second Postfix says what the first would say.
    if let Some(postfix) = of("Postfix") {
        let said = Command::new("postconf").args(["-x", "-h", "smtp_helo_name"]).output().unwrap();
        assert_eq!(postfix["helo"][0], stdout(&said).trim(), "{answer:#}");
        if nix::unistd::geteuid().is_root() {
            assert_eq!(postfix["remark"], serde_json::Value::Null, "it was made to say it");
        }
    }
    let noted = senders.iter().flat_map(|s| s["notes"].as_array().unwrap());
    let bad = noted.filter(|n| n["class"] == "B" || n["class"] == "A").count() > 0;
    assert_eq!(output.status.code(), Some(i32::from(bad)));
}
