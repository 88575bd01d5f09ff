//! How long hands are shaken in a turn, and that everybody has a turn.

use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use shard::StreamId;

use super::{Flushed, HANDSHAKE_TIME, Secured};
use crate::streams::Received;
use crate::tls::PIECE_BYTES;
use crate::tls::tests::{made, offering, trusting};

/// More than there is time for in one turn on any machine.
const CROWD: u32 = 200;

fn stream(slot: u32) -> StreamId {
    StreamId { slot, generation: 1 }
}

#[test]
fn a_crowd_that_shakes_hands_takes_turns_in_the_order_in_which_it_came() {
    let made = made("chat.example");
    let mut secured = Secured::new(Some(Arc::new(offering(&made))));
    let name = ServerName::try_from("chat.example").expect("a name");
    let client = ClientConnection::new(Arc::new(trusting(&[&made], &[&TLS13])), name);
    let mut hello = Vec::new();
    client.expect("a client").write_tls(&mut hello).expect("a vector takes everything");
    let (socket, _other) = UnixStream::pair().expect("a pair of sockets");
    socket.set_nonblocking(true).expect("a socket");
    (0..CROWD).for_each(|slot| secured.begin(stream(slot), &hello));
    let (mut served, mut turns) = (Vec::new(), 0);
    while secured.is_shaking() {
        secured.begin_turn();
        turns += 1;
        let before = served.len();
        while let Some((id, is_ending)) = secured.next_handshake() {
            assert!(!is_ending);
            assert!(matches!(
                secured.receive(id, socket.as_fd(), &mut vec![0; 64 * 1024]),
                Received::More(0)
            ));
            served.push(id);
        }
        assert!(served.len() > before, "each turn gets on");
        assert!(secured.spent >= HANDSHAKE_TIME || !secured.is_shaking(), "its time is used");
    }
    assert_eq!(served, (0..CROWD).map(stream).collect::<Vec<_>>());
    assert!(turns > 2, "{CROWD} handshakes in {turns} turns");
}

#[test]
fn the_end_of_a_record_is_sent_when_the_shard_has_let_go_and_the_end_of_it_is_said() {
    let made = made("chat.example");
    let mut secured = Secured::new(Some(Arc::new(offering(&made))));
    let name = ServerName::try_from("chat.example").expect("a name");
    let mut client = ClientConnection::new(Arc::new(trusting(&[&made], &[&TLS13])), name).expect("a client");
    let (socket, mut other) = UnixStream::pair().expect("a pair of sockets");
    for socket in [&socket, &other] {
        socket.set_nonblocking(true).expect("a socket");
    }
    let id = stream(0);
    secured.begin(id, &[]);
    for _ in 0..4 {
        secured.receive(id, socket.as_fd(), &mut vec![0; 64 * 1024]);
        hear(&mut client, &mut other);
        while client.wants_write() {
            client.write_tls(&mut other).expect("there is room");
        }
    }
    assert_eq!(secured.handshakes.full, 1);
    let much = vec![7; 16 << 20];
    let (taken, waits) = secured.write(id, socket.as_fd(), &much);
    assert!(waits && taken < much.len() && taken % PIECE_BYTES == 0, "{taken} bytes are taken");
    assert!(!secured.close(id, socket.as_fd()) && secured.next_overdue().is_none());
    assert!(matches!(secured.receive(id, socket.as_fd(), &mut [0; 64]), Received::Nothing));
    let mut told = 0;
    while secured.flush(id, socket.as_fd()) != Flushed::Closed {
        told += hear(&mut client, &mut other);
    }
    drop((secured.remove(id), socket));
    told += hear(&mut client, &mut other);
    assert_eq!(told, taken);
    assert!(client.process_new_packets().expect("nothing is wrong with it").peer_has_closed());
}

/// How many bytes have come for a client.
fn hear(client: &mut ClientConnection, socket: &mut UnixStream) -> usize {
    let mut told = 0;
    while client.read_tls(socket).is_ok_and(|length| length > 0) {
        let state = client.process_new_packets().expect("nothing is wrong with it");
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        client.reader().read_exact(&mut plain).expect("it is there");
        told += plain.len();
    }
    told
}

#[test]
fn a_stream_stands_in_the_queue_once_however_often_it_has_something() {
    let mut secured = Secured::new(Some(Arc::new(offering(&made("chat.example")))));
    secured.begin(stream(0), b"\x16\x03\x01");
    assert!(secured.puts_off(stream(0), false) && secured.puts_off(stream(0), true));
    assert!(!secured.puts_off(stream(1), false), "it is none of ours");
    assert_eq!(secured.next_handshake(), Some((stream(0), true)));
    assert_eq!(secured.next_handshake(), None);
    assert!(secured.puts_off(stream(0), false));
    secured.remove(stream(0)).expect("it is there");
    let next = StreamId { generation: 2, ..stream(0) };
    secured.begin(next, b"\x16");
    assert!(secured.puts_off(next, true), "another stream has taken the place");
    assert_eq!(secured.next_handshake(), Some((stream(0), false)));
    assert_eq!(secured.next_handshake(), Some((next, true)));
    secured.remove(next).expect("it is there");
    assert_eq!((secured.handshakes.abandoned, secured.handshakes.streams), (2, 0));
}
