//! How often each user is somewhere. Most rooms are small: one user stands where the room does, a few are a list, many are a tree.

use std::collections::BTreeMap;
use std::ops::Bound;

use smallvec::SmallVec;

use crate::UserId;

/// Users and how often they are there, in the order of their names.
#[derive(Debug)]
pub(crate) enum Attendance {
    /// At most [`FEW`].
    Few(SmallVec<[(UserId, u32); 1]>),
    /// More, until nobody is left.
    Many(BTreeMap<UserId, u32>),
}

/// A list of so many is searched as fast as a tree.
const FEW: usize = 8;

impl Attendance {
    /// Counts a user once more. Returns how often that is now.
    pub(crate) fn add(&mut self, user: &UserId) -> u32 {
        if let Self::Few(users) = self
            && users.len() == FEW
            && !self.contains(user)
        {
            self.grow();
        }
        match self {
            Self::Few(users) => add_to_list(users, user),
            Self::Many(users) => {
                let times = users.entry(user.clone()).or_insert(0);
                *times += 1;
                *times
            }
        }
    }

    /// Counts a user once less. Returns how often is left; `None` for somebody who was not there.
    pub(crate) fn subtract(&mut self, user: &UserId) -> Option<u32> {
        let times = match self {
            Self::Few(users) => &mut users.iter_mut().find(|(of, _)| of == user)?.1,
            Self::Many(users) => users.get_mut(user)?,
        };
        *times -= 1;
        let left = *times;
        if left == 0 {
            self.forget(user);
        }
        Some(left)
    }

    /// How often a user is there.
    pub(crate) fn times(&self, user: &UserId) -> u32 {
        match self {
            Self::Few(users) => users.iter().find(|(of, _)| of == user).map_or(0, |(_, times)| *times),
            Self::Many(users) => users.get(user).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn contains(&self, user: &UserId) -> bool {
        match self {
            Self::Few(users) => users.iter().any(|(of, _)| of == user),
            Self::Many(users) => users.contains_key(user),
        }
    }

    /// How many users are there.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(users) => users.len(),
            Self::Many(users) => users.len(),
        }
    }

    /// The users, in the order of their names.
    pub(crate) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users_after(None)
    }

    /// The users behind one, in the order of their names.
    pub(crate) fn users_after<'a>(
        &'a self,
        after: Option<&UserId>,
    ) -> impl Iterator<Item = &'a UserId> + use<'a> {
        let (few, many) = match self {
            Self::Few(users) => {
                let from = after.map_or(0, |after| users.partition_point(|(user, _)| user <= after));
                (&users[from..], None)
            }
            Self::Many(users) => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                (&[][..], Some(users.range::<UserId, _>((from, Bound::Unbounded))))
            }
        };
        few.iter().map(|(user, _)| user).chain(many.into_iter().flatten().map(|(user, _)| user))
    }

    fn grow(&mut self) {
        if let Self::Few(users) = self {
            *self = Self::Many(std::mem::take(users).into_iter().collect());
        }
    }

    fn forget(&mut self, user: &UserId) {
        match self {
            Self::Few(users) => users.retain(|(of, _)| *of != *user),
            Self::Many(users) => drop(users.remove(user)),
        }
        if self.len() == 0 {
            *self = Self::default();
        }
    }
}

impl Default for Attendance {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

fn add_to_list(users: &mut SmallVec<[(UserId, u32); 1]>, user: &UserId) -> u32 {
    match users.binary_search_by(|(of, _)| of.cmp(user)) {
        Ok(place) => {
            users[place].1 += 1;
            users[place].1
        }
        Err(place) => {
            users.insert(place, (user.clone(), 1));
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_a_tree_does_however_many_come_and_go() {
        let (mut attendance, mut tree) = (Attendance::default(), BTreeMap::<UserId, u32>::new());
        let mut most = 0;
        for step in 0..2000_u32 {
            // Many come, then many go, and so on.
            let dice = step.wrapping_mul(0x9e37_79b9) >> 16;
            let user = UserId::new(&format!("u{}", dice % 20)).expect("a valid name");
            let comes = dice / 20 % 4 < if step / 100 % 2 == 0 { 3 } else { 1 };
            let counted = if comes { Some(attendance.add(&user)) } else { attendance.subtract(&user) };
            let times = tree.get(&user).copied();
            let expected = if comes { Some(times.unwrap_or(0) + 1) } else { times.map(|times| times - 1) };
            match expected {
                Some(0) | None => tree.remove(&user),
                Some(times) => tree.insert(user.clone(), times),
            };
            assert_eq!(counted, expected);
            assert!(attendance.users().eq(tree.keys()));
            assert_eq!(
                (attendance.len(), attendance.contains(&user)),
                (tree.len(), tree.contains_key(&user))
            );
            most = most.max(tree.len());
        }
        assert!(most > FEW, "{most}");
    }

    #[test]
    fn it_is_a_list_again_once_nobody_is_left() {
        let users: Vec<_> =
            (0..=FEW).map(|number| UserId::new(&format!("u{number}")).expect("a valid name")).collect();
        let mut attendance = Attendance::default();
        users.iter().for_each(|user| assert_eq!(attendance.add(user), 1));
        assert!(matches!(attendance, Attendance::Many(_)));
        users.iter().for_each(|user| assert_eq!(attendance.subtract(user), Some(0)));
        assert!(matches!(attendance, Attendance::Few(_)));
        assert_eq!(attendance.subtract(&users[0]), None);
    }
}
