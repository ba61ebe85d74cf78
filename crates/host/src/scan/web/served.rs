//! Apache's and nginx's configuration -> which folders are served, and whether PHP that lies in one would be run.
//!
//! Directives are read with the sections they stand in; includes are the files in the usual folders. What the files do
//! not settle is unknown. `.htaccess` counts where AllowOverride does not forbid it.

mod apache;
mod nginx;

use crate::scan::Host;
use std::path::{Path, PathBuf};

/// Whether a file of PHP would be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// And what says so.
    Yes(String),
    /// And what forbids it.
    No(String),
    /// The configuration does not settle it.
    Unknown,
}

/// What the web servers are told.
#[derive(Debug, Default)]
pub(super) struct Served {
    apache: apache::Apache,
    nginx: nginx::Nginx,
}

impl Served {
    pub(super) fn read(host: &Host<'_>) -> Self {
        Self { apache: apache::Apache::read(host), nginx: nginx::Nginx::read(host) }
    }

    /// Folders that are served.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Path> {
        self.apache.roots.iter().chain(&self.nginx.roots).map(PathBuf::as_path)
    }

    /// Whether PHP at a path would be run. Where both servers are there, the worse answer counts.
    pub(super) fn runs(&self, host: &Host<'_>, path: &Path) -> Runs {
        match (self.apache.runs(host, path), self.nginx.runs(path)) {
            (yes @ Runs::Yes(_), _) | (_, yes @ Runs::Yes(_)) => yes,
            (no @ Runs::No(_), _) | (_, no @ Runs::No(_)) => no,
            _ => Runs::Unknown,
        }
    }
}
