//! What streams are secured with: certificates from files, looked after while the node works, or one made at the start.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reactor::{PairFiles, Tls, TlsError};

use crate::config::Settings;

/// Whom a certificate is for that was made at the start.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What the configuration asks for; `None`: no TLS.
pub(crate) fn open(settings: &Settings) -> Result<Option<Arc<Tls>>, String> {
    if settings.dev_tls {
        return make().map(|tls| Some(Arc::new(tls)));
    }
    if settings.tls_certificate.is_empty() {
        return Ok(None);
    }
    let pairs = settings.tls_certificate.iter().zip(&settings.tls_key);
    let files = pairs
        .map(|(certificate, key)| PairFiles { certificate: PathBuf::from(certificate), key: key.into() });
    let tls = Tls::of_files(files.collect()).map_err(|error| error.to_string())?;
    Ok(Some(Arc::new(tls)))
}

/// With a certificate for this machine alone, that nobody else has signed.
fn make() -> Result<Tls, String> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(HERE.map(str::to_owned)).map_err(|error| error.to_string())?;
    Tls::of_der(cert.der().to_vec(), signing_key.serialize_der()).map_err(|error| error.to_string())
}

/// Looks whether the files of certificates have changed.
pub(crate) struct Watch {
    tls: Option<Arc<Tls>>,
    /// Why they could not be read when it was last looked.
    fault: Option<TlsError>,
}

impl Watch {
    pub(crate) fn new(tls: Option<Arc<Tls>>) -> Self {
        Self { tls, fault: None }
    }

    /// Has what changed read, and says so. A fault is said once.
    pub(crate) fn look(&mut self) {
        if let Some(tls) = self.tls.clone() {
            self.note(tls.reload_if_changed());
        }
    }

    /// Has everything read, changed or not, because somebody asks for it.
    pub(crate) fn look_again(&mut self) {
        self.fault = None;
        if let Some(tls) = self.tls.clone() {
            self.note(tls.reload().map(|()| true));
        }
    }

    /// Why the certificates are not those that their files hold.
    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.as_ref().map(|fault| format!("certificates stay as they were: {fault}"))
    }

    fn note(&mut self, read: Result<bool, TlsError>) {
        match read {
            Ok(is_changed) => {
                self.fault = None;
                if is_changed {
                    tracing::info!("certificates read anew");
                }
            }
            Err(fault) if self.fault.as_ref() == Some(&fault) => {}
            Err(fault) => {
                tracing::warn!(%fault, "certificates stay as they were");
                self.fault = Some(fault);
            }
        }
    }
}
