//! What operators have ruled: who is banned or mute, where and until when, and how rooms are to be. Held against what clients ask where they are.
//!
//! A ruling about the same takes the place of the one before, wherever it was made; of two, the later one holds. One that was lifted is remembered
//! for a while, so that it is not brought back by a node that has not heard.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::ops::Bound;

use chat::{Refusal, RoomId, Time, UserId};

/// So many rulings a node remembers.
pub const RULINGS_MAX: usize = 10_000;
/// That a ruling was lifted is remembered for so long.
const LIFTED_MS: u64 = 30 * 86_400_000;

/// What keeps somebody from something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Penalty {
    /// They may not be there.
    Ban,
    /// They may not say anything.
    Mute,
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offender {
    /// Whoever goes by that name.
    User(UserId),
    /// Whose client is at that address.
    Address(IpAddr),
}

/// What a ruling is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Somebody, in a room, or everywhere.
    Somebody(Penalty, Offender, Option<RoomId>),
    /// A room.
    Room(RoomId),
}

/// What was ruled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulingTerms {
    /// The penalty holds.
    Penalty {
        /// Until when; `None`: for good.
        until: Option<Time>,
        /// Why, for operators.
        reason: Box<str>,
    },
    /// How the room is.
    Room(RoomTerms),
    /// Nothing any more.
    Lifted,
}

/// How a room is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomTerms {
    /// Nobody may be there.
    pub is_closed: bool,
    /// Who has said something there may say more only after so many milliseconds.
    pub slow_ms: u32,
}

/// One ruling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What it is about.
    pub subject: Subject,
    /// What was ruled.
    pub terms: RulingTerms,
    /// When.
    pub since: Time,
}

/// What becomes of a ruling that is put into a docket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It holds from here on.
    News,
    /// It was there, or a later one was.
    Known,
    /// There is no room for it.
    Full,
}

/// Every ruling that holds, and those that were lifted of late.
#[derive(Clone, Debug, Default)]
pub struct Docket {
    rulings: BTreeMap<Subject, (RulingTerms, Time)>,
    bans: usize,
    mutes: usize,
    rooms: usize,
}

/// Somebody, as far as rulings go.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The name.
    pub user: Option<&'a UserId>,
    /// Where the client is.
    pub address: IpAddr,
}

impl RoomTerms {
    /// Whether the room is as any room.
    pub fn are_plain(self) -> bool {
        self == Self::default()
    }
}

impl Ruling {
    /// Whether it says something still.
    pub fn holds(&self, now: Time) -> bool {
        holds(&self.terms, now)
    }
}

impl Docket {
    /// Whether nothing was ruled that could keep anybody from anything.
    pub fn is_quiet(&self) -> bool {
        self.bans + self.mutes + self.rooms == 0
    }

    /// Puts a ruling in. Of two about the same, the later one holds; of two of one moment, the stricter.
    pub fn enter(&mut self, ruling: &Ruling, now: Time) -> Entry {
        let known = self.rulings.get(&ruling.subject);
        if known.is_some_and(|(terms, since)| rank(terms, *since) >= rank(&ruling.terms, ruling.since)) {
            return Entry::Known;
        }
        if known.is_none() && self.rulings.len() >= RULINGS_MAX {
            self.forget_old(now);
            if self.rulings.len() >= RULINGS_MAX {
                return Entry::Full;
            }
        }
        self.count(&ruling.subject, &ruling.terms, 1);
        let before = self.rulings.insert(ruling.subject.clone(), (ruling.terms.clone(), ruling.since));
        if let Some((terms, _)) = before {
            self.count(&ruling.subject, &terms, -1);
        }
        Entry::News
    }

    /// Whether somebody may be there.
    pub fn check_ban(&self, person: Person<'_>, room: Option<&RoomId>, now: Time) -> Result<(), Refusal> {
        let is_banned = self.bans > 0 && self.is_under(Penalty::Ban, person, room, now);
        if is_banned { Err(Refusal::Banned) } else { Ok(()) }
    }

    /// Whether somebody may say something there.
    pub fn check_mute(&self, person: Person<'_>, room: Option<&RoomId>, now: Time) -> Result<(), Refusal> {
        let is_mute = self.mutes > 0 && self.is_under(Penalty::Mute, person, room, now);
        if is_mute { Err(Refusal::Muted) } else { Ok(()) }
    }

    /// How a room is to be.
    pub fn room(&self, room: &RoomId) -> RoomTerms {
        if self.rooms == 0 {
            return RoomTerms::default();
        }
        match self.rulings.get(&Subject::Room(room.clone())) {
            Some((RulingTerms::Room(terms), _)) => *terms,
            _ => RoomTerms::default(),
        }
    }

    /// Rulings that hold, behind one, in the order of what they are about.
    pub fn after(&self, subject: Option<&Subject>, now: Time) -> impl Iterator<Item = Ruling> {
        let from = subject.map_or(Bound::Unbounded, Bound::Excluded);
        let rulings = self.rulings.range::<Subject, _>((from, Bound::Unbounded));
        rulings.filter(move |(_, (terms, _))| holds(terms, now)).map(ruling)
    }

    /// All that is remembered.
    pub fn all(&self) -> impl Iterator<Item = Ruling> {
        self.rulings.iter().map(ruling)
    }

    fn is_under(&self, penalty: Penalty, person: Person<'_>, room: Option<&RoomId>, now: Time) -> bool {
        let user = person.user.map(|user| Offender::User(user.clone()));
        let address = Some(Offender::Address(person.address));
        [user, address].into_iter().flatten().any(|whom| {
            let everywhere = Subject::Somebody(penalty, whom.clone(), None);
            let there = room.map(|room| Subject::Somebody(penalty, whom, Some(room.clone())));
            std::iter::once(everywhere)
                .chain(there)
                .any(|subject| self.rulings.get(&subject).is_some_and(|(terms, _)| holds(terms, now)))
        })
    }

    fn count(&mut self, subject: &Subject, terms: &RulingTerms, by: isize) {
        let is_nothing = matches!(terms, RulingTerms::Lifted);
        let counted = match subject {
            _ if is_nothing => return,
            Subject::Somebody(Penalty::Ban, ..) => &mut self.bans,
            Subject::Somebody(Penalty::Mute, ..) => &mut self.mutes,
            Subject::Room(_) => &mut self.rooms,
        };
        *counted = counted.checked_add_signed(by).expect("no more go than have come");
    }

    fn forget_old(&mut self, now: Time) {
        let is_old = |terms: &RulingTerms, since: Time| match terms {
            RulingTerms::Lifted => since.0 + LIFTED_MS < now.0,
            terms => !holds(terms, now),
        };
        let old = self.rulings.iter().filter(|(_, (terms, since))| is_old(terms, *since));
        let old: Vec<Subject> = old.map(|(subject, _)| subject.clone()).collect();
        for subject in old {
            if let Some((terms, _)) = self.rulings.remove(&subject) {
                self.count(&subject, &terms, -1);
            }
        }
    }
}

fn ruling((subject, (terms, since)): (&Subject, &(RulingTerms, Time))) -> Ruling {
    Ruling { subject: subject.clone(), terms: terms.clone(), since: *since }
}

fn holds(terms: &RulingTerms, now: Time) -> bool {
    match terms {
        RulingTerms::Penalty { until, .. } => until.is_none_or(|until| until > now),
        RulingTerms::Room(_) => true,
        RulingTerms::Lifted => false,
    }
}

/// Makes nodes choose alike between two rulings about the same, also of one moment.
fn rank(terms: &RulingTerms, since: Time) -> (Time, bool, u64, u64, &str) {
    let (first, second, third) = match terms {
        RulingTerms::Penalty { until, reason } => (until.map_or(u64::MAX, |until| until.0), 0, &**reason),
        RulingTerms::Room(RoomTerms { is_closed, slow_ms }) => {
            (u64::from(*is_closed), u64::from(*slow_ms), "")
        }
        RulingTerms::Lifted => (0, 0, ""),
    };
    (since, !matches!(terms, RulingTerms::Lifted), first, second, third)
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use chat::RoomName;

    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::public(RoomName::new(name).expect("a valid name"))
    }

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a valid name")
    }

    fn penalty(penalty: Penalty, whom: Offender, room: Option<RoomId>, until: Option<u64>) -> Ruling {
        let terms = RulingTerms::Penalty { until: until.map(Time), reason: "".into() };
        Ruling { subject: Subject::Somebody(penalty, whom, room), terms, since: Time(1) }
    }

    fn lifted(ruling: &Ruling, since: u64) -> Ruling {
        Ruling { terms: RulingTerms::Lifted, since: Time(since), ..ruling.clone() }
    }

    #[test]
    fn a_ban_holds_for_whom_where_and_until_when_it_says() {
        let mut docket = Docket::default();
        let (ann, bob) = (user("ann"), user("bob"));
        let here: IpAddr = Ipv4Addr::LOCALHOST.into();
        let there: IpAddr = [10, 0, 0, 1].into();
        let person = |user, address| Person { user, address };
        docket.enter(&penalty(Penalty::Ban, Offender::User(ann.clone()), Some(room("a")), Some(10)), Time(2));
        docket.enter(&penalty(Penalty::Ban, Offender::Address(there), None, None), Time(2));
        let check = |user, address, name: &str, now| {
            docket.check_ban(person(user, address), Some(&room(name)), Time(now)).is_ok()
        };
        assert!(!check(Some(&ann), here, "a", 9) && check(Some(&ann), here, "a", 10));
        assert!(
            check(Some(&ann), here, "b", 9) && check(Some(&bob), here, "a", 9) && check(None, here, "a", 9)
        );
        assert!(!check(Some(&bob), there, "b", 99) && !check(None, there, "a", 99));
        assert_eq!(docket.check_ban(person(None, there), None, Time(5)), Err(Refusal::Banned));
        assert_eq!(docket.check_mute(person(None, there), None, Time(5)), Ok(()), "a ban is no mute");
    }

    #[test]
    fn of_two_rulings_the_later_holds_in_whichever_order_they_come() {
        let ban = penalty(Penalty::Ban, Offender::User(user("ann")), None, None);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut docket = Docket::default();
            let all = [ban.clone(), lifted(&ban, 2), Ruling { since: Time(3), ..ban.clone() }];
            order.iter().for_each(|index| _ = docket.enter(&all[*index], Time(4)));
            assert!(!docket.is_quiet());
            assert_eq!(docket.all().collect::<Vec<_>>(), [all[2].clone()], "{order:?}");
        }
        let mut docket = Docket::default();
        assert_eq!(docket.enter(&ban, Time(1)), Entry::News);
        assert_eq!(docket.enter(&ban, Time(1)), Entry::Known);
        assert_eq!(docket.enter(&lifted(&ban, 2), Time(2)), Entry::News);
        assert!(docket.is_quiet() && docket.after(None, Time(3)).next().is_none());
        assert_eq!(docket.enter(&ban, Time(3)), Entry::Known, "it was lifted since");
    }

    #[test]
    fn a_full_docket_forgets_what_is_over_and_nothing_else() {
        let mut docket = Docket::default();
        let ban = |number: usize, until| {
            penalty(Penalty::Ban, Offender::User(user(&format!("u{number}"))), None, until)
        };
        (0..RULINGS_MAX).for_each(|number| _ = docket.enter(&ban(number, Some(100)), Time(2)));
        assert_eq!(docket.enter(&ban(RULINGS_MAX, None), Time(99)), Entry::Full);
        assert_eq!(docket.enter(&ban(RULINGS_MAX, None), Time(100)), Entry::News);
        assert_eq!((docket.all().count(), docket.bans), (1, 1));
    }

    #[test]
    fn a_room_is_as_it_was_ruled_until_that_is_lifted() {
        let mut docket = Docket::default();
        let slow = RoomTerms { is_closed: false, slow_ms: 5000 };
        let ruling =
            Ruling { subject: Subject::Room(room("a")), terms: RulingTerms::Room(slow), since: Time(1) };
        docket.enter(&ruling, Time(1));
        assert_eq!((docket.room(&room("a")), docket.room(&room("b"))), (slow, RoomTerms::default()));
        docket.enter(&lifted(&ruling, 2), Time(2));
        assert!(docket.room(&room("a")).are_plain());
    }
}
