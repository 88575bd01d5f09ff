//! One connection to a backend: HTTP/1.1, with or without TLS, kept as long as both sides like.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Where a backend is, and how it is spoken to.
#[derive(Clone)]
pub struct Address {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
}

/// Why a backend has not answered, for a person.
pub(super) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A connection, once there is one.
pub struct Backend {
    address: Address,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Address {
    /// Reads an `http` or `https` URL.
    pub fn read(url: &str) -> Result<Self, Fault> {
        let uri: Uri = url.parse()?;
        let host = uri.host().ok_or("no host")?.trim_matches(['[', ']']).to_owned();
        let (tls, port) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => (Some(TlsConnector::from(Arc::new(trusting_the_system()?))), 443),
            _ => return Err("neither http nor https".into()),
        };
        Ok(Self { port: uri.port_u16().unwrap_or(port), host, tls, uri })
    }

    /// Where it is, without what may be secret of its URL.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Fault> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => speak(stream).await,
            Some(tls) => speak(tls.connect(ServerName::try_from(self.host.clone())?, stream).await?).await,
        }
    }
}

impl Backend {
    /// One that is not connected yet.
    pub fn new(address: Address) -> Self {
        Self { address, sender: None }
    }

    /// Asks, with these further headers, on the connection there is or on a new one. One that fails is let go.
    pub async fn ask(
        &mut self,
        question: Vec<u8>,
        headers: &[(&'static str, String)],
    ) -> Result<Bytes, Fault> {
        let question = Bytes::from(question);
        // The other side may just have let go of a connection that was kept.
        if let Some(kept) = self.sender.take().filter(|sender| !sender.is_closed())
            && let Ok(answer) = self.ask_on(kept, question.clone(), headers).await
        {
            return Ok(answer);
        }
        let fresh = self.address.connect().await?;
        self.ask_on(fresh, question, headers).await
    }

    async fn ask_on(
        &mut self,
        mut sender: SendRequest<Full<Bytes>>,
        question: Bytes,
        headers: &[(&'static str, String)],
    ) -> Result<Bytes, Fault> {
        let target = self.address.uri.path_and_query().map_or("/", |target| target.as_str());
        let authority = self.address.uri.authority().map_or("", |authority| authority.as_str());
        let mut request =
            Request::post(target).header(HOST, authority).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        sender.ready().await?;
        let answer = sender.send_request(request.body(Full::new(question))?).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
        if !status.is_success() {
            return Err(format!("it has answered with {status}").into());
        }
        self.sender = Some(sender);
        Ok(body)
    }
}

async fn speak<Stream>(stream: Stream) -> Result<SendRequest<Full<Bytes>>, Fault>
where
    Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // What goes wrong there is told to who asks.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// What the machine trusts.
fn trusting_the_system() -> io::Result<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that cannot be read is not trusted.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
