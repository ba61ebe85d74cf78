//! What the chain of log lines says of one mail, one login, one refusal.

use heloscope_model::{Octets, Place, Time};
use std::net::IpAddr;

/// One queue id from its first line to `removed`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// The queue id.
    pub queue_id: Octets,
    /// The host that logged it.
    pub host: Octets,
    /// The instance (`postfix`, `postfix-out`), without the service.
    pub instance: Octets,
    /// How it came in.
    pub origin: Origin,
    /// First line.
    pub first: Time,
    /// Where the line that names the origin stands (the first line where none does).
    pub place: Place,
    /// Last line.
    pub last: Time,
    /// Message-ID, angle brackets kept.
    pub message_id: Option<Octets>,
    /// Envelope sender; empty for `<>`.
    pub from: Option<Octets>,
    /// Bytes.
    pub size: Option<u64>,
    /// Recipients as qmgr counts them.
    pub recipients: Option<u32>,
    /// Attempts, in order, at most 1,000 kept.
    pub deliveries: Vec<Delivery>,
    /// Attempts that were not kept.
    pub more_deliveries: u32,
    /// The mail this one reports on (bounce), or was re-injected from (content filter).
    pub parent: Option<Octets>,
    /// Ended with `removed` (or its equal).
    pub complete: bool,
    /// `milter-reject`, `discard`, `hold` and the like from cleanup.
    pub cleanup_action: Option<Octets>,
    /// qmgr gave up on it (`status=expired, returned to sender`).
    pub expired: bool,
}

/// How a mail came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Over SMTP or submission.
    Client {
        /// Name as logged (`unknown` where there is none).
        name: Octets,
        /// Address, where logged.
        ip: Option<IpAddr>,
        /// Port, where logged.
        port: Option<u16>,
        /// The account that authenticated.
        account: Option<Octets>,
        /// The service it came through (`smtpd`, `submission/smtpd`).
        service: Octets,
    },
    /// From a program on this host (pickup).
    Local {
        /// User id.
        uid: u32,
        /// Sender as pickup names it.
        from: Octets,
    },
    /// Made by the MTA itself: bounce, notification, verification probe.
    Internal,
    /// The log does not say (its start is missing).
    Unknown,
}

/// One attempt for one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The line's stamp: the end of the attempt.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// The agent: `smtp`, `lmtp`, `local`, `virtual`, `pipe`, `error`, `discard`.
    pub agent: Octets,
    /// Its process id.
    pub pid: Option<u32>,
    /// Recipient.
    pub to: Octets,
    /// Recipient before rewriting.
    pub orig_to: Option<Octets>,
    /// Relay's name; `none` where there was none.
    pub relay_name: Octets,
    /// Relay's address.
    pub relay_ip: Option<IpAddr>,
    /// Relay's port.
    pub relay_port: Option<u16>,
    /// How many mails this connection has carried, this one included; 1 where not logged.
    pub conn_use: u32,
    /// `delays=a/b/c/d` in seconds: before qmgr, in qmgr, connection set-up, transmission.
    pub delays: Option<[f32; 4]>,
    /// Enhanced status code.
    pub dsn: Octets,
    /// What became of it.
    pub status: Status,
    /// The text in parentheses.
    pub reply: Octets,
    /// A TLS line of the same process names this connection. False where none does: Postfix logs
    /// them only with `smtp_tls_loglevel` above 0.
    pub tls: bool,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Postfix's own words
pub enum Status {
    Sent,
    Deferred,
    Bounced,
    Expired,
    Other,
}

/// A login to send mail, or an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// When.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// The account, where logged.
    pub account: Option<Octets>,
    /// Client address.
    pub ip: Option<IpAddr>,
    /// Client name.
    pub name: Octets,
    /// PLAIN, LOGIN, ….
    pub method: Octets,
    /// Whether it succeeded.
    pub success: bool,
    /// Where: `smtpd`, `submission/smtpd`; Dovecot's `submission-login`, `imap-login`, `auth`.
    /// Dovecot tells one failure in up to two lines, one of `auth` and one of the login service.
    pub service: Octets,
}

/// A connection to a mail server that left no delivery line of its own: an earlier MX that did
/// not answer, one that refused, a TLS handshake that failed before the plain retry.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// The host that logged it.
    pub host: Octets,
    /// The instance (`postfix`, `postfix-out`).
    pub instance: Octets,
    /// The mail it was for; connection failures do not name it.
    pub queue_id: Option<Octets>,
    /// The agent's process id.
    pub pid: Option<u32>,
    /// The server's name.
    pub relay_name: Octets,
    /// Its address.
    pub relay_ip: Option<IpAddr>,
    /// Its port, where logged (`said` and `lost connection` lines do not).
    pub port: Option<u16>,
    /// The line's text without the queue id.
    pub text: Octets,
}

/// One line that ties two queue ids together. [`Mail::parent`] holds the same where the child
/// was still in the queue when the line was written; this comes always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// When.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// The host that logged it.
    pub host: Octets,
    /// The parent's instance; the child's may be another one (a second Postfix behind a filter).
    pub instance: Octets,
    /// The mail that caused the other one.
    pub parent: Octets,
    /// The mail that came of it.
    pub child: Octets,
    /// How.
    pub kind: LinkKind,
}

/// How one mail came of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// A content filter handed it back (`queued as`, `orig_queue_id`).
    Reinjected,
    /// An alias or `.forward` sent it on (`forwarded as`).
    Forwarded,
    /// A bounce, delay or success notification reports on it.
    Notified,
    /// `postsuper -r` queued it again.
    Requeued,
}

/// A refusal by smtpd, postscreen or cleanup.
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    /// When.
    pub time: Time,
    /// The line.
    pub place: Place,
    /// Client address.
    pub ip: Option<IpAddr>,
    /// The stage: `RCPT`, `CONNECT`, `MAIL`, `DATA`, ….
    pub stage: Octets,
    /// The reply and its text.
    pub text: Octets,
    /// Envelope sender, recipient, HELO where logged.
    pub from: Option<Octets>,
    /// Recipient.
    pub to: Option<Octets>,
    /// HELO.
    pub helo: Option<Octets>,
    /// The account, where authenticated.
    pub account: Option<Octets>,
}
