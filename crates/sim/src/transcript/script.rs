//! A transcript's text, read line by line.

use std::fmt;

use access::Guests;
use backplanes::{OutagePolicy, OutageRule};
use shard::{Rate, Settings};

use super::notation::Piece;
use crate::cluster::{Climate, Fault, Layout, Perils};
use crate::pipe::Weather;
use crate::scenario::settings;

/// A transcript.
#[derive(Clone, Debug)]
pub struct Script {
    /// How the node is configured.
    pub settings: Settings,
    /// How bytes travel.
    pub weather: Weather,
    /// The cluster that it happens in; `None`: one node, which stands alone.
    pub cluster: Option<Layout>,
    /// Who takes part; lines name them by their places.
    pub cast: Vec<Role>,
    /// What happens, with the numbers of the lines.
    pub lines: Vec<(usize, Line)>,
}

/// Somebody who takes part.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The gateway it speaks through.
    pub gateway: String,
    /// For a plain room, its name as it stands in the path.
    pub room: String,
    /// Whether it offers compression.
    pub deflate: bool,
    /// Where the node runs that it comes to; counted from 0, and in transcripts from 1.
    pub site: usize,
}

/// One line: what somebody does, or must hear.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "fields are named for what they are, and the line above each says the rest")]
pub enum Line {
    /// Somebody connects.
    Connect(usize),
    /// Somebody says something; `at_once`: together with what is said next.
    Say { who: usize, what: Piece, at_once: bool },
    /// Somebody hears something.
    Hear { who: usize, what: Piece },
    /// Time passes.
    Wait { ms: u64 },
    /// A connection breaks.
    Cut(usize),
    /// Somebody says no more.
    HangUp(usize),
    /// Somebody stops reading.
    Stall(usize),
    /// Somebody reads on.
    Resume(usize),
    /// The node is told to go away.
    Drain,
    /// Somebody comes to another node from here on.
    Move { who: usize, site: usize },
    /// Something befalls the cluster.
    Befall(Fault),
}

/// A line that cannot be read.
#[derive(Debug)]
pub struct ScriptFault {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub words: String,
}

/// Signs of life are kept out of conversations that are not about them.
const PING_INTERVAL_MS: u64 = 3_600_000;
/// What may be done at once of that for which there is a rate.
const BURST_SECONDS: u32 = 2;

impl Script {
    /// Reads a transcript.
    pub fn read(text: &str) -> Result<Self, ScriptFault> {
        let mut settings = settings();
        settings.ping_interval_ms = PING_INTERVAL_MS;
        let (cast, lines) = (Vec::new(), Vec::new());
        let mut script = Self { settings, weather: Weather::CALM, cluster: None, cast, lines };
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            script.read_line(index + 1, line).map_err(|words| ScriptFault { line: index + 1, words })?;
        }
        Ok(script)
    }

    fn read_line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if let Some(cast) = line.strip_prefix("cast:") {
            let roles = cast.split(',').map(read_role).collect::<Result<Vec<_>, _>>()?;
            let sites = roles.iter().map(|role| role.site + 1).max().unwrap_or(1);
            if sites > 1 {
                self.layout().sites = sites.max(self.layout().sites);
            }
            self.cast.extend(roles);
            return Ok(());
        }
        if let Some(with) = line.strip_prefix("with:") {
            return with.split(',').try_for_each(|one| self.set(one));
        }
        let read = self.read_deed(line)?;
        self.lines.push((number, read));
        Ok(())
    }

    fn read_deed(&self, line: &str) -> Result<Line, String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        match first {
            "time" => read_time(rest).map(|ms| Line::Wait { ms }),
            "cut" => self.find(rest).map(Line::Cut),
            "stall" => self.find(rest).map(Line::Stall),
            "resume" => self.find(rest).map(Line::Resume),
            "drain" if rest.is_empty() => Ok(Line::Drain),
            "drain" => read_site(rest).map(|site| Line::Befall(Fault::Drain { site, ms: FOR_GOOD_MS })),
            "kill" => read_site(rest).map(|site| Line::Befall(Fault::Kill { site, ms: FOR_GOOD_MS })),
            "part" => read_site(rest).map(|site| Line::Befall(Fault::Part { site, ms: FOR_GOOD_MS })),
            "mend" if rest.is_empty() => Ok(Line::Befall(Fault::Heal)),
            name => self.read_turn(self.find(name)?, rest),
        }
    }

    fn read_turn(&self, who: usize, rest: &str) -> Result<Line, String> {
        let (verb, what) = rest.split_once(' ').unwrap_or((rest, ""));
        match (verb, what) {
            (">", what) => Ok(Line::Say { who, what: Piece::read(what), at_once: false }),
            ("+", what) => Ok(Line::Say { who, what: Piece::read(what), at_once: true }),
            ("<", what) => Ok(Line::Hear { who, what: Piece::read(what) }),
            ("connects", "") => Ok(Line::Connect(who)),
            ("moves", site) => {
                let site = site.strip_prefix("to ").ok_or("where to?")?;
                read_site(site).map(|site| Line::Move { who, site })
            }
            ("hangs", "up") => Ok(Line::HangUp(who)),
            _ => Err(format!("nobody knows how to {rest:?}")),
        }
    }

    /// How the nodes are laid out, of which there are several.
    fn layout(&mut self) -> &mut Layout {
        self.cluster.get_or_insert_with(|| Layout {
            sites: 1,
            climate: Climate::CALM,
            history_messages: HISTORY_MESSAGES,
            tags_per_room: TAGS_PER_ROOM,
            wait_replicas: 0,
            outage_rules: Vec::new(),
            perils: Perils::default(),
        })
    }

    fn find(&self, name: &str) -> Result<usize, String> {
        let index = self.cast.iter().position(|role| role.name == name);
        index.ok_or_else(|| format!("{name:?} is not in the cast"))
    }

    fn set(&mut self, assignment: &str) -> Result<(), String> {
        let (key, value) =
            assignment.split_once('=').ok_or_else(|| format!("{assignment:?} sets nothing"))?;
        if key.trim() == "on_outage_local" {
            let rule = OutageRule { rooms: value.trim().to_owned(), policy: OutagePolicy::Local };
            self.layout().outage_rules.push(rule);
            return Ok(());
        }
        let value: u64 = value.trim().parse().map_err(|_| format!("{value:?} is not a number"))?;
        let Settings { gateways, store, limits, .. } = &mut self.settings;
        let rate = Rate::per_second(value as u32, BURST_SECONDS);
        match key.trim() {
            "max_message_bytes" => gateways.max_message_bytes = value as usize,
            "deflate" => gateways.deflate = value != 0,
            "history_messages" => store.messages_max = value as usize,
            "history_ms" => store.age_max_ms = value,
            "session_queue_bytes" => self.settings.session_queue_bytes = value as usize,
            "session_posts_per_second" => limits.session_posts = rate,
            "user_posts_per_second" => limits.user_posts = rate,
            "address_posts_per_second" => limits.address_posts = rate,
            "room_posts_per_second" => limits.room_posts = rate,
            "session_joins_per_second" => limits.session_joins = rate,
            "sessions_per_user" => limits.user_sessions_max = value as u32,
            "sessions_per_address" => limits.address_sessions_max = value as u32,
            "identify_timeout_ms" => limits.identify_timeout_ms = value,
            "max_head_bytes" => self.settings.head_bytes_max = value as usize,
            "guests" => self.settings.rules.guests = if value == 0 { Guests::Barred } else { Guests::Named },
            "queue_bytes_max" => limits.queue_bytes_max = value as usize,
            "flood_ms" => limits.patience_ms = value,
            "flood_refusals" => limits.refusals_max = value as u32,
            "rooms_per_session" => self.settings.rooms_per_session = value as usize,
            "room_members_max" => self.settings.room_members_max = value as u32,
            "small_room_max" => self.settings.small_room_max = value as u32,
            "rooms_max" => self.settings.rooms_max = value as usize,
            "presence_list_max" => self.settings.presence_list_max = value as usize,
            "room_idle_ms" => self.settings.room_idle_ms = value,
            "inbox_idle_ms" => self.settings.inbox_idle_ms = value,
            "ping_interval_ms" => self.settings.ping_interval_ms = value,
            "ping_timeout_ms" => self.settings.ping_timeout_ms = value,
            "recovery_ms" => {
                gateways.socketio.recovery = value > 0;
                self.settings.recovery_ms = value;
            }
            "drain_wait_ms" => self.settings.drain_wait_ms = value,
            "drain_ms" => self.settings.drain_ms = value,
            "lingering_max" => self.settings.lingering_max = value as usize,
            "socket_bytes" => self.weather.socket_bytes = value as usize,
            key => return Err(format!("{key:?} cannot be set")),
        }
        Ok(())
    }
}

/// What is not mended is there no more.
const FOR_GOOD_MS: u64 = 1 << 40;
/// What a broker keeps of a room.
const HISTORY_MESSAGES: usize = 1000;
const TAGS_PER_ROOM: usize = 4096;

/// `node 2`
fn read_site(text: &str) -> Result<usize, String> {
    let number = text.trim().strip_prefix("node ").and_then(|number| number.parse::<usize>().ok());
    number.and_then(|number| number.checked_sub(1)).ok_or_else(|| format!("{text:?} is no node"))
}

fn read_role(text: &str) -> Result<Role, String> {
    let (name, what) = text.split_once('=').ok_or_else(|| format!("{text:?} names nobody"))?;
    let (what, site) = match what.split_once(" on ") {
        Some((what, site)) => (what, read_site(site)?),
        None => (what, 0),
    };
    let mut words = what.split_whitespace();
    let gateway = words.next().ok_or("through which gateway?")?.to_owned();
    let rest: Vec<&str> = words.collect();
    let deflate = rest.last() == Some(&"deflate");
    let room = rest.first().filter(|word| **word != "deflate").unwrap_or(&"").to_string();
    Ok(Role { name: name.trim().to_owned(), gateway, room, deflate, site })
}

/// `+ 25s` or `+ 300ms`.
fn read_time(text: &str) -> Result<u64, String> {
    let text = text.strip_prefix('+').unwrap_or(text).trim();
    let (number, factor) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        _ => return Err(format!("{text:?} is no time")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is no time"))?;
    Ok(number * factor)
}

impl fmt::Display for ScriptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.words)
    }
}

impl std::error::Error for ScriptFault {}
