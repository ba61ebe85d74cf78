//! Prints what static reading says of the files of web roots: `findings PATH...`.

use std::path::PathBuf;

fn main() {
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    for file in heloscope_evidence::open(&paths).facts.web_files {
        println!("{} (can mail: {})", file.path, file.can_mail);
        for finding in file.findings {
            println!("    {:.2} {}: {}", finding.weight, finding.rule, finding.because);
        }
    }
}
