//! What may be done in which room, and by whom. Evaluated where the client is, without asking anybody.

use chat::{Refusal, RoomId, UserId};

use crate::{Pattern, Standing};

/// What becomes of clients that have not proven who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guests {
    /// Whoever takes a name has it.
    #[default]
    Named,
    /// They may come, but names are for those who prove them.
    Nameless,
    /// They may do nothing.
    Barred,
}

/// What somebody may do in a room, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Be in it.
    Join,
    /// Say something.
    Post,
    /// Be told by name who is there.
    See,
    /// Read what was said before.
    Recall,
}

/// Who may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever it is.
    Anyone,
    /// Who has a name, proven or not.
    Named,
    /// Who has proven who they are.
    Proven,
    /// Whose token names the room.
    Granted,
    /// This user, when it is proven.
    User(UserId),
    /// Nobody.
    Nobody,
}

/// What may be done in some rooms. Any one of those named is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which rooms.
    pub rooms: Pattern,
    /// Who may be there.
    pub join: Vec<Who>,
    /// Who may say something.
    pub post: Vec<Who>,
    /// Who is told by name who is there.
    pub see: Vec<Who>,
    /// Who may read what was said before.
    pub recall: Vec<Who>,
}

/// The rooms a token is good for. A token that names none is good for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// To be in.
    pub join: Box<[Pattern]>,
    /// To say something in.
    pub post: Box<[Pattern]>,
}

/// All that is ruled. Of the rules, the first that covers a room holds there; where none does, anybody may do anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What becomes of who has proven nothing.
    pub guests: Guests,
    /// For some rooms.
    pub rooms: Vec<Rule>,
}

impl Rule {
    /// That anybody may do anything in these rooms.
    pub fn open(rooms: Pattern) -> Self {
        let anyone = || vec![Who::Anyone];
        Self { rooms, join: anyone(), post: anyone(), see: anyone(), recall: anyone() }
    }

    fn who(&self, right: Right) -> &[Who] {
        match right {
            Right::Join => &self.join,
            Right::Post => &self.post,
            Right::See => &self.see,
            Right::Recall => &self.recall,
        }
    }
}

impl Grants {
    /// Whether they name the room. Who may be in it may also see and recall.
    fn cover(&self, right: Right, room: &str) -> bool {
        let patterns = if right == Right::Post { &self.post } else { &self.join };
        patterns.iter().any(|pattern| pattern.covers(room))
    }
}

impl Rules {
    /// Whether whoever takes a name has it.
    pub fn names_are_free(&self) -> bool {
        self.guests == Guests::Named
    }

    /// Whether somebody may do something in a room. A token that names rooms is good for those alone, whatever is ruled there.
    pub fn check(
        &self,
        right: Right,
        room: &RoomId,
        user: Option<&UserId>,
        standing: Option<&Standing>,
    ) -> Result<(), Refusal> {
        if self.guests == Guests::Barred && user.is_none() {
            return Err(Refusal::NotIdentified);
        }
        if !room.is_public() {
            return Ok(());
        }
        let grants = standing.and_then(|standing| standing.grants.as_deref());
        let is_granted = grants.is_some_and(|grants| grants.cover(right, room.name()));
        if grants.is_some() && !is_granted {
            return Err(Refusal::Forbidden);
        }
        let Some(rule) = self.rooms.iter().find(|rule| rule.rooms.covers(room.name())) else { return Ok(()) };
        let is_meant = |who: &Who| match who {
            Who::Anyone => true,
            Who::Named => user.is_some(),
            Who::Proven => standing.is_some(),
            Who::Granted => is_granted,
            Who::User(meant) => standing.is_some() && user == Some(meant),
            Who::Nobody => false,
        };
        match (rule.who(right), user) {
            (who, _) if who.iter().any(is_meant) => Ok(()),
            ([Who::Nobody], _) | (_, Some(_)) => Err(Refusal::Forbidden),
            (_, None) => Err(Refusal::NotIdentified),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::RoomName;

    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::public(RoomName::new(name).expect("a valid name"))
    }

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a valid name")
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).expect("a pattern")
    }

    /// Whether nobody in particular, a name alone, a proven user and alice with a token for team-1 may post.
    fn may_post(rules: &Rules, room_name: &str) -> [Result<(), Refusal>; 4] {
        let (bob, alice) = (user("bob"), user("alice"));
        let proven = Standing::since(0);
        let grants = Grants { join: [pattern("team-1")].into(), post: [pattern("team-1")].into() };
        let granted = Standing { grants: Some(grants.into()), ..Standing::since(0) };
        let room = room(room_name);
        let check = |user, standing| rules.check(Right::Post, &room, user, standing);
        [
            check(None, None),
            check(Some(&bob), None),
            check(Some(&bob), Some(&proven)),
            check(Some(&alice), Some(&granted)),
        ]
    }

    fn rules(post: Vec<Who>) -> Rules {
        let rule = Rule { post, ..Rule::open(pattern("team-*")) };
        Rules { guests: Guests::Named, rooms: vec![rule] }
    }

    #[test]
    fn without_rules_anybody_may_do_anything_but_leave_the_rooms_of_a_token() {
        let forbidden = Err(Refusal::Forbidden);
        assert_eq!(may_post(&Rules::default(), "lobby"), [Ok(()), Ok(()), Ok(()), forbidden]);
        assert_eq!(may_post(&Rules::default(), "team-1"), [Ok(()); 4]);
    }

    #[test]
    fn a_rule_says_who_is_meant() {
        let (forbidden, unnamed) = (Err(Refusal::Forbidden), Err(Refusal::NotIdentified));
        for (who, expected) in [
            (vec![Who::Anyone], [Ok(()); 4]),
            (vec![Who::Named], [unnamed, Ok(()), Ok(()), Ok(())]),
            (vec![Who::Proven], [unnamed, forbidden, Ok(()), Ok(())]),
            (vec![Who::Granted], [unnamed, forbidden, forbidden, Ok(())]),
            (vec![Who::User(user("bob"))], [unnamed, forbidden, Ok(()), forbidden]),
            (vec![Who::User(user("bob")), Who::User(user("alice"))], [unnamed, forbidden, Ok(()), Ok(())]),
            (vec![Who::Nobody], [forbidden; 4]),
        ] {
            assert_eq!(may_post(&rules(who.clone()), "team-1"), expected, "{who:?}");
        }
    }

    #[test]
    fn the_first_rule_that_covers_a_room_holds() {
        let mut rules = rules(vec![Who::Nobody]);
        rules.rooms.insert(0, Rule::open(pattern("team-1")));
        assert_eq!(may_post(&rules, "team-1"), [Ok(()); 4]);
        assert_eq!(may_post(&rules, "team-2")[0], Err(Refusal::Forbidden));
        assert_eq!(may_post(&rules, "lobby")[0], Ok(()));
    }

    #[test]
    fn guests_that_are_barred_may_do_nothing() {
        let rules = Rules { guests: Guests::Barred, rooms: Vec::new() };
        assert_eq!(may_post(&rules, "team-1"), [Err(Refusal::NotIdentified), Ok(()), Ok(()), Ok(())]);
        assert_eq!(rules.check(Right::Join, &RoomId::everybody(), None, None), Err(Refusal::NotIdentified));
    }
}
