//! Evidence to causes.
