//! The terms of a scenario: how the node is configured, how bytes travel, and who takes part.

use std::fmt;

use backplanes::{OutagePolicy, OutageRule};
use chat::{Command, Message, RoomId, RoomName, UserId};
use gateways::{CLIENTS, SocketIoSettings};
use shard::{Pages, Proxies, Settings, ShardId, SlowPolicy, SlowRule};

use super::hazards::Hazards;
use crate::actor::Actor;
use crate::allowance::Allowance;
use crate::cluster::{Climate, Cluster, Layout, Perils};
#[cfg(feature = "house")]
use crate::house::House;
use crate::ledger::{Ledger, Rules};
use crate::node::Node;
use crate::pipe::Weather;
use crate::random::Random;
use crate::world::World;

/// The terms of a scenario.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How many shards the node has.
    pub shards: u16,
    /// How they are configured.
    pub settings: Settings,
    /// How much a session may ask for in a time.
    pub allowance: Allowance,
    /// How bytes travel.
    pub weather: Weather,
    /// The largest piece in which clients read.
    pub read_bytes: usize,
    /// Who takes part.
    pub cast: Vec<Part>,
    /// The rooms.
    pub rooms: Vec<RoomId>,
    /// The cluster it all happens in; `None`: one node, which stands alone.
    pub cluster: Option<Layout>,
    /// The node stands alone and keeps its rooms in a file, where there is a `house` for it, and what may befall both.
    pub hazards: Option<Hazards>,
}

/// Somebody who takes part.
#[derive(Clone, Debug)]
pub struct Part {
    /// What complaints call it.
    pub name: String,
    /// The gateway it speaks through.
    pub gateway: &'static str,
    /// The name it goes by.
    pub user: Option<UserId>,
    /// The room of protocols that are opened in one.
    pub home: RoomName,
    /// Whether it offers compression.
    pub deflate: bool,
}

/// What a scenario is mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    Ordinary,
    /// Many members in one room.
    Crowd,
    /// Many rooms.
    Town,
    /// Few may be in.
    Tight,
}

/// As configured when nobody says otherwise, with the bounds on what waits far below what a test posts.
pub fn settings() -> Settings {
    Settings {
        node: backplanes::NodeId(0),
        shard: ShardId(0),
        shards: 1,
        names_secret: [7; 16],
        proxies: Proxies::default(),
        pages: Pages::default(),
        gateways: gateways::Settings {
            max_message_bytes: 65_536,
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            tokens: false,
            deflate: true,
            socketio: SocketIoSettings {
                namespaces: vec!["/side".to_owned()],
                relay: vec!["typing".to_owned()],
                ..SocketIoSettings::default()
            },
        },
        rules: access::Rules::default(),
        rulings: std::sync::Arc::default(),
        interest: shard::Interest::default(),
        store: stores::Settings { messages_max: 1000, age_max_ms: 86_400_000, bytes_max: 4 << 20 },
        session_queue_bytes: 1 << 20,
        slow_rules: vec![
            SlowRule { rooms: "news-*".into(), policy: SlowPolicy::DropOldest },
            SlowRule { rooms: "ticker-*".into(), policy: SlowPolicy::LatestOnly },
        ],
        limits: shard::Limits::NONE,
        rooms_per_session: 100,
        room_members_max: 100_000,
        small_room_max: 64,
        rooms_max: 100_000,
        presence_list_max: 200,
        presence_interval_ms: 1000,
        room_idle_ms: 3_600_000,
        inbox_idle_ms: 120_000,
        tls: shard::Tls::Off,
        head_bytes_max: wire::http::MAX_HEAD_BYTES,
        handshake_timeout_ms: 10_000,
        close_timeout_ms: 5000,
        ping_interval_ms: 25_000,
        ping_timeout_ms: 20_000,
        lingering_max: 1000,
        tunnels_max: 1000,
        recovery_ms: 0,
        records_max: 1000,
        attention: shard::Attention::None,
        drain_wait_ms: 0,
        drain_ms: 20_000,
        drain_sessions_per_second: 500,
        reconnect_spread_ms: 5000,
    }
}

impl Terms {
    /// The terms that a seed gives.
    pub fn draw(random: &mut Random) -> Self {
        let theme = *random.pick(&[
            Theme::Ordinary,
            Theme::Ordinary,
            Theme::Ordinary,
            Theme::Crowd,
            Theme::Town,
            Theme::Tight,
        ]);
        let rooms = draw_rooms(theme, random);
        let shards = random.between(1, 4) as u16;
        let mut settings = draw_settings(theme, random);
        draw_drain(&mut settings, random.clone());
        let allowance = draw_allowance(Random::of_part(random.clone().draw(), RARER));
        settings.limits = allowance.limits();
        Self {
            shards,
            settings,
            allowance,
            weather: draw_weather(random),
            read_bytes: *random.pick(&[1, 9, 100, 500, 3000, 1 << 20, 1 << 20, 1 << 20]),
            cast: draw_cast(theme, &rooms, random),
            rooms,
            cluster: None,
            hazards: None,
        }
    }

    /// The terms that a seed gives a node that keeps its rooms in a file.
    #[cfg(feature = "house")]
    pub fn draw_house(random: &mut Random) -> Self {
        let mut terms = Self::draw(random).without_bounds();
        // Who takes leave is gone before everything is mended.
        terms.settings.drain_wait_ms = terms.settings.drain_wait_ms.min(1000);
        terms.settings.drain_ms = terms.settings.drain_ms.clamp(1000, 5000);
        terms.hazards = Some(Hazards {
            crashes: *random.pick(&[0, 20, 40]),
            leaves: *random.pick(&[0, 0, 20]),
            disks: *random.pick(&[0, 20, 60]),
        });
        terms
    }

    /// Where answers are held up by what befalls the world, nobody can tell who was hasty.
    fn without_bounds(mut self) -> Self {
        self.allowance = Allowance::ANY;
        self.settings.limits = self.allowance.limits();
        self
    }

    /// Whether something befalls the world that has to be mended.
    pub fn has_trouble(&self) -> bool {
        self.cluster.is_some() || self.hazards.is_some()
    }

    /// The terms that a seed gives a cluster.
    pub fn draw_cluster(random: &mut Random) -> Self {
        let mut terms = Self::draw(random).without_bounds();
        terms.shards = random.between(1, 2) as u16;
        // A broker does not forget rooms while nodes cannot reach it.
        terms.settings.room_idle_ms = terms.settings.room_idle_ms.clamp(30_000, 60_000);
        terms.settings.inbox_idle_ms = terms.settings.inbox_idle_ms.clamp(30_000, 60_000);
        // Who takes leave is gone before everything is mended.
        terms.settings.drain_wait_ms = terms.settings.drain_wait_ms.min(1000);
        terms.settings.drain_ms = terms.settings.drain_ms.clamp(1000, 5000);
        terms.cluster = Some(draw_layout(random));
        terms
    }

    /// How many places there are to connect to.
    pub fn places(&self) -> usize {
        self.shards as usize * self.cluster.as_ref().map_or(1, |layout| layout.sites)
    }

    /// The world as it is before anything has happened.
    pub fn world(&self, seed: u64) -> World {
        match (&self.cluster, &self.hazards) {
            (Some(layout), _) => {
                World::with(Cluster::new(layout.clone(), &self.settings, self.shards, self.weather, seed))
            }
            #[cfg(feature = "house")]
            (None, Some(_)) => {
                let house = House::new(&self.settings, self.shards, self.weather, seed);
                World::within(Box::new(house))
            }
            _ => Node::new(&self.settings, self.shards, self.weather, seed).into(),
        }
    }

    /// The actors, before anything has happened.
    pub fn actors(&self) -> Vec<Actor> {
        self.cast.iter().map(|part| self.actor(part)).collect()
    }

    /// What the ledger must know.
    pub fn rules(&self) -> Rules {
        let settings = &self.settings;
        let message_bytes = size_of::<Message>() + 300 + settings.gateways.max_message_bytes;
        let bytes = settings.store.bytes_max.min(settings.session_queue_bytes / 2);
        // A node that comes to a room has what the broker keeps of it.
        let kept = self.cluster.as_ref().map_or(usize::MAX, |layout| layout.history_messages);
        Rules {
            may_be_full: settings.room_members_max < 1000 || settings.rooms_per_session < 100,
            is_durable: self.hazards.is_some(),
            resumes_within: settings.store.messages_max.min(bytes / message_bytes).min(kept) as u64,
            flood: settings.session_queue_bytes
                / (size_of::<Command>() + settings.gateways.max_message_bytes),
            allowance: self.allowance,
        }
    }

    /// A ledger of what happens under these terms.
    pub fn ledger(&self) -> Ledger {
        match &self.cluster {
            None => Ledger::new(self.rules()),
            Some(layout) => Ledger::of_cluster(self.rules(), layout),
        }
    }

    /// Whether lines are so narrow that anybody may be taken for slow.
    pub fn is_narrow(&self) -> bool {
        self.weather.socket_bytes < Weather::CALM.socket_bytes || self.weather.short_writes > 0
    }

    fn actor(&self, part: &Part) -> Actor {
        let Part { name, gateway, user, home, deflate } = part;
        let mut actor = Actor::new(name, gateway, user.clone(), home.clone(), *deflate);
        actor.is_slow = self.is_narrow();
        actor.recovers = self.settings.gateways.socketio.recovery;
        actor.is_patient = self.has_trouble() || self.allowance.joins_per_second > 0;
        actor
    }
}

fn draw_rooms(theme: Theme, random: &mut Random) -> Vec<RoomId> {
    let mut names: Vec<String> = ["lobby", "news-1", "ticker-1", "a b/ü%🌍"].map(String::from).into();
    if theme == Theme::Town {
        names.extend((0..random.between(5, 40)).map(|number| format!("room-{number}")));
    }
    let name = |name: String| RoomName::new(&name).expect("the names above are short");
    names.into_iter().map(|one| RoomId::public(name(one))).collect()
}

fn draw_settings(theme: Theme, random: &mut Random) -> Settings {
    let mut settings = settings();
    settings.gateways.max_message_bytes = random.between(600, 2000);
    settings.gateways.deflate = random.chance(800);
    settings.session_queue_bytes = *random.pick(&[12_000, 20_000, 50_000]);
    settings.store.messages_max = *random.pick(&[0, 3, 20, 1000]);
    settings.store.bytes_max = *random.pick(&[5000, 100_000, 4 << 20]);
    settings.presence_list_max = *random.pick(&[0, 2, 4, 200, 200]);
    settings.room_idle_ms = *random.pick(&[0, 2000, 60_000, 3_600_000]);
    settings.inbox_idle_ms = *random.pick(&[0, 5000, 120_000]);
    if theme == Theme::Tight {
        settings.room_members_max = random.between(1, 4) as u32;
        settings.rooms_per_session = random.between(1, 3);
    }
    settings.small_room_max = *random.pick(&[0, 1, 3, 64]);
    settings.recovery_ms = *random.pick(&[0, 20_000, 120_000]);
    settings.gateways.socketio.recovery = settings.recovery_ms > 0;
    settings
}

/// How the node takes its leave, should it come to that.
fn draw_drain(settings: &mut Settings, mut random: Random) {
    settings.drain_wait_ms = *random.pick(&[0, 0, 3000]);
    settings.drain_ms = *random.pick(&[0, 1000, 5000, 20_000]);
    settings.drain_sessions_per_second = *random.pick(&[0, 1, 5, 20, 100]);
}

/// How much sessions may ask for: mostly as much as they like.
fn draw_allowance(mut random: Random) -> Allowance {
    if !random.chance(300) {
        return Allowance::ANY;
    }
    Allowance {
        posts_per_second: *random.pick(&[0, 1, 5, 10]),
        joins_per_second: *random.pick(&[0, 1, 4, 10]),
        burst_seconds: *random.pick(&[0, 1, 2, 5]),
        patience_ms: *random.pick(&[0, 1000, 10_000]),
        refusals_max: *random.pick(&[0, 5, 100]),
    }
}

fn draw_weather(random: &mut Random) -> Weather {
    Weather {
        socket_bytes: *random.pick(&[300, 3000, 1 << 20, 1 << 20, 1 << 20]),
        short_writes: *random.pick(&[0, 50, 400]),
        piece_bytes: *random.pick(&[1, 10, 100, 1000, 1000, usize::MAX, usize::MAX, usize::MAX]),
        mail_turns: *random.pick(&[0, 2, 20]),
        inputs_per_turn: *random.pick(&[1, 5, 64, usize::MAX]),
    }
}

fn draw_layout(random: &mut Random) -> Layout {
    let mut rarer = Random::of_part(random.clone().draw(), RARER);
    let outage_rules = draw_outage_rules(&mut rarer);
    let wait_replicas = u32::from(outage_rules.is_empty() && rarer.chance(300));
    Layout {
        sites: random.between(1, 4),
        climate: Climate {
            turns: *random.pick(&[0, 5, 50]),
            echoes: *random.pick(&[0, 0, 100]),
            dial_ms: *random.pick(&[0, 300, 2000]),
        },
        history_messages: *random.pick(&[3, 50, 1000, 1000]),
        tags_per_room: 4096,
        wait_replicas,
        outage_rules,
        perils: Perils {
            lines: *random.pick(&[0, 0, 60]),
            brokers: *random.pick(&[0, 0, 30]),
            nodes: *random.pick(&[0, 0, 30]),
            replicas: *rarer.pick(&[0, 0, 30]),
            leaves: *rarer.pick(&[0, 0, 20]),
        },
    }
}

/// What is rarer is drawn apart, so that the rest stays what it is.
const RARER: u64 = 1;

fn draw_outage_rules(random: &mut Random) -> Vec<OutageRule> {
    let rooms: &[&str] = random.pick::<&[&str]>(&[&[], &[], &["*"], &["lobby", "news-*"]]);
    let local = |rooms: &&str| OutageRule { rooms: (*rooms).to_owned(), policy: OutagePolicy::Local };
    rooms.iter().map(local).collect()
}

fn draw_cast(theme: Theme, rooms: &[RoomId], random: &mut Random) -> Vec<Part> {
    let mut cast = Vec::new();
    let names = ["alice", "bob", "cara", "дана", "eve 🌍"];
    for name in &names[..random.between(1, names.len())] {
        for device in 0..random.between(1, 3) {
            cast.push(Part::new(&format!("{name}-{device}"), "v1", Some(name), rooms, random));
        }
    }
    cast.extend(
        (0..random.below(3)).map(|guest| Part::new(&format!("guest-{guest}"), "v1", None, rooms, random)),
    );
    for gateway in
        ["raw", "sse", "post"].into_iter().filter(|gateway| CLIENTS.iter().any(|(name, _)| name == gateway))
    {
        let user = Some("robot").filter(|_| gateway == "post");
        let many = 0..random.below(4);
        cast.extend(
            many.map(|number| Part::new(&format!("{gateway}-{number}"), gateway, user, rooms, random)),
        );
    }
    if theme == Theme::Crowd {
        let crowd = *random.pick(&[63, 64, 65, 130, 256, 300]);
        let part = |number| Part {
            home: name_of(&rooms[0]),
            ..Part::new(&format!("crowd-{number}"), "raw", None, rooms, random)
        };
        cast.extend((0..crowd).map(part));
    }
    for number in 0..random.below(5) {
        let user = *random.pick(&[None, Some("alice"), Some("bob"), Some("frida")]);
        cast.push(Part::new(&format!("socketio-{number}"), "socketio", user, rooms, random));
    }
    cast
}

impl Part {
    fn new(
        name: &str,
        gateway: &'static str,
        user: Option<&str>,
        rooms: &[RoomId],
        random: &mut Random,
    ) -> Self {
        Self {
            name: name.replace(' ', "_"),
            gateway,
            user: user.and_then(|user| UserId::new(user).ok()),
            home: name_of(random.pick(rooms)),
            deflate: random.chance(300),
        }
    }
}

fn name_of(room: &RoomId) -> RoomName {
    RoomName::new(room.name()).expect("a room has a name that rooms may have")
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} shards, {:?}, clients read {} bytes at a time",
            self.shards, self.weather, self.read_bytes
        )?;
        writeln!(f, "{:?}", self.settings)?;
        self.cluster.iter().try_for_each(|layout| writeln!(f, "{layout:?}"))?;
        self.hazards.iter().try_for_each(|hazards| writeln!(f, "{hazards:?}"))?;
        for (index, part) in self.cast.iter().enumerate().take(24) {
            writeln!(
                f,
                "actor {index} = {} through {} at home in {:?}, deflate {}",
                part.name, part.gateway, part.home, part.deflate
            )?;
        }
        let rooms = self.rooms.iter().enumerate();
        rooms.take(40).try_for_each(|(index, room)| writeln!(f, "room {index} = {}", room.name()))
    }
}
