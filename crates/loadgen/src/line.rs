//! What carries a member's bytes: a socket, with TLS on it where the run is under TLS.
//!
//! Certificates are not looked at: it is the server that is measured, and it is on this machine.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// How the server is called, which nobody checks.
const NAME: &str = "localhost";

/// A member's way to the server.
pub(crate) struct Line {
    pub(crate) socket: OwnedFd,
    tls: Option<Box<ClientConnection>>,
}

/// What one look into a line has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Nothing,
    /// Some bytes.
    Bytes,
    /// Nothing ever again.
    End,
}

impl Line {
    pub(crate) fn new(socket: OwnedFd, config: Option<&Arc<ClientConfig>>) -> io::Result<Self> {
        let begin = |config: &Arc<ClientConfig>| {
            let name = ServerName::try_from(NAME).expect("it is a name");
            let mut connection = ClientConnection::new(config.clone(), name)?;
            connection.set_buffer_limit(None);
            Ok(Box::new(connection))
        };
        let tls = config.map(begin).transpose().map_err(|error: Error| io::Error::other(error))?;
        Ok(Self { socket, tls })
    }

    /// Whether there may be more here when the socket has nothing.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Says how many of the bytes are taken. Under TLS that is all of them, but they may wait here until [`Self::push`].
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => send(&self.socket, bytes),
            Some(connection) => {
                connection.writer().write_all(bytes)?;
                self.push()?;
                Ok(bytes.len())
            }
        }
    }

    /// Sends what waits here. Says whether all of it went.
    pub(crate) fn push(&mut self) -> io::Result<bool> {
        self.tls.as_mut().map_or(Ok(true), |connection| push(connection, &self.socket))
    }

    /// Appends what has come to `scratch`, as far as it has room.
    pub(crate) fn receive(&mut self, scratch: &mut Vec<u8>) -> io::Result<Received> {
        let Some(connection) = &mut self.tls else { return receive(&self.socket, scratch) };
        loop {
            let (before, room) = (scratch.len(), scratch.capacity() - scratch.len());
            let state = connection.process_new_packets().map_err(io::Error::other)?;
            if state.plaintext_bytes_to_read() > 0 {
                let most = state.plaintext_bytes_to_read().min(room);
                scratch.resize(before + most, 0);
                connection.reader().read_exact(&mut scratch[before..])?;
                return Ok(Received::Bytes);
            }
            // What was read may be owed an answer, without which nothing more comes.
            push(connection, &self.socket)?;
            match connection.read_tls(&mut Raw(&self.socket)) {
                Ok(0) => return Ok(Received::End),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Nothing),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Sends what the library has encrypted. Says whether all of it went.
fn push(connection: &mut ClientConnection, socket: &OwnedFd) -> io::Result<bool> {
    while connection.wants_write() {
        if connection.write_tls(&mut Raw(socket))? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How members speak TLS: as anybody does, but that every handshake is a whole one.
pub(crate) fn tls() -> Arc<ClientConfig> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("the library's own versions go with its own ciphers");
    let mut config =
        config.dangerous().with_custom_certificate_verifier(Arc::new(TakesAny)).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Takes every certificate.
#[derive(Debug)]
struct TakesAny;

impl ServerCertVerifier for TakesAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A socket as the library wants it.
struct Raw<'a>(&'a OwnedFd);

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(net::recv(self.0, buffer, RecvFlags::empty())?.0)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        send(self.0, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the socket takes.
fn send(socket: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
    match net::send(socket, bytes, SendFlags::NOSIGNAL) {
        Ok(sent) => Ok(sent),
        Err(Errno::AGAIN) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn receive(socket: &OwnedFd, scratch: &mut Vec<u8>) -> io::Result<Received> {
    match net::recv(socket, spare_capacity(scratch), RecvFlags::empty()) {
        Ok((0, _)) => Ok(Received::End),
        Ok(_) => Ok(Received::Bytes),
        Err(Errno::AGAIN) => Ok(Received::Nothing),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;

    /// A server under TLS that says back what one client says, until the test process ends.
    fn serve() -> SocketAddr {
        let made = rcgen::generate_simple_self_signed(["anybody".to_owned()]).expect("a certificate is made");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("they are known");
        let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
        let connection =
            ServerConnection::new(Arc::new(config.expect("they go together"))).expect("a server");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody comes");
            let mut stream = StreamOwned::new(connection, stream);
            let mut said = vec![0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut said) {
                stream.write_all(&said[..length]).expect("it is read");
            }
        });
        address
    }

    #[test]
    fn what_is_sent_under_tls_before_hands_are_shaken_arrives_and_is_answered() {
        let stream = TcpStream::connect(serve()).expect("it accepts");
        let mut line = Line::new(stream.into(), Some(&tls())).expect("a line");
        let said: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        assert_eq!(line.send(&said).expect("it is taken"), said.len());
        let mut heard = Vec::with_capacity(said.len());
        while heard.len() < said.len() {
            assert_eq!(line.receive(&mut heard).expect("it is answered"), Received::Bytes);
        }
        assert!(heard == said && line.push().expect("nothing waits"));
    }
}
