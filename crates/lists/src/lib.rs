//! Asking blocklists: the lists as data, what answers mean, and the rim that asks.
