//! A Rust program's mailer on lettre. Arguments: server, helo, from, subject, body, recipients.

use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match send(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn send(words: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [server, helo, from, subject, body, to @ ..] = words else { return Err("too few words".into()) };
    let mut message = Message::builder().from(from.parse()?).subject(subject.as_str());
    for one in to {
        message = message.to(one.parse()?);
    }
    let mut transport = SmtpTransport::builder_dangerous(server.as_str());
    if !helo.is_empty() {
        transport = transport.hello_name(ClientId::Domain(helo.clone()));
    }
    transport.build().send(&message.body(body.clone())?)?;
    Ok(())
}
