//! One stream under TLS against the library's client: versions, cuts, faults, which certificate is shown, and what is kept while nothing is said.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::cipher::OutboundPlainMessage;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, HandshakeKind, ProtocolVersion,
    RootCertStore, SupportedProtocolVersion,
};

use super::{PIECE_BYTES, PairFiles, SEALED_BYTES_MAX, Secure, Stage, Tls};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
/// Whole, byte by byte, and where a record ends for nobody.
const CUTS: [usize; 4] = [usize::MAX, 1, 7, 1000];

pub(crate) type Made = CertifiedKey<KeyPair>;

pub(crate) fn made(name: &str) -> Made {
    generate_simple_self_signed([name.to_owned()]).expect("a certificate is made")
}

pub(crate) fn offering(made: &Made) -> Tls {
    Tls::of_der(made.cert.der().to_vec(), made.signing_key.serialize_der()).expect("they go together")
}

pub(crate) fn trusting(made: &[&Made], versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    made.iter().for_each(|made| roots.add(made.cert.der().clone()).expect("it can be trusted"));
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_protocol_versions(versions).expect("they are known");
    config.with_root_certificates(roots).with_no_client_auth()
}

/// A client and its stream.
struct Talk {
    client: ClientConnection,
    server: Secure,
    cut: usize,
    /// What the client has said.
    heard: Vec<u8>,
    /// What is on its way to the client.
    sent: Vec<u8>,
}

impl Talk {
    fn new(tls: &Tls, config: &Arc<ClientConfig>, name: &str, cut: usize) -> Self {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let client = ClientConnection::new(config.clone(), name).expect("a client");
        let server = tls.secure(&[]).expect("a stream");
        Self { client, server, cut, heard: Vec::new(), sent: Vec::new() }
    }

    /// Both sides hear what there is until there is nothing more. `Err`: what the client has to complain of.
    fn go_on(&mut self) -> Result<(), rustls::Error> {
        loop {
            let mut said = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut said).expect("a vector takes everything");
            }
            if said.is_empty() && self.sent.is_empty() {
                return Ok(());
            }
            said.chunks(self.cut).for_each(|piece| self.hear(piece));
            let sent = std::mem::take(&mut self.sent);
            let mut unread = sent.as_slice();
            while !unread.is_empty() {
                self.client.read_tls(&mut unread).expect("a slice can be read");
                self.client.process_new_packets()?;
            }
        }
    }

    fn hear(&mut self, piece: &[u8]) {
        let kept = self.server.kept();
        let mut incoming = [&vec![0xee; kept], piece].concat();
        let mut plain = vec![0; incoming.len()];
        let opened = self.server.open(&mut incoming, &mut plain, &mut self.sent);
        self.heard.extend_from_slice(&plain[..opened]);
    }

    fn answer(&mut self, bytes: &[u8]) {
        let mut out = vec![0; SEALED_BYTES_MAX];
        for piece in bytes.chunks(PIECE_BYTES) {
            let length = self.server.seal(piece, &mut out).expect("it can be said");
            self.sent.extend_from_slice(&out[..length]);
        }
    }

    fn told(&mut self, length: usize) -> Vec<u8> {
        let mut told = vec![0; length];
        self.client.reader().read_exact(&mut told).expect("it has come");
        told
    }
}

/// Those who have shaken hands.
fn talking(tls: &Tls, config: &Arc<ClientConfig>, cut: usize) -> Talk {
    let mut talk = Talk::new(tls, config, "chat.example", cut);
    talk.go_on().expect("hands are shaken");
    assert_eq!(talk.server.stage, Stage::Open);
    talk
}

#[test]
fn both_versions_carry_bytes_both_ways_wherever_they_are_cut() {
    let made = made("chat.example");
    for (version, cut) in VERSIONS.into_iter().flat_map(|version| CUTS.map(|cut| (version, cut))) {
        let mut talk = talking(&offering(&made), &Arc::new(trusting(&[&made], &[version])), cut);
        talk.client.writer().write_all(b"GET / HTTP/1.1\r\n").expect("it is taken");
        talk.go_on().expect("nobody complains");
        assert_eq!(talk.heard, b"GET / HTTP/1.1\r\n", "{version:?} {cut}");
        talk.answer(b"HTTP/1.1 200 OK\r\n");
        talk.go_on().expect("nobody complains");
        assert_eq!(talk.told(17), b"HTTP/1.1 200 OK\r\n", "{version:?} {cut}");
        assert_eq!(
            (talk.server.kept(), talk.server.unsent.capacity()),
            (0, 0),
            "nothing is kept while nothing is said"
        );
    }
}

#[test]
fn much_is_carried_in_records_of_the_largest_size() {
    let made = made("chat.example");
    let much: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    for version in VERSIONS {
        let mut config = trusting(&[&made], &[version]);
        config.max_fragment_size = None;
        let mut talk = talking(&offering(&made), &Arc::new(config), 5000);
        talk.client.set_buffer_limit(None);
        talk.client.writer().write_all(&much).expect("it is taken");
        talk.answer(&much);
        let mut told = Vec::new();
        let sent = std::mem::take(&mut talk.sent);
        for piece in sent.chunks(4096) {
            talk.sent = piece.to_vec();
            talk.go_on().expect("nobody complains");
            let state = talk.client.process_new_packets().expect("nobody complains");
            told.extend(talk.told(state.plaintext_bytes_to_read()));
        }
        assert!(talk.heard == much && told == much, "{version:?}");
    }
}

#[test]
fn each_side_says_that_it_says_no_more_and_the_other_may_go_on() {
    let made = made("chat.example");
    for version in VERSIONS {
        let mut talk = talking(&offering(&made), &Arc::new(trusting(&[&made], &[version])), 1);
        talk.client.send_close_notify();
        talk.go_on().expect("nobody complains");
        assert_eq!(talk.server.stage, Stage::Ended, "{version:?}");
        talk.answer(b"bye");
        let mut out = vec![0; SEALED_BYTES_MAX];
        let length = talk.server.part(&mut out).expect("it can be said");
        talk.sent.extend_from_slice(&out[..length]);
        assert_eq!(talk.server.part(&mut out), None, "it is said once");
        talk.go_on().expect("nobody complains");
        assert_eq!(talk.told(3), b"bye", "{version:?}");
        assert!(talk.client.process_new_packets().expect("nobody complains").peer_has_closed());
    }
}

#[test]
fn who_wants_another_protocol_or_an_older_version_is_told_so() {
    let made = made("chat.example");
    let mut config = trusting(&[&made], &VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut talk = Talk::new(&offering(&made), &Arc::new(config), "chat.example", usize::MAX);
    let complaint = talk.go_on().expect_err("nothing is had in common");
    assert_eq!(complaint, rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol));
    assert_eq!(talk.server.stage, Stage::Broken);
}

#[test]
fn http_1_1_is_had_in_common_with_who_offers_more() {
    let made = made("chat.example");
    let mut config = trusting(&[&made], &VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let talk = talking(&offering(&made), &Arc::new(config), usize::MAX);
    assert_eq!(talk.client.alpn_protocol(), Some(b"http/1.1".as_slice()));
}

#[test]
fn what_is_not_tls_breaks_a_stream_that_began_so_and_is_mostly_answered_with_an_alert() {
    let tls = offering(&made("chat.example"));
    // The library has no words for a message that is too long.
    for (junk, answer) in [
        (b"\x16\x03\x01\x00\x05hello".as_slice(), None),
        (b"\x16GET / HTTP/1.1\r\n\r\n", Some(&0x15)),
        (&[&[0x16, 3, 1, 0xff, 0xff], [0; 60_000].as_slice()].concat(), Some(&0x15)),
    ] {
        let mut server = tls.secure(junk).expect("a stream");
        let (mut out, kept) = (Vec::new(), server.kept());
        server.open(&mut vec![0; kept], &mut vec![0; kept], &mut out);
        assert_eq!((server.stage, out.first()), (Stage::Broken, answer), "{:?}", &junk[..6]);
        assert_eq!(server.kept(), 0);
    }
}

#[test]
fn a_hello_that_never_ends_is_not_waited_for() {
    let mut server = offering(&made("chat.example")).secure(&[]).expect("a stream");
    // Records of which each says that there is more of the hello.
    let piece = [&[0x16, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff], [0; 0x4000 - 4].as_slice()].concat();
    let further = [&[0x16, 3, 1, 0x40, 0], [0; 0x4000].as_slice()].concat();
    for piece in [piece, further] {
        assert_eq!(server.stage, Stage::Handshake);
        let mut incoming = [&vec![0; server.kept()], piece.as_slice()].concat();
        let mut plain = vec![0; incoming.len()];
        server.open(&mut incoming, &mut plain, &mut Vec::new());
    }
    assert_eq!((server.stage, server.kept()), (Stage::Broken, 0));
}

/// Numbers that look like chance, from a seed.
fn chance(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

#[test]
fn whatever_comes_in_and_however_it_is_cut_breaks_that_stream_alone() {
    let made = made("chat.example");
    let tls = offering(&made);
    let configs = VERSIONS.map(|version| Arc::new(trusting(&[&made], &[version])));
    for seed in 0..600 {
        let mut below = chance(seed);
        let is_early = below(2) == 0;
        let config = &configs[below(2)];
        let mut talk = Talk::new(&tls, config, "chat.example", usize::MAX);
        if !is_early {
            talk.go_on().expect("hands are shaken");
        }
        talk.client.writer().write_all(&[b'x'; 300]).expect("it is taken");
        let mut said = Vec::new();
        talk.client.write_tls(&mut said).expect("a vector takes everything");
        for _ in 0..=below(4) {
            let place = below(said.len());
            said[place] = below(256) as u8;
        }
        let mut unsaid = said.as_slice();
        while !unsaid.is_empty() && matches!(talk.server.stage, Stage::Handshake | Stage::Open) {
            let (piece, rest) = unsaid.split_at(1 + below(unsaid.len()));
            talk.hear(piece);
            let _ = talk.server.seal(b"meanwhile", &mut [0; SEALED_BYTES_MAX]);
            unsaid = rest;
        }
        assert!(talk.server.kept() <= said.len(), "seed {seed}");
    }
}

#[test]
fn something_may_be_said_while_a_message_of_tls_itself_is_not_all_there() {
    let made = made("chat.example");
    let mut config = trusting(&[&made], &[&TLS13]);
    config.enable_secret_extraction = true;
    let mut talk = talking(&offering(&made), &Arc::new(config), usize::MAX);
    let answered = talk.client.negotiated_cipher_suite().and_then(|suite| suite.tls13());
    let name = ServerName::try_from("chat.example").expect("a name");
    let other = ClientConnection::new(Arc::new(trusting(&[&made], &[&TLS13])), name).expect("a client");
    let secrets = std::mem::replace(&mut talk.client, other).dangerous_extract_secrets();
    let (first, ConnectionTrafficSecrets::Aes256Gcm { key, iv }) = secrets.expect("they may be had").tx
    else {
        panic!("another cipher was agreed on");
    };
    let mut encrypter = answered.expect("it is of TLS 1.3").aead_alg.encrypter(key, iv);
    // A KeyUpdate that asks for another one (RFC 8446 §4.6.3), in two records.
    for (number, piece) in [[24, 0, 0].as_slice(), &[1, 1]].into_iter().enumerate() {
        let message = OutboundPlainMessage {
            typ: ContentType::Handshake,
            version: ProtocolVersion::TLSv1_2,
            payload: piece.into(),
        };
        let record = encrypter.encrypt(message, first + number as u64).expect("it is encrypted");
        talk.hear(&record.encode());
        talk.answer(b"meanwhile");
        assert_eq!((talk.server.stage, talk.server.kept() > 0), (Stage::Open, number == 0));
    }
}

#[test]
fn clients_that_come_back_shake_hands_in_the_short_way() {
    let made = made("chat.example");
    let tls = offering(&made);
    for version in VERSIONS {
        let mut config = trusting(&[&made], &[version]);
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        assert!(!talking(&tls, &config, usize::MAX).server.is_resumed(), "{version:?}");
        let again = talking(&tls, &config, usize::MAX);
        assert!(again.server.is_resumed(), "{version:?}");
        assert_eq!(again.client.handshake_kind(), Some(HandshakeKind::Resumed));
    }
}

/// Files that are gone at the end of their test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heimdallr-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        // As tools do that renew certificates: there is never half a file.
        let beside = self.0.join("beside");
        std::fs::write(&beside, text).expect("it can be written");
        std::fs::rename(&beside, &path).expect("it can be renamed");
        path
    }

    fn pair(&self, name: &str, made: &Made) -> PairFiles {
        PairFiles {
            certificate: self.write(&format!("{name}.pem"), &made.cert.pem()),
            key: self.write(&format!("{name}.key"), &made.signing_key.serialize_pem()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a client that trusts this certificate alone, and asks for a server by this name, is shown it.
fn shows(tls: &Tls, made: &Made, name: &str) -> bool {
    let config = Arc::new(trusting(&[made], &VERSIONS));
    Talk::new(tls, &config, name, usize::MAX).go_on().is_ok()
}

#[test]
fn a_client_is_shown_the_first_certificate_for_the_server_that_it_names_else_the_first() {
    let folder = Folder::new("names");
    let (one, two, other_two) = (made("one.example"), made("*.two.example"), made("a.two.example"));
    let files = [folder.pair("1", &one), folder.pair("2", &two), folder.pair("3", &other_two)];
    let tls = Tls::of_files(files.to_vec()).expect("they are read");
    assert!(shows(&tls, &one, "one.example"));
    assert!(shows(&tls, &two, "a.two.example") && !shows(&tls, &other_two, "a.two.example"));
    let config = Arc::new(trusting(&[&one], &VERSIONS));
    let complaint = Talk::new(&tls, &config, "three.example", usize::MAX).go_on().expect_err("it is not its");
    assert!(
        complaint.to_string().contains("NotValidForName")
            || complaint.to_string().contains("not valid for name"),
        "{complaint}"
    );
}

#[test]
fn files_that_change_are_read_anew_and_those_that_are_wrong_change_nothing() {
    let folder = Folder::new("change");
    let (old, new) = (made("chat.example"), made("chat.example"));
    let tls = Tls::of_files(vec![folder.pair("1", &old)]).expect("they are read");
    assert_eq!(tls.reload_if_changed(), Ok(false));
    folder.write("1.pem", &new.cert.pem());
    let fault = tls.reload_if_changed().expect_err("the key is still the old one's");
    assert_eq!(fault.file.as_deref().and_then(Path::file_name), Some("1.key".as_ref()), "{fault}");
    assert!(shows(&tls, &old, "chat.example"));
    folder.pair("1", &new);
    assert_eq!(tls.reload_if_changed(), Ok(true));
    assert_eq!(tls.reload_if_changed(), Ok(false));
    assert!(shows(&tls, &new, "chat.example") && !shows(&tls, &old, "chat.example"));
}

#[test]
fn streams_that_are_there_live_on_when_certificates_are_read_anew() {
    let folder = Folder::new("live");
    let (old, new) = (made("chat.example"), made("chat.example"));
    let tls = Tls::of_files(vec![folder.pair("1", &old)]).expect("they are read");
    let mut talk = talking(&tls, &Arc::new(trusting(&[&old], &VERSIONS)), usize::MAX);
    folder.pair("1", &new);
    tls.reload().expect("they are read");
    talk.answer(b"still here");
    talk.go_on().expect("nobody complains");
    assert_eq!(talk.told(10), b"still here");
}

#[test]
fn files_that_are_none_are_blamed_by_name() {
    let folder = Folder::new("blame");
    let right = folder.pair("1", &made("chat.example"));
    let empty = folder.write("empty", "");
    for (certificate, key, blamed) in [
        (empty.clone(), right.key.clone(), "empty: no certificate"),
        (right.certificate.clone(), empty, "empty: "),
        (folder.0.join("missing"), right.key.clone(), "missing: "),
        (right.certificate.clone(), right.certificate.clone(), "1.pem: "),
    ] {
        let error = Tls::of_files(vec![PairFiles { certificate, key }]).expect_err("they are refused");
        assert!(error.to_string().contains(blamed), "{error}");
    }
}
