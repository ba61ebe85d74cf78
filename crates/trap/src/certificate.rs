//! The certificate of STARTTLS: self-signed, made at the first start, kept in the state folder
//! (`trap-certificate.pem`, and `trap-key.pem` that only the owner may read). Mail clients do not
//! check it, and those who would notice a change see the same one after each start.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{doing} {path}: check that the state folder exists and is ours")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// What the files hold is no certificate with its key.
    #[error("{path} holds no usable certificate or key: remove both files to have them made anew")]
    Bad {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("making a certificate for {name}")]
    Make {
        /// For whom.
        name: String,
        /// Why it failed.
        source: rcgen::Error,
    },
    /// TLS cannot be had.
    #[error("setting up TLS")]
    Tls(#[from] rustls::Error),
}

/// The TLS side of the sensor, with the certificate kept in `state` (made where there is none).
pub(crate) fn tls(state: &Path, name: &str) -> Result<Arc<ServerConfig>, CertificateError> {
    let (certificate, key) = (state.join("trap-certificate.pem"), state.join("trap-key.pem"));
    if !(certificate.exists() && key.exists()) {
        let make = |source| CertificateError::Make { name: name.to_owned(), source };
        let (made, secret) = self_signed(name).map_err(make)?;
        write(&key, secret.as_bytes())?;
        write(&certificate, made.as_bytes())?;
    }
    let bad = |path: &Path| CertificateError::Bad { path: path.to_owned() };
    let chain = CertificateDer::from_pem_slice(&read(&certificate)?);
    let chain = vec![chain.map_err(|_| bad(&certificate))?];
    let secret = PrivateKeyDer::from_pem_slice(&read(&key)?).map_err(|_| bad(&key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|_| bad(&key))?;
    Ok(Arc::new(config))
}

/// A certificate for a name and its key, both as PEM.
fn self_signed(name: &str) -> Result<(String, String), rcgen::Error> {
    let mut facts = rcgen::CertificateParams::new(vec![name.to_owned()])?;
    facts.distinguished_name = rcgen::DistinguishedName::new();
    facts.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate()?;
    Ok((facts.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let doing = "reading";
    std::fs::read(path).map_err(|source| CertificateError::File {
        doing,
        path: path.into(),
        source,
    })
}

/// Whole or not at all: written beside it, then put in its place.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CertificateError> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = path.with_extension("new");
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    let doing = "writing";
    written.map_err(|source| CertificateError::File { doing, path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once_and_kept() {
        let state = tempfile::tempdir().unwrap();
        tls(state.path(), "mx.example.net").unwrap();
        let key = state.path().join("trap-key.pem");
        let first = std::fs::read(&key).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        tls(state.path(), "mx.example.net").unwrap();
        assert_eq!(std::fs::read(&key).unwrap(), first);
        std::fs::write(&key, "no key").unwrap();
        let error = tls(state.path(), "mx.example.net").unwrap_err();
        assert!(error.to_string().contains("remove both files"), "{error}");
        let error = tls(&state.path().join("nowhere"), "mx.example.net").unwrap_err();
        assert!(error.to_string().contains("state folder"), "{error}");
    }
}
