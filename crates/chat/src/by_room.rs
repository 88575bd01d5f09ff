//! Things found by their rooms. There may be very many, so a table has no more in its places, of which up to half are empty, than where a
//! thing is.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::RoomId;

/// One thing for each of some rooms. It takes no more memory than what is in it asks for, also when there was more.
#[derive(Debug)]
pub struct ByRoom<T> {
    hasher: DefaultHashBuilder,
    things: HashTable<Box<(RoomId, T)>>,
}

impl<T> ByRoom<T> {
    /// The thing of a room.
    pub fn get(&self, room: &RoomId) -> Option<&T> {
        let found = self.things.find(self.hasher.hash_one(room), |held| held.0 == *room);
        found.map(|held| &held.1)
    }

    /// The thing of a room, to be changed.
    pub fn get_mut(&mut self, room: &RoomId) -> Option<&mut T> {
        let found = self.things.find_mut(self.hasher.hash_one(room), |held| held.0 == *room);
        found.map(|held| &mut held.1)
    }

    /// Whether there is one of this room.
    pub fn contains(&self, room: &RoomId) -> bool {
        self.get(room).is_some()
    }

    /// The thing of a room, made if there is none.
    pub fn get_or_insert_with(&mut self, room: &RoomId, make: impl FnOnce() -> T) -> &mut T {
        let Self { hasher, things } = self;
        let hash = hasher.hash_one(room);
        let entry = things.entry(hash, |held| held.0 == *room, |held| hasher.hash_one(&held.0));
        &mut entry.or_insert_with(|| Box::new((room.clone(), make()))).into_mut().1
    }

    /// Puts a thing of a room in the place of the one that there is.
    pub fn insert(&mut self, room: &RoomId, thing: T) {
        let mut thing = Some(thing);
        let place = self.get_or_insert_with(room, || thing.take().expect("it was not taken before"));
        if let Some(thing) = thing {
            *place = thing;
        }
    }

    /// Takes the thing of a room out.
    pub fn remove(&mut self, room: &RoomId) -> Option<T> {
        let Self { hasher, things } = self;
        let found = things.find_entry(hasher.hash_one(room), |held| held.0 == *room).ok()?;
        let (held, _) = found.remove();
        if things.len() * 4 < things.capacity() {
            things.shrink_to(things.len() * 2, |held| hasher.hash_one(&held.0));
        }
        Some(held.1)
    }

    /// Takes all out, and gives back what they took.
    pub fn clear(&mut self) {
        self.things = HashTable::new();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The rooms, in no order.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.things.iter().map(|held| &held.0)
    }

    /// All things, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.iter_mut().map(|held| &mut held.1)
    }
}

impl<T> Default for ByRoom<T> {
    fn default() -> Self {
        Self { hasher: DefaultHashBuilder::default(), things: HashTable::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RoomName, UserId};

    fn room(number: usize) -> RoomId {
        RoomId::public(RoomName::new(&format!("r{number}")).expect("a valid name"))
    }

    #[test]
    fn each_thing_is_found_by_its_room_and_by_no_other() {
        let mut things = ByRoom::default();
        for number in 0..1000 {
            assert_eq!(*things.get_or_insert_with(&room(number), || number), number);
        }
        *things.get_mut(&room(7)).expect("it was put in") = 70;
        assert_eq!(*things.get_or_insert_with(&room(7), || 0), 70);
        things.insert(&room(8), 80);
        things.insert(&room(1001), 1001);
        assert_eq!([8, 1001].map(|number| things.get(&room(number)).copied()), [Some(80), Some(1001)]);
        things.remove(&room(1001));
        assert_eq!(things.get(&room(1000)), None);
        assert!(!things.contains(&RoomId::inbox(UserId::new("r7").expect("a valid name"))));
        assert_eq!((things.rooms().count(), things.values_mut().count()), (1000, 1000));
    }

    #[test]
    fn it_is_small_again_when_most_are_gone() {
        let mut things = ByRoom::default();
        (0..1000).for_each(|number| _ = things.get_or_insert_with(&room(number), || number));
        assert!((10..1000).all(|number| things.remove(&room(number)) == Some(number)));
        assert!((0..10).all(|number| things.get(&room(number)) == Some(&number)));
        assert!(things.things.capacity() < 50, "{}", things.things.capacity());
        things.clear();
        assert!(things.is_empty() && things.things.capacity() == 0);
    }
}
