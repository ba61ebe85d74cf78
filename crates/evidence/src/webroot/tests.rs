//! Planted files and their innocent twins.
