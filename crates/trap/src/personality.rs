//! Who the sensor seems to be: its name, its greeting and how long it lets one wait for it, how
//! slowly it answers, what it offers.
//!
//! With a delay and a teaser the greeting comes in two parts (`220-name`, then after the delay
//! `220 name ...`): a reply's first line says that more follows, so whoever speaks between the two
//! does not listen (RFC 5321 4.2.1). Well-behaved clients wait up to five minutes for a greeting
//! (4.5.3.2.1); the delay is bounded well below that.

/// The outside of a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Personality {
    /// Its name in greetings and replies: a domain name.
    pub name: String,
    /// What follows the name in the greeting: `ESMTP Postfix`.
    pub software: String,
    /// Seconds before the greeting is whole.
    pub greeting_delay_s: f64,
    /// Whether the first line of the greeting comes at once.
    pub teaser: bool,
    /// Seconds before each reply.
    pub tarpit_s: f64,
    /// What EHLO offers.
    pub extensions: Extensions,
}

/// What EHLO offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    /// PIPELINING (RFC 2920). Left out, clients that do not wait show themselves.
    pub pipelining: bool,
    /// SIZE (RFC 1870), with the limit of one message.
    pub size: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// AUTH (RFC 4954), which never succeeds.
    pub auth: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034); the codes are given in any case.
    pub enhanced: bool,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            pipelining: true,
            size: true,
            eight_bit: true,
            chunking: true,
            starttls: true,
            auth: false,
            enhanced: true,
        }
    }
}

/// A personality that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trap's personality: {0}")]
pub struct BadPersonality(String);

/// The longest delay of the greeting, and of each reply: below what clients wait.
const LONGEST_S: f64 = 120.0;

impl Personality {
    /// One that answers at once and offers all but AUTH.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            software: "ESMTP".to_owned(),
            greeting_delay_s: 0.0,
            teaser: true,
            tarpit_s: 0.0,
            extensions: Extensions::default(),
        }
    }

    /// Whether it can be spoken: a name that is one, text that stays in its line, delays that
    /// clients sit out.
    pub fn check(&self) -> Result<(), BadPersonality> {
        let printable = |b: u8| (0x20..0x7f).contains(&b);
        let bad = |why: String| Err(BadPersonality(why));
        if !crate::traps::is_domain(&self.name) {
            return bad(format!("\"{}\" is no domain name", self.name));
        }
        if self.software.len() > 200 || !self.software.bytes().all(printable) {
            return bad("the greeting's text must be at most 200 printable characters".into());
        }
        for (what, delay) in [("greeting delay", self.greeting_delay_s), ("tarpit", self.tarpit_s)]
        {
            if !(0.0..=LONGEST_S).contains(&delay) {
                return bad(format!("the {what} must be 0 to {LONGEST_S} seconds, not {delay}"));
            }
        }
        Ok(())
    }

    /// The greeting's first line, where it comes before the rest.
    pub(crate) fn teaser(&self) -> Option<String> {
        (self.teaser && self.greeting_delay_s > 0.0).then(|| format!("220-{}\r\n", self.name))
    }

    /// The greeting, or what is left of it.
    pub(crate) fn greeting(&self) -> String {
        let text = format!("220 {} {}", self.name, self.software);
        format!("{}\r\n", text.trim_ascii_end())
    }

    /// The answer to EHLO, under TLS or not.
    pub(crate) fn offers(&self, message_bytes: u64, secure: bool) -> String {
        let offered = self.extensions;
        let mut lines = vec![self.name.clone()];
        let mut offer = |wanted: bool, line: String| {
            if wanted {
                lines.push(line);
            }
        };
        offer(offered.pipelining, "PIPELINING".into());
        offer(offered.size, format!("SIZE {message_bytes}"));
        offer(offered.starttls && !secure, "STARTTLS".into());
        offer(offered.auth, "AUTH PLAIN LOGIN CRAM-MD5".into());
        offer(offered.enhanced, "ENHANCEDSTATUSCODES".into());
        offer(offered.eight_bit, "8BITMIME".into());
        offer(offered.chunking, "CHUNKING".into());
        let last = lines.len() - 1;
        let mark = |at: usize| if at == last { ' ' } else { '-' };
        let numbered = lines.iter().enumerate();
        numbered.map(|(at, line)| format!("250{}{line}\r\n", mark(at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_is_asked_for() {
        let mut personality = Personality::new("mx.example.net");
        let said = personality.offers(1000, false);
        assert!(said.starts_with("250-mx.example.net\r\n250-PIPELINING\r\n250-SIZE 1000\r\n"));
        assert!(said.ends_with("\r\n250 CHUNKING\r\n") && said.contains("STARTTLS"));
        assert!(!personality.offers(1000, true).contains("STARTTLS"));
        personality.extensions.chunking = false;
        personality.extensions.auth = true;
        let said = personality.offers(1000, false);
        assert!(said.ends_with("250 8BITMIME\r\n") && said.contains("250-AUTH PLAIN LOGIN"));
    }

    #[test]
    fn what_cannot_be_spoken_is_refused() {
        let good = Personality::new("mx.example.net");
        assert_eq!(good.check(), Ok(()));
        for (bad, word) in [
            (Personality { name: "mx example".into(), ..good.clone() }, "domain"),
            (Personality { software: "x\r\n500 y".into(), ..good.clone() }, "printable"),
            (Personality { greeting_delay_s: 1e9, ..good.clone() }, "greeting delay"),
            (Personality { tarpit_s: f64::NAN, ..good.clone() }, "tarpit"),
        ] {
            let error = bad.check().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
