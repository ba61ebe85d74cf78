//! A real browser walks from the look-up to the page of an address that is gone. It loads each page as a
//! person's would, style sheet and policy included; the forms are posted with curl, as it has no hand.

use crate::lab::Lab;
use std::process::Command;

#[test]
fn look_up_listing_removal_gone() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("chromium") || !has("curl") {
        println!("skipped: chromium is not installed");
        return;
    }
    let lab = Lab::new();
    lab.bot("203.0.113.10", "ylmf-pc");
    let url = |path: &str| format!("http://{}{path}", lab.address);

    let form = browse(&url("/"));
    assert!(form.contains("Is an address listed?") && form.contains("name=\"address\""), "{form}");
    let listing = browse(&url("/lookup?address=203.0.113.10"));
    assert!(listing.contains("Listed:</span> 203.0.113.10"), "{listing}");
    let token = listing.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let posted = Command::new("curl")
        .args(["-sS", "-w", "%{http_code}", "--data", &format!("token={token}")])
        .arg(url("/lookup/203.0.113.10/removal"))
        .output()
        .unwrap();
    let posted = String::from_utf8(posted.stdout).unwrap();
    assert!(posted.contains("Removed:") && posted.ends_with("200"), "{posted}");
    let gone = browse(&url("/lookup/203.0.113.10"));
    assert!(gone.contains("Not listed:</span> 203.0.113.10"), "{gone}");
    assert!(gone.contains("removed on request"), "{gone}");
}

/// The page as the browser made it.
fn browse(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--timeout=20000"])
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .arg(url)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
