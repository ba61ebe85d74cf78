//! `docs/detectors.md` is held against the catalogue: the same detectors in the same order, with the
//! same innocent explanation, class, family and version.

use heloscope_detect::CATALOGUE;
use std::path::Path;

#[test]
fn the_table_says_what_the_catalogue_does() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/detectors.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let ids: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(ids, CATALOGUE.iter().map(|d| d.id).collect::<Vec<_>>());
    for (row, detector) in rows.iter().zip(CATALOGUE) {
        let [id, sees, innocent, class, family, version] = row[..] else { panic!("{row:?}") };
        assert!(sees.len() > 10, "{id} does not say what it looks at");
        assert_eq!(innocent, detector.innocent, "{id}");
        assert!(
            class.starts_with(detector.class),
            "{id} is of class {}, not {class}",
            detector.class
        );
        assert_eq!(family, detector.family, "{id}");
        assert_eq!(version, detector.version.to_string(), "{id}");
    }
}
