//! One stream under TLS, as a pure machine: bytes from the network in, what was encrypted in them out, and the other way round.
//!
//! Records are decrypted in the caller's buffer and encrypted into it, so an idle stream owns no buffer: only the beginning of a record whose
//! end has not come, and the end of one that the network has not taken, are kept.

use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus};
use rustls::{HandshakeKind, ServerConfig};

/// Bytes encrypted in one record at most (RFC 8446 §5.1).
pub(crate) const PIECE_BYTES: usize = 16 * 1024;
/// What one record, and what may have to go in front of it, is at most longer than what is encrypted in it (RFC 8446 §5.2, RFC 5246 §6.2.3).
const OVERHEAD_BYTES_MAX: usize = 2048 + 5;
/// A record of the largest size.
pub(crate) const SEALED_BYTES_MAX: usize = PIECE_BYTES + OVERHEAD_BYTES_MAX;

/// A stream under TLS.
pub(crate) struct Secure {
    connection: UnbufferedServerConnection,
    pub(crate) stage: Stage,
    /// What has come in of a record that is not all there.
    partial: Vec<u8>,
    /// Encrypted, and not taken by the network yet.
    pub(crate) unsent: Vec<u8>,
    /// It was said that nothing more will be written.
    has_parted: bool,
}

/// How far a stream under TLS has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Hands are being shaken.
    Handshake,
    /// It carries what was encrypted.
    Open,
    /// The client has said that nothing more will come (RFC 8446 §6.1); it may still be told something.
    Ended,
    /// The client has broken the protocol, and was told so.
    Broken,
}

impl Secure {
    /// A stream that has begun with `received`. `None`: the library refuses the configuration.
    pub(super) fn new(config: Arc<ServerConfig>, received: &[u8]) -> Option<Self> {
        let connection = UnbufferedServerConnection::new(config).ok()?;
        Some(Self {
            connection,
            stage: Stage::Handshake,
            partial: received.to_vec(),
            unsent: Vec::new(),
            has_parted: false,
        })
    }

    /// How many bytes have come in that are not judged yet.
    pub(crate) fn kept(&self) -> usize {
        self.partial.len()
    }

    /// Takes in what has come, in `incoming` behind as many bytes as were [`Self::kept`]. Says how many bytes of `plain`, which is no
    /// shorter, were encrypted in it; appends to `out` what the client is to be sent.
    pub(crate) fn open(&mut self, incoming: &mut [u8], plain: &mut [u8], out: &mut Vec<u8>) -> usize {
        let partial = std::mem::take(&mut self.partial);
        incoming[..partial.len()].copy_from_slice(&partial);
        let (mut taken, mut opened) = (0, 0);
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.connection.process_tls_records(&mut incoming[taken..]);
            let is_done = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        plain[opened..opened + record.payload.len()].copy_from_slice(record.payload);
                        opened += record.payload.len();
                        discard += record.discard;
                    }
                    false
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, out);
                    false
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    false
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    let is_early = self.connection.is_handshaking();
                    self.stage = if is_early { Stage::Broken } else { Stage::Ended };
                    true
                }
                Ok(_) => true,
                Err(_) => {
                    self.explain(out);
                    return opened;
                }
            };
            taken += discard;
            if is_done {
                break;
            }
        }
        self.keep(&incoming[taken..], out);
        opened
    }

    /// Keeps what is not a whole record. Whoever sends more than that without saying anything never will.
    fn keep(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        if self.stage == Stage::Handshake && !self.connection.is_handshaking() {
            self.stage = Stage::Open;
        }
        if rest.len() > SEALED_BYTES_MAX {
            return self.explain(out);
        }
        if matches!(self.stage, Stage::Handshake | Stage::Open) {
            self.partial = rest.to_vec();
        }
    }

    /// Tells the client what it has done wrong, if the library has words for it (RFC 8446 §6.2).
    fn explain(&mut self, out: &mut Vec<u8>) {
        self.stage = Stage::Broken;
        // As long as it has some, it does not look at what has come in, of which nothing is here any more.
        while self.connection.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(data)) = self.connection.process_tls_records(&mut []).state
            else {
                return;
            };
            encode(data, out);
        }
    }

    /// Encrypts up to [`PIECE_BYTES`] into `out`, which has [`SEALED_BYTES_MAX`]. Says how long that is; `None`: nothing can be said any more.
    pub(crate) fn seal(&mut self, piece: &[u8], out: &mut [u8]) -> Option<usize> {
        self.write(|traffic| traffic.encrypt(piece, out))
    }

    /// Says that nothing more will be written, as [`Self::seal`]; once.
    pub(crate) fn part(&mut self, out: &mut [u8]) -> Option<usize> {
        let length = self.write(|traffic| traffic.queue_close_notify(out));
        self.has_parted = true;
        length
    }

    fn write(
        &mut self,
        what: impl FnOnce(&mut WriteTraffic<'_>) -> Result<usize, EncryptError>,
    ) -> Option<usize> {
        if !self.has_talked() || self.has_parted {
            return None;
        }
        // The library knows places in what is kept, and has to see it every time.
        match self.connection.process_tls_records(&mut self.partial).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match what(&mut traffic) {
                Ok(length) => Some(length),
                Err(_) => {
                    // No record may be encrypted with these keys any more, and TLS 1.2 has no others (RFC 9325 §4.4).
                    self.stage = Stage::Broken;
                    None
                }
            },
            _ => None,
        }
    }

    /// Whether it has carried anything, so that the end of a record is worth sending.
    pub(crate) fn has_talked(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Ended)
    }

    /// Whether hands were shaken in the short way of clients that were here before.
    pub(crate) fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

type WriteTraffic<'a> = rustls::unbuffered::WriteTraffic<'a, ServerConnectionData>;

/// Appends what is to be sent.
fn encode(mut data: EncodeTlsData<'_, ServerConnectionData>, out: &mut Vec<u8>) {
    // Asked for no space it says how much it needs.
    let Err(EncodeError::InsufficientSize(needed)) = data.encode(&mut []) else { return };
    let begin = out.len();
    out.resize(begin + needed.required_size, 0);
    let length = data.encode(&mut out[begin..]).expect("it has the space that it asked for");
    out.truncate(begin + length);
}
