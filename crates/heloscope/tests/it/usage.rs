//! Exit status and words of the command line.

use super::*;

#[test]
fn bad_usage_is_64_and_help_is_0() {
    assert_eq!(heloscope(["investigate"]).status.code(), Some(64));
    assert_eq!(heloscope(["no-such-command"]).status.code(), Some(64));
    assert_eq!(heloscope(["--help"]).status.code(), Some(0));
    assert_eq!(heloscope(["--version"]).status.code(), Some(0));
}

#[test]
fn nothing_readable_is_65_and_says_what_to_give() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("noise"), [0_u8, 159, 146, 150, 7, 0, 3]).unwrap();
    let output = heloscope(["investigate".as_ref(), folder.path().as_os_str()]);
    assert_eq!(output.status.code(), Some(65));
    let told = stderr(&output);
    assert!(told.contains("noise") && told.contains("notice"), "{told}");
}

#[test]
fn an_output_that_cannot_be_made_is_73() {
    let output = heloscope([
        "investigate".as_ref(),
        case("seed-php-script").as_os_str(),
        "--html".as_ref(),
        "/no/such/folder/report.html".as_ref(),
    ]);
    assert_eq!(output.status.code(), Some(73));
    assert!(stderr(&output).contains("/no/such/folder/report.html"));
}

#[test]
fn the_manual_is_made_from_the_definition_and_is_current() {
    let folder = tempfile::tempdir().unwrap();
    let output = heloscope(["man".as_ref(), folder.path().as_os_str()]);
    assert!(output.status.success());
    for entry in std::fs::read_dir(root().join("docs/man")).unwrap() {
        let shipped = entry.unwrap().path();
        let made = folder.path().join(shipped.file_name().unwrap());
        let read = |p: &Path| std::fs::read_to_string(p).unwrap();
        assert_eq!(read(&shipped), read(&made), "run `heloscope man docs/man`");
    }
}

#[test]
fn the_readme_s_commands_are_those_that_exist() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|l| l.trim().strip_prefix("heloscope ")?.split_whitespace().next())
        .collect();
    assert!(commands.len() >= 4);
    for command in commands {
        assert_eq!(heloscope([command, "--help"]).status.code(), Some(0), "{command}");
    }
}
