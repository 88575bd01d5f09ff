//! Users with passwords, kept in the data directory. A password is tried on a thread of its own: that takes work on purpose.

mod book;
mod scram;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use chat::{Credentials, Refusal, Secret, UserId};

pub(crate) use book::FILE;

use book::Book;
use scram::{Credentials as Kept, SALT_BYTES};

use crate::desk::{Clerk, Sign, seat};
use crate::{
    Fault, Guests, Herald, Link, OpenError, Opening, Pass, Revocation, Revoked, Standing, Verdict, Wish,
};

/// Sixty-four passwords are tried in less than a second.
const SIGN: Sign = Sign { name: "accounts", questions_max: 64, takes: is_users };

/// Opens it where users are kept.
pub(crate) fn open(opening: &Opening<'_>) -> Result<Option<Box<dyn Link>>, OpenError> {
    let Some(directory) = &opening.settings.accounts else { return Ok(None) };
    let porter = Porter::new(directory, opening.settings.guests, opening.herald.clone());
    let porter =
        porter.map_err(|error| OpenError(format!("accounts in {}: {error}", directory.display())))?;
    seat(SIGN, porter, opening.wakes).map(Some)
}

/// A name alone is a user's or free, and only who knows the users can say.
fn is_users(credentials: &Credentials) -> bool {
    matches!(credentials, Credentials::Name(_) | Credentials::Password(..))
}

/// Lets in who knows a user's password.
struct Porter {
    book: Book,
    guests: Guests,
    herald: Herald,
    /// What is hashed for users that there are not.
    salt_of_nobody: [u8; 32],
    /// The latest change that was heeded.
    heeded: i64,
    /// Why the file could not be read when it was last looked.
    unreadable: Option<String>,
}

impl Porter {
    fn new(directory: &Path, guests: Guests, herald: Herald) -> Result<Self, AccountError> {
        let mut book = Book::open(directory)?;
        let heeded = book.latest_change()?;
        let mut salt_of_nobody = [0; 32];
        aws_lc_rs::rand::fill(&mut salt_of_nobody).map_err(|_| AccountError::NoRandomness)?;
        Ok(Self { book, guests, herald, salt_of_nobody, heeded, unreadable: None })
    }

    fn try_password(&mut self, user: UserId, password: &Secret) -> Verdict {
        let kept = self.book.find(&user).map_err(|error| unreadable(&error))?;
        let is_somebody = kept.is_some();
        let kept = kept.unwrap_or_else(|| Kept::of_nobody(self.salt_for(&user)));
        match kept.are_of(password.reveal()) && is_somebody {
            true => Ok(Pass::proven(user, Standing::since(now_s()))),
            false => Err(Refusal::BadPassword),
        }
    }

    fn look_up_name(&mut self, user: UserId) -> Verdict {
        let is_taken = self.book.has(&user).map_err(|error| unreadable(&error))?;
        match self.guests {
            Guests::Named if !is_taken => Ok(Pass::named(user)),
            _ => Err(Refusal::NotProven),
        }
    }

    /// Always the same for the same name, as a user's would be.
    fn salt_for(&self, user: &UserId) -> [u8; SALT_BYTES] {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&self.salt_of_nobody);
        hash.update(user.as_str().as_bytes());
        *hash.finish().as_ref().first_chunk().expect("a hash is longer than a salt")
    }

    /// Tells shards of users that were removed, or have another password.
    fn heed_changes(&mut self) -> Result<(), sqlx::Error> {
        let changes = self.book.changes_behind(self.heeded)?;
        let Some(&(latest, ..)) = changes.last() else { return Ok(()) };
        let what = changes
            .iter()
            .filter_map(|(_, name, at)| {
                Some(Revocation::User(UserId::new(name).ok()?, u32::try_from(at + 1).unwrap_or(u32::MAX)))
            })
            .collect();
        if self.herald.tell(&Revoked { what, is_news: false }) {
            self.heeded = latest;
        }
        Ok(())
    }
}

impl Clerk for Porter {
    fn decide(&mut self, wish: Wish) -> Verdict {
        match wish {
            Wish::Identify(Credentials::Password(user, password)) => self.try_password(user, &password),
            Wish::Identify(Credentials::Name(user)) => self.look_up_name(user),
            _ => Err(Refusal::NotProven),
        }
    }

    /// What goes on is logged once.
    fn look(&mut self) {
        let reason = self.heed_changes().err().map(|error| error.to_string());
        if reason.is_some() && self.unreadable.is_none() {
            tracing::error!(error = reason, "users cannot be read");
        }
        self.unreadable = reason;
    }

    fn revoke(&mut self, _: &Revocation) {}

    fn fault(&self) -> Option<Fault> {
        let reason = self.unreadable.as_ref()?;
        Some(Fault { reason: format!("users cannot be read: {reason}"), bars: true })
    }
}

/// What operators do with the users of a data directory.
pub struct Accounts {
    book: Book,
}

/// Why something could not be done.
#[derive(Debug)]
pub enum AccountError {
    /// There is such a user.
    IsThere,
    /// There is no such user.
    IsNotThere,
    /// A password that is empty, or has characters that none may have.
    UnfitPassword,
    /// The machine has no randomness.
    NoRandomness,
    /// The file cannot be used.
    File(sqlx::Error),
}

impl Accounts {
    /// Opens those of a data directory.
    pub fn open(directory: &Path) -> Result<Self, AccountError> {
        Ok(Self { book: Book::open(directory)? })
    }

    /// Makes a user.
    pub fn add(&mut self, user: &UserId, password: &str) -> Result<(), AccountError> {
        match self.book.has(user)? {
            true => Err(AccountError::IsThere),
            false => self.put(user, password),
        }
    }

    /// Gives a user another password. Who is in by the former one is parted with.
    pub fn change_password(&mut self, user: &UserId, password: &str) -> Result<(), AccountError> {
        match self.book.has(user)? {
            true => self.put(user, password),
            false => Err(AccountError::IsNotThere),
        }
    }

    /// Removes a user, who is parted with.
    pub fn remove(&mut self, user: &UserId) -> Result<(), AccountError> {
        if self.book.remove(user, now_s())? { Ok(()) } else { Err(AccountError::IsNotThere) }
    }

    /// The names of all users, in their order, and when their passwords were set, in seconds since 1970.
    pub fn list(&mut self) -> Result<Vec<(String, i64)>, AccountError> {
        Ok(self.book.list()?.into_iter().map(|entry| (entry.name, entry.since_s)).collect())
    }

    fn put(&mut self, user: &UserId, password: &str) -> Result<(), AccountError> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| AccountError::NoRandomness)?;
        let kept = Kept::of(password, salt).map_err(|_| AccountError::UnfitPassword)?;
        Ok(self.book.put(user, &kept, now_s())?)
    }
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsThere => f.write_str("there is such a user"),
            Self::IsNotThere => f.write_str("there is no such user"),
            Self::UnfitPassword => f.write_str("a password is not empty and has no control characters"),
            Self::NoRandomness => f.write_str("the machine has no randomness"),
            Self::File(error) => write!(f, "{error}"),
        }
    }
}

fn unreadable(error: &sqlx::Error) -> Refusal {
    tracing::error!(%error, "users cannot be read");
    Refusal::Undecided
}

fn now_s() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
