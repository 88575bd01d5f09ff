//! The configuration as each part of the node wants it.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;

use access::{Guests, Minds, Rules, Terms, TokenSettings, WebhookSettings};
use backplanes::{BACKPLANES, NodeId, OutagePolicy, OutageRule};
use gateways::handlers::Application;
use gateways::{EventNames, SocketIoSettings};
use sha1::{Digest as _, Sha1};
use shard::{Attention, Limits, Pages, Proxies, Rate, ShardId, SlowPolicy, SlowRule, Tls};
use stores::{Disk, Retention, STORES};

use crate::config::Settings;
use crate::config::access::Question;
use crate::config::value::{self, RoomSlowPolicy};
use crate::hooks;

/// Posts whose ids a room remembers, so that a retry is not a second message.
const TAGS_PER_ROOM: usize = 4096;
/// Rooms of a node, those without members that are still remembered included.
const ROOMS_MAX: usize = 4_000_000;
/// What is said in rooms of up to so many sessions crosses no threads.
const SMALL_ROOM_MAX: u32 = 64;
/// Clients that were cut off, of whom it is remembered where they were.
const RECORDS_MAX: usize = 100_000;
/// Clients that are told to reconnect come back spread over so long, as many a second as are told.
const RECONNECT_SPREAD_MS: u32 = 1000;

/// Which backplane the node has.
pub(crate) fn backplane_of(settings: &Settings) -> backplanes::Open {
    let name = if settings.redis.is_empty() { "loopback" } else { "redis" };
    let found = BACKPLANES.iter().find(|(known, _)| *known == name);
    found.map(|(_, open)| *open).expect("both are in the list")
}

/// What the node's backplane is opened with.
pub(crate) fn of_backplane(settings: &Settings) -> backplanes::Settings {
    backplanes::Settings {
        node: NodeId(unguessable("node") as u32),
        shards: settings.threads as u16,
        epoch_seed: unguessable("epochs"),
        tags_per_room: TAGS_PER_ROOM,
        history_messages: settings.history_messages,
        room_idle_ms: settings.room_idle_seconds.as_millis() as u64,
        inbox_idle_ms: settings.inbox_idle_seconds.as_millis() as u64,
        urls: settings.redis.clone(),
        ca: settings.redis_ca.bytes().map(|ca| ca.to_vec()).unwrap_or_default(),
        prefix: settings.redis_prefix.clone(),
        wait_replicas: settings.redis_wait_replicas as u32,
        outage_rules: outage_rules(settings),
    }
}

/// Which store the node has.
pub(crate) fn store_of(settings: &Settings) -> stores::Open {
    let name = if settings.data.is_empty() { "memory" } else { "sqlite" };
    let found = STORES.iter().find(|(known, _)| *known == name);
    found.map(|(_, open)| *open).expect("both are in the list")
}

/// What the node's store is opened with.
pub(crate) fn of_store(settings: &Settings) -> Disk {
    Disk {
        folder: settings.data.clone().into(),
        shards: settings.threads as u16,
        epoch_seed: unguessable("epochs of rooms that go on"),
        is_alone: settings.redis.is_empty(),
        rooms: settings.durable_rooms.clone(),
        recent_messages: settings.history_messages.max(TAGS_PER_ROOM),
        retention: Retention {
            messages_max: settings.retention_messages as u64,
            age_max_ms: settings.retention_seconds.as_millis() as u64,
            bytes_max: settings.retention_bytes as u64,
        },
        outward: None,
    }
}

/// What those who decide about clients are opened with.
pub(crate) fn of_access(settings: &Settings) -> access::Settings {
    access::Settings {
        guests: guests(settings),
        tokens: tokens(settings),
        accounts: accounts(settings),
        webhook: webhook(settings),
    }
}

fn accounts(settings: &Settings) -> Option<PathBuf> {
    settings.accounts.then(|| PathBuf::from(&settings.data))
}

fn webhook(settings: &Settings) -> Option<WebhookSettings> {
    let asks = |question| settings.access_webhook_on.contains(&question);
    (!settings.access_webhook.is_empty()).then(|| WebhookSettings {
        url: settings.access_webhook.clone(),
        identifies: asks(Question::Identify),
        minds: Minds { joins: asks(Question::Join), posts: asks(Question::Post) },
        timeout: settings.access_webhook_timeout_ms,
        allows_when_down: settings.access_webhook_down,
        secret: settings.access_webhook_secret.clone(),
        requests_max: settings.access_webhook_requests_max,
    })
}

fn tokens(settings: &Settings) -> Option<TokenSettings> {
    let terms = Terms {
        issuer: settings.jwt_issuer.clone(),
        audience: settings.jwt_audience.clone(),
        leeway_s: settings.jwt_leeway_seconds.as_secs(),
    };
    let path = |text: &String| Some(PathBuf::from(text)).filter(|_| !text.is_empty());
    Some(TokenSettings {
        keys: path(&settings.jwt_keys)?,
        algorithms: settings.jwt_algorithms.clone(),
        terms,
        revoked: path(&settings.jwt_revoked),
    })
}

/// Names are free where nobody can prove theirs, if nothing else is said.
fn guests(settings: &Settings) -> Guests {
    settings.guests.unwrap_or(if judges(settings) { Guests::Nameless } else { Guests::Named })
}

/// Whether clients can prove who they are.
fn judges(settings: &Settings) -> bool {
    let asks_backend = webhook(settings).is_some_and(|webhook| webhook.identifies);
    asks_backend || settings.accounts || !settings.jwt_keys.is_empty()
}

/// What may be done in which room, and by whom.
fn rules(settings: &Settings) -> Rules {
    Rules { guests: guests(settings), rooms: settings.room_rules.clone() }
}

/// How the node stands beside servers of Socket.IO, if it does.
pub(crate) fn of_bridge(settings: &Settings, node: NodeId) -> Option<beside::Settings> {
    let NodeId(node) = node;
    settings.socketio_adapter.map(|dialect| beside::Settings {
        dialect,
        url: Some(&settings.socketio_adapter_redis)
            .filter(|url| !url.is_empty())
            .or(settings.redis.first())
            .cloned()
            .unwrap_or_default(),
        prefix: settings.socketio_adapter_prefix.clone(),
        node,
        shards: settings.threads as u16,
        namespaces: settings.socketio_namespaces.clone(),
        message: settings.socketio_event_message.clone(),
        all: settings.socketio_event_all.clone(),
        relay: settings.socketio_relay.clone(),
        max_message_bytes: settings.max_message_bytes,
    })
}

/// What one shard is started with.
pub(crate) fn of_shard(
    settings: &Settings,
    application: &Application,
    names_secret: [u8; 16],
    (node, index): (NodeId, u16),
) -> shard::Settings {
    let ping_interval_ms = settings.ping_interval.as_millis() as u64;
    let ping_timeout_ms = settings.ping_timeout.as_millis() as u64;
    shard::Settings {
        node,
        shard: ShardId(index),
        shards: settings.threads as u16,
        names_secret,
        gateways: gateways::Settings {
            max_message_bytes: settings.max_message_bytes,
            ping_interval_ms,
            ping_timeout_ms,
            tokens: judges(settings),
            deflate: settings.deflate,
            socketio: socketio(settings, application),
        },
        rules: rules(settings),
        rulings: Arc::default(),
        interest: hooks::interest(settings),
        store: stores::Settings {
            messages_max: settings.history_messages,
            age_max_ms: settings.history_seconds.as_millis() as u64,
            bytes_max: settings.history_bytes,
        },
        session_queue_bytes: settings.session_queue_bytes,
        slow_rules: slow_rules(settings),
        limits: limits(settings),
        rooms_per_session: settings.rooms_per_session,
        room_members_max: settings.room_members_max as u32,
        small_room_max: SMALL_ROOM_MAX,
        rooms_max: ROOMS_MAX / settings.threads,
        presence_list_max: settings.presence_list_max,
        presence_interval_ms: settings.presence_interval_ms.as_millis() as u64,
        room_idle_ms: settings.room_idle_seconds.as_millis() as u64,
        inbox_idle_ms: settings.inbox_idle_seconds.as_millis() as u64,
        proxies: Proxies {
            trusted: settings.trusted_proxies.clone(),
            by: settings.trusted_header,
            announce: settings.proxy_protocol,
        },
        pages: Pages(settings.allowed_origins.clone()),
        tls: tls(settings),
        head_bytes_max: settings.max_head_bytes,
        handshake_timeout_ms: settings.handshake_timeout_seconds.as_millis() as u64,
        close_timeout_ms: settings.close_timeout_seconds.as_millis() as u64,
        ping_interval_ms,
        ping_timeout_ms,
        recovery_ms: settings.socketio_recovery_seconds.as_millis() as u64,
        records_max: RECORDS_MAX.div_ceil(settings.threads),
        lingering_max: settings.polling_sessions_max.div_ceil(settings.threads),
        tunnels_max: settings.polling_sessions_max.div_ceil(settings.threads),
        attention: attention(settings.log_level),
        drain_wait_ms: settings.drain_wait_seconds.as_millis() as u64,
        drain_ms: settings.drain_seconds.as_millis() as u64,
        drain_sessions_per_second: settings.drain_sessions_per_second as u32,
        reconnect_spread_ms: RECONNECT_SPREAD_MS,
    }
}

/// How much clients may ask for.
fn limits(settings: &Settings) -> Limits {
    let burst_seconds = settings.burst_seconds.as_secs() as u32;
    let rate = |per_second| Rate::per_second(per_second as u32, burst_seconds);
    Limits {
        session_posts: rate(settings.session_posts_per_second),
        user_posts: rate(settings.user_posts_per_second),
        address_posts: rate(settings.address_posts_per_second),
        room_posts: rate(settings.room_posts_per_second),
        session_joins: rate(settings.session_joins_per_second),
        user_sessions_max: settings.sessions_per_user as u32,
        address_sessions_max: settings.sessions_per_address as u32,
        connections: Rate::per_second(settings.connections_per_second as u32, 1)
            .shared_by(settings.threads as u16),
        identify_timeout_ms: settings.identify_timeout_seconds.as_millis() as u64,
        queue_bytes_max: settings.queue_bytes_max / settings.threads,
        patience_ms: settings.flood_seconds.as_millis() as u64,
        refusals_max: settings.flood_refusals as u32,
    }
}

fn tls(settings: &Settings) -> Tls {
    match settings.has_tls() {
        false => Tls::Off,
        true if settings.tls_only => Tls::Required,
        true => Tls::Offered,
    }
}

fn socketio(settings: &Settings, application: &Application) -> SocketIoSettings {
    SocketIoSettings {
        path: settings.socketio_path.clone(),
        origins: settings.socketio_origins.clone(),
        cookie: settings.socketio_cookie.clone(),
        client_file: settings.socketio_client_file.bytes(),
        namespaces: settings.socketio_namespaces.clone(),
        connect_timeout_ms: settings.socketio_connect_timeout_seconds.as_millis() as u32,
        relay: settings.socketio_relay.clone(),
        recovery: !settings.socketio_recovery_seconds.is_zero(),
        guests: guests(settings) != Guests::Barred,
        judges: judges(settings),
        events: EventNames {
            join_room: settings.socketio_event_join_room.clone(),
            leave_room: settings.socketio_event_leave_room.clone(),
            message: settings.socketio_event_message.clone(),
            all: settings.socketio_event_all.clone(),
            log_in: settings.socketio_event_log_in.clone(),
            send_message: settings.socketio_event_send_message.clone(),
            new_message: settings.socketio_event_new_message.clone(),
            lost: settings.socketio_event_lost.clone(),
            removed: settings.socketio_event_removed.clone(),
        },
        application: application.clone(),
    }
}

/// What is not logged needs not be noticed.
fn attention(log_level: &str) -> Attention {
    match log_level {
        "trace" => Attention::Messages,
        "debug" => Attention::Sessions,
        _ => Attention::None,
    }
}

/// Rules for some rooms come before the one for all.
fn slow_rules(settings: &Settings) -> Vec<SlowRule> {
    let some = settings
        .room_slow_policies
        .iter()
        .map(|RoomSlowPolicy { pattern, policy }| (pattern.clone(), *policy));
    let all = std::iter::once(("*".to_owned(), settings.room_slow_policy));
    some.chain(all).map(|(rooms, policy)| SlowRule { rooms, policy: policy_of(policy) }).collect()
}

/// As [`slow_rules`].
fn outage_rules(settings: &Settings) -> Vec<OutageRule> {
    let some = settings.on_outage_rooms.iter().map(|rule| (rule.pattern.clone(), rule.policy));
    let all = std::iter::once(("*".to_owned(), settings.on_outage));
    let policy_of = |policy| match policy {
        value::OutagePolicy::Refuse => OutagePolicy::Refuse,
        value::OutagePolicy::Local => OutagePolicy::Local,
    };
    some.chain(all).map(|(rooms, policy)| OutageRule { rooms, policy: policy_of(policy) }).collect()
}

fn policy_of(policy: value::SlowPolicy) -> SlowPolicy {
    match policy {
        value::SlowPolicy::Disconnect => SlowPolicy::Disconnect,
        value::SlowPolicy::DropOldest => SlowPolicy::DropOldest,
        value::SlowPolicy::LatestOnly => SlowPolicy::LatestOnly,
    }
}

/// What names of sessions cannot be guessed without: equal on all nodes that were given the same secret.
pub(crate) fn names_secret(settings: &Settings) -> std::io::Result<[u8; 16]> {
    let mut secret = [0; 16];
    match settings.cluster_secret.as_bytes() {
        [] => getrandom::fill(&mut secret)?,
        given => secret.copy_from_slice(&Sha1::digest(given)[..16]),
    }
    Ok(secret)
}

/// A number that differs for every start: the standard library's hashers are keyed by the system's randomness.
fn unguessable(what: &str) -> u64 {
    let started = std::time::SystemTime::now();
    RandomState::new().hash_one((what, started, std::process::id()))
}
