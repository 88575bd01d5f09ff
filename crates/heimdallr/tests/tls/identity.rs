//! The certificate that a server shows, and the server that shows it.

use std::fs;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};

use crate::programs::folder::Folder;
use crate::programs::{Server, heimdallr, holds_soon};

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// The certificate and the key of a server, in a folder of their own.
pub(crate) struct Identity {
    folder: Folder,
    made: CertifiedKey<KeyPair>,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let mut identity = Self { folder: Folder::new(), made: made() };
        identity.write();
        identity
    }

    /// Puts another certificate and key in the place of these.
    pub(crate) fn renew(&mut self) {
        self.made = made();
        self.write();
    }

    fn write(&mut self) {
        self.folder.write(CERTIFICATE, &self.made.cert.pem());
        self.folder.write(KEY, &self.made.signing_key.serialize_pem());
    }

    pub(crate) fn certificate(&self) -> String {
        self.folder.word(CERTIFICATE)
    }

    pub(crate) fn key(&self) -> String {
        self.folder.word(KEY)
    }

    /// Starts a server with it and these keys.
    pub(crate) fn serve(&self, settings: &[(&str, &str)]) -> Server {
        let (certificate, key) = (self.certificate(), self.key());
        let shown = [("tls_certificate", certificate.as_str()), ("tls_key", &key)];
        Server::start(heimdallr(), &[&shown[..], settings].concat())
    }

    /// What a client has to know that trusts this certificate alone.
    pub(crate) fn trusted(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.made.cert.der().clone()).expect("it can be trusted");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("they are known");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn made() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made")
}

impl Server {
    /// The memory that it has asked for. Its program is not in it: pages of that count as its own only while nobody else runs the same.
    pub(crate) fn anonymous_bytes(&self) -> u64 {
        let told = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id())).expect("it is our child");
        let line = told.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("it is told");
        let kibibytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kibibytes * 1024
    }

    /// Waits until a metric has a value.
    pub(crate) fn await_count(&self, metric: &str, expected: u64) {
        let mut seen = 0;
        let is_so = holds_soon(|| {
            seen = self.count(metric);
            seen == expected
        });
        assert!(is_so, "{metric} is {seen}, not {expected}");
    }
}
