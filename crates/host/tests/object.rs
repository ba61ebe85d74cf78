//! The object that is shipped is what its source gives. Only the compiler that built it gives the same bytes, so
//! another is said and not compared.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

/// Debian 12's.
const COMPILER: &str = "clang version 14.";

#[test]
fn the_object_is_built_from_its_source() {
    let clang = Command::new("clang").arg("--version").output();
    let version = clang.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    match version {
        Ok(version) if version.contains(COMPILER) => {}
        Ok(version) => {
            let first = version.lines().next().unwrap_or_default();
            return println!("skipped: needs {COMPILER}x, here is {first}");
        }
        Err(error) => return println!("skipped: needs clang: {error}"),
    }
    if !Path::new("/usr/include/bpf/bpf_helpers.h").exists() {
        return println!("skipped: needs libbpf-dev");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf/build.sh");
    let built = Command::new("sh").arg(&script).arg("--check").output().unwrap();
    let said = [built.stdout, built.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        built.status.success(),
        "recorder.bpf.o is not what recorder.bpf.c gives: run crates/host/bpf/build.sh\n{said}"
    );
}
