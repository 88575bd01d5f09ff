//! TLS as it is measured: one certificate for every server, clients of OpenSSL that do nothing but shake hands, and nginx beside ours.
//! Installed from Debian where they are missing.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::lab::Place;
use super::server::{cpu_seconds_of, free_address};
use crate::install;
use crate::program::Program;
use crate::step::{Failure, Outcome};

const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate that is its own issuer, and its key, in files.
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Makes sure that OpenSSL and nginx are there.
pub(super) fn install() -> Outcome {
    install::programs(&[("openssl", "openssl"), ("nginx", "nginx")])
}

impl Identity {
    /// A new one in `folder`: ECDSA on P-256, what servers that have the choice are given.
    pub(super) fn make(folder: &Path) -> Result<Self, Failure> {
        let made = Self { certificate: folder.join("tls.pem"), key: folder.join("tls.key") };
        let what =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost";
        let openssl = Program::new("openssl").args(what.split(' '));
        let openssl = openssl.args(["-keyout".as_ref(), made.key.as_os_str()]);
        openssl.args(["-out".as_ref(), made.certificate.as_os_str()]).capture()?;
        Ok(made)
    }
}

/// nginx in one process that answers by itself.
pub(super) struct Nginx {
    process: Child,
    pub(super) address: SocketAddr,
}

impl Nginx {
    /// Starts it in `folder` and waits until it accepts.
    pub(super) fn start(identity: &Identity, place: Place, folder: &Path) -> Result<Self, Failure> {
        let address = free_address()?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(address, identity, folder))?;
        let nginx = install::find("nginx").ok_or_else(|| Failure::new("nginx is not there"))?;
        let mut line = place.line(vec![nginx.display().to_string()]);
        line.extend(["-c".to_owned(), file.display().to_string(), "-e".to_owned(), "stderr".to_owned()]);
        let process = Program::new(&line[0]).args(&line[1..]).start(&folder.join("nginx.log"))?;
        let mut nginx = Self { process, address };
        nginx.await_accepting()?;
        Ok(nginx)
    }

    fn await_accepting(&mut self) -> Outcome {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(self.address).is_err() {
            if self.process.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(Failure::new("nginx does not accept"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(super) fn cpu_seconds(&self) -> Result<f64, Failure> {
        cpu_seconds_of(self.process.id())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The versions of ours; every handshake is a whole one.
fn configuration(address: SocketAddr, identity: &Identity, folder: &Path) -> String {
    let (certificate, key, folder) =
        (identity.certificate.display(), identity.key.display(), folder.display());
    format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache off;
    server {{ listen {address} ssl backlog=4096; location / {{ return 200 ok; }} }}
}}
"
    )
}

/// Clients of OpenSSL that shake hands, one after the other, and hang up.
pub(super) struct Hands {
    /// `1.2` or `1.3`.
    pub(super) version: &'static str,
    pub(super) seconds: f64,
}

impl Hands {
    /// Shakes hands with a server for as long as it is to be. Says how often, and for how many seconds it was.
    pub(super) fn shake(&self, address: SocketAddr, place: Place) -> Result<(f64, f64), Failure> {
        let (line, began) = (self.line(address, place), Instant::now());
        let said = Program::new(&line[0]).args(&line[1..]).capture()?;
        let count = shaken(&said);
        let count = count.ok_or_else(|| Failure::new(format!("openssl said something else:\n{said}")))?;
        Ok((count, began.elapsed().as_secs_f64()))
    }

    /// Begins to, behind everything else there is to do on the same core.
    pub(super) fn begin(&self, address: SocketAddr, place: Place, log: &Path) -> Result<Underway, Failure> {
        let line = self.line(address, place);
        Program::new("nice").args(["-n", "19"]).args(&line).start(log).map(Underway)
    }

    fn line(&self, address: SocketAddr, place: Place) -> Vec<String> {
        let seconds = self.seconds.max(1.0).round();
        let version = if self.version == "1.2" { "-tls1_2" } else { "-tls1_3" };
        let words = format!("openssl s_time -connect {address} -new {version} -time {seconds}");
        place.line(words.split(' ').map(str::to_owned).collect())
    }
}

/// Handshakes that go on while something else happens; over with the value.
pub(super) struct Underway(Child);

impl Drop for Underway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many connections there were.
fn shaken(said: &str) -> Option<f64> {
    let line =
        said.lines().find(|line| line.contains(" connections in ") && line.contains(" real seconds"))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_how_often_hands_were_shaken() {
        let said = "Collecting connection statistics for 2 seconds\n\n4211 connections in 1.31s; 3214.50 connections/user sec, bytes read 0\n4211 connections in 3 real seconds, 0 bytes read per connection\n";
        assert_eq!(shaken(said), Some(4211.0));
        assert_eq!(shaken("connect: Connection refused\n"), None);
    }
}
