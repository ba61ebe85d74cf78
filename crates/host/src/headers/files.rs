//! The lease files of DHCP servers on this host, read when they change: dnsmasq's, ISC's, Kea's, where they stand on Debian, OpenWrt and
//! in the chroots of others. Read as evidence reads them (`heloscope_evidence::leases`). What may not be read is passed over, and said
//! once.

use heloscope_evidence::leases;
use heloscope_model::SourceId;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Where they stand.
const KNOWN: [&str; 9] = [
    "/var/lib/misc/dnsmasq.leases",
    "/var/lib/dnsmasq/dnsmasq.leases",
    "/tmp/dhcp.leases",
    "/var/lib/dhcp/dhcpd.leases",
    "/var/lib/dhcp/dhcpd6.leases",
    "/var/lib/dhcpd/dhcpd.leases",
    "/var/dhcpd/var/db/dhcpd.leases",
    "/var/lib/kea/kea-leases4.csv",
    "/var/lib/kea/dhcp4.leases",
];
/// Bytes of one that are read.
const MOST: u64 = 32 << 20;

/// The files that are watched.
#[derive(Debug)]
pub(super) struct Files(Vec<File>);

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Device, inode, size and change of what was last read.
    read: Option<(u64, u64, u64, i64, i64)>,
    named: bool,
    refused: bool,
}

/// What one says now.
pub(super) struct Changed {
    pub(super) name: String,
    /// It was never read before.
    pub(super) first: bool,
    pub(super) leases: Vec<heloscope_evidence::Lease>,
}

impl Files {
    /// These, or where they are known to stand.
    pub(super) fn new(named: &[PathBuf]) -> Self {
        let file = |path: PathBuf, named| File { path, read: None, named, refused: false };
        Self(if named.is_empty() {
            KNOWN.iter().map(|path| file(path.into(), false)).collect()
        } else {
            named.iter().map(|path| file(path.clone(), true)).collect()
        })
    }

    /// Those that changed since; and what is to be said of those that cannot be read.
    pub(super) fn changed(&mut self) -> (Vec<Changed>, Vec<String>) {
        let (mut changed, mut says) = (Vec::new(), Vec::new());
        for file in &mut self.0 {
            match file.again() {
                Ok(Some(found)) => {
                    changed.push(found);
                    file.refused = false;
                }
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !file.named => {}
                Err(error) => {
                    if !std::mem::replace(&mut file.refused, true) {
                        let path = file.path.display();
                        says.push(format!("the leases of {path} are not known: {error}"));
                    }
                }
            }
        }
        (changed, says)
    }
}

impl File {
    fn again(&mut self) -> std::io::Result<Option<Changed>> {
        let about = fs::metadata(&self.path)?;
        let read = (about.dev(), about.ino(), about.len(), about.mtime(), about.mtime_nsec());
        if self.read == Some(read) || !about.is_file() {
            return Ok(None);
        }
        let mut text = Vec::new();
        fs::File::open(&self.path)?.take(MOST).read_to_end(&mut text)?;
        // What was written meanwhile shows by the next look.
        let first = self.read.replace(read).is_none();
        let leases = leases::read(&text, SourceId(0), 0);
        Ok(Some(Changed { name: self.path.display().to_string(), first, leases }))
    }
}
