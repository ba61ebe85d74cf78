//! What the binary's commands share with the measurements of `bench`: how a session at a sensor
//! becomes what the ledger is told. Everything else of the binary is its own.

pub mod report;
