//! FTP servers: vsftpd's own log and its syslog lines, ProFTPD, Pure-FTPd, and the transfer log
//! that they share (`xferlog`, xferlog(5)).

use super::{Event, Said, address, field};
use crate::facts::AuthWhat;
use crate::stamp::{self, Clock};
use heloscope_model::Time;

/// Whether a line is of vsftpd's own log or a transfer log: these have no program's name.
pub(crate) fn is_transfer(line: &[u8]) -> bool {
    weekday_stamp(line).is_some_and(|(_, rest)| {
        rest.starts_with(b"[pid ")
            || transferred(&heloscope_model::octets::lossy_text(rest).0).is_some()
    }) || uploaded_as_request(line).is_some()
}

/// What such a line says: time, process, service.
pub(super) fn transfer(
    line: &[u8],
    clock: &mut Clock,
) -> Option<(Time, Option<u32>, &'static str, Said)> {
    if let Some((time, said)) = uploaded_as_request(line) {
        return Some((time, None, "pure-ftpd", said));
    }
    let (stamp, rest) = weekday_stamp(line)?;
    let rest = rest.get(..rest.len().min(super::MESSAGE))?;
    let (text, _) = heloscope_model::octets::lossy_text(rest);
    if let Some(rest) = text.strip_prefix("[pid ") {
        let (pid, rest) = rest.split_once("] ")?;
        let said = vsftpd(rest)?;
        return Some((clock.time(&stamp), stamp::number(pid.as_bytes()), "vsftpd", said));
    }
    let said = transferred(&text)?;
    Some((clock.time(&stamp), None, "ftp", said?))
}

/// `Fri Jan 19 12:20:33 2007 `, and what follows.
fn weekday_stamp(line: &[u8]) -> Option<(stamp::Stamp, &[u8])> {
    let [a, _, _, b' ', month @ ..] = line else { return None };
    if !a.is_ascii_uppercase() {
        return None;
    }
    stamp::month_number(month)?;
    let stamp = stamp::of_line(line).filter(|s| s.year.is_some())?;
    Some((stamp, line.get(stamp.end..)?.trim_ascii_start()))
}

/// Syslog lines of the three.
pub(super) fn parse(program: &str, message: &str) -> Option<(&'static str, Said)> {
    if program.starts_with("vsftpd") {
        // With `syslog_enable=YES` the same words as in the log of its own.
        let rest = match message.strip_prefix("[pid ") {
            Some(rest) => rest.split_once("] ")?.1,
            None => message,
        };
        return Some(("vsftpd", vsftpd(rest)?));
    }
    if program.starts_with("proftpd") {
        return Some(("proftpd", proftpd(message)?));
    }
    Some(("pure-ftpd", pure_ftpd(message)?))
}

/// `[anna] OK LOGIN: Client "192.0.2.1"`, `[anna] OK UPLOAD: Client "192.0.2.1", "/x.php", 5 bytes`.
fn vsftpd(rest: &str) -> Option<Said> {
    let (user, rest) = rest.strip_prefix('[')?.split_once("] ")?;
    let (what, rest) = rest.split_once(": Client \"")?;
    let (client, rest) = rest.split_once('"')?;
    let what = match what {
        "OK LOGIN" => AuthWhat::Accepted("password".to_owned()),
        "FAIL LOGIN" => AuthWhat::Failed,
        "OK UPLOAD" => {
            let (path, _) = rest.strip_prefix(", \"")?.rsplit_once('"')?;
            AuthWhat::Uploaded(field(path))
        }
        _ => return None,
    };
    Some(Event::said(what, Some(user), address(client)))
}

/// `host (name[192.0.2.1]) - USER anna: Login successful.`; a stranger's name may hold anything,
/// so the client is read from the front and the verdict from behind the name.
fn proftpd(message: &str) -> Option<Said> {
    let (front, rest) = message.split_once(')')?;
    let ip = front.rsplit_once('[').and_then(|(_, ip)| address(ip));
    let rest = rest.trim_start_matches([' ', '-', ':']);
    if rest.starts_with("SECURITY VIOLATION: ") && rest.contains("oot login attempted") {
        return Some(Event::said(AuthWhat::Failed, Some("root"), ip));
    }
    let rest = rest.strip_prefix("USER ")?;
    if let Some(user) = rest.trim_end().strip_suffix(": Login successful.") {
        let user = user.trim();
        let right = !user.contains(' ');
        return right
            .then(|| Event::said(AuthWhat::Accepted("password".to_owned()), Some(user), ip));
    }
    let (user, _) =
        rest.split_once(" (Login failed)").or_else(|| rest.split_once(": no such user found"))?;
    Some(Event::said(AuthWhat::Failed, Some(user.trim()), ip))
}

/// `(?@192.0.2.1) [INFO] anna is now logged in`, `(anna@192.0.2.1) [NOTICE] /x.php uploaded  (5 bytes, ...)`.
fn pure_ftpd(message: &str) -> Option<Said> {
    let (who, rest) = message.strip_prefix('(')?.split_once(") [")?;
    let (user, client) = who.rsplit_once('@')?;
    let (_, rest) = rest.split_once("] ")?;
    let ip = address(client);
    if let Some(user) = rest.trim_end().strip_suffix(" is now logged in") {
        return Some(Event::said(AuthWhat::Accepted("password".to_owned()), Some(user), ip));
    }
    if let Some(user) = rest.strip_prefix("Authentication failed for user [") {
        let user = user.trim_end().trim_end_matches(']');
        return Some(Event::said(AuthWhat::Failed, Some(user), ip));
    }
    let (path, _) = rest.rsplit_once(" uploaded ")?;
    // A chrooted path has its root marked by a doubled slash.
    let path = path.replace("//", "/");
    Some(Event::said(AuthWhat::Uploaded(field(&path)), Some(user), ip))
}

/// What follows the stamp in a transfer log: `1 192.0.2.1 5 /home/anna/x.php b _ i r anna ftp 0 * c`.
/// Inner none: a download, or an upload that was broken off.
fn transferred(text: &str) -> Option<Option<Said>> {
    let text = text.trim_end();
    let mut front = text.splitn(4, ' ');
    let (took, client, size, rest) = (front.next()?, front.next()?, front.next()?, front.next()?);
    let number = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit());
    if !number(took) || !number(size) {
        return None;
    }
    // A name may hold blanks: the nine words behind it have a fixed number.
    let mut back = rest.rsplitn(10, ' ');
    let status = back.next()?;
    let (_, _, _, user) = (back.next()?, back.next()?, back.next()?, back.next()?);
    let (_, direction, _, kind, path) =
        (back.next()?, back.next()?, back.next()?, back.next()?, back.next()?);
    let right = matches!(status, "c" | "i" | "o")
        && matches!(direction, "i" | "o" | "d")
        && matches!(kind, "a" | "b");
    let upload = status == "c" && direction == "i";
    right.then(|| {
        upload.then(|| Event::said(AuthWhat::Uploaded(field(path)), Some(user), address(client)))
    })
}

/// Pure-FTPd's transfer log in the form of web servers, as Debian sets it:
/// `192.0.2.1 - anna [04/Dec/2015:14:30:00 -0000] "PUT /home/anna/x.php" 200 5`.
fn uploaded_as_request(line: &[u8]) -> Option<(Time, Said)> {
    memchr::memmem::find(line.get(..line.len().min(512))?, b"] \"PUT /")?;
    let fields = crate::weblog::parse(line)?;
    let whole = memchr::memmem::find(line, b"\" 200 ")?;
    let request = line.get(..whole)?;
    // A web server's request ends with its version, and no agent follows here.
    if memchr::memmem::rfind(request, b" HTTP/").is_some() || fields.agent.is_some() {
        return None;
    }
    let bracket = memchr::memchr(b'[', line)?;
    let (front, _) = heloscope_model::octets::lossy_text(line.get(..bracket)?);
    let user = front.trim_end().rsplit(' ').next()?.to_owned();
    let (path, _) = heloscope_model::octets::lossy_text(fields.target);
    let ip = crate::weblog::address(fields.client);
    Some((fields.time, Event::said(AuthWhat::Uploaded(field(&path)), Some(&user), ip)))
}
