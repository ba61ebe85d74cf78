//! Record, mail log and lists, looked at continuously; what is wrong becomes an alert with its proof.
//!
//! [`Watch`] is the core: it takes [`Event`]s in the order in which they became known and says what is to be said, once.
//! It has no I/O and no clock. `rim` brings the events (recorder, mail log, queue, lists) and carries the words
//! (mail, webhook, syslog, the status page, metrics); [`Config`] is what the administrator says of it.

mod alert;
mod book;
pub mod config;
mod event;
mod mails;
mod rates;
mod recent;
pub mod rim;
mod rules;
mod session;
mod settings;
mod shown;
mod standing;
mod status;
mod watch;

pub use alert::{Alert, Rule, Say, Severity, Summary};
pub use config::Config;
pub use event::{Answer, Event, Heard, QueueSize};
pub use rates::Who;
pub use rules::list_changed::Known;
pub use session::Session;
pub use settings::{Allowed, Fixed, Gone, Limits, Mta, Settings};
pub use shown::{redacted, shown};
pub use standing::Standing;
pub use status::{Program, Sender, Status};
pub use watch::Watch;
