//! What no transcript shows: scripts drawn by chance, and sessions over several streams, whose names are told anew each time.

use gateways::CLIENTS;
use sim::scenario::{Deed, settings};
use sim::{Random, Weather};

use super::{Given, Seed, input, number};
use crate::gateways::Choice;
use crate::shard::{Step, login, write_terms};
use crate::words::{MOVE, MOVE_STREAMS, POLLS, Told};

const DRAWN: u64 = 60;
const DRAWN_BYTES_MAX: usize = 1000;

/// What servers of Socket.IO tell each other, in either adapter: an event in MessagePack, one with bytes, requests.
const BESIDE: [&[u8]; 5] = [
    b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x93\xa5hello\x81\xa1x\x01\xa3two\xa3nsp\xa1/\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x80",
    b"\x84\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x92\xa3bin\xc4\x03\x01\x02\x03\xa4opts\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x80\xa3uid\xb06c11a9b53f9c6db9\xa3nsp\xa1/",
    br#"{"uid":"xrL-wD","requestId":"B_Tu5z","type":5,"opts":{"rooms":["lobby"],"except":[]}}"#,
    br#"{"uid":"xrL-wD","requestId":"dRn7k3","type":6,"data":["sse","q"]}"#,
    br#"{"type":4,"data":{"opts":{"rooms":["lobby"],"except":[],"flags":{}},"rooms":["x","y"]},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
];

/// What clients say in MessagePack: packets of every type, with bytes, a name that is a number, a date, a float and what is undefined.
const PACKED: [&[u8]; 6] = [
    b"\x83\xa4type\x00\xa3nsp\xa2/a\xa4data\x81\xa5token\xa1x",
    b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa5hello\xc4\x02hi\x81\xa1b\xc7\x01\x00x\xa2id\x0c",
    b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x94\x07\xd6\xff\x65\x00\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\x82\x01\xc0\xa1u\xd4\x00\x00\xa2id\xc0",
    b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x92\xc2\xd1\xff\x00\xa2id\xcd\x01\x00",
    b"\x82\xa4type\x01\xa3nsp\xa1/",
    b"\x83\xa4type\x04\xa3nsp\xa1/\xa4data\x81\xa7message\xd9\x02no",
];

/// Everything that is made for the purpose.
pub fn made_seeds() -> Vec<Seed> {
    let drawn = number("drawn", (0..DRAWN).map(draw).collect());
    let moves = number("move", [1, 2].map(write_move).into());
    let (nodes, proxies) = (number("node", envelopes()), number("proxy", proxies()));
    let said = |said: &&[u8]| ("socketio", said.to_vec());
    let beside = number("beside", BESIDE.iter().map(said).collect());
    let packed = number("packed", PACKED.iter().map(said).collect());
    let shown = number("token", tokens());
    [drawn, moves, number("call", calls()), beside, packed, nodes, proxies, shown]
        .into_iter()
        .flatten()
        .collect()
}

/// What another node may say of tunnels and of strands, as [`crate::envelopes()`] reads it.
fn envelopes() -> Vec<Given> {
    // Kind, to and from which shard, version.
    let head = |kind: u8| vec![kind, 0, 0, 0, 0, 2];
    let dig = |number: u8, request: &str| [head(1), vec![number], request.into()].concat();
    let through =
        |kind: u8, tunnel, number, word: &[u8]| [head(kind), vec![tunnel, number], word.into()].concat();
    let session = |node: u8, slot: u8| [0, 0, 0, node, 0, 0, 0, 0, 0, slot, 0, 0, 0, slot + 1];
    let (here, there) = (session(1, 0), session(2, 5));
    let claim = |began: [u8; 14]| [&began[..], &[0]].concat();
    // Of nobody's, in the lobby from 1:1 on, sent one message.
    let record = |of: [u8; 14]| [&of[..], &[0, 0, 1, 0, 5], b"lobby", &[1, 1, 1, 1, 0, 1]].concat();
    let errand = |kind: u8, what: &[&[u8]]| [head(7), vec![kind], what.concat()].concat();
    let at = |node: u8| [0, 0, 0, node];
    let polls = |number: usize| dig(number as u8 + 1, POLLS[number]);
    let talks = [
        POLLS.iter().enumerate().map(|(number, _)| polls(number)).collect(),
        vec![polls(1), through(2, 2, 0, &[2]), head(6), [head(4), vec![2]].concat()],
        vec![
            polls(5),
            through(2, 6, 0, b"\0\x81\x86\0\0\0\x002probe"),
            through(2, 6, 1, &[1, 200, 1]),
            through(2, 6, 3, &[4]),
        ],
        vec![through(3, 1, 0, &[3]), [head(5), vec![1]].concat(), vec![0; 3]],
        vec![
            polls(5),
            through(2, 6, 0, &[6]),
            through(3, 6, 0, &[5]),
            through(3, 6, 1, &[8]),
            through(3, 6, 2, &[7, 0]),
        ],
        vec![[head(8), vec![1, b'/', 1, 5, 4, 0, 0]].concat(), [head(9), vec![5, 1, 1, 0, 0]].concat()],
        vec![
            errand(0, &[&at(1), &claim(here), &record(here)]),
            errand(2, &[&at(1), &claim(here), &there, &[0]]),
            errand(1, &[&at(1), &claim(here), &there]),
        ],
        vec![
            errand(5, &[&at(1), &claim(there), &here]),
            errand(2, &[&at(1), &claim(there), &session(2, 6), &[0]]),
            errand(3, &[&here, &at(1), &claim(here), &there, &[1]]),
            errand(4, &[&here, &claim(there), &[1], &record(there)]),
            errand(4, &[&here, &claim(there), &[0]]),
        ],
    ];
    let framed = |said: &Vec<u8>| [&(said.len() as u16).to_be_bytes()[..], said].concat();
    talks.iter().map(|talk| ("envelopes", talk.iter().flat_map(framed).collect())).collect()
}

/// Headers that proxies write, as [`crate::proxy()`] reads them.
fn proxies() -> Vec<Given> {
    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    const HEADERS: [&[u8]; 5] = [
        b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 80\r\nGET / HTTP/1.1\r\n",
        b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n",
        b"PROXY UNKNOWN ffff::1 nonsense 0 0 more\r\n",
        b"\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x30\x39\0\x50GET",
        b"\x20\0\0\x07\x03\0\x04abcd",
    ];
    const HEADS: [&[u8]; 2] = [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7, [2001:db8::7]:80, unknown\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nForwarded: for=\"[2001:db8::7]:_a\";by=x, for=192.0.2.7\r\n\r\n",
    ];
    let whole =
        |header: &&[u8]| if header[0] == b'P' { header.to_vec() } else { [SIGNATURE, header].concat() };
    let headers = HEADERS.iter().map(|header| ("proxy", input(0, &whole(header))));
    headers.chain(HEADS.iter().map(|head| ("proxy", input(1, head)))).collect()
}

/// Headers and claims, tokens as they are shown, and files of keys, as [`crate::tokens()`] reads them.
fn tokens() -> Vec<Given> {
    const SIGNED: [&str; 4] = [
        "{\"alg\":\"HS256\"}\0{\"sub\":\"ann\",\"exp\":1700000600}",
        "{\"alg\":\"HS256\",\"kid\":\"1\",\"crit\":[\"exp\"]}\0{\"sub\":\"ann\",\"exp\":1700000600}",
        "{\"alg\":\"none\"}\0{\"sub\":\"ann\",\"exp\":1700000600,\"nbf\":1,\"iat\":1.5e9,\"aud\":[\"x\"],\"iss\":\"y\",\"jti\":\"7\"}",
        "{\"alg\":\"HS256\"}\0{\"sub\":\"ann\",\"exp\":1e300,\"rooms\":{\"join\":[\"a-*\"],\"post\":[]}}",
    ];
    const SHOWN: [&str; 2] = ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjE3MDAwMDA2MDB9.", "a.b.c"];
    const FILES: [&str; 3] = [
        "a secret that is as long as its hash, or longer",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"1\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}]}",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
    ];
    let given = |choice: u8, texts: &[&str]| -> Vec<Given> {
        texts.iter().map(|text| ("tokens", input(choice, text.as_bytes()))).collect()
    };
    [given(0, &SHOWN), given(1, &SIGNED), given(2, &SIGNED), given(3, &FILES)].concat()
}

/// A script for a shard, as a simulator would draw it.
fn draw(seed: u64) -> Given {
    let mut random = Random::new(seed);
    let length = random.between(100, DRAWN_BYTES_MAX);
    ("shard", (0..length).map(|_| random.draw() as u8).collect())
}

/// A session that polls, posts and moves to a WebSocket, its streams on so many shards.
fn write_move(shards: u16) -> Given {
    let mut bytes = write_terms(shards, &settings(), &Weather::CALM);
    for who in 0..MOVE_STREAMS {
        Step::Dial { shard: who % usize::from(shards), opening: None }.write(&mut bytes);
    }
    for (who, is_packet, said) in MOVE {
        let (who, said) = (*who, said.as_bytes().to_vec());
        let step = if *is_packet { Step::Say { who, text: said } } else { Step::Send { who, bytes: said } };
        step.write(&mut bytes);
        Step::Deed { chance: 0, deed: Deed::Settle }.write(&mut bytes);
    }
    ("shard", bytes)
}

/// At every gateway that attaches streams or has no client of its own, every two requests one after the other.
fn calls() -> Vec<Given> {
    let told = Told::something();
    let asked = CLIENTS
        .iter()
        .enumerate()
        .filter(|(_, (name, dial))| *name == "socketio" || dial(&login("lobby", false)).is_none());
    let mut calls = Vec::new();
    for (gateway, _) in asked {
        let choice = Choice { gateway, is_asked_by_stream: true, deflate: false }.write();
        for first in POLLS {
            let pair = |second| told.fill(format!("{first}{second}").as_bytes());
            calls.extend(POLLS.iter().map(|second| ("gateways", input(choice, &pair(second)))));
        }
    }
    calls
}
