//! A case packed whole: the same investigation as of its folder, to the last word, the paths apart.

use super::case::Case;
use crate::stderr;
use std::path::Path;
use std::process::{Command, Stdio};

/// The answer as text, the folder's or archive's path taken out.
fn answer(path: &Path, shown: &str, stdin: Option<&Path>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heloscope"));
    command.args(["investigate", "--json"]);
    match stdin {
        Some(file) => command.arg("-").stdin(std::fs::File::open(file).unwrap()),
        None => command.arg(path).stdin(Stdio::null()),
    };
    let output = command.output().unwrap();
    let told = stderr(&output);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {told}", path.display());
    String::from_utf8(output.stdout).unwrap().replace(shown, "CASE")
}

/// What packs a folder's content, or the folder with its name, into a file.
type Pack = fn(folder: &Path, name: &str, to: &Path) -> Command;

const FORMS: [(&str, Pack); 7] = [
    ("named.tar", |folder, name, to| tar(&["-cf"], to, &["-C", text(folder), name])),
    ("named.tar.gz", |folder, name, to| tar(&["-czf"], to, &["-C", text(folder), name])),
    ("inside.tar.xz", |folder, name, to| {
        tar(&["-cJf"], to, &["-C", text(&folder.join(name)), "."])
    }),
    ("pax.tar.bz2", |folder, name, to| {
        tar(&["--format=pax", "-cjf"], to, &["-C", text(folder), name])
    }),
    ("v7.tar.zst", |folder, name, to| {
        tar(&["--format=v7", "--zstd", "-cf"], to, &["-C", text(folder), name])
    }),
    ("named.zip", |folder, name, to| zip(folder, to, name)),
    ("inside.zip", |folder, name, to| zip(&folder.join(name), to, ".")),
];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn tar(first: &[&str], to: &Path, last: &[&str]) -> Command {
    let mut tar = Command::new("tar");
    tar.args(first).arg(to).args(last);
    tar
}

fn zip(folder: &Path, to: &Path, what: &str) -> Command {
    let mut zip = Command::new("zip");
    zip.current_dir(folder).arg("-qr").arg(to).arg(what);
    zip
}

fn packs_to_the_same(cases: &[Case]) {
    let mut compared = 0;
    for (index, case) in cases.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        case.write(folder.path());
        let root = folder.path().join(&case.name);
        let want = answer(&root, text(&root), None);
        // Three forms a case; between them the cases have all.
        for (form, pack) in FORMS.iter().cycle().skip(index * 3 % FORMS.len()).take(3) {
            let file = folder.path().join(form);
            match pack(folder.path(), &case.name, &file).output() {
                Ok(done) if done.status.success() => {}
                _ => {
                    eprintln!("skipped: {form} cannot be packed here");
                    continue;
                }
            }
            let inside = if form.starts_with("inside") { "" } else { &case.name[..] };
            let shown = file.join(inside);
            let shown = text(&shown).trim_end_matches('/');
            let got = answer(&file, shown, None);
            pretty(&want, &got, &format!("{} as {form}", case.name));
            compared += 1;
        }
        let file = folder.path().join("stdin.tar.gz");
        let mut pack = tar(&["-czf"], &file, &["-C", text(folder.path()), &case.name]);
        if pack.status().is_ok_and(|status| status.success()) {
            let got = answer(Path::new("-"), &format!("-/{}", case.name), Some(&file));
            pretty(&want, &got, &format!("{} on standard input", case.name));
        }
    }
    assert!(compared > 0);
}

/// The first line that differs says more than two documents.
fn pretty(want: &str, got: &str, what: &str) {
    let differ = want.lines().zip(got.lines()).find(|(a, b)| a != b);
    assert!(want == got, "{what}: {differ:?}");
}

#[test]
fn a_case_packed_whole_gives_the_same_investigation() {
    packs_to_the_same(&Case::all());
}
