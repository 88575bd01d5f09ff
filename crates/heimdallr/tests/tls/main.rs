//! TLS on the port where everything else is, as clients meet it.

mod client;
mod identity;
#[path = "../programs/mod.rs"]
mod programs;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustls::StreamOwned;

use crate::client::{Client, connect, hello, secured};
use crate::identity::Identity;
use crate::programs::{Server, heimdallr, holds_soon, refused};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const ABANDONED: &str = "heimdallr_tls_handshakes_total abandoned";
const FAILED: &str = "heimdallr_tls_handshakes_total failed";

#[test]
fn members_under_tls_and_in_plain_text_are_in_one_room_whichever_shard_it_is_on() {
    let identity = Identity::new();
    let server = identity.serve(&[]);
    for room in ["a", "b", "c", "d"] {
        let mut alice = Client::join(secured(server.address, &identity.trusted()), room, "alice");
        let mut bob = Client::join(connect(server.address), room, "bob");
        bob.say(b"in plain text");
        assert_eq!((alice.hear(), bob.hear()), (b"in plain text".to_vec(), b"in plain text".to_vec()));
        alice.say(b"encrypted");
        assert_eq!((alice.hear(), bob.hear()), (b"encrypted".to_vec(), b"encrypted".to_vec()));
    }
    server.await_count("heimdallr_tls_handshakes_total full", 4);
    server.await_count("heimdallr_tls_streams", 0);
    assert_eq!(server.count(FAILED) + server.count(ABANDONED), 0);
}

#[test]
fn who_has_to_speak_tls_and_does_not_is_told_so() {
    let identity = Identity::new();
    let server = identity.serve(&[("tls_only", "true")]);
    let mut plain = connect(server.address);
    plain.write_all(REQUEST).expect("it reads");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\ntls_required\n"), "{answer}");
    let mut line = secured(server.address, &identity.trusted());
    line.write_all(REQUEST).expect("it reads");
    let mut answer = String::new();
    line.read_to_string(&mut answer).expect("it answers, and says that it is done");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn certificates_are_renewed_while_everybody_talks_on() {
    let mut identity = Identity::new();
    let server = identity.serve(&[]);
    let mut alice = Client::join(secured(server.address, &identity.trusted()), "lobby", "alice");
    identity.renew();
    let renewed = identity.trusted();
    let is_shown = || {
        alice.say(b"meanwhile");
        assert_eq!(alice.hear(), b"meanwhile");
        secured(server.address, &renewed).write_all(REQUEST).is_ok()
    };
    assert!(holds_soon(is_shown), "nobody is shown the new certificate");
    let mut bob = Client::join(secured(server.address, &renewed), "lobby", "bob");
    alice.say(b"still here");
    assert_eq!(bob.hear(), b"still here");
}

#[test]
fn a_slow_reader_under_tls_misses_nothing_of_much() {
    let identity = Identity::new();
    let server = identity.serve(&[("session_queue_bytes", "67108864")]);
    let mut author = Client::join(secured(server.address, &identity.trusted()), "lobby", "author");
    let line = secured(server.address, &identity.trusted());
    set_socket_recv_buffer_size(&line.sock, 64 * 1024).expect("a size that may be");
    let mut reader = Client::join(line, "lobby", "reader");
    let message = |number: u8| vec![b'a' + number % 26; 60_000];
    // More than sockets hold, so that records are cut where the reader's takes no more.
    for number in 0..200 {
        author.say(&message(number));
        assert_eq!(author.hear(), message(number));
    }
    for number in 0..200 {
        assert!(reader.hear() == message(number), "message {number} is another one");
    }
    assert!(holds_soon(|| server.count("heimdallr_stalls_total") > 0), "it was not slow");
}

/// A stream on which the server has answered a hello, and what a client says to that, which ends the handshake.
fn answered(server: &Server, identity: &Identity) -> (TcpStream, Vec<u8>) {
    let (mut stream, mut client) = (connect(server.address), hello(&identity.trusted()));
    client.write_tls(&mut stream).expect("it reads");
    while !client.wants_write() {
        client.read_tls(&mut stream).expect("it answers");
        client.process_new_packets().expect("nothing is wrong with it");
    }
    let mut said = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut said).expect("a vector takes everything");
    }
    (stream, said)
}

#[test]
fn who_goes_away_at_any_byte_of_a_handshake_disturbs_nobody() {
    let identity = Identity::new();
    let server = identity.serve(&[]);
    let mut member = Client::join(secured(server.address, &identity.trusted()), "lobby", "member");
    let mut said = Vec::new();
    hello(&identity.trusted()).write_tls(&mut said).expect("a vector takes everything");
    for cut in 1..said.len() {
        connect(server.address).write_all(&said[..cut]).expect("it reads");
    }
    let (_, finished) = answered(&server, &identity);
    for cut in 0..finished.len() {
        let (mut stream, finished) = answered(&server, &identity);
        stream.write_all(&finished[..cut]).expect("it reads");
    }
    let hellos = said.len() - 1;
    server.await_count(ABANDONED, (hellos + finished.len() + 1) as u64);
    member.say(b"undisturbed");
    assert_eq!(member.hear(), b"undisturbed");
    server.await_count("heimdallr_tls_streams", 1);
    assert_eq!(server.count(FAILED), 0);
}

#[test]
fn a_handshake_byte_by_byte_is_one_too() {
    let identity = Identity::new();
    let server = identity.serve(&[]);
    let (mut stream, mut client) = (connect(server.address), hello(&identity.trusted()));
    while client.is_handshaking() {
        let mut said = Vec::new();
        client.write_tls(&mut said).expect("a vector takes everything");
        said.iter().for_each(|byte| stream.write_all(&[*byte]).expect("it reads"));
        if client.wants_read() {
            client.read_tls(&mut stream).expect("it answers");
            client.process_new_packets().expect("nothing is wrong with it");
        }
    }
    client.writer().write_all(REQUEST).expect("it is taken");
    let mut line = StreamOwned::new(client, stream);
    let mut answer = String::new();
    line.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_proxy_that_passes_tls_through_says_who_is_behind_it_in_front_of_it() {
    let identity = Identity::new();
    let proxies = [("trusted_proxies", "127.0.0.0/8"), ("proxy_protocol", "true")].as_slice();
    let server = identity.serve(&[proxies, &[("tls_only", "true")]].concat());
    let mut stream = connect(server.address);
    stream.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n").expect("it reads");
    let mut member = Client::join(StreamOwned::new(hello(&identity.trusted()), stream), "lobby", "192.0.2.7");
    member.say(b"passed through");
    assert_eq!(member.hear(), b"passed through");
}

#[test]
fn what_only_begins_as_tls_is_counted_and_over() {
    let identity = Identity::new();
    let server = identity.serve(&[]);
    let mut stream = connect(server.address);
    stream.write_all(b"\x16 is no way to begin a request\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it ends");
    assert_eq!(answer.first(), Some(&0x15), "an alert: {answer:?}");
    server.await_count(FAILED, 1);
}

#[test]
fn a_handshake_that_takes_too_long_is_cut() {
    let identity = Identity::new();
    let server = identity.serve(&[("handshake_timeout_seconds", "1")]);
    let mut said = Vec::new();
    hello(&identity.trusted()).write_tls(&mut said).expect("a vector takes everything");
    for beginning in [&said[..100], &said] {
        let mut stream = connect(server.address);
        stream.write_all(beginning).expect("it reads");
        stream.read_to_end(&mut Vec::new()).expect("it is cut");
    }
    server.await_count("heimdallr_cut_streams_total", 2);
    server.await_count(ABANDONED, 2);
}

#[test]
fn who_says_no_more_behind_a_request_is_answered() {
    let identity = Identity::new();
    let server = identity.serve(&[]);
    let mut line = secured(server.address, &identity.trusted());
    line.write_all(REQUEST).expect("it reads");
    line.conn.send_close_notify();
    line.flush().expect("it reads");
    line.sock.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    line.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_node_that_goes_says_so_within_tls_and_behind_it() {
    let identity = Identity::new();
    let mut server = identity.serve(&[]);
    let mut member = Client::join(secured(server.address, &identity.trusted()), "lobby", "member");
    server.terminate();
    let (first, reason) = loop {
        let (first, reason) = member.frame();
        if first == 0x88 {
            break (first, reason);
        }
    };
    assert_eq!((first, reason.get(..2)), (0x88, Some(4012_u16.to_be_bytes().as_slice())));
    // An end without the words for it would be an error (RFC 8446 §6.1).
    assert_eq!(member.line.read(&mut [0]).map_err(|error| error.kind()), Ok::<_, ErrorKind>(0));
    drop(member);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn clients_that_say_nothing_take_little_memory() {
    const EACH_BYTES_MAX: u64 = 6 * 1024;
    let identity = Identity::new();
    let server = identity.serve(&[]);
    let trusted = identity.trusted();
    let come = |number: usize| {
        let line = secured(server.address, &trusted);
        Client::join(line, &format!("room-{}", number / 10), &number.to_string())
    };
    // What the first ones take is mostly the server's own.
    let mut members: Vec<_> = (0..100).map(come).collect();
    let before = server.anonymous_bytes();
    members.extend((100..500).map(come));
    let each = (server.anonymous_bytes() - before) / 400;
    assert!((1024..=EACH_BYTES_MAX).contains(&each), "each takes {each} bytes, with a room and a message");
    server.await_count("heimdallr_tls_streams", 500);
}

#[test]
fn who_comes_back_shakes_hands_in_the_short_way() {
    let identity = Identity::new();
    let server = identity.serve(&[]);
    let config = identity.trusted();
    for _ in 0..2 {
        let mut line = secured(server.address, &config);
        line.write_all(REQUEST).expect("it reads");
        line.read_to_end(&mut Vec::new()).expect("it answers");
    }
    server.await_count("heimdallr_tls_handshakes_total full", 1);
    server.await_count("heimdallr_tls_handshakes_total resumed", 1);
}

#[test]
fn what_is_asked_for_and_cannot_be_is_refused_at_the_start() {
    let identity = Identity::new();
    let (certificate, key) = (identity.certificate(), identity.key());
    for (settings, said) in [
        (&[("tls_certificate", &*certificate)][..], "tls_key"),
        (&[("tls_only", "true")], "tls_only"),
        (&[("tls_certificate", &certificate), ("tls_key", &key), ("dev_tls", "true")], "dev_tls"),
        (&[("tls_certificate", &key), ("tls_key", &key)], "key.pem: no certificate"),
    ] {
        let output = refused(heimdallr(), settings);
        let told = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success() && told.contains(said), "{told}");
    }
}
