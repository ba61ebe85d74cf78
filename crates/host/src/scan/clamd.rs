//! clamd, where it was asked for: files are handed to it over its socket (INSTREAM, clamd(8)), so that it needs no right
//! to read them and we need not trust what it would open. A daemon that goes away is said once.

use super::Host;
use super::finding::{Grade, Rule, shown, visible};
use super::out::Out;
use super::pool;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of one file; clamd's own StreamMaxLength is 25 MB where nothing is said.
const MOST: u64 = 24 << 20;
const WAIT: Duration = Duration::from_secs(60);

const NAMED: Rule = Rule {
    id: "clamd",
    why: "ClamAV knows the file by a signature.",
    todo: "Keep a copy with its times; see what put it there and who asked for it; then remove it.",
    against: "Signatures of heuristics and of unwanted programs are often false.",
};

/// Hands files over.
pub(super) fn look(host: &Host<'_>, files: &[PathBuf], out: &mut Out) {
    let Some(socket) = &host.options.clamd else { return };
    if let Err(error) = UnixStream::connect(socket) {
        out.cannot(
            "clamd",
            format!("{}: {error}: start clamav-daemon or give --clamd", socket.display()),
        );
        return;
    }
    let one = |path: &PathBuf| ask(host, socket, path);
    for (index, answer) in pool::each(host.options.threads, files, host.options.stop, &one) {
        let Some(path) = files.get(index) else { continue };
        match answer {
            Ok(Some(name)) => {
                let guess = ["Heuristics.", "PUA."].iter().any(|g| name.starts_with(g));
                let (grade, sure) = if guess { (Grade::Suspect, 0.4) } else { (Grade::Bad, 0.9) };
                out.add(
                    NAMED
                        .found(grade, sure, format!("{}: {}", shown(path), visible(&name)))
                        .at(path),
                );
            }
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => out.cannot("some files by clamd", error.to_string()),
        }
    }
}

/// The name that clamd has for a file.
fn ask(host: &Host<'_>, socket: &Path, path: &Path) -> io::Result<Option<String>> {
    let (file, _) = host.tree.file(path, true)?;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    stream.write_all(b"zINSTREAM\0")?;
    let mut file = file.take(MOST);
    let mut block = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut block)?;
        stream.write_all(&(read as u32).to_be_bytes())?;
        if read == 0 {
            break;
        }
        stream.write_all(block.get(..read).unwrap_or_default())?;
    }
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    answered(text.trim_end_matches('\0').trim())
}

/// `stream: OK`, `stream: Eicar-Test-Signature FOUND`, `INSTREAM size limit exceeded. ERROR`.
fn answered(text: &str) -> io::Result<Option<String>> {
    let said = text.strip_prefix("stream: ").unwrap_or(text);
    if said == "OK" {
        return Ok(None);
    }
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(io::Error::other(visible(said))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(answered("stream: OK").unwrap(), None);
        assert_eq!(
            answered("stream: Php.Mailer-1 FOUND").unwrap().as_deref(),
            Some("Php.Mailer-1")
        );
        assert!(answered("INSTREAM size limit exceeded. ERROR").is_err());
    }
}
