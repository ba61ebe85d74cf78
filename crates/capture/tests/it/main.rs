//! Captures made packet by packet, and captures that others recorded, against what must come out.

mod call;
mod containers;
mod content;
mod hostile;
mod links;
mod merging;
mod reassembly;
