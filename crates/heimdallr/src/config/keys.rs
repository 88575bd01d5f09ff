//! The keys: the one place where they are declared.
//!
//! The comment of a key is its text in `--help`, in the example file and in the reference.

use std::net::SocketAddr;
use std::time::Duration;

use ::access::{Algorithm, Guests, Rule};
use admin::{Key as ApiKey, Secret};
use beside::Dialect;
use wire::proxy::{ForwardedBy, Network};

use super::access;
use super::api::{self, Occasion};
use super::error::ConfigError;
use super::form::{
    Address, Addresses, Choice, Count, File, Milliseconds, Networks, OUTAGE_POLICY, RoomPolicies,
    SLOW_POLICY, Seconds, Text, Texts, Threads, Truth,
};

use super::access::Question;
use super::given::Given;
use super::key::{Changes, Key, declare};
use super::socketio;
use super::value::{Contents, LogFormat, OutagePolicy, RoomOutagePolicy, RoomSlowPolicy, SlowPolicy};

const DAY: usize = 86_400;
const HEAD_BYTES_MAX: usize = wire::http::MAX_HEAD_BYTES;
/// The most that can be counted out exactly enough.
const PER_SECOND_MAX: usize = shard::Rate::PER_SECOND_MAX as usize;
const MEBIBYTE: usize = 1 << 20;
const SECRET_CHARACTERS_MIN: usize = 16;
const EVENT: Text = Text(socketio::is_event, "the name of an event, or nothing");

fn is_redis(url: &str) -> bool {
    url.contains("://") && url.len() <= 1000
}

fn is_file(path: &str) -> bool {
    !path.is_empty()
}

fn is_prefix(text: &str) -> bool {
    text.len() <= 64 && !text.contains([' ', '{', '}']) && !text.contains(char::is_control)
}

fn is_path(text: &str) -> bool {
    text.len() <= 4096 && !text.contains('\0')
}

fn is_claim(text: &str) -> bool {
    text.len() <= 1000
}

declare! {
    /// Addresses that clients connect to.
    listen: Vec<SocketAddr> = Addresses, default ["127.0.0.1:8080"], flag "ADDR:PORT";

    /// Address of health checks, metrics and the HTTP API. Keep it where only operators reach it.
    admin: SocketAddr = Address, default ["127.0.0.1:8081"], flag "ADDR:PORT";

    /// Keys of the HTTP API, as `heimdallr key` prints them. With one, a key is needed whoever asks; without, the API answers only on this machine.
    api_keys: Vec<ApiKey> = api::ApiKeys, default [] => live;

    /// Files of certificates in PEM, each with those behind it that lead to a root. With one, TLS is spoken on every address of `listen`, beside
    /// plain text. With several, a client is shown the first that is for the server it names. They are read again when they change, and
    /// nobody is dropped for it.
    tls_certificate: Vec<String> = Texts(64, is_file, "names of files"), default [];

    /// Files of their private keys in PEM, in the same order.
    tls_key: Vec<String> = Texts(64, is_file, "names of files"), default [];

    /// Whether clients that do not speak TLS are refused.
    tls_only: bool = Truth, default ["false"];

    /// Speaks TLS with a certificate made at the start, for localhost alone, which clients do not trust by themselves. For development.
    dev_tls: bool = Truth, default ["false"], flag "";

    /// Threads that serve clients; each is one shard of the node.
    threads: usize = Threads(1..=256), default ["auto"], flag "N";

    /// Redis through which nodes are one: every node that names it shares rooms with the others. Over several, rooms are spread; all nodes name the
    /// same ones alike. `redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]`,
    /// `redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/MASTER[/DATABASE]` or `redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT`; with
    /// `rediss` for TLS. None: the node stands alone. `REDIS_URL` is another name for the variable.
    redis: Vec<String> = Texts(16, is_redis, "URLs such as redis://localhost:6379"), default [], flag "URL";

    /// Certificates in PEM of the authorities that Redis over TLS is trusted by, a file read at the start. Empty: those that the system trusts.
    redis_ca: Contents = File, default [""];

    /// How all keys and channels in Redis begin. Nodes of one cluster have it alike.
    redis_prefix: String = Text(is_prefix, "up to 64 bytes without blanks and braces"), default [""];

    /// A message is accepted only when so many replicas of Redis have it.
    redis_wait_replicas: usize = Count(0..=16, "replicas"), default ["0"];

    /// What happens in a room while Redis cannot be reached: `refuse` refuses posts with `unavailable`; with `local` those on the same node go
    /// on among themselves, and are told what they missed afterwards.
    on_outage: OutagePolicy = OUTAGE_POLICY, default ["refuse"];

    /// Another answer for some rooms: a name, or the beginning of one and `*`; the first that fits counts.
    on_outage_rooms: Vec<RoomOutagePolicy> = RoomPolicies(OUTAGE_POLICY, "lobby*=local"), default [];

    /// A secret that all nodes of a cluster share, of 16 characters or more: names of sessions are proven with it, so that any node
    /// takes requests for sessions of any other. Empty: with `redis` one that is kept there, without one that nobody else knows, new at every start.
    cluster_secret: String = Text(is_secret, "16 characters or more, or nothing"), default [""];

    /// Largest message a client may send, after decompression.
    max_message_bytes: usize = Count(1..=64 * MEBIBYTE, "bytes"), default ["65536"], flag "N";

    /// Time between pings.
    ping_interval: Duration = Seconds(1..=3600), default ["25"], flag "SECONDS";

    /// How long a client may take to answer a ping before it is closed with 4009.
    ping_timeout: Duration = Seconds(1..=3600), default ["20"];

    /// Bytes that may wait for one session that reads slowly, before its room's policy applies. Raised to twice
    /// `max_message_bytes` when it is less.
    session_queue_bytes: usize = Count(4096..=1024 * MEBIBYTE, "bytes"), default ["1048576"];

    /// Bytes that may wait on this node for clients that read slowly, and from clients that send more than is done, all together. Above it nobody new is
    /// taken, and those for whom most waits are closed with 4013. 0: no bound.
    queue_bytes_max: usize = Count(0..=1024 * 1024 * MEBIBYTE, "bytes"), default ["1073741824"] => live;

    /// What happens to a session that reads slowly: `disconnect` closes it with 4008 and it may resume,
    /// `drop_oldest` drops what has waited longest, `latest_only` keeps the newest message. It is told what is missing.
    room_slow_policy: SlowPolicy = SLOW_POLICY, default ["disconnect"] => live;

    /// Other policies for some rooms: a name, or the beginning of one and `*`; the first that fits counts.
    room_slow_policies: Vec<RoomSlowPolicy> = RoomPolicies(SLOW_POLICY, "ticker/*=latest_only"), default [] => live;

    /// Messages that a room remembers, in memory.
    history_messages: usize = Count(0..=1_000_000, "messages"), default ["1000"];

    /// How long a room remembers a message, in memory.
    history_seconds: Duration = Seconds(0..=366 * DAY), default ["86400"];

    /// Bytes of messages that a room remembers, in memory.
    history_bytes: usize = Count(0..=1024 * MEBIBYTE, "bytes"), default ["4194304"];

    /// Folder of what outlives the process: what is said in rooms, and users with passwords. It is made if it is not there, and belongs to one process. A message
    /// is accepted once it is on disk. Empty: nothing outlives the process.
    data: String = Text(is_folder, "a folder, or nothing"), default [""], flag "DIR";

    /// Which rooms are kept there: names, or beginnings of names and `*`. Direct messages and what is said to all always are.
    durable_rooms: Vec<String> = Texts(1000, is_pattern, "names of rooms, or beginnings and `*`"), default ["*"];

    /// Messages of a room that are kept on disk. 0: no bound.
    retention_messages: usize = Count(0..=1_000_000_000, "messages"), default ["100000"];

    /// How long a message is kept on disk. 0: no bound.
    retention_seconds: Duration = Seconds(0..=100 * 366 * DAY), default ["0"];

    /// Bytes of messages of a room that are kept on disk. 0: no bound.
    retention_bytes: usize = Count(0..=1024 * 1024 * MEBIBYTE, "bytes"), default ["268435456"];

    /// How long a room without members is kept, and with it its history.
    room_idle_seconds: Duration = Seconds(0..=366 * DAY), default ["3600"];

    /// What one client may say in a second, in the long run: messages, direct ones too, signs and questions for the time. Who says more is
    /// slowed, then refused with `too_fast`, then closed with 4513 (docs/limits.md). 0: no bound; so with the other rates.
    session_posts_per_second: usize = Count(0..=PER_SECOND_MAX, "posts"), default ["100"] => live;

    /// What all sessions of a user may say in a second, on one thread.
    user_posts_per_second: usize = Count(0..=PER_SECOND_MAX, "posts"), default ["0"] => live;

    /// What all sessions from an address may say, join and ask for in a second, on one thread. An address of IPv6 counts by its first 64 bits.
    /// Behind a proxy that is not in `trusted_proxies` all clients have one address.
    address_posts_per_second: usize = Count(0..=PER_SECOND_MAX, "posts"), default ["0"] => live;

    /// What may be said in a room in a second; in one of more than 64 members, on one thread.
    room_posts_per_second: usize = Count(0..=PER_SECOND_MAX, "posts"), default ["0"] => live;

    /// How often in a second one client may join, ask for history or say who it is, in the long run.
    session_joins_per_second: usize = Count(0..=PER_SECOND_MAX, "joins"), default ["50"] => live;

    /// Who has said little lately may say as much at once as a rate allows in so many seconds; so with everything that has a rate.
    burst_seconds: Duration = Seconds(1..=60), default ["5"] => live;

    /// How long a client that asks for too much is slowed before it is refused.
    flood_seconds: Duration = Seconds(0..=300), default ["10"] => live;

    /// How often it is then refused before it is closed.
    flood_refusals: usize = Count(0..=100_000, "refusals"), default ["100"] => live;

    /// Rooms that one session may be in.
    rooms_per_session: usize = Count(1..=10_000, "rooms"), default ["100"] => live;

    /// Sessions that one user may have on this node, over any protocol. Further ones are closed with 4514. 0: any number.
    sessions_per_user: usize = Count(0..=10_000_000, "sessions"), default ["0"] => live;

    /// Sessions that one address may have on this node, as `address_posts_per_second` counts addresses. Further ones are closed with 4514. 0: any
    /// number.
    sessions_per_address: usize = Count(0..=10_000_000, "sessions"), default ["0"] => live;

    /// Connections that are accepted in a second, all together; further ones wait. 0: as many as come.
    connections_per_second: usize = Count(0..=PER_SECOND_MAX, "connections"), default ["0"] => live;

    /// Clients that may be in over HTTP polling, without a connection of their own. Further ones are refused with 503.
    polling_sessions_max: usize = Count(0..=10_000_000, "sessions"), default ["100000"] => live;

    /// Sessions that may be in one room on this node.
    room_members_max: usize = Count(1..=10_000_000, "sessions"), default ["100000"] => live;

    /// Largest room whose members are told who the others are; in larger ones they get the counts.
    presence_list_max: usize = Count(0..=10_000, "members"), default ["200"] => live;

    /// Shortest time between two reports of who came and went.
    presence_interval_ms: Duration = Milliseconds(100..=60_000), default ["1000"];

    /// How long direct messages are kept for a user who is not connected.
    inbox_idle_seconds: Duration = Seconds(0..=366 * DAY), default ["120"];

    /// How long a connection may take to say what it wants.
    handshake_timeout_seconds: Duration = Seconds(1..=300), default ["10"];

    /// Bytes of a request's head: its first line and its headers.
    max_head_bytes: usize = Count(512..=HEAD_BYTES_MAX, "bytes"), default ["8192"] => live;

    /// How long a client may take to say who it is, where guests may do nothing (`guests = "none"`). 0: as long as it likes.
    identify_timeout_seconds: Duration = Seconds(0..=3600), default ["30"] => live;

    /// How long a client may take to answer a close.
    close_timeout_seconds: Duration = Seconds(1..=60), default ["5"];

    /// How long a node that was asked to stop works as ever, but is not ready, so that balancers notice and send nobody new.
    drain_wait_seconds: Duration = Seconds(0..=3600), default ["2"] => live;

    /// How long it then takes leave of its clients at most. Whoever is left after that is told at once.
    drain_seconds: Duration = Seconds(0..=3600), default ["25"] => live;

    /// Clients told to come back elsewhere in any one second at most, on the whole node, so that they do not all come at once. 0: all at once.
    drain_sessions_per_second: usize = Count(0..=1_000_000, "sessions"), default ["1000"] => live;

    /// Whether WebSocket clients are offered compression (permessage-deflate).
    deflate: bool = Truth, default ["true"];

    /// Origins whose pages may speak to the node, over any protocol; other pages, and its own where it is not named, are answered 403. None: pages of
    /// any origin may. Who is no browser need not say an origin.
    allowed_origins: Vec<String> =
        Texts(1000, socketio::is_origin, "origins such as https://chat.example"), default [] => live;

    /// Balancers and other proxies that are believed about who is behind them, by their addresses or networks. None: nobody is.
    trusted_proxies: Vec<Network> = Networks, default [] => live;

    /// The header in which they say it. They have to write it themselves, whatever clients send.
    trusted_header: ForwardedBy = Choice(&[
        ("x-forwarded-for", ForwardedBy::XForwardedFor), ("forwarded", ForwardedBy::Forwarded),
    ]), default ["x-forwarded-for"] => live;

    /// Whether they begin every connection with a PROXY header (`send-proxy-v2` of HAProxy; version 1 is understood too). Who is no trusted
    /// proxy begins without.
    proxy_protocol: bool = Truth, default ["false"];

    /// What becomes of clients that have not proven who they are: `named` have the name that they take, `nameless` may come but have none, with
    /// `none` they may do nothing. `auto` is `named` where nobody can prove anything, else `nameless`.
    guests: Option<Guests> = access::GUESTS, default ["auto"];

    /// Who may do what in which rooms. The first rule whose pattern fits counts; in other rooms anyone may do anything.
    room_rules: Vec<Rule> = access::RoomRules, default [] => live;

    /// File of the keys that clients' tokens (JWT) are signed with: a public key as PEM, a secret of 32 bytes or more, or a JSON Web Key Set. Read
    /// again when it changes. Empty: there are no tokens.
    jwt_keys: String = Text(is_path, "the path of a file, or nothing"), default [""];

    /// How tokens may be signed.
    jwt_algorithms: Vec<Algorithm> = access::Algorithms, default ["HS256", "RS256", "ES256", "EdDSA"];

    /// Who must have made a token (`iss`). Empty: whoever has the key.
    jwt_issuer: String = Text(is_claim, "up to 1000 bytes"), default [""];

    /// For whom tokens must be (`aud`): any of these. None: they are for nobody in particular.
    jwt_audience: Vec<String> = Texts(100, is_claim, "texts of up to 1000 bytes"), default [];

    /// How far the clocks of those who make tokens may be apart from ours.
    jwt_leeway_seconds: Duration = Seconds(0..=600), default ["10"];

    /// File of what is believed no more: a line `jti:ID` for a token, `user:NAME` for all of a user's, `user@SECONDS:NAME` for those made
    /// (`iat`) before then. Read again when it changes; who was believed by one is parted with at once. Empty: none.
    jwt_revoked: String = Text(is_path, "the path of a file, or nothing"), default [""];

    /// Whether users with passwords are kept in `data` (`heimdallr user add`).
    accounts: bool = Truth, default ["false"];

    /// URL of a backend that decides who clients are and what they may do. Empty: none does.
    access_webhook: String = Text(access::is_backend, "an http or https URL, or nothing"), default [""];

    /// What it is asked: `identify`, who a client is; `join` and `post`, whether it may.
    access_webhook_on: Vec<Question> = access::Questions, default ["identify"];

    /// How long it may take to answer.
    access_webhook_timeout_ms: Duration = Milliseconds(10..=30_000), default ["2000"];

    /// What is answered in its place while it does not: with `deny`, `undecided`; with `allow`, clients may, but nobody is believed by a token or a
    /// password.
    access_webhook_down: bool = Choice(&[("deny", false), ("allow", true)]), default ["deny"];

    /// A secret of 16 characters or more, with which questions to it are signed. Empty: they are not.
    access_webhook_secret: String = Text(is_secret, "16 characters or more, or nothing"), default [""];

    /// Questions that it is asked at the same time.
    access_webhook_requests_max: usize = Count(1..=1000, "requests"), default ["64"];

    /// URL that what happens in rooms is posted to. Empty: none is.
    webhook: String = Text(access::is_backend, "an http or https URL, or nothing"), default [""];

    /// What is posted there.
    webhook_on: Vec<Occasion> = api::Occasions, default ["room.occupied", "room.vacated", "member.joined", "member.left"];

    /// What it is signed with: `whsec_` and base64, or 16 characters or more. Empty: it is not.
    webhook_secret: Option<Secret> = api::HookSecret, default [""];

    /// How long an answer is waited for.
    webhook_timeout_ms: Duration = Milliseconds(10..=60_000), default ["5000"];

    /// For how long what is not taken is posted again, less and less often. Then it is lost.
    webhook_retry_seconds: Duration = Seconds(0..=DAY), default ["3600"];

    /// How much may wait to be posted, without `data`. More is lost, and it is told how much was.
    webhook_waiting_max: usize = Count(1..=1_000_000, "events"), default ["10000"];

    /// Bytes of what may wait to be posted in `data`. More takes the place of the oldest, and it is told how much was lost.
    webhook_outbox_bytes: usize = Count(65_536..=1024 * 1024 * MEBIBYTE, "bytes"), default ["268435456"];

    /// How much is posted at the same time, that of one room one after the other where it waits in `data`. With 1, it comes in the order in which it happened.
    webhook_requests_max: usize = Count(1..=100, "requests"), default ["1"];

    /// Where clients of Socket.IO send their requests.
    socketio_path: String = Text(socketio::is_path, "a path that begins and ends with a slash"), default ["/socket.io/"];

    /// Origins whose pages may speak Socket.IO, with credentials, besides the node's own. None: pages of any origin may, without.
    socketio_origins: Vec<String> =
        Texts(1000, socketio::is_origin, "origins such as https://chat.example"), default [];

    /// Name of a cookie with which polling clients of Socket.IO are kept with their node. Empty: none.
    socketio_cookie: String = Text(socketio::is_cookie, "the name of a cookie, or nothing"), default [""];

    /// The stock client for browsers, a file read at the start and served as `socket.io.js` below `socketio_path`. Empty: none.
    socketio_client_file: Contents = File, default [""];

    /// Namespaces of Socket.IO besides `/`. A room `r` of `/news` is the room `/news/r` of everybody else.
    socketio_namespaces: Vec<String> = Texts(63, socketio::is_namespace, "names such as /news"), default [];

    /// How long a client of Socket.IO may take to connect to a namespace.
    socketio_connect_timeout_seconds: Duration = Seconds(1..=3600), default ["45"];

    /// Further events that are passed on to the room which their first argument names, as they are.
    socketio_relay: Vec<String> = Texts(1000, socketio::is_relayed, "names of events such as typing, of up to 32 bytes"), default [];

    /// How long a Socket.IO 4 client that was cut off may come back and go on without a gap (connection state recovery). With it, every
    /// `message`, `new message` and `all` has the message's position as a last argument. 0: off.
    socketio_recovery_seconds: Duration = Seconds(0..=DAY), default ["0"];

    /// Event of Socket.IO by which a client joins a room. Empty: there is none; so with the other events.
    socketio_event_join_room: String = EVENT, default ["joinRoom"];

    /// Event by which a client leaves a room.
    socketio_event_leave_room: String = EVENT, default ["leaveRoom"];

    /// Event by which a client says something in a room, and by which everybody there is told.
    socketio_event_message: String = EVENT, default ["message"];

    /// Event by which a client says something to everybody who speaks Socket.IO, and by which they are told.
    socketio_event_all: String = EVENT, default ["all"];

    /// Event by which a client takes a name.
    socketio_event_log_in: String = EVENT, default ["log in"];

    /// Event by which a client says something to one user.
    socketio_event_send_message: String = EVENT, default ["send message"];

    /// Event by which that user is told.
    socketio_event_new_message: String = EVENT, default ["new message"];

    /// Event by which a client is told of messages that will not come.
    socketio_event_lost: String = EVENT, default ["lost"];

    /// Event by which a client is told that an operator has it leave a room.
    socketio_event_removed: String = EVENT, default ["removed"];

    /// Which adapter servers of Socket.IO have that this node joins: `classic` (`createAdapter` of `@socket.io/redis-adapter`, also for
    /// `@socket.io/redis-emitter`) or `sharded` (`createShardedAdapter`).
    socketio_adapter: Option<Dialect> = Choice(&[
        ("none", None), ("classic", Some(Dialect::Classic)), ("sharded", Some(Dialect::Sharded)),
    ]), default ["none"];

    /// How the channels of those servers begin: `key` of the classic adapter, `channelPrefix` of the sharded one.
    socketio_adapter_prefix: String = Text(socketio::is_prefix, "a text without control characters"), default ["socket.io"];

    /// The Redis of those servers, without TLS. Empty: the first of `redis`.
    socketio_adapter_redis: String = Text(socketio::is_plain_redis, "a URL such as redis://localhost:6379, or nothing"), default [""];

    /// How much is logged. `debug` has a line for whoever comes, takes a name, joins or leaves a room, and goes, `trace` one for each
    /// message too, without what it says.
    log_level: &'static str = Choice(&[
        ("error", "error"), ("warn", "warn"), ("info", "info"), ("debug", "debug"), ("trace", "trace"),
    ]), default ["info"] => live;

    /// `text` for people, `json` for programs: one object a line.
    log_format: LogFormat = Choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)]), default ["text"];
}

fn is_folder(path: &str) -> bool {
    !path.contains('\0')
}

fn is_pattern(rooms: &str) -> bool {
    !rooms.is_empty() && !rooms.strip_suffix('*').unwrap_or(rooms).contains('*')
}

/// Whether a text is long enough for a secret, or empty.
fn is_secret(text: &str) -> bool {
    text.is_empty() || text.chars().count() >= SECRET_CHARACTERS_MIN
}
