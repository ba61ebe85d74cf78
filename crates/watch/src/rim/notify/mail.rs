//! Letters, by a way of their own: straight to the configured relay, encrypted and with an account where that is said. Not
//! through this host's queue, whose mail is what may be refused.

use super::{Failed, Later, Post, Unready, in_full, secret, text};
use crate::alert::Say;
use crate::config::{Mail, Tls as Said};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Letters {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Letters {
    pub(super) fn new(said: &Mail, host: &str) -> Result<Self, Unready> {
        let (relay, port) = said.relay()?;
        let mailbox = |text: &str| {
            text.parse::<Mailbox>().map_err(|error| Unready::Mail(format!("{text:?}: {error}")))
        };
        let to = said.to.iter().map(|to| mailbox(to)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(Unready::Mail("to names nobody".to_owned()));
        }
        let helo = said.helo.clone().unwrap_or_else(|| host.to_owned());
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&relay)
            .port(port)
            .hello_name(ClientId::Domain(helo))
            .timeout(Some(PATIENCE));
        transport = transport.tls(match said.tls {
            Said::None => Tls::None,
            Said::Starttls => Tls::Required(parameters(&relay, said.ca.as_deref())?),
            Said::Wrapped => Tls::Wrapper(parameters(&relay, said.ca.as_deref())?),
        });
        match (&said.account, &said.password) {
            (Some(account), Some(path)) => {
                let password = secret(path, "the relay's password")?;
                transport = transport.credentials(Credentials::new(account.clone(), password));
            }
            (None, None) => {}
            _ => return Err(Unready::Mail("account and password go together".to_owned())),
        }
        Ok(Self { relay: transport.build(), from: mailbox(&said.from)?, to })
    }

    fn message(&self, say: &Say, host: &str) -> Result<Message, String> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(text::line(say, host).chars().take(200).collect::<String>())
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        // The letter that says it is over answers the one that said it began.
        let id = |alert: &crate::Alert, what: &str| {
            format!("<{}.{}.{what}@{}>", alert.id, alert.first.nanos(), self.from.email.domain())
        };
        message = match say {
            Say::Raised(alert) => message.message_id(Some(id(alert, "raised"))),
            Say::Resolved(alert) => {
                let began = id(alert, "raised");
                message
                    .message_id(Some(id(alert, "over")))
                    .in_reply_to(began.clone())
                    .references(began)
            }
            Say::Summary(day) => {
                let since = day.since.map_or(0, heloscope_model::Time::nanos);
                message.message_id(Some(format!("<{since}.day@{}>", self.from.email.domain())))
            }
        };
        let mut message = message.body(text::body(say)).map_err(|error| error.to_string())?;
        // RFC 3834: no out-of-office answers to it.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message)
    }
}

impl Post for Letters {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn send<'a>(&'a self, say: &'a Say, host: &'a str) -> Later<'a> {
        Box::pin(async move {
            let message = self.message(say, host).map_err(|why| Failed { why, for_good: true })?;
            match tokio::time::timeout(PATIENCE, self.relay.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(Failed {
                    why: crate::shown(&in_full(&error)),
                    for_good: error.is_permanent(),
                }),
                Err(_) => {
                    Err(Failed { why: "the relay does not answer".to_owned(), for_good: false })
                }
            }
        })
    }
}

fn parameters(host: &str, ca: Option<&Path>) -> Result<TlsParameters, Unready> {
    let bad = |error: &dyn std::fmt::Display| Unready::Mail(format!("TLS: {error}"));
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca {
        let pem = secret(path, "the relay's authorities")?;
        let authorities = Certificate::from_pem(pem.as_bytes()).map_err(|error| bad(&error))?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authorities);
    }
    tls.build_rustls().map_err(|error| bad(&error))
}
