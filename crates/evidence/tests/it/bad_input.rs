//! Broken, odd and hostile files: the rest is still used, each is named with its reason.
