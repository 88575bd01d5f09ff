//! Certificates with their keys: how they are read, and which one a client is shown.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{PairFiles, TlsError};

/// A certificate with its key.
type Pair = Arc<CertifiedKey>;

/// How a file is, as far as it tells whether it was changed: when it last was, its length, and which one it is. `None`: it cannot be seen.
pub(super) type Stamp = Option<(i64, i64, u64, u64)>;

/// The certificates that clients are shown. The lock is taken by those who shake hands, and by whoever replaces them.
#[derive(Debug)]
pub(super) struct Certificates(RwLock<Vec<Pair>>);

impl Certificates {
    pub(super) fn new(pairs: Vec<Pair>) -> Self {
        Self(RwLock::new(pairs))
    }

    pub(super) fn replace(&self, pairs: Vec<Pair>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pairs;
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Pair> {
        let pairs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut usable =
            pairs.iter().filter(|pair| pair.key.choose_scheme(hello.signature_schemes()).is_some());
        // With one certificate there is nothing to choose.
        let name = hello.server_name().filter(|_| pairs.len() > 1);
        let named = name.and_then(|name| usable.clone().find(|pair| is_for(pair, name)));
        named.or_else(|| usable.next()).cloned()
    }
}

/// Whether a certificate is one for the server of this name (RFC 6125 §6.4).
fn is_for(pair: &CertifiedKey, name: &str) -> bool {
    let Ok(name) = ServerName::try_from(name) else { return false };
    let certificate = pair.end_entity_cert().and_then(ParsedCertificate::try_from);
    certificate.is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
}

/// How the files are now.
pub(super) fn stamps(files: &[PairFiles]) -> Vec<Stamp> {
    let of = |file: &Path| {
        let about = fs::metadata(file).ok()?;
        Some((about.mtime(), about.mtime_nsec(), about.len(), about.ino()))
    };
    files.iter().flat_map(|pair| [of(&pair.certificate), of(&pair.key)]).collect()
}

/// Reads every pair.
pub(super) fn read(files: &[PairFiles]) -> Result<Vec<Pair>, TlsError> {
    files.iter().map(read_pair).collect()
}

fn read_pair(files: &PairFiles) -> Result<Pair, TlsError> {
    let blames = |file: &Path| {
        let file = file.to_owned();
        move |reason: String| TlsError { file: Some(file), reason }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| blames(&files.certificate)(error.to_string()))?;
    if chain.is_empty() {
        return Err(blames(&files.certificate)("no certificate in PEM is in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| blames(&files.key)(error.to_string()))?;
    pair(chain, key).map_err(|error| blames(&files.key)(error.to_string()))
}

/// A certificate with its key. `Err`: it is not its key, or one of them is none.
pub(super) fn pair(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Pair, rustls::Error> {
    CertifiedKey::from_der(chain, key, &default_provider()).map(Arc::new)
}
