//! The servers that share a namespace, and the channels on which they hear each other.

/// Which of the two adapters the others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `createAdapter`: `PUBLISH`, and one pattern for all rooms of a namespace.
    Classic,
    /// `createShardedAdapter` as it comes (`subscriptionMode: "dynamic"`): `SPUBLISH`, and a channel for each room.
    Sharded,
}

/// The servers that share a namespace, as one of them knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    dialect: Dialect,
    prefix: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
}

/// What comes by a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ear {
    /// [`Message`](super::Message)s for all.
    All,
    /// Messages for those with sockets in a room.
    Room,
    /// Answers, perhaps to others.
    Answers,
}

/// In the sharded adapter a room of so many UTF-16 units is taken for a socket, which has no channel of its own.
const SOCKET_ID_UNITS: usize = 20;

impl Circle {
    /// A server called `name`, among those whose channels begin with `prefix`. Names must differ.
    pub fn new(dialect: Dialect, prefix: &str, namespace: &str, name: &str) -> Self {
        Self { dialect, prefix: prefix.into(), namespace: namespace.into(), name: name.into() }
    }

    /// Which adapter is spoken.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Which namespace is shared.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What this server is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is to be listened to always. Others count the subscribers of the first to know how many answers will come.
    pub fn channels(&self) -> Vec<String> {
        match self.dialect {
            Dialect::Classic => {
                vec![self.requests(), self.beginning("-response"), self.answers_to(&self.name)]
            }
            Dialect::Sharded => vec![self.requests(), self.answers_to(&self.name)],
        }
    }

    /// The pattern that is to be subscribed to besides, for what is told to rooms; `None`: each room has a channel.
    pub fn pattern(&self) -> Option<String> {
        let is_special = |character| matches!(character, '*' | '?' | '[' | ']' | '\\');
        let escaped = |text: String| {
            text.chars().fold(String::new(), |mut pattern, character| {
                if is_special(character) {
                    pattern.push('\\');
                }
                pattern.push(character);
                pattern
            })
        };
        (self.dialect == Dialect::Classic).then(|| escaped(self.beginning("")) + "*")
    }

    /// The channel that must be listened to while there are sockets in a room, where there is one.
    pub fn channel_of_room(&self, room: &str) -> Option<String> {
        let is_shared = self.dialect == Dialect::Sharded && !is_socket_id(room);
        is_shared.then(|| self.beginning("") + room + "#")
    }

    /// What comes by a channel; `None`: it is not this circle's.
    pub fn hears(&self, channel: &str) -> Option<Ear> {
        let rest = |kind| channel.strip_prefix(&*self.prefix)?.strip_prefix(kind)?.strip_prefix('#');
        let inside = |kind| rest(kind)?.strip_prefix(&*self.namespace)?.strip_prefix('#');
        let is_own = |rest: &str| rest.strip_suffix('#') == Some(&*self.name);
        match (self.dialect, inside("")) {
            (_, Some("")) => Some(Ear::All),
            (Dialect::Sharded, Some(rest)) if is_own(rest) => Some(Ear::Answers),
            (_, Some(_)) => Some(Ear::Room),
            (Dialect::Sharded, None) => None,
            (Dialect::Classic, None) => {
                let answers = inside("-response").filter(|rest| rest.is_empty() || is_own(rest));
                let request = inside("-request").filter(|rest| rest.is_empty());
                request.map(|_| Ear::All).or(answers.map(|_| Ear::Answers))
            }
        }
    }

    /// Where an event goes that is for sockets in these rooms. Events that want answers go where all are counted.
    pub(super) fn broadcasts(&self, rooms: &[impl AsRef<str>], wants_answers: bool) -> String {
        match (self.dialect, rooms) {
            (Dialect::Classic, [room]) => self.beginning("") + room.as_ref() + "#",
            (Dialect::Sharded, [room]) if !wants_answers && !is_socket_id(room.as_ref()) => {
                self.beginning("") + room.as_ref() + "#"
            }
            _ => self.beginning(""),
        }
    }

    /// Where everything else goes that is said to all.
    pub(super) fn requests(&self) -> String {
        match self.dialect {
            Dialect::Classic => self.beginning("-request"),
            Dialect::Sharded => self.beginning(""),
        }
    }

    /// Where an answer goes. Servers of the classic adapter need not be listening on a channel of their own for each.
    pub(super) fn answers(&self, to: &str) -> String {
        match self.dialect {
            Dialect::Classic => self.beginning("-response"),
            Dialect::Sharded => self.answers_to(to),
        }
    }

    fn answers_to(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Classic => self.beginning("-response") + name + "#",
            Dialect::Sharded => self.beginning("") + name + "#",
        }
    }

    fn beginning(&self, kind: &str) -> String {
        format!("{}{kind}#{}#", self.prefix, self.namespace)
    }
}

fn is_socket_id(room: &str) -> bool {
    room.encode_utf16().count() == SOCKET_ID_UNITS
}
