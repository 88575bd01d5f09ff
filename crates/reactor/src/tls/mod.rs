//! TLS 1.2 and 1.3 in front of the shards: what streams are secured with, and one stream under it.
//!
//! Knows neither sockets nor what the bytes mean.

mod certificates;
mod secure;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};

use self::certificates::{Certificates, Stamp};
pub(crate) use self::secure::{PIECE_BYTES, SEALED_BYTES_MAX, Secure, Stage};

/// What is spoken under TLS (RFC 7301). Who offers protocols, and not this one, is refused.
const PROTOCOL: &[u8] = b"http/1.1";

/// What the streams of a node are secured with. Certificates are changed for those that come later; nobody is dropped for it.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
    files: Vec<PairFiles>,
    /// How the files were when they were last read.
    read: Mutex<Vec<Stamp>>,
}

/// The files of a certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The certificate, and behind it those that lead from it to a root.
    pub certificate: PathBuf,
    /// The private key, in PKCS#8, SEC 1 or PKCS#1.
    pub key: PathBuf,
}

/// Why there is nothing to secure streams with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    /// The file that is to blame, if one is.
    pub file: Option<PathBuf>,
    /// What is wrong with it.
    pub reason: String,
}

impl Tls {
    /// With certificates from files. A client that names a server is shown the first one that is for it; others, the first one.
    pub fn of_files(files: Vec<PairFiles>) -> Result<Self, TlsError> {
        let stamps = certificates::stamps(&files);
        let pairs = certificates::read(&files)?;
        Self::new(Certificates::new(pairs), files, stamps)
    }

    /// With one certificate that comes from no file, and its key in PKCS#8, both as DER.
    pub fn of_der(certificate: Vec<u8>, key: Vec<u8>) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::Pkcs8(key.into());
        let pair = certificates::pair(vec![CertificateDer::from(certificate)], key).map_err(TlsError::of)?;
        Self::new(Certificates::new(vec![pair]), Vec::new(), Vec::new())
    }

    fn new(certificates: Certificates, files: Vec<PairFiles>, stamps: Vec<Stamp>) -> Result<Self, TlsError> {
        let certificates = Arc::new(certificates);
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::of)?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // What is needed to resume is with the client, under a key that this node alone has, changes by itself and never writes down.
        config.ticketer = Ticketer::new().map_err(TlsError::of)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), certificates, files, read: Mutex::new(stamps) })
    }

    /// Reads the files anew, changed or not. `Err`: what was there before stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let stamps = certificates::stamps(&self.files);
        if !self.files.is_empty() {
            self.certificates.replace(certificates::read(&self.files)?);
        }
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        Ok(())
    }

    /// Reads the files anew if one of them is another than when it was last read. Says whether it was. `Err`: what was there before stays, and
    /// the next call tries again.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let stamps = certificates::stamps(&self.files);
        let is_changed = *self.read.lock().unwrap_or_else(PoisonError::into_inner) != stamps;
        if is_changed {
            self.reload()?;
        }
        Ok(is_changed)
    }

    /// One more stream; it has begun with `received`.
    pub(crate) fn secure(&self, received: &[u8]) -> Option<Secure> {
        Secure::new(self.config.clone(), received)
    }
}

impl TlsError {
    fn of(error: rustls::Error) -> Self {
        Self { file: None, reason: error.to_string() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}: {}", file.display(), self.reason),
            None => write!(f, "TLS: {}", self.reason),
        }
    }
}

impl std::error::Error for TlsError {}

#[cfg(test)]
pub(crate) mod tests;
