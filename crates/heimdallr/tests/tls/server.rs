//! The program with TLS, started for one test and gone at its end; and the certificate that it shows.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};

/// Longer than anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(20);
const ANY_PORT: &str = "127.0.0.1:0";

/// A folder with the certificate and the key of a server; gone at the end of its test.
pub(crate) struct Identity {
    folder: PathBuf,
    made: CertifiedKey<KeyPair>,
}

pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
}

impl Identity {
    pub(crate) fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("heimdallr-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let mut identity = Self { folder, made: made() };
        identity.write();
        identity
    }

    /// Puts another certificate and key in the place of these.
    pub(crate) fn renew(&mut self) {
        self.made = made();
        self.write();
    }

    fn write(&mut self) {
        std::fs::write(self.path("certificate.pem"), self.made.cert.pem()).expect("it can be written");
        std::fs::write(self.path("key.pem"), self.made.signing_key.serialize_pem())
            .expect("it can be written");
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
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

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// Starts the program with these keys in its environment.
    pub(crate) fn start(identity: &Identity, settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_heimdallr"))
            .args(["--listen", ANY_PORT, "--admin", ANY_PORT, "--threads", "2"])
            .env("HEIMDALLR_LOG_LEVEL", "error")
            .env("HEIMDALLR_DRAIN_WAIT_SECONDS", "0")
            .env("HEIMDALLR_TLS_CERTIFICATE", identity.path("certificate.pem"))
            .env("HEIMDALLR_TLS_KEY", identity.path("key.pem"))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let address = announced(&mut output, "listening on ");
        announced(&mut output, "the page is at https://");
        let admin = announced(&mut output, "health and metrics are at http://");
        Self { process, address, admin }
    }

    /// The memory that it has asked for. Its program is not in it: pages of that count as its own only while nobody else runs the same.
    pub(crate) fn anonymous_bytes(&self) -> u64 {
        let rollup = format!("/proc/{}/smaps_rollup", self.process.id());
        let told = std::fs::read_to_string(rollup).expect("it is our child");
        let line = told.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("it is told");
        let kibibytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kibibytes * 1024
    }

    pub(crate) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
    }

    pub(crate) fn end(&mut self) -> Option<i32> {
        self.process.wait().expect("it is our child").code()
    }

    /// A metric, summed over the shards: its name and labels begin so.
    pub(crate) fn count(&self, metric: &str) -> u64 {
        let mut stream = TcpStream::connect(self.admin).expect("it accepts");
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let (name, label) = metric.split_once(' ').unwrap_or((metric, ""));
        let lines =
            text.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
        lines.map(|line| line.rsplit(' ').next().expect("a value").parse::<u64>().expect("a number")).sum()
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

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, as it was asked to.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether something becomes true before patience is at its end.
pub(crate) fn holds_soon(mut is_true: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_true() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::park_timeout(PAUSE);
    }
    true
}

fn made() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made")
}

fn announced(output: &mut BufReader<ChildStdout>, words: &str) -> SocketAddr {
    let mut line = String::new();
    output.read_line(&mut line).expect("the output is text");
    let rest =
        line.trim_end().strip_prefix(words).unwrap_or_else(|| panic!("{words:?} expected, not {line:?}"));
    rest.trim_matches('/').parse().expect("an address")
}
