//! Those who decide, put together: the first of the list that takes what a client shows decides about it.

use std::sync::mpsc::Receiver;

use chat::{Credentials, Refusal};

use crate::{
    ACCESS, Access, Arrival, Ask, End, Health, Herald, Link, Minds, OpenError, Opening, Revocation, Revoked,
    Settings, Verdict, Wake, Wish,
};

/// Opens everything that the configuration asks for. Each of `wakes` wakes the shard of its place.
pub fn open(settings: &Settings, wakes: &[Wake]) -> Result<Box<dyn Link>, OpenError> {
    let (herald, heard) = Herald::new(wakes);
    let opening = Opening { settings, wakes, herald: &herald };
    let mut links = Vec::new();
    for (_, open) in ACCESS {
        links.extend(open(&opening)?);
    }
    Ok(Box::new(Links { links, herald, heard: heard.into_iter().map(Some).collect() }))
}

struct Links {
    links: Vec<Box<dyn Link>>,
    herald: Herald,
    heard: Vec<Option<Receiver<Revoked>>>,
}

impl Link for Links {
    fn end(&mut self, shard: u16) -> End {
        let ends: Vec<End> = self.links.iter_mut().map(|link| link.end(shard)).collect();
        let heard = self.heard[usize::from(shard)].take().expect("a shard asks once");
        let herald = self.herald.clone();
        Box::new(move || {
            Box::new(Doors { doors: ends.into_iter().map(|end| end()).collect(), heard, herald })
        })
    }

    fn revoke(&self, revocation: &Revocation) {
        self.links.iter().for_each(|link| link.revoke(revocation));
        self.herald.tell(&Revoked { what: [revocation.clone()].into(), is_news: true });
    }

    fn health(&self) -> Health {
        self.links.iter().map(|link| link.health()).fold(Health::default(), Health::and)
    }
}

/// The ends of one shard.
struct Doors {
    doors: Vec<Box<dyn Access>>,
    herald: Herald,
    heard: Receiver<Revoked>,
}

impl Doors {
    fn of(&mut self, is_meant: impl Fn(&dyn Access) -> bool) -> Option<&mut Box<dyn Access>> {
        self.doors.iter_mut().find(|door| is_meant(&***door))
    }
}

impl Access for Doors {
    fn takes(&self, credentials: &Credentials) -> bool {
        self.doors.iter().any(|door| door.takes(credentials))
    }

    fn minds(&self) -> Minds {
        self.doors.iter().map(|door| door.minds()).fold(Minds::default(), |all, one| Minds {
            joins: all.joins || one.joins,
            posts: all.posts || one.posts,
        })
    }

    fn ask(&mut self, ask: Ask) -> Option<Verdict> {
        let door = match &ask.wish {
            Wish::Identify(credentials) => self.of(|door| door.takes(credentials)),
            Wish::Join { .. } => self.of(|door| door.minds().joins),
            Wish::Post { .. } => self.of(|door| door.minds().posts),
        };
        match (door, ask.wish) {
            (Some(door), wish) => door.ask(Ask { wish, ..ask }),
            (None, Wish::Identify(credentials)) => Some(Err(disbelieved(&credentials))),
            (None, _) => Some(Ok(crate::Pass::default())),
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) {
        self.doors.iter_mut().for_each(|door| door.collect(arrivals));
        arrivals.extend(self.heard.try_iter().map(Arrival::Revoked));
    }

    fn revoke(&mut self, revocation: &Revocation) {
        self.doors.iter_mut().for_each(|door| door.revoke(revocation));
        self.herald.tell(&Revoked { what: [revocation.clone()].into(), is_news: false });
    }
}

/// What is said where nobody decides about such credentials.
fn disbelieved(credentials: &Credentials) -> Refusal {
    match credentials {
        Credentials::Name(_) | Credentials::Vouched(_) => Refusal::NotProven,
        Credentials::Token(_) => Refusal::BadToken,
        Credentials::Password(..) => Refusal::BadPassword,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat::{Secret, UserId};

    use super::*;
    use crate::{Guests, Pass};

    fn doors(guests: Guests) -> Box<dyn Access> {
        let wakes: Vec<Wake> = vec![Arc::new(|| {})];
        let mut link = open(&Settings { guests, ..Settings::default() }, &wakes).expect("it opens");
        link.revoke(&Revocation::Token("7".into()));
        link.end(0)()
    }

    fn identify(doors: &mut dyn Access, credentials: Credentials) -> Option<Verdict> {
        doors.ask(Ask { ticket: 1, wish: Wish::Identify(credentials) })
    }

    #[test]
    fn where_names_are_free_whoever_takes_one_has_it() {
        let alice = UserId::new("alice").expect("a valid name");
        let verdict = identify(&mut *doors(Guests::Named), Credentials::Name(alice.clone()));
        assert_eq!(verdict, Some(Ok(Pass::named(alice.clone()))));
        for guests in [Guests::Nameless, Guests::Barred] {
            let verdict = identify(&mut *doors(guests), Credentials::Name(alice.clone()));
            assert_eq!(verdict, Some(Err(Refusal::NotProven)));
        }
    }

    #[test]
    fn what_nobody_judges_is_not_believed() {
        let (alice, secret) = (UserId::new("alice").expect("a name"), Secret::new("x").expect("a secret"));
        let mut doors = doors(Guests::Named);
        assert_eq!(identify(&mut *doors, Credentials::Token(secret.clone())), Some(Err(Refusal::BadToken)));
        let password = Credentials::Password(alice, secret);
        assert_eq!(identify(&mut *doors, password), Some(Err(Refusal::BadPassword)));
    }

    #[test]
    fn what_is_revoked_is_told_to_shards() {
        let mut arrivals = Vec::new();
        doors(Guests::Named).collect(&mut arrivals);
        let [Arrival::Revoked(revoked)] = &arrivals[..] else { panic!("{arrivals:?}") };
        assert_eq!((&*revoked.what, revoked.is_news), (&[Revocation::Token("7".into())][..], true));
    }
}
