//! stub
pub mod listing;
