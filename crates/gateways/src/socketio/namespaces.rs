//! Namespaces: which there are, which of them a session is connected to, and how the rooms of chat are shared out among them.
//!
//! A room `r` of the main namespace is the room `r`; a room `r` of another, say `/news`, is the room `/news/r`. So a room is in one namespace,
//! and told there under one name, whoever is in it.

use std::sync::Arc;

use chat::{Refusal, RoomId, RoomName, RoomNames};

/// A namespace, by its place among those there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namespace(pub(super) u8);

impl Namespace {
    /// `/`, which is always there.
    pub const MAIN: Self = Self(0);
}

/// There may be so many.
pub(super) const NAMESPACES_MAX: usize = 64;

/// The namespaces there are.
#[derive(Debug)]
pub struct Namespaces {
    names: Vec<Box<str>>,
    /// How the names of each one's rooms begin.
    beginnings: Vec<Arc<str>>,
}

impl Namespaces {
    /// The main one and others.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    pub fn new<'n>(others: impl IntoIterator<Item = &'n str>) -> Self {
        let mut namespaces = Self { names: vec!["/".into()], beginnings: vec!["".into()] };
        for name in others {
            if namespaces.find(name).is_none() {
                namespaces.names.push(name.into());
                namespaces.beginnings.push(format!("{name}/").into());
            }
        }
        assert!(namespaces.names.len() <= NAMESPACES_MAX, "more than {NAMESPACES_MAX} namespaces");
        namespaces
    }

    /// The namespace of a name.
    pub fn find(&self, name: &str) -> Option<Namespace> {
        self.names.iter().position(|other| **other == *name).map(|place| Namespace(place as u8))
    }

    /// What a namespace is called.
    pub fn name(&self, namespace: Namespace) -> &str {
        &self.names[usize::from(namespace.0)]
    }

    /// The room that a namespace knows by a name.
    pub fn room(&self, namespace: Namespace, name: &str) -> Result<RoomId, Refusal> {
        let full = format!("{}{}", self.beginning(namespace), RoomName::new(name).map_or("", |_| name));
        if self.split(&full) != (namespace, name) {
            return Err(Refusal::BadName);
        }
        RoomName::new(&full).map(RoomId::public).map_err(|_| Refusal::BadName)
    }

    /// The namespace that a public room is told in, and its name there.
    pub fn split<'r>(&self, room: &'r str) -> (Namespace, &'r str) {
        let others = self.beginnings.iter().enumerate().skip(1);
        let of = others.filter_map(|(place, beginning)| {
            let name = room.strip_prefix(&**beginning).filter(|name| !name.is_empty())?;
            Some((Namespace(place as u8), name))
        });
        of.min_by_key(|(_, name)| name.len()).unwrap_or((Namespace::MAIN, room))
    }

    /// All rooms of a namespace.
    pub(super) fn rooms(&self, namespace: Namespace) -> RoomNames {
        let beginning = self.beginning(namespace);
        let inside = |other: &&Arc<str>| other.len() > beginning.len() && other.starts_with(&**beginning);
        let except = self.beginnings.iter().filter(inside).cloned().collect();
        RoomNames { beginning: beginning.clone(), except }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Namespace> {
        (0..self.names.len() as u8).map(Namespace)
    }

    fn beginning(&self, namespace: Namespace) -> &Arc<str> {
        &self.beginnings[usize::from(namespace.0)]
    }
}

/// The namespaces that one session is connected to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Connected {
    /// One bit for each.
    set: u64,
    /// Which came first, of those it is connected to as far as that is known.
    first: Option<Namespace>,
    /// It is, or was, connected to some.
    has_been: bool,
}

impl Connected {
    pub(super) fn contains(self, namespace: Namespace) -> bool {
        self.set & bit(namespace) != 0
    }

    pub(super) fn insert(&mut self, namespace: Namespace) {
        self.set |= bit(namespace);
        self.first = self.first.or(Some(namespace));
        self.has_been = true;
    }

    pub(super) fn remove(&mut self, namespace: Namespace) {
        self.set &= !bit(namespace);
        if self.first == Some(namespace) {
            self.first = self.iter().next();
        }
    }

    /// Which came first.
    pub(super) fn first(self) -> Option<Namespace> {
        self.first
    }

    pub(super) fn has_been(self) -> bool {
        self.has_been
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Namespace> {
        (0..NAMESPACES_MAX as u8).map(Namespace).filter(move |namespace| self.contains(*namespace))
    }

    /// Where the session is told what belongs to no namespace: in the main one, else in the one that it connected to first.
    pub(super) fn home(self) -> Option<Namespace> {
        if self.contains(Namespace::MAIN) { Some(Namespace::MAIN) } else { self.first }
    }
}

fn bit(namespace: Namespace) -> u64 {
    1 << namespace.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespaces() -> Namespaces {
        Namespaces::new(["/a", "/a/b", "/a"])
    }

    #[test]
    fn a_room_belongs_to_the_namespace_with_the_longest_name_that_it_begins_with() {
        let namespaces = namespaces();
        let told = |room| {
            let (namespace, name) = namespaces.split(room);
            (namespaces.name(namespace), name)
        };
        assert_eq!(told("lobby"), ("/", "lobby"));
        assert_eq!(told("/a/lobby"), ("/a", "lobby"));
        assert_eq!(told("/a/b/lobby"), ("/a/b", "lobby"));
        assert_eq!(told("/a/b"), ("/a", "b"));
        for room in ["/a", "/a/", "/ab/c"] {
            assert_eq!(told(room), ("/", room));
        }
    }

    #[test]
    fn a_room_is_reached_from_its_own_namespace_alone() {
        let namespaces = namespaces();
        let room = |namespace, name: &str| {
            let namespace = namespaces.find(namespace).expect("it is there");
            namespaces.room(namespace, name).map(|room| room.name().to_owned())
        };
        assert_eq!(room("/a", "lobby"), Ok("/a/lobby".to_owned()));
        assert_eq!(room("/", "/ab"), Ok("/ab".to_owned()));
        for (namespace, name) in [("/", "/a/lobby"), ("/a", "b/lobby"), ("/a", ""), ("/", "")] {
            assert_eq!(room(namespace, name), Err(Refusal::BadName), "{namespace} {name}");
        }
        assert_eq!(room("/a", &"x".repeat(255)), Err(Refusal::BadName));
    }

    #[test]
    fn all_rooms_of_a_namespace_are_those_told_there() {
        let namespaces = namespaces();
        for room in ["lobby", "/a", "/a/", "/a/x", "/a/b", "/a/b/", "/a/b/x", "/ab/x"] {
            for place in 0..3 {
                let (told_in, _) = namespaces.split(room);
                let is_meant = namespaces.rooms(Namespace(place)).contain(room);
                assert_eq!(is_meant, told_in == Namespace(place), "{room} in {place}");
            }
        }
    }

    #[test]
    fn what_belongs_nowhere_is_told_in_the_main_namespace_or_the_first() {
        let mut connected = Connected::default();
        assert!(connected.home().is_none() && !connected.has_been());
        connected.insert(Namespace(2));
        connected.insert(Namespace(1));
        assert_eq!(connected.home(), Some(Namespace(2)));
        connected.insert(Namespace::MAIN);
        assert_eq!(connected.home(), Some(Namespace::MAIN));
        connected.remove(Namespace(2));
        connected.remove(Namespace::MAIN);
        assert_eq!(connected.home(), Some(Namespace(1)));
        connected.remove(Namespace(1));
        assert!(connected.home().is_none() && connected.has_been());
    }
}
