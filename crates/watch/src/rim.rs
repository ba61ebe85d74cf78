//! The rim: what brings the core its events and carries its words away. Everything here may fail, is told in the
//! status when it does, and ends nothing.
//!
//! ```text
//!  recorder ┐                       ┌ status page, /status.json, /metrics
//!  logs     ├─ channel ─> core ─────┤
//!  queue    │             thread    └ mail, webhook, syslog
//!  lists    ┘
//! ```

mod answers;
mod clock;
mod core;
mod host;
mod inbox;
mod journald;
mod kept;
mod lists;
mod logs;
mod metrics;
mod notes;
mod notify;
mod page;
mod queue;
mod recorder;
mod run;
mod tail;

pub use answers::Unread;
pub use host::{Found, Unresolved};
pub use lists::Unready as ListsUnready;
pub use notify::Unready;
pub use run::{Error, Prepared, Running, Started, prepare};
pub use tail::{Position, Tail};
