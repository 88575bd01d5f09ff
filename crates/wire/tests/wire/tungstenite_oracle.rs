//! Our framing beside tungstenite's: what one writes the other reads, and both refuse the same streams.

use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{Message, WebSocket};
use wire::websocket::{Kind, Opcode, Role, write_close, write_frame, write_masked_close, write_masked_frame};

use crate::drive::{End, Heard, cut, listen};
use crate::frames::*;
use crate::oracle::{MAX, Pipe, agree, socket, theirs};

/// One thing said: a message with the places where it is cut into frames, or a control frame.
#[derive(Clone, Debug)]
enum Said {
    Text(String, Vec<usize>),
    Binary(Vec<u8>, Vec<usize>),
    Control(u8, Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    let cuts = || vec(0..300usize, 0..4);
    let control = prop_oneof![Just(PING), Just(PONG)];
    prop_oneof![
        4 => (vec(any::<char>(), 0..80), cuts()).prop_map(|(text, cuts)| Said::Text(text.into_iter().collect(), cuts)),
        3 => (vec(any::<u8>(), 0..300), cuts()).prop_map(|(bytes, cuts)| Said::Binary(bytes, cuts)),
        3 => (control, vec(any::<u8>(), 0..126)).prop_map(|(opcode, payload)| Said::Control(opcode, payload)),
    ]
}

/// The frames of what is said, each control frame inside the message before it where that has fragments.
fn frames(said: &[Said]) -> Vec<(u8, Vec<u8>)> {
    let mut frames: Vec<(u8, Vec<u8>)> = Vec::new();
    for said in said {
        match said {
            Said::Text(text, cuts) => fragment(&mut frames, TEXT, text.as_bytes(), cuts),
            Said::Binary(bytes, cuts) => fragment(&mut frames, BINARY, bytes, cuts),
            Said::Control(opcode, payload) => {
                let inside = frames.len().saturating_sub(payload.len() % 3);
                frames.insert(inside, (FIN | opcode, payload.clone()));
            }
        }
    }
    frames
}

fn fragment(frames: &mut Vec<(u8, Vec<u8>)>, opcode: u8, payload: &[u8], cuts: &[usize]) {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (payload.len() + 1)).collect();
    places.sort_unstable();
    let mut start = 0;
    for (index, end) in places.iter().copied().chain([payload.len()]).enumerate() {
        let opcode = if index == 0 { opcode } else { CONTINUATION };
        let fin = if index == places.len() { FIN } else { 0 };
        frames.push((fin | opcode, payload[start..end].to_vec()));
        start = end;
    }
}

fn stream(role: Role, said: &[Said], key: [u8; 4]) -> Vec<u8> {
    let key = (role == Role::Server).then_some(key);
    frames(said).iter().flat_map(|(first, payload)| frame(*first, payload, key)).collect()
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn both_hear_the_same_in_any_conversation(
        role in role(), said in vec(said(), 0..8), key: [u8; 4], sizes in vec(any::<u8>(), 0..6),
    ) {
        let stream = stream(role, &said, key);
        agree(role, &stream, &[]);
        agree(role, &stream, &[1]);
        agree(role, &stream, &sizes);
        let (heard, end) = listen(role, false, MAX, [stream.as_slice()]);
        prop_assert_eq!((heard.len(), end), (said.len(), End::Open(0)));
    }

    #[test]
    fn both_refuse_the_same_conversations_gone_wrong(
        role in role(), said in vec(said(), 1..5), key: [u8; 4], sizes in vec(any::<u8>(), 0..6),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), header_only: bool, end: prop::sample::Index,
    ) {
        let mut stream = stream(role, &said, key);
        for (place, value) in changes {
            let at = if header_only { place.index(stream.len().min(16)) } else { place.index(stream.len()) };
            stream[at] ^= value;
        }
        agree(role, &stream, &sizes);
        agree(role, &stream[..end.index(stream.len())], &sizes);
    }

    #[test]
    fn both_judge_noise_alike(role in role(), noise in vec(any::<u8>(), 0..60), sizes in vec(any::<u8>(), 0..3)) {
        agree(role, &noise, &sizes);
    }

    #[test]
    fn both_judge_close_frames_alike(role in role(), code: u16, reason in vec(any::<u8>(), 0..4), near in 990..1020u16) {
        for code in [code, near] {
            let payload = [&code.to_be_bytes()[..], &reason].concat();
            agree(role, &frame(FIN | CLOSE, &payload, (role == Role::Server).then_some(KEY)), &[]);
        }
    }

    #[test]
    fn what_tungstenite_writes_we_read(role in role(), said in vec(said(), 0..6), sizes in vec(any::<u8>(), 0..4)) {
        let speaker = if role == Role::Server { Role::Client } else { Role::Server };
        let mut socket = socket(speaker, Vec::new());
        let expected: Vec<Heard> = said.iter().map(|said| speak(&mut socket, said)).collect();
        socket.close(Some(CloseFrame { code: 1000.into(), reason: "bye".into() })).expect("a close is written");
        let written = &socket.get_ref().output;
        let (mut heard, end) = listen(role, false, MAX, cut(written, &sizes));
        prop_assert_eq!(end, End::Closed);
        prop_assert_eq!(heard.pop(), Some(Heard::Close(Some((1000, "bye".to_owned())))));
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn what_we_write_tungstenite_reads(role in role(), said in vec(said(), 0..6), mask: [u8; 4]) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for said in &said {
            expected.push(write(&mut stream, role, said, mask));
        }
        match role {
            Role::Server => write_masked_close(&mut stream, 4012, "server_restart", mask),
            Role::Client => write_close(&mut stream, 4012, "server_restart"),
        }
        expected.push(Heard::Close(Some((4012, "server_restart".to_owned()))));
        prop_assert_eq!(theirs(role, &stream), (expected, Some(true)));
    }
}

#[test]
fn control_frames_with_lengths_not_minimal_are_refused_by_us_alone() {
    agree(Role::Client, &[TEXT, 0x00, FIN | CLOSE, 126], &[]);
    agree(Role::Server, &[FIN | PING, 0x80 | 126, 0x00, 0x01], &[1]);
}

/// Says it with tungstenite, fragments made of its frames.
fn speak(socket: &mut WebSocket<Pipe>, said: &Said) -> Heard {
    let mut send = |message| socket.send(message).expect("the pipe takes it");
    match said {
        Said::Text(text, cuts) if cuts.is_empty() => send(Message::text(text.as_str())),
        Said::Binary(bytes, cuts) if cuts.is_empty() => send(Message::binary(bytes.clone())),
        Said::Control(PING, payload) => send(Message::Ping(payload.clone().into())),
        Said::Control(_, payload) => send(Message::Pong(payload.clone().into())),
        Said::Text(..) | Said::Binary(..) => {
            for (first, payload) in frames(std::slice::from_ref(said)) {
                let opcode = OpCode::Data(match first & 0xF {
                    TEXT => Data::Text,
                    BINARY => Data::Binary,
                    _ => Data::Continue,
                });
                send(Message::Frame(Frame::message(payload, opcode, first & FIN != 0)));
            }
        }
    }
    heard(said)
}

/// Says it with our own encoders to a peer in `role`.
fn write(out: &mut Vec<u8>, role: Role, said: &Said, mask: [u8; 4]) -> Heard {
    let (opcode, payload) = match said {
        Said::Text(text, _) => (Kind::Text.into(), text.as_bytes()),
        Said::Binary(bytes, _) => (Kind::Binary.into(), bytes.as_slice()),
        Said::Control(PING, payload) => (Opcode::Ping, payload.as_slice()),
        Said::Control(_, payload) => (Opcode::Pong, payload.as_slice()),
    };
    match role {
        Role::Server => write_masked_frame(out, opcode, payload, mask),
        Role::Client => write_frame(out, opcode, payload),
    }
    heard(said)
}

fn heard(said: &Said) -> Heard {
    match said {
        Said::Text(text, _) => Heard::Text(text.clone()),
        Said::Binary(bytes, _) => Heard::Binary(bytes.clone()),
        Said::Control(PING, payload) => Heard::Ping(payload.clone()),
        Said::Control(_, payload) => Heard::Pong(payload.clone()),
    }
}
