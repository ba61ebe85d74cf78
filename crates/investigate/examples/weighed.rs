//! Prints every hypothesis of an incident with every reason and its ratio:
//! `cargo run -p heloscope-investigate --example weighed -- cases/NAME`.

fn main() {
    let paths: Vec<std::path::PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    let mut evidence = heloscope_evidence::open(&paths);
    for hypothesis in heloscope_investigate::weighed(&mut evidence) {
        println!("{hypothesis}");
    }
}
