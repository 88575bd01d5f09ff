//! Whoever takes a name has it, where names are free.

use chat::{Credentials, Refusal};

use crate::{Access, Ask, End, Guests, Link, OpenError, Opening, Pass, Verdict, Wish};

/// Opens it where names are free.
pub(crate) fn open(opening: &Opening<'_>) -> Result<Option<Box<dyn Link>>, OpenError> {
    let are_free = opening.settings.guests == Guests::Named;
    Ok(are_free.then(|| Box::new(NamesAreFree) as Box<dyn Link>))
}

/// A shard's end where nobody else decides.
pub fn names_are_free() -> Box<dyn Access> {
    Box::new(NamesAreFree)
}

struct NamesAreFree;

impl Link for NamesAreFree {
    fn end(&mut self, _: u16) -> End {
        Box::new(names_are_free)
    }
}

impl Access for NamesAreFree {
    fn takes(&self, credentials: &Credentials) -> bool {
        matches!(credentials, Credentials::Name(_))
    }

    fn ask(&mut self, ask: Ask) -> Option<Verdict> {
        match ask.wish {
            Wish::Identify(Credentials::Name(user)) => Some(Ok(Pass::named(user))),
            Wish::Identify(Credentials::Token(_)) => Some(Err(Refusal::BadToken)),
            Wish::Identify(Credentials::Password(..)) => Some(Err(Refusal::BadPassword)),
            _ => Some(Err(Refusal::NotProven)),
        }
    }
}
