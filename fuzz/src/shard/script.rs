//! The steps of a script, as bytes say them.

use std::fmt;

use gateways::CLIENTS;
use sim::scenario::{BodyKind, COMMANDS, Deed, Manner, REQUESTS, Terms};

use super::reader::Reader;
use crate::words::{PACKETS, POLLS};

/// One step. `who` is a place among the strangers that have come so far; holes in what they say are filled with what they were told.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Those who mean well do something, or the world does. `chance` decides the rest.
    Deed { chance: u8, deed: Deed },
    /// A stranger connects to a shard, and begins as a client of a gateway would.
    Dial { shard: usize, opening: Option<Opening> },
    /// A stranger sends bytes as they are.
    Send { who: usize, bytes: Vec<u8> },
    /// A stranger sends a text message.
    Say { who: usize, text: Vec<u8> },
    /// A stranger stops reading.
    Stall { who: usize },
    /// A stranger reads on.
    ReadOn { who: usize },
    /// A stranger says no more.
    HangUp { who: usize },
    /// A stranger's connection breaks.
    Cut { who: usize },
}

/// How a client of a gateway begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Opening {
    /// Its place in the list.
    pub(crate) gateway: usize,
    pub(crate) room: usize,
    pub(crate) deflate: bool,
}

/// In no step longer than a neighbour may be silent.
const WAITS_MS: [u64; 8] = [1, 100, 300, 1000, 1100, 5000, 10_000, 12_000];
const POST_COUNTS: [usize; 4] = [1, 1, 3, 25];
/// A message may be so long where every character needs an escape.
const POST_BYTES: [usize; 4] = [0, 10, 60, 150];
/// Sixty times the page is more than may wait for a stream.
const REQUEST_TIMES: [usize; 4] = [1, 1, 5, 60];
const RECALL_LIMITS: [usize; 3] = [1, 5, 60];
const MANNERS: [Manner; 6] =
    [Manner::Noise, Manner::Half, Manner::Requests, Manner::NoiseInside, Manner::Damaged, Manner::Cheek];

// The first bytes of the steps that are written too.
const WAIT: u8 = 14;
const SETTLE: u8 = 16;
const DRAIN: u8 = 17;
const DIAL: u8 = 18;
const SEND: u8 = 19;
const SAY: u8 = 20;
// Those that only the fuzzer thinks of.
const ASK: u8 = 21;
const COMMAND: u8 = 22;
const STALL: u8 = 23;
const READ_ON: u8 = 24;
const HANG_UP: u8 = 25;
const CUT: u8 = 26;
const KINDS: u8 = 27;

impl Step {
    pub(crate) fn read(reader: &mut Reader<'_>, terms: &Terms) -> Option<Self> {
        if reader.is_at_end() {
            return None;
        }
        Some(match reader.byte() % KINDS {
            kind @ 0..DIAL => Self::Deed { chance: reader.byte(), deed: read_deed(kind, reader, terms) },
            DIAL => read_dial(reader, terms),
            SEND => Self::Send { who: reader.byte().into(), bytes: reader.bytes().into() },
            SAY => Self::Say { who: reader.byte().into(), text: reader.bytes().into() },
            ASK => read_requests(reader),
            COMMAND => read_command(reader, terms),
            STALL => Self::Stall { who: reader.byte().into() },
            READ_ON => Self::ReadOn { who: reader.byte().into() },
            HANG_UP => Self::HangUp { who: reader.byte().into() },
            _ => Self::Cut { who: reader.byte().into() },
        })
    }

    /// Appends the bytes that are read as this step; nothing for steps that only the fuzzer thinks of.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Deed { deed: Deed::Settle, chance } => out.extend([SETTLE, *chance]),
            Self::Deed { deed: Deed::Drain, chance } => out.extend([DRAIN, *chance]),
            Self::Deed { deed: Deed::Wait { ms }, chance } => out.extend([WAIT, *chance, wait_of(*ms) as u8]),
            Self::Deed { .. } | Self::Dial { opening: Some(_), .. } => {}
            Self::Dial { shard, opening: None } => out.extend([DIAL, *shard as u8, 0]),
            Self::Send { who, bytes } => write_bytes(SEND, *who, bytes, out),
            Self::Say { who, text } => write_bytes(SAY, *who, text, out),
            Self::Stall { who } => out.extend([STALL, *who as u8]),
            Self::ReadOn { who } => out.extend([READ_ON, *who as u8]),
            Self::HangUp { who } => out.extend([HANG_UP, *who as u8]),
            Self::Cut { who } => out.extend([CUT, *who as u8]),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deed { chance, deed } => write!(f, "{deed} (chance {chance})"),
            Self::Dial { shard, opening } => write!(f, "a stranger connects to shard {shard}: {opening:?}"),
            Self::Send { who, bytes } => {
                write!(f, "stranger {who} sends {:?}", String::from_utf8_lossy(bytes))
            }
            Self::Say { who, text } => write!(f, "stranger {who} says {:?}", String::from_utf8_lossy(text)),
            Self::Stall { who } => write!(f, "stall stranger {who}"),
            Self::ReadOn { who } => write!(f, "stranger {who} reads on"),
            Self::HangUp { who } => write!(f, "stranger {who} hangs up"),
            Self::Cut { who } => write!(f, "cut stranger {who}"),
        }
    }
}

/// Of the waits that there are the longest that is not longer, or the shortest.
pub(crate) fn longest_wait_ms(ms: u64) -> u64 {
    WAITS_MS[wait_of(ms)]
}

fn wait_of(ms: u64) -> usize {
    WAITS_MS.iter().rposition(|known| *known <= ms).unwrap_or(0)
}

fn write_bytes(kind: u8, who: usize, bytes: &[u8], out: &mut Vec<u8>) {
    assert!(bytes.len() <= usize::from(u8::MAX), "longer ones are sent in parts");
    out.extend([kind, who as u8, bytes.len() as u8]);
    out.extend_from_slice(bytes);
}

fn read_dial(reader: &mut Reader<'_>, terms: &Terms) -> Step {
    let shard = reader.below(terms.shards.into());
    let byte = usize::from(reader.byte());
    let (gateway, rest) = (byte % (CLIENTS.len() + 1), byte / (CLIENTS.len() + 1));
    let (room, deflate) = (rest % terms.rooms.len(), rest / terms.rooms.len() % 2 == 1);
    let opening = gateway.checked_sub(1).map(|gateway| Opening { gateway, room, deflate });
    Step::Dial { shard, opening }
}

fn read_requests(reader: &mut Reader<'_>) -> Step {
    let who = reader.byte().into();
    let known = || REQUESTS.iter().chain(POLLS);
    let (request, times) = reader.two(known().count(), REQUEST_TIMES.len());
    let request = known().nth(request).expect("it is one of them");
    Step::Send { who, bytes: request.repeat(REQUEST_TIMES[times]).into_bytes() }
}

fn read_command(reader: &mut Reader<'_>, terms: &Terms) -> Step {
    let who = reader.byte().into();
    let known = || COMMANDS.iter().chain(PACKETS);
    let (command, room) = reader.two(known().count(), terms.rooms.len());
    let command = known().nth(command).expect("it is one of them");
    Step::Say { who, text: command.replace("ROOM", terms.rooms[room].name()).into_bytes() }
}

fn read_deed(kind: u8, reader: &mut Reader<'_>, terms: &Terms) -> Deed {
    let shards = usize::from(terms.shards);
    let (cast, rooms) = (terms.cast.len(), terms.rooms.len());
    match kind {
        0 => {
            let (who, shard) = reader.two(cast, shards);
            Deed::Connect { who, shard }
        }
        1 => {
            let (who, room) = reader.two(cast, rooms);
            Deed::Join { who, room }
        }
        2 | 3 => read_post(reader, terms),
        4 => {
            let (who, room) = reader.two(cast, rooms);
            Deed::Leave { who, room }
        }
        5 => {
            let (who, to) = reader.two(cast, cast);
            Deed::Direct { who, to, bytes: reader.pick(&POST_BYTES) }
        }
        6 => {
            let (who, room) = reader.two(cast, rooms);
            Deed::Recall { who, room, limit: reader.pick(&RECALL_LIMITS) }
        }
        7 => {
            let (who, room) = reader.two(cast, rooms);
            if room == 0 { Deed::AskTime { who } } else { Deed::Signal { who, room } }
        }
        8 => Deed::Pause { who: reader.below(cast) },
        9 => Deed::Resume { who: reader.below(cast) },
        10 => Deed::Cut { who: reader.below(cast) },
        11 => Deed::Close { who: reader.below(cast) },
        12 => {
            let (who, is_gone) = reader.two(cast, 2);
            if is_gone == 1 { Deed::Vanish { who } } else { Deed::Cut { who } }
        }
        13 => {
            let (shard, manner) = reader.two(shards, MANNERS.len());
            Deed::Intrude { shard, manner: MANNERS[manner] }
        }
        WAIT => Deed::Wait { ms: reader.pick(&WAITS_MS) },
        15 => {
            let byte = reader.byte();
            if byte & 1 == 1 {
                Deed::Leap { ms: reader.pick(&WAITS_MS) }
            } else {
                Deed::Work { turns: (byte >> 1).into() }
            }
        }
        SETTLE => Deed::Settle,
        _ => Deed::Drain,
    }
}

fn read_post(reader: &mut Reader<'_>, terms: &Terms) -> Deed {
    let (who, room) = reader.two(terms.cast.len(), terms.rooms.len());
    let kinds = match terms.cast[who].gateway {
        "v1" => &[BodyKind::Text, BodyKind::Json, BodyKind::Both][..],
        "raw" => &[BodyKind::Text, BodyKind::Binary, BodyKind::Demo],
        "socketio" => &[BodyKind::Text, BodyKind::Json, BodyKind::Binary],
        _ => &[BodyKind::Text],
    };
    let (count, rest) = reader.two(POST_COUNTS.len(), 64);
    let (bytes, kind) = (POST_BYTES[rest % POST_BYTES.len()], kinds[rest / POST_BYTES.len() % kinds.len()]);
    Deed::Post { who, room, count: POST_COUNTS[count], bytes, kind }
}
