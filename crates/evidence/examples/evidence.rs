//! Opens what it is given and prints inputs, notices, the small kinds, logins, proxied requests
//! and connections, and what stands out in web roots: `cargo run --example evidence -- PATH...`.

use heloscope_evidence::{AuthEvent, Connection, Proxied, Sink};

/// Prints what of a stream is not better seen elsewhere.
struct Printed;
impl Sink for Printed {
    fn auth(&mut self, event: AuthEvent) {
        println!("{event:?}");
    }
    fn proxied(&mut self, proxied: Proxied) {
        println!("{proxied:?}");
    }
    fn connection(&mut self, connection: Connection) {
        println!("{connection:?}");
    }
}

fn main() {
    let paths: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let mut evidence = heloscope_evidence::open(&paths);
    evidence.stream(&mut Printed, &mut |_, _| {});
    for input in &evidence.inputs {
        eprintln!("{} {} {} {:?}", input.path.display(), input.kind, input.records, input.note);
    }
    for notice in &evidence.facts.notices {
        println!("{}", notice.to_text());
    }
    let facts = &evidence.facts;
    for client in &facts.vpn_clients {
        println!("{client:?}");
    }
    for finding in &facts.scans {
        println!("{finding:?}");
    }
    for fact in &facts.dns {
        println!("{fact:?}");
    }
    for figure in &facts.figures {
        println!("{figure:?}");
    }
    for lease in &facts.leases {
        println!("{lease:?}");
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
