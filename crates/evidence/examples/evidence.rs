//! Opens what it is given and prints inputs, notices and what stands out in web roots:
//! `cargo run --example evidence -- PATH...`.

/// Takes a stream and keeps nothing of it: the inputs' records and notes are wanted.
struct Nothing;
impl heloscope_evidence::Sink for Nothing {}

fn main() {
    let paths: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let mut evidence = heloscope_evidence::open(&paths);
    evidence.stream(&mut Nothing, &mut |_, _| {});
    for input in &evidence.inputs {
        eprintln!("{} {} {} {:?}", input.path.display(), input.kind, input.records, input.note);
    }
    for notice in &evidence.facts.notices {
        println!("{}", notice.to_text());
    }
    for file in &evidence.facts.web_files {
        for f in &file.findings {
            let quote = evidence.quote(f.place).map(|q| q.text).unwrap_or_default();
            println!(
                "{:.2} {} {}{} | {quote}",
                f.weight,
                f.rule,
                file.path,
                if file.can_mail { " [mail]" } else { "" }
            );
        }
        if file.findings.is_empty() {
            println!("0.00 mail {}", file.path);
        }
    }
}
