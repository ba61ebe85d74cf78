//! Events to listings.

mod view;

pub use view::*;
