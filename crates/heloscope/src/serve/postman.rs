//! Letters to owners, handed to the operator's own mail server.
//!
//! In: a letter from the pages, which have already asked that its mailbox is where the address's reverse
//! name leads. Out: whether the relay took it. It queues, tries again and bounces (to `mail.from`); here
//! nothing is kept. Refused are letters beyond what may be under way at once and in an hour: the pages say
//! so, and offer the way by DNS.
//!
//! What a visitor is told names neither the relay nor what it said; that stands in the log, without the
//! mailbox in full (who asked for it is an owner, and owners are people).

use super::config::Config;
use super::secrets::Secrets;
use anyhow::{Context, Result};
use heloscope_web::{Later, Letter, Postman, Undelivered};
use lettre::address::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Letters under way at once.
const UNDER_WAY: usize = 8;
/// A visitor waits for the answer, and his connection is closed when it is silent for 15 s.
const PATIENCE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3600);

/// The way to the relay.
pub(crate) struct Post {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    room: Semaphore,
    budget: Mutex<Budget>,
}

impl Post {
    /// As configured; none without a relay.
    pub(crate) fn new(config: &Config, secrets: &Secrets) -> Result<Option<Self>> {
        let mail = &config.mail;
        let Some(relay) = &mail.relay else { return Ok(None) };
        let from = mail.from.clone().unwrap_or_else(|| format!("postmaster@{}", config.zone));
        let from: Mailbox = from
            .parse()
            .with_context(|| format!("mail.from = {from:?}: a mailbox is \"list@bl.example\""))?;
        let helo = match mail.helo.clone().unwrap_or_else(|| config.zone.clone()) {
            name if name.parse::<IpAddr>().is_ok() => ClientId::Domain(format!("[{name}]")),
            name => ClientId::Domain(name),
        };
        let mut to = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&relay.host)
            .port(relay.port)
            .hello_name(helo)
            .timeout(Some(PATIENCE));
        if let Some(ca) = &secrets.ca {
            let tls = tls(&relay.host, ca).context("mail.ca: no authorities to trust")?;
            to = to.tls(Tls::Required(tls));
        }
        if let (Some(account), Some(password)) = (&mail.account, &secrets.password) {
            to = to.credentials(Credentials::new(account.clone(), password.clone()));
        }
        Ok(Some(Self {
            relay: to.build(),
            from,
            room: Semaphore::new(UNDER_WAY),
            budget: Mutex::new(Budget::full(mail.per_hour)),
        }))
    }

    fn may_send(&self) -> bool {
        // Nothing is half done under this lock.
        let budget = self.budget.lock();
        budget.unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }

    async fn hand_over(&self, letter: &Letter) -> Result<(), Refused> {
        let _place = self.room.try_acquire().map_err(|_| Refused::Busy)?;
        if !self.may_send() {
            return Err(Refused::Often);
        }
        let message = message(&self.from, letter).map_err(Refused::Unwritten)?;
        match tokio::time::timeout(PATIENCE, self.relay.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Refused::Relay(error)),
            Err(_) => Err(Refused::Slow),
        }
    }
}

impl Postman for Post {
    fn send(&self, letter: Letter) -> Later<'_, Result<(), Undelivered>> {
        Box::pin(async move {
            let to = masked(&letter.to);
            match self.hand_over(&letter).await {
                Ok(()) => {
                    tracing::info!(to, "a letter was handed to the relay");
                    Ok(())
                }
                Err(refused) => {
                    let why = without(&refused.in_full(), &letter.to);
                    tracing::warn!(to, "a letter was not sent: {why}");
                    Err(Undelivered(refused.to_string()))
                }
            }
        })
    }
}

/// Why a letter was not taken, as a visitor is told.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("too many are being sent just now; try again in a minute, or prove it by DNS")]
    Busy,
    #[error("too many were sent in the last hour; try again later, or prove it by DNS")]
    Often,
    #[error("our mail server did not answer in time; try again later, or prove it by DNS")]
    Slow,
    #[error("our mail server did not take it; try again later, or prove it by DNS")]
    Relay(#[source] lettre::transport::smtp::Error),
    #[error("the mailbox cannot be written to; prove it by DNS")]
    Unwritten(#[source] anyhow::Error),
}

impl Refused {
    /// As the log tells it.
    fn in_full(&self) -> String {
        let mut said = match self {
            Self::Busy => format!("{UNDER_WAY} are under way"),
            Self::Often => "mail.per_hour is used up".to_owned(),
            Self::Slow => format!("the relay did not answer within {} s", PATIENCE.as_secs()),
            Self::Relay(_) | Self::Unwritten(_) => "refused".to_owned(),
        };
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            said.push_str(&format!(": {error}"));
            cause = error.source();
        }
        said
    }
}

/// As it is sent: plain text, from nobody who reads answers by machine.
fn message(from: &Mailbox, letter: &Letter) -> Result<Message> {
    let to: Address = letter.to.parse()?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject.clone())
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(ContentType::TEXT_PLAIN)
        .body(body(&letter.text))?;
    // RFC 3834: no out-of-office answers to it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message)
}

/// As it stands where that goes: who reads his mail with less(1) then has the link in one piece.
fn body(text: &str) -> Body {
    let goes = |line: &str| line.len() <= 998 && line.is_ascii() && !line.contains(['\r', '\0']);
    if !text.split('\n').all(goes) {
        return Body::new(text.to_owned());
    }
    let lines = text.replace('\n', "\r\n").into_bytes();
    Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit)
}

fn tls(host: &str, ca: &[u8]) -> Result<TlsParameters> {
    let mut tls = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
    for authority in authorities(ca) {
        tls = tls.add_root_certificate(Certificate::from_pem(authority)?);
    }
    Ok(tls.build_rustls()?)
}

/// A bundle in its parts: one that cannot be read must not take the others with it.
fn authorities(ca: &[u8]) -> Vec<&[u8]> {
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let mut parts = Vec::new();
    let mut rest = ca;
    while let Some(at) = rest.windows(END.len()).position(|window| window == END) {
        let (part, after) = rest.split_at(at + END.len());
        parts.push(part);
        rest = after;
    }
    parts
}

/// A mailbox as the log may know it: `p…@ma….org`.
fn masked(mailbox: &str) -> String {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, ""));
    let first: String = local.chars().take(1).collect();
    let begun: String = domain.chars().take(2).collect();
    let top = domain.rsplit('.').next().unwrap_or_default();
    format!("{first}…@{begun}….{top}")
}

/// What the relay said, which likes to say whom it refused.
fn without(said: &str, mailbox: &str) -> String {
    let domain = mailbox.rsplit_once('@').map_or(mailbox, |(_, domain)| domain);
    let hidden = replaced(said, mailbox, &masked(mailbox));
    replaced(&hidden, domain, "…")
}

/// All of `what` in a text, whatever their case.
fn replaced(text: &str, what: &str, by: &str) -> String {
    // ASCII only, so that offsets are the same.
    let (low, what) = (text.to_ascii_lowercase(), what.to_ascii_lowercase());
    let mut out = String::new();
    let mut from = 0;
    for (at, found) in low.match_indices(&what).filter(|(_, found)| !found.is_empty()) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(by);
        from = at + found.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// So many an hour; what was not used up to an hour's worth may be used at once.
struct Budget {
    per_hour: u32,
    left: f64,
    at: Option<Instant>,
}

impl Budget {
    fn full(per_hour: u32) -> Self {
        Self { per_hour, left: f64::from(per_hour), at: None }
    }

    fn take(&mut self, now: Instant) -> bool {
        let most = f64::from(self.per_hour);
        let passed = self.at.replace(now).map_or(Duration::ZERO, |at| now - at);
        self.left = (self.left + most * passed.div_duration_f64(HOUR)).min(most);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests;
