//! One member, over however many connections: asks for its posts until they are accepted, comes back after every cut with a pause of its
//! own, and goes on from where it stood.
//!
//! A pure machine: bytes and time in, bytes and what it was told out.

use std::collections::VecDeque;

use super::position::Position;
use super::speech::{self, Told};
use crate::protocols::{
    Fault,
    websocket::{RICH, WebSocket},
};
use crate::stamp::Stamp;

/// Posts that a member waits for at once; the others wait for these.
const WINDOW: usize = 8;
/// A first pause before something is tried again; each further one is up to twice as long.
const PAUSE_NS: u64 = 100_000_000;
const PAUSE_MAX_NS: u64 = 2_000_000_000;
/// Longer than a node may take to answer (docs/cluster.md), and longer than it may be to let somebody in.
const PATIENCE_NS: u64 = 15_000_000_000;

/// Where a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nowhere; it sets out at that time.
    Away(u64),
    /// On a connection, not in its room yet.
    Coming,
    In,
}

/// What a member has to say of itself.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) number: u32,
    pub(super) host: String,
    pub(super) room: String,
    pub(super) payload_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Post {
    stamp: Stamp,
    /// When it was asked for on this connection, and not answered.
    asked_ns: Option<u64>,
    /// When it may be asked for next.
    due_ns: u64,
    tries: u32,
}

/// How often things had to be done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trials {
    /// Posts asked for once more.
    pub(super) retries: u64,
    /// Connections given up because nothing was answered.
    pub(super) unanswered: u64,
}

pub(super) struct Member {
    name: Name,
    socket: WebSocket,
    pub(super) stage: Stage,
    has_joined: bool,
    posts: VecDeque<Post>,
    /// Attempts to come back since it was in last.
    attempts: u32,
    /// The server has asked it to stay away for so long.
    delay_ns: Option<u64>,
    since_ns: u64,
    chance: u64,
    pub(super) trials: Trials,
}

impl Member {
    pub(super) fn new(name: Name) -> Self {
        let chance = u64::from(name.number) + 1;
        Self {
            socket: WebSocket::new(name.number),
            name,
            stage: Stage::Away(0),
            has_joined: false,
            posts: VecDeque::new(),
            attempts: 0,
            delay_ns: None,
            since_ns: 0,
            chance,
            trials: Trials::default(),
        }
    }

    /// Sets out: the first bytes of a new connection.
    pub(super) fn greet(&mut self, now_ns: u64, out: &mut Vec<u8>) {
        (self.stage, self.has_joined, self.since_ns) = (Stage::Coming, false, now_ns);
        self.socket = WebSocket::new(self.name.number ^ self.chance as u32);
        self.socket.greet(&self.name.host, "/v1", &RICH, out);
    }

    /// Takes what the server sent and says how much of it. `place` is where the member stands.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        place: Option<Position>,
        now_ns: u64,
        told: &mut Vec<Told>,
        out: &mut Vec<u8>,
    ) -> Result<usize, Fault> {
        let before = told.len();
        let taken = self.socket.receive(bytes, out, |_, message, _| {
            told.extend(speech::read(message)?);
            Ok(())
        });
        for one in &told[before..] {
            self.note(one, now_ns);
        }
        if self.socket.is_open() && !self.has_joined {
            self.has_joined = true;
            self.socket.send_text(speech::identify(&format!("u{}", self.name.number)).as_bytes(), out);
            self.socket.send_text(speech::join(&self.name.room, place).as_bytes(), out);
        }
        taken
    }

    fn note(&mut self, told: &Told, now_ns: u64) {
        match told {
            Told::Joined { .. } => (self.stage, self.attempts) = (Stage::In, 0),
            Told::Accepted { number, .. } => self.posts.retain(|post| post.stamp.sequence != *number),
            Told::Refused { number, is_final: true, .. } => {
                self.posts.retain(|post| post.stamp.sequence != *number);
            }
            Told::Refused { number, .. } => {
                let index = self.posts.iter().position(|post| post.stamp.sequence == *number);
                let Some(index) = index else { return };
                let pause_ns = self.pause_ns(self.posts[index].tries);
                let post = &mut self.posts[index];
                (post.asked_ns, post.due_ns) = (None, now_ns + pause_ns);
            }
            Told::Closing { delay_ms } => self.delay_ns = Some(delay_ms * 1_000_000),
            Told::Posted { .. } | Told::Lost { .. } | Told::Barred { .. } => {}
        }
    }

    /// It has something to say.
    pub(super) fn post(&mut self, stamp: Stamp) {
        self.posts.push_back(Post { stamp, asked_ns: None, due_ns: 0, tries: 0 });
    }

    /// Whether all it had to say was accepted.
    pub(super) fn is_content(&self) -> bool {
        self.posts.is_empty()
    }

    /// Asks for the posts that are due.
    pub(super) fn speak(&mut self, now_ns: u64, out: &mut Vec<u8>) {
        if self.stage != Stage::In {
            return;
        }
        for post in self.posts.iter_mut().take(WINDOW) {
            if post.asked_ns.is_none() && post.due_ns <= now_ns {
                self.trials.retries += u64::from(post.tries > 0);
                (post.asked_ns, post.tries) = (Some(now_ns), post.tries + 1);
                let text = speech::post(&self.name.room, &post.stamp, self.name.payload_bytes);
                self.socket.send_text(&text, out);
            }
        }
    }

    /// Whether it has waited for an answer for so long that the connection is of no use.
    pub(super) fn is_forgotten(&mut self, now_ns: u64) -> bool {
        let asked = self.posts.iter().take(WINDOW).filter_map(|post| post.asked_ns).min();
        let since_ns = match self.stage {
            Stage::Away(_) => return false,
            Stage::Coming => Some(self.since_ns),
            Stage::In => asked,
        };
        let is_forgotten = since_ns.is_some_and(|since_ns| now_ns >= since_ns + PATIENCE_NS);
        self.trials.unanswered += u64::from(is_forgotten);
        is_forgotten
    }

    /// The connection is gone: nothing that was asked on it is answered any more.
    pub(super) fn cut(&mut self, now_ns: u64) {
        let pause_ns = self.pause_ns(self.attempts) + self.delay_ns.take().unwrap_or(0);
        self.stage = Stage::Away(now_ns + pause_ns);
        self.attempts += 1;
        self.posts.iter_mut().for_each(|post| post.asked_ns = None);
    }

    /// A pause that grows with the attempts, and is another one for each member (SplitMix64).
    fn pause_ns(&mut self, attempts: u32) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let longest_ns = (PAUSE_NS << attempts.min(8)).min(PAUSE_MAX_NS);
        longest_ns / 4 + (mixed >> 11) % longest_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::TEXT;
    use crate::protocols::websocket::server::{answer, frame, unmasked};

    const JOINED: &str = r#"{"is":"joined","id":"j","room":"r","at":"a:0"}"#;
    const SECOND_NS: u64 = 1_000_000_000;

    fn member() -> Member {
        Member::new(Name { number: 3, host: "h:1".to_owned(), room: "r".to_owned(), payload_bytes: 40 })
    }

    fn stamp(sequence: u32) -> Stamp {
        Stamp { publisher: 3, sequence, intended_ns: 5 }
    }

    /// What a member says when it is told this, and what it was told.
    fn tell(member: &mut Member, texts: &[&str], now_ns: u64) -> (Vec<String>, Vec<Told>) {
        let bytes = texts.iter().flat_map(|text| frame(TEXT, text)).collect::<Vec<_>>();
        let (mut told, mut out) = (Vec::new(), Vec::new());
        let taken = member.hear(&bytes, None, now_ns, &mut told, &mut out);
        assert_eq!(taken, Ok(bytes.len()));
        member.speak(now_ns, &mut out);
        (unmasked(&out), told)
    }

    /// A member that is in its room.
    fn here() -> Member {
        let (mut member, mut out) = (member(), Vec::new());
        member.greet(0, &mut out);
        member.hear(&answer(), None, 0, &mut Vec::new(), &mut Vec::new()).expect("it is an answer");
        tell(&mut member, &[JOINED], 0);
        member
    }

    #[test]
    fn it_goes_on_from_where_it_stood() {
        let (mut member, mut out) = (member(), Vec::new());
        member.greet(0, &mut Vec::new());
        let place = Some(Position { epoch: 10, offset: 7 });
        member.hear(&answer(), place, 0, &mut Vec::new(), &mut out).expect("it is an answer");
        assert!(unmasked(&out)[1].contains(r#""since":"a:7""#));
        assert_eq!(member.stage, Stage::Coming);
    }

    #[test]
    fn a_post_is_asked_for_until_it_is_accepted_and_not_before_its_pause_is_over() {
        let mut member = here();
        member.post(stamp(1));
        assert_eq!(tell(&mut member, &[], 1).0.len(), 1);
        let refused = r#"{"is":"refused","id":"p1","code":"unavailable","retry":true}"#;
        assert_eq!(tell(&mut member, &[refused], 2).0.len(), 0);
        assert_eq!(tell(&mut member, &[], SECOND_NS).0.len(), 1);
        assert_eq!((member.trials.retries, member.is_content()), (1, false));
        tell(&mut member, &[r#"{"is":"accepted","id":"p1","at":"a:1"}"#], SECOND_NS);
        assert!(member.is_content() && tell(&mut member, &[], 2 * SECOND_NS).0.is_empty());
    }

    #[test]
    fn so_many_posts_are_asked_for_at_once_and_no_more() {
        let mut member = here();
        (1..=20).for_each(|sequence| member.post(stamp(sequence)));
        assert_eq!(tell(&mut member, &[], 1).0.len(), WINDOW);
        assert_eq!(tell(&mut member, &[r#"{"is":"accepted","id":"p1","at":"a:1"}"#], 2).0.len(), 1);
    }

    #[test]
    fn after_a_cut_it_pauses_and_asks_again_for_what_was_not_answered() {
        let mut member = here();
        member.post(stamp(1));
        tell(&mut member, &[], 1);
        member.cut(SECOND_NS);
        let Stage::Away(until_ns) = member.stage else { panic!("it is away") };
        assert!((SECOND_NS + 1..2 * SECOND_NS).contains(&until_ns), "{until_ns}");
        member.greet(until_ns, &mut Vec::new());
        member.hear(&answer(), None, until_ns, &mut Vec::new(), &mut Vec::new()).expect("it is an answer");
        assert_eq!(tell(&mut member, &[JOINED], until_ns).0.len(), 1);
    }

    #[test]
    fn it_stays_away_for_as_long_as_it_is_asked_to() {
        let mut member = here();
        tell(&mut member, &[r#"{"is":"closing","code":4012,"reconnect":true,"delay":5000}"#], 0);
        member.cut(0);
        assert!(matches!(member.stage, Stage::Away(until_ns) if until_ns > 5 * SECOND_NS));
    }

    #[test]
    fn a_connection_on_which_nothing_is_answered_is_of_no_use() {
        let mut member = here();
        assert!(!member.is_forgotten(100 * SECOND_NS));
        member.post(stamp(1));
        tell(&mut member, &[], SECOND_NS);
        assert!(!member.is_forgotten(SECOND_NS + PATIENCE_NS - 1));
        assert!(member.is_forgotten(SECOND_NS + PATIENCE_NS));
    }
}
