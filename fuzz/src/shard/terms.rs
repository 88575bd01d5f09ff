//! The first bytes of a script: how the node is configured, how bytes travel, and who is there that means well.

use chat::{RoomId, RoomName, UserId};
use gateways::{CLIENTS, Login};
use shard::Settings;
use sim::scenario::{Part, Terms, settings};
use sim::{Allowance, Weather};

use super::reader::Reader;

const SHARDS: [u16; 3] = [1, 2, 3];
const QUEUE_BYTES: [usize; 3] = [1 << 20, 12_000, 40_000];
const HISTORY_MESSAGES: [usize; 4] = [1000, 3, 0, 20];
const LIST_MAX: [usize; 3] = [200, 2, 0];
const ROOM_IDLE_MS: [u64; 3] = [60_000, 5000, 0];
/// Sessions a room may have, rooms a session may be in, rooms of a shard.
const SEATS: [(u32, usize, usize); 3] = [(100_000, 100, 100_000), (3, 2, 100_000), (500, 50, 3)];
const SMALL_ROOM_MAX: [u32; 4] = [64, 0, 1, 3];
const SOCKET_BYTES: [usize; 4] = [1 << 24, 3000, 300, 70];
const SHORT_WRITES: [u32; 2] = [0, 400];
const PIECE_BYTES: [usize; 4] = [usize::MAX, 100, 10, 1];
const MAIL_TURNS: [u64; 2] = [0, 3];
const INPUTS_PER_TURN: [usize; 3] = [usize::MAX, 5, 1];
const READ_BYTES: [usize; 3] = [1 << 24, 500, 50];

/// Short enough that many fit into a queue, and that inflating is cut short.
const MESSAGE_BYTES_MAX: usize = 600;

const ROOMS: [&str; 4] = ["lobby", "news-1", "ticker-1", "a b/ü%🌍"];

/// Who goes by a name: the first of a gateway's clients and the second, where its protocol has names.
const USERS: [(&str, [&str; 2]); 3] =
    [("v1", ["alice", "bob"]), ("post", ["robot", "robot"]), ("socketio", ["alice", "dave"])];

pub(crate) fn read_terms(reader: &mut Reader<'_>) -> Terms {
    let secret = reader.secret();
    let shards = reader.pick(&SHARDS);
    let mut settings = settings();
    settings.gateways.max_message_bytes = MESSAGE_BYTES_MAX;
    settings.session_queue_bytes = reader.pick(&QUEUE_BYTES);
    settings.store.messages_max = reader.pick(&HISTORY_MESSAGES);
    settings.store.bytes_max = 20_000;
    settings.presence_list_max = reader.pick(&LIST_MAX);
    settings.room_idle_ms = reader.pick(&ROOM_IDLE_MS);
    settings.inbox_idle_ms = settings.room_idle_ms / 2;
    (settings.room_members_max, settings.rooms_per_session, settings.rooms_max) = reader.pick(&SEATS);
    settings.small_room_max = reader.pick(&SMALL_ROOM_MAX);
    let weather = Weather {
        socket_bytes: reader.pick(&SOCKET_BYTES),
        short_writes: reader.pick(&SHORT_WRITES),
        piece_bytes: reader.pick(&PIECE_BYTES),
        mail_turns: reader.pick(&MAIL_TURNS),
        inputs_per_turn: reader.pick(&INPUTS_PER_TURN),
    };
    let rooms = ROOMS.map(|name| RoomId::public(room(name))).into();
    Terms {
        shards,
        settings,
        weather,
        read_bytes: reader.pick(&READ_BYTES),
        cast: cast(&secret),
        rooms,
        cluster: None,
        hazards: None,
        allowance: Allowance::ANY,
    }
}

/// The bytes of the terms nearest to these, for as many shards.
pub(crate) fn write_terms(shards: u16, settings: &Settings, weather: &Weather) -> Vec<u8> {
    let has_few_rooms = settings.rooms_max <= 100;
    let has_few_seats = settings.room_members_max <= 100 || settings.rooms_per_session < 100;
    vec![
        (shards - 1) as u8,
        nearest(&QUEUE_BYTES, settings.session_queue_bytes),
        nearest(&HISTORY_MESSAGES, settings.store.messages_max),
        nearest(&LIST_MAX, settings.presence_list_max),
        nearest(&ROOM_IDLE_MS.map(|ms| ms as usize), settings.room_idle_ms as usize),
        u8::from(has_few_seats) + 2 * u8::from(has_few_rooms && !has_few_seats),
        nearest(&SMALL_ROOM_MAX.map(|members| members as usize), settings.small_room_max as usize),
        nearest(&SOCKET_BYTES, weather.socket_bytes),
        0,
        0,
        0,
        0,
        0,
    ]
}

fn nearest(options: &[usize], wanted: usize) -> u8 {
    let distances = options.iter().map(|option| option.abs_diff(wanted)).enumerate();
    distances.min_by_key(|(_, distance)| *distance).map_or(0, |(index, _)| index as u8)
}

/// Two clients of every gateway that has any: one in the first room, one in the second that compresses.
fn cast(secret: &str) -> Vec<Part> {
    let chatting = CLIENTS.iter().filter(|(_, dial)| dial(&login(ROOMS[0], false)).is_some());
    let pair = |gateway: &'static str| [0, 1].map(|number| part(gateway, number, secret));
    chatting.flat_map(|(gateway, _)| pair(gateway)).collect()
}

/// The secret is in its name, and so in the tags it makes: nobody else's posts can be taken for its own.
fn part(gateway: &'static str, number: usize, secret: &str) -> Part {
    let users = USERS.iter().find(|(of, _)| *of == gateway).map(|(_, users)| users[number]);
    Part {
        name: format!("{gateway}-{number}-{secret}"),
        gateway,
        user: users.and_then(|user| UserId::new(user).ok()),
        home: room(ROOMS[number]),
        deflate: number == 1,
    }
}

/// How strangers present themselves.
pub(crate) fn login(name: &str, deflate: bool) -> Login {
    let room = room(name);
    Login { host: "fuzz.example".into(), room, since: None, deflate, max_message_bytes: 1 << 20, seed: 7 }
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::new(name).expect("the names above are short")
}
