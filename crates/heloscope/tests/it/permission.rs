//! Folders and files that may not be read: named with the reason, and the rest is used. Root may
//! read everything, so the binary runs as `nobody` where the tests run as root.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

#[test]
fn a_folder_and_a_file_without_permission() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let is_root = std::fs::metadata(root).unwrap().uid() == 0;
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // A copy of the binary, for the build folder may be closed to others.
    let binary = root.join("heloscope");
    std::fs::copy(env!("CARGO_BIN_EXE_heloscope"), &binary).unwrap();
    let evidence = root.join("evidence");
    let (shut, secret) = (evidence.join("shut"), evidence.join("secret.log"));
    std::fs::create_dir_all(&shut).unwrap();
    for name in ["notice.txt", "site.toml", "gateway/dnsmasq.leases", "mailserver/mail.log"] {
        let to = evidence.join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(case("seed-guest-laptop").join(name), &to).unwrap();
        mode(to.parent().unwrap(), 0o755);
        mode(&to, 0o644);
    }
    std::fs::create_dir_all(evidence.join("captures")).unwrap();
    let capture = evidence.join("captures/gw-any.pcap.xz");
    std::fs::copy(case("seed-guest-laptop").join("captures/gw-any.pcap.xz"), &capture).unwrap();
    mode(&capture, 0o644);
    std::fs::write(shut.join("mail.log"), b"Nov 24 04:00:00 x postfix/qmgr[1]: A: removed\n")
        .unwrap();
    std::fs::write(&secret, b"Nov 24 04:00:00 x postfix/qmgr[1]: A: removed\n").unwrap();
    for path in [root, &evidence, &binary, &evidence.join("captures")] {
        mode(path, 0o755);
    }
    mode(&shut, 0o000);
    mode(&secret, 0o000);

    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
        command
    } else {
        Command::new(&binary)
    };
    let output = match command.args(["investigate", "--json"]).arg(&evidence).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: setpriv cannot be started: {error}");
            return;
        }
    };
    mode(&shut, 0o755);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for path in [&shut, &secret] {
        let inputs = answer["inputs"].as_array().unwrap();
        let input = inputs.iter().find(|i| i["path"] == path.to_str().unwrap());
        let input = input.unwrap_or_else(|| panic!("{path:?} is not named"));
        assert_eq!(input["kind"], "unrecognised");
        assert!(input["note"].as_str().unwrap().contains("permission denied"), "{input}");
    }
    assert_eq!(answer["causes"][0]["culprit"]["value"], "10.20.0.131");
}
