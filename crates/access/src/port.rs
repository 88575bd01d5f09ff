//! The port: what a node asks of whoever decides, and what arrives from there.
//!
//! A node opens one [`Link`], and each of its shards holds an [`Access`] of it, its own end. Some decide at once, and some on a thread of their
//! own, because deciding takes long, or work: a shard does not wait for it, and a flood of bad credentials does not hold it up.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use chat::{Credentials, Refusal, RoomId, Time, UserId};

use crate::{Grants, Guests, Herald, TokenSettings, WebhookSettings};

/// What those who decide may know of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What becomes of clients that have not proven who they are.
    pub guests: Guests,
    /// How tokens are judged; `None`: they are not.
    pub tokens: Option<TokenSettings>,
    /// The data directory with the users; `None`: there are none.
    pub accounts: Option<PathBuf>,
    /// How a backend is asked; `None`: there is none.
    pub webhook: Option<WebhookSettings>,
}

/// What somebody who decides is opened with.
pub struct Opening<'a> {
    /// The configuration.
    pub settings: &'a Settings,
    /// Each wakes the shard of its place: something has arrived for it.
    pub wakes: &'a [Wake],
    /// Tells all shards what was revoked.
    pub herald: &'a Herald,
}

/// How somebody who decides is opened: the same for every folder of this crate. `None`: the configuration does not ask for it.
pub type Open = fn(&Opening<'_>) -> Result<Option<Box<dyn Link>>, OpenError>;

/// Wakes a shard.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Makes a shard's end where the shard will live.
pub type End = Box<dyn FnOnce() -> Box<dyn Access> + Send>;

/// Why somebody who decides could not be opened, for a person: which key, its value, and what was expected.
#[derive(Debug)]
pub struct OpenError(pub String);

/// A node's link to who decides. Letting it fall ends it.
pub trait Link: Send {
    /// The end of a shard. Asked for once a shard.
    fn end(&mut self, shard: u16) -> End;

    /// Takes note that something is good no more, so that it is not believed again. The shards are told by others.
    fn revoke(&self, revocation: &Revocation) {
        let _ = revocation;
    }

    /// How it is with it.
    fn health(&self) -> Health {
        Health::default()
    }
}

/// How it is with who decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What is not as it should be now.
    pub fault: Option<Fault>,
    /// How often something has gone wrong.
    pub faults: u64,
}

/// Why it is not decided as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// For a person.
    pub reason: String,
    /// Clients are refused for it who would be let in.
    pub bars: bool,
}

/// A shard's end of who decides.
///
/// Contract: every ask is answered, once: at once, or by an [`Arrival::Decided`] with its ticket. One that finds no room is answered with
/// [`Refusal::Overloaded`].
pub trait Access {
    /// Whether it decides about such credentials.
    fn takes(&self, credentials: &Credentials) -> bool;

    /// What else it wants to be asked.
    fn minds(&self) -> Minds {
        Minds::default()
    }

    /// Takes an ask in. `None`: the answer comes later.
    fn ask(&mut self, ask: Ask) -> Option<Verdict>;

    /// Appends what has arrived since.
    fn collect(&mut self, arrivals: &mut Vec<Arrival>) {
        let _ = arrivals;
    }

    /// Another node says that something is good no more.
    fn revoke(&mut self, revocation: &Revocation) {
        let _ = revocation;
    }
}

/// What else than who somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minds {
    /// Whether somebody may be in a room.
    pub joins: bool,
    /// Whether somebody may say something there.
    pub posts: bool,
}

/// A question.
#[derive(Debug)]
pub struct Ask {
    /// Whatever the asker wants to recognise the answer by.
    pub ticket: u64,
    /// What somebody wants.
    pub wish: Wish,
}

/// What somebody wants.
#[derive(Debug)]
pub enum Wish {
    /// To be believed.
    Identify(Credentials),
    /// To be in a room.
    Join {
        /// The room.
        room: RoomId,
        /// Who.
        user: Option<UserId>,
    },
    /// To say something in a room.
    Post {
        /// The room.
        room: RoomId,
        /// Who.
        user: Option<UserId>,
        /// What, as far as it is a text.
        text: Option<Box<str>>,
    },
}

/// What was decided.
pub type Verdict = Result<Pass, Refusal>;

/// What somebody is let pass as. Says nothing where somebody only wanted to do something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pass {
    /// The name to go by.
    pub user: Option<UserId>,
    /// How it was proven; `None`: it was not.
    pub standing: Option<Standing>,
}

/// What is known of who has proven who they are, but for the name.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The rooms that the proof is good for; `None`: all.
    pub grants: Option<Arc<Grants>>,
    /// Of the token's id.
    pub token: Option<Fingerprint>,
    /// When the proof was made out, in seconds since 1970. Never 0, so that nothing is needed to say that there is none.
    pub since_s: NonZero<u32>,
    /// Until when it is good, in seconds since 1970.
    pub until_s: Option<NonZero<u32>>,
}

/// A number that ids of tokens hardly share.
pub type Fingerprint = NonZero<u64>;

/// What is good no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revocation {
    /// What proves a user that was made out before then, in seconds since 1970.
    User(UserId, u32),
    /// A token, by its id.
    Token(Box<str>),
}

/// Some that are good no more.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// Which.
    pub what: Arc<[Revocation]>,
    /// Other nodes have not heard it: they are to be told.
    pub is_news: bool,
}

/// What arrives from who decides.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// The answer to an ask.
    Decided {
        /// The ask's ticket.
        ticket: u64,
        /// The answer.
        verdict: Verdict,
    },
    /// These are good no more. Who was believed by one is parted with.
    Revoked(Revoked),
}

impl Health {
    /// How it is with this and another one together. What keeps clients out counts more than what does not.
    pub(crate) fn and(self, other: Self) -> Self {
        let bars = |fault: &Option<Fault>| fault.as_ref().is_some_and(|fault| fault.bars);
        let fault =
            if bars(&other.fault) && !bars(&self.fault) { other.fault } else { self.fault.or(other.fault) };
        Self { fault, faults: self.faults + other.faults }
    }

    /// Notes how it is from here on.
    pub(crate) fn note(&mut self, fault: Option<Fault>) {
        self.faults += u64::from(self.fault.is_none() && fault.is_some());
        self.fault = fault;
    }
}

impl Pass {
    /// Somebody who has only said a name.
    pub fn named(user: UserId) -> Self {
        Self { user: Some(user), standing: None }
    }

    /// Somebody who has proven it.
    pub fn proven(user: UserId, standing: Standing) -> Self {
        Self { user: Some(user), standing: Some(standing) }
    }
}

impl Standing {
    /// What is good for everything and for good, if it was made out then.
    pub fn since(since_s: u32) -> Self {
        let since_s = NonZero::new(since_s).unwrap_or(NonZero::<u32>::MIN);
        Self { grants: None, token: None, since_s, until_s: None }
    }

    /// Until when it is good.
    pub fn until(&self) -> Option<Time> {
        self.until_s.map(|until_s| Time(u64::from(until_s.get()) * 1000))
    }

    /// Whether that of somebody is good no more.
    pub fn falls_by(&self, name: &str, revocation: &Revocation) -> bool {
        match revocation {
            Revocation::User(user, before_s) => user.as_str() == name && self.since_s.get() < *before_s,
            Revocation::Token(id) => self.token == Some(fingerprint(id)),
        }
    }
}

/// That of a token's id.
pub(crate) fn fingerprint(id: &str) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    NonZero::new(hasher.finish()).unwrap_or(NonZero::<u64>::MIN)
}
