//! Access: what decides who a client is and what it may do. One folder each, and the list of them.
//!
//! To add one: add a folder whose module has `open` ([`Open`]), and its name below. They do not know sessions, gateways, stores, backplanes or
//! each other.

#[cfg(feature = "accounts")]
mod archive;
#[cfg(feature = "accounts")]
mod copies;
mod desk;
mod docket;
mod doors;
mod file;
mod herald;
mod pattern;
mod port;
mod rules;

#[cfg(feature = "accounts")]
pub use archive::{Archive, Kept};
#[cfg(feature = "accounts")]
pub use copies::{Copies, back_up, in_the_way_of_backup};
pub use docket::{
    Docket, Entry, Offender, Penalty, Person, RULINGS_MAX, RoomTerms, Ruling, RulingTerms, Subject,
};
pub use doors::open;
pub use herald::Herald;
pub use pattern::Pattern;
pub use port::{
    Access, Arrival, Ask, End, Fault, Fingerprint, Health, Link, Minds, Open, OpenError, Opening, Pass,
    Revocation, Revoked, Settings, Standing, Verdict, Wake, Wish,
};
pub use rules::{Grants, Guests, Right, Rule, Rules, Who};

macro_rules! access {
    ($($(#[$when:meta])? $folder:ident),* $(,)?) => {
        $($(#[$when])? mod $folder;)*
        /// Everything that decides by name, in the order in which it is asked.
        pub const ACCESS: &[(&str, Open)] = &[$($(#[$when])? (stringify!($folder), self::$folder::open)),*];
    };
}

access![
    tokens,
    #[cfg(feature = "accounts")]
    accounts,
    webhook,
    guests
];

#[cfg(feature = "accounts")]
pub(crate) use self::accounts::FILE as USERS_FILE;
#[cfg(feature = "accounts")]
pub use self::accounts::{AccountError, Accounts};
pub use self::guests::names_are_free;
pub use self::tokens::{Algorithm, Keys, NoKeys, Terms, TokenSettings, check_keys, judge_token};
pub use self::webhook::{Address, Backend, WebhookSettings, is_backend};
