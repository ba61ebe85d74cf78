//! Prints what the recorder notes, one JSON object a line, until it is ended.
use heloscope_host::Recorder;
use heloscope_host::recorder::PORTS;
use std::time::Duration;

fn main() -> Result<(), heloscope_host::recorder::Error> {
    let mut recorder = Recorder::start(&PORTS)?;
    eprintln!("ready");
    loop {
        for noted in recorder.next(Duration::from_millis(200))? {
            println!("{}", serde_json::to_string(&noted).unwrap_or_default());
        }
    }
}
