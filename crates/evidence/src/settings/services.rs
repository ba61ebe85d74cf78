//! Postfix's services: `master.cf` (master(5)), `postconf -M` and `postconf -Mf` -> settings. A
//! service is the setting `smtp/inet` with its columns and command as value; each of its `-o`
//! options is a setting of the name that `postconf -P` gives it, `smtp/inet/mynetworks`.

use super::{LONGEST, MOST};
use crate::facts::Setting;
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Whether a text is a table of services.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let rows = lines::of(text).take(400).filter(|(_, line)| row(line).is_some()).count();
    rows >= 2
}

/// `smtp inet n - y - - smtpd ...`: service, type, and the rest.
fn row(line: &[u8]) -> Option<(String, String)> {
    if line.first().is_none_or(|b| matches!(b, b'#' | b' ' | b'\t')) {
        return None;
    }
    let text = heloscope_model::octets::lossy_text(line.get(..line.len().min(LONGEST))?).0;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [name, kind @ ("inet" | "unix" | "unix-dgram" | "fifo" | "pass"), rest @ ..] =
        words.as_slice()
    else {
        return None;
    };
    // private, unprivileged, chroot: y, n or -; wakeup and limit: a number or -; the command.
    let [private, unprivileged, chroot, wakeup, limit, _, ..] = rest else { return None };
    let flag = |w: &str| matches!(w, "y" | "n" | "-");
    let number = |w: &str| w == "-" || w.trim_end_matches('?').bytes().all(|b| b.is_ascii_digit());
    let right = [private, unprivileged, chroot].iter().all(|w| flag(w))
        && [wakeup, limit].iter().all(|w| number(w));
    right.then(|| (format!("{name}/{kind}"), rest.join(" ")))
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    let mut open: Option<Service> = None;
    for (offset, line) in lines::of(text) {
        let place = Place::byte(source, base + offset);
        let trimmed = line.trim_ascii();
        if trimmed.is_empty() || trimmed.starts_with(b"#") || found.len() >= MOST {
            continue;
        }
        if let Some((name, value)) = row(line) {
            finish(open.take(), &mut found);
            let mut service = Service::new(name, place);
            service.words(&value, place);
            open = Some(service);
        } else if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some(service) = &mut open {
                let part = trimmed.get(..trimmed.len().min(LONGEST)).unwrap_or_default();
                service.words(&heloscope_model::octets::lossy_text(part).0, place);
            }
        } else {
            finish(open.take(), &mut found);
        }
    }
    finish(open, &mut found);
    found
}

fn finish(service: Option<Service>, found: &mut Vec<Setting>) {
    let Some(service) = service else { return };
    let free = MOST.saturating_sub(found.len());
    let own = Setting {
        name: service.name.clone(),
        value: service.command.join(" "),
        place: service.place,
    };
    found.extend(std::iter::once(own).chain(service.options).take(free));
}

/// A service that is read, with the words of its lines.
struct Service {
    name: String,
    place: Place,
    command: Vec<String>,
    options: Vec<Setting>,
    /// Behind `-o`.
    expects: bool,
    /// Inside `{ ... }` behind `-o`, from the line it began on.
    braced: Option<(Place, Vec<String>)>,
}

impl Service {
    fn new(name: String, place: Place) -> Self {
        Self { name, place, command: Vec::new(), options: Vec::new(), expects: false, braced: None }
    }

    fn words(&mut self, text: &str, place: Place) {
        for word in text.split_whitespace() {
            if let Some((_, inside)) = &mut self.braced {
                let last = word.ends_with('}');
                inside.push(word.trim_end_matches('}').to_owned());
                if last && let Some((place, inside)) = self.braced.take() {
                    self.option(&inside.join(" "), place);
                }
            } else if std::mem::take(&mut self.expects) {
                match word.strip_prefix('{') {
                    Some(rest) if rest.ends_with('}') => {
                        self.option(rest.trim_end_matches('}'), place);
                    }
                    Some(rest) => self.braced = Some((place, vec![rest.to_owned()])),
                    None => self.option(word, place),
                }
            } else if word == "-o" {
                self.expects = true;
            } else if let Some(option) = word.strip_prefix("-o").filter(|o| o.contains('=')) {
                self.option(option, place);
            } else if self.command.len() < 1_000 {
                self.command.push(word.to_owned());
            }
        }
    }

    fn option(&mut self, text: &str, place: Place) {
        let Some((name, value)) = text.split_once('=') else { return };
        let name = name.trim();
        let right = !name.is_empty()
            && name.len() < 128
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if right && self.options.len() < MOST {
            let name = format!("{}/{name}", self.name);
            self.options.push(Setting { name, value: value.trim().to_owned(), place });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn master_cf() {
        let text = b"# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
#smtps     inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
#  -o smtpd_tls_security_level=encrypt
  -o mynetworks=127.0.0.0/8,10.0.0.0/8 -o { smtpd_relay_restrictions = permit_mynetworks,
     permit_sasl_authenticated, reject }
pickup    unix  n       -       y       60      1       pickup
qmgr      unix  n       -       n       300?    1       qmgr
127.0.0.1:10025 inet n - n - - smtpd -osmtpd_client_restrictions= -v
";
        assert!(recognise(text));
        let shown: Vec<String> =
            read(text, SourceId(0), 0).iter().map(|s| format!("{}|{}", s.name, s.value)).collect();
        assert_eq!(
            shown,
            [
                "smtp/inet|n - y - - smtpd",
                "submission/inet|n - y - - smtpd",
                "submission/inet/syslog_name|postfix/submission",
                "submission/inet/mynetworks|127.0.0.0/8,10.0.0.0/8",
                "submission/inet/smtpd_relay_restrictions|permit_mynetworks, permit_sasl_authenticated, reject",
                "pickup/unix|n - y 60 1 pickup",
                "qmgr/unix|n - n 300? 1 qmgr",
                "127.0.0.1:10025/inet|n - n - - smtpd -v",
                "127.0.0.1:10025/inet/smtpd_client_restrictions|",
            ]
        );
        let place = read(text, SourceId(0), 0)[3].place;
        let heloscope_model::At::Byte(at) = place.at else { panic!("{place:?}") };
        assert!(text[at as usize..].starts_with(b"  -o mynetworks="));
    }

    proptest! {
        #[test]
        fn never_panics(pieces in prop::collection::vec(prop_oneof![
            Just("smtp inet n - y - - smtpd"), Just(" "), Just("\n"), Just("-o"), Just(" -o "), Just("{"), Just("}"), Just("a=b"), Just("= "), Just("#"), Just("\u{e9}")
        ], 0..30)) {
            let text = pieces.concat();
            recognise(text.as_bytes());
            read(text.as_bytes(), SourceId(0), 0);
        }
    }
}
