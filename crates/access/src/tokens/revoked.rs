//! What is believed no more: what a file says, and what was told while the node works.

use std::collections::{HashMap, HashSet, VecDeque};

use chat::UserId;

use super::claims::Believed;
use crate::Revocation;

/// What was told is remembered of the latest so many: longer than most tokens are good.
const TOLD_MAX: usize = 100_000;

/// What is believed no more.
#[derive(Debug, Default)]
pub(super) struct Struck {
    /// As long as they stand in the file.
    listed: Listed,
    told: Listed,
    /// Oldest first.
    told_in_order: VecDeque<Revocation>,
}

#[derive(Debug, Default)]
struct Listed {
    tokens: HashSet<Box<str>>,
    /// What was made out for them before then.
    users: HashMap<UserId, u32>,
}

impl Struck {
    /// Puts what the file says in the place of what it said. Gives what is new in it. Lines that say nothing are passed over.
    pub(super) fn list(&mut self, file: &str) -> Vec<Revocation> {
        let said: Vec<Revocation> = file.lines().filter_map(read_line).collect();
        let before = std::mem::take(&mut self.listed);
        said.iter().for_each(|revocation| self.listed.insert(revocation));
        said.into_iter().filter(|revocation| !before.contains(revocation)).collect()
    }

    /// Takes note of what was told.
    pub(super) fn tell(&mut self, revocation: &Revocation) {
        if self.told.contains(revocation) {
            return;
        }
        self.told.insert(revocation);
        self.told_in_order.push_back(revocation.clone());
        if self.told_in_order.len() > TOLD_MAX
            && let Some(oldest) = self.told_in_order.pop_front()
        {
            self.told.remove(&oldest);
        }
    }

    /// Whether a token is believed no more.
    pub(super) fn covers(&self, believed: &Believed) -> bool {
        self.listed.covers(believed) || self.told.covers(believed)
    }
}

impl Listed {
    fn insert(&mut self, revocation: &Revocation) {
        match revocation {
            Revocation::Token(id) => drop(self.tokens.insert(id.clone())),
            Revocation::User(user, before_s) => {
                let noted = self.users.entry(user.clone()).or_default();
                *noted = (*noted).max(*before_s);
            }
        }
    }

    fn remove(&mut self, revocation: &Revocation) {
        match revocation {
            Revocation::Token(id) => drop(self.tokens.remove(id)),
            Revocation::User(user, before_s) => {
                if self.users.get(user) == Some(before_s) {
                    self.users.remove(user);
                }
            }
        }
    }

    fn contains(&self, revocation: &Revocation) -> bool {
        match revocation {
            Revocation::Token(id) => self.tokens.contains(id),
            Revocation::User(user, before_s) => self.users.get(user).is_some_and(|noted| noted >= before_s),
        }
    }

    fn covers(&self, Believed { user, standing, id }: &Believed) -> bool {
        let is_listed = id.as_deref().is_some_and(|id| self.tokens.contains(id));
        is_listed || self.users.get(user).is_some_and(|before_s| standing.since_s.get() < *before_s)
    }
}

/// `jti:ID`, `user:NAME`, or `user@SECONDS:NAME` for what was made out before then.
fn read_line(line: &str) -> Option<Revocation> {
    let (what, name) = line.trim().split_once(':')?;
    let user = || UserId::new(name).ok();
    match what.split_once('@') {
        None if what == "jti" => Some(Revocation::Token(name.into())),
        None if what == "user" => Some(Revocation::User(user()?, u32::MAX)),
        Some(("user", before_s)) => Some(Revocation::User(user()?, before_s.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Standing;

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a valid name")
    }

    fn token(id: &str, name: &str, since_s: u32) -> Believed {
        Believed { user: user(name), standing: Standing::since(since_s), id: Some(id.to_owned()) }
    }

    #[test]
    fn a_file_says_tokens_and_users_and_what_is_new_in_it() {
        let mut revoked = Struck::default();
        let new = revoked.list("# gone\njti:7\nuser:eve\nuser@100:bob\n\nnonsense\nuser@x:y\n");
        let expected = [
            Revocation::Token("7".into()),
            Revocation::User(user("eve"), u32::MAX),
            Revocation::User(user("bob"), 100),
        ];
        assert_eq!(new, expected);
        assert!(revoked.covers(&token("7", "ann", 0)) && !revoked.covers(&token("8", "ann", 0)));
        assert!(revoked.covers(&token("8", "eve", 5000)));
        assert!(revoked.covers(&token("8", "bob", 99)) && !revoked.covers(&token("8", "bob", 100)));
        assert_eq!(revoked.list("jti:7\njti:9\n"), [Revocation::Token("9".into())]);
        assert!(!revoked.covers(&token("8", "eve", 5000)), "its line is gone");
    }

    #[test]
    fn what_was_told_stays_whatever_the_file_says_and_is_bounded() {
        let mut revoked = Struck::default();
        for id in 0..=TOLD_MAX {
            revoked.tell(&Revocation::Token(id.to_string().into()));
        }
        revoked.list("");
        assert!(!revoked.covers(&token("0", "ann", 0)) && revoked.covers(&token("1", "ann", 0)));
        assert_eq!(revoked.told.tokens.len(), TOLD_MAX);
    }
}
