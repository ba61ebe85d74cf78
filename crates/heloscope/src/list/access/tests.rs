//! Reports of sessions go in whole, whoever takes them, and what nobody began is not begun.

use super::*;
use crate::serve::control::Control;
use heloscope_ledger::{HeloClass, Rule};
use tokio_util::sync::CancellationToken;

fn config(state: &Path) -> Config {
    Config { state: state.to_owned(), lab: true, ..Config::default() }
}

fn begin(state: &Path) -> Ledger {
    let key = Keys::open(state).unwrap().derive("ledger");
    let folder = Some(state.join("ledger"));
    let config = heloscope_ledger::Config { folder, key, policy: Policy::lab() };
    Ledger::open(config, clock::now()).unwrap()
}

fn session(n: u8, text: &str) -> Detected {
    let rule = Rule {
        detector: "helo-ylmf-pc".into(),
        version: 1,
        class: 'A',
        family: "helo".into(),
        owner: "HELO ylmf-pc".into(),
        operator: "HELO ylmf-pc".into(),
    };
    let now = clock::now();
    Detected {
        address: [203, 0, 113, n].into(),
        port: 4711,
        at: now,
        arrived: now,
        sensor: "feed".into(),
        rules: vec![rule],
        traps: Vec::new(),
        helo: Some("ylmf-pc".into()),
        helo_class: HeloClass::Dotless,
        key: u64::MAX,
        dialect: 1,
        session: text.to_owned(),
    }
}

fn many() -> Vec<Detected> {
    // Three megabytes: more than one line may hold.
    (1..=60).map(|n| session(n, &"x".repeat(50_000))).collect()
}

fn listed(access: &Access) -> usize {
    match access.ask(Request::Listings { within: None, after: None }).unwrap() {
        Answer::Listings { listings, more: false } => listings.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_goes_in_whole_through_serve_and_through_the_files() {
    let state = tempfile::tempdir().unwrap();
    let ledger = begin(state.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = CancellationToken::new();
    let running = {
        let _in = runtime.enter();
        let control = Control::bind(state.path()).unwrap();
        control.open().unwrap();
        let histories = std::sync::Arc::new(Histories::open(state.path()).unwrap());
        runtime.spawn(control.run(ledger, histories, stop.clone()))
    };
    let access = Access::open(&config(state.path())).unwrap();
    assert!(matches!(access, Access::Serve(_)));
    let mut all = many();
    access.detected(&mut all).unwrap();
    assert!(all.is_empty());
    assert_eq!(listed(&access), 60);

    stop.cancel();
    runtime.block_on(running).unwrap().unwrap();
    drop(runtime);
    assert!(!state.path().join("control").exists(), "it leaves nothing behind");
    let access = Access::open(&config(state.path())).unwrap();
    assert!(matches!(access, Access::Files(..)));
    assert_eq!(listed(&access), 60, "it was recorded for good");
    let mut more = vec![session(200, "{}")];
    access.detected(&mut more).unwrap();
    assert_eq!((listed(&access), more.len()), (61, 0));
}

#[test]
fn a_report_that_no_line_holds_loses_its_longest_texts_and_no_more() {
    let mut long = session(1, &"\u{1}".repeat(64 * 1024));
    let rule = long.rules[0].clone();
    long.rules = (0..64).map(|_| Rule { operator: "\u{1}".repeat(1024), ..rule.clone() }).collect();
    long.rules.iter_mut().for_each(|r| r.owner = "\u{1}".repeat(1024));
    let fits = fitting(long.bounded()).unwrap();
    assert!(serde_json::to_vec(&fits).unwrap().len() < LINE);
    assert_eq!((fits.rules.len(), fits.rules[0].owner.len()), (64, 1024));
}

#[test]
fn where_no_list_was_begun_none_is() {
    let state = tempfile::tempdir().unwrap();
    let error = Access::open(&config(state.path())).err().unwrap();
    assert!(error.downcast_ref::<Unreadable>().is_some(), "{error:#}");
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn a_state_folder_with_a_long_path_has_its_socket_too() {
    let state = tempfile::tempdir().unwrap();
    let deep = state.path().join("a".repeat(90)).join("b".repeat(90));
    std::fs::create_dir_all(&deep).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _in = runtime.enter();
    let control = Control::bind(&deep).unwrap();
    let early = control::connect(&deep).unwrap_err().kind();
    assert_eq!(early, ErrorKind::NotFound, "it is made where nobody sees it");
    control.open().unwrap();
    assert!(control::connect(&deep).is_ok());
    drop(control);
    let gone = control::connect(&deep).unwrap_err().kind();
    assert_eq!(gone, ErrorKind::ConnectionRefused, "as after a crash");
    // Another takes its place, and sweeps up what was left by one that got no further.
    std::fs::create_dir(deep.join(".control-1")).unwrap();
    let again = Control::bind(&deep).unwrap();
    again.open().unwrap();
    assert!(control::connect(&deep).is_ok());
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 1);
    // One that may not have the list leaves everything as it is.
    drop(Control::bind(&deep).unwrap());
    assert!(control::connect(&deep).is_ok());
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 1);
}
