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

/// Everything that is made for the purpose.
pub fn made_seeds() -> Vec<Seed> {
    let drawn = number("drawn", (0..DRAWN).map(draw).collect());
    let moves = number("move", [1, 2].map(write_move).into());
    let beside = number("beside", BESIDE.iter().map(|said| ("socketio", said.to_vec())).collect());
    [drawn, moves, number("call", calls()), beside].into_iter().flatten().collect()
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
