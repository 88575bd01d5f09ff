//! Users that are added, let in, changed and removed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::Wake;
use crate::copies::{Copies, back_up};

/// A folder of one test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("heimdallr-accounts-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("there is room");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the folder for what nobody needs.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn wait<T>(done: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the system gives one").block_on(done)
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a valid name")
}

fn shows(name: &str, password: &str) -> Wish {
    Wish::Identify(Credentials::Password(user(name), Secret::new(password).expect("a secret")))
}

/// Who lets in, and what it tells a shard.
fn porter(folder: &Folder, guests: Guests) -> (Porter, std::sync::mpsc::Receiver<Revoked>) {
    let wakes: Vec<Wake> = vec![Arc::new(|| {})];
    let (herald, mut heard) = Herald::new(&wakes);
    (Porter::new(&folder.0, guests, herald).expect("it opens"), heard.remove(0))
}

#[test]
fn who_knows_the_password_is_let_in_and_nobody_else() {
    let folder = Folder::new();
    let mut accounts = Accounts::open(&folder.0).expect("it opens");
    accounts.add(&user("ann"), "a b c").expect("she is new");
    assert!(matches!(accounts.add(&user("ann"), "x"), Err(AccountError::IsThere)));
    let (mut porter, _heard) = porter(&folder, Guests::Nameless);
    let let_in = porter.decide(shows("ann", "a b c")).expect("she is let in");
    assert_eq!(let_in.user, Some(user("ann")));
    assert!(let_in.standing.is_some_and(|standing| standing.since_s.get() > 1));
    for wish in [shows("ann", "x"), shows("bob", "a b c"), shows("ANN", "a b c")] {
        assert_eq!(porter.decide(wish), Err(Refusal::BadPassword));
    }
}

#[test]
fn a_name_alone_is_free_where_it_is_nobodys_and_names_are_free() {
    let folder = Folder::new();
    Accounts::open(&folder.0).expect("it opens").add(&user("ann"), "secret").expect("she is new");
    let name = |name| Wish::Identify(Credentials::Name(user(name)));
    let (mut free, _heard) = porter(&folder, Guests::Named);
    assert_eq!(free.decide(name("bob")), Ok(Pass::named(user("bob"))));
    assert_eq!(free.decide(name("ann")), Err(Refusal::NotProven));
    let (mut closed, _heard) = porter(&folder, Guests::Nameless);
    assert_eq!(closed.decide(name("bob")), Err(Refusal::NotProven));
}

#[test]
fn what_is_changed_beside_a_node_is_told_to_its_shards() {
    let folder = Folder::new();
    let mut accounts = Accounts::open(&folder.0).expect("it opens");
    accounts.add(&user("ann"), "one").expect("she is new");
    let (mut porter, heard) = porter(&folder, Guests::Named);
    porter.look();
    assert!(heard.try_recv().is_err(), "nothing has changed");
    accounts.change_password(&user("ann"), "two").expect("she is there");
    accounts.remove(&user("ann")).expect("she is there");
    assert!(matches!(accounts.remove(&user("ann")), Err(AccountError::IsNotThere)));
    porter.look();
    let revoked = heard.try_recv().expect("it was told").what;
    assert_eq!(revoked.len(), 2);
    let standing = Standing::since(now_s().saturating_sub(1));
    assert!(revoked.iter().all(|revocation| standing.falls_by("ann", revocation)));
    assert_eq!(porter.decide(shows("ann", "two")), Err(Refusal::BadPassword));
    assert_eq!(accounts.list().expect("it can be read"), []);
}

#[test]
fn a_name_that_is_nobodys_is_tried_as_long_as_one_that_is_somebodys() {
    let folder = Folder::new();
    Accounts::open(&folder.0).expect("it opens").add(&user("ann"), "secret").expect("she is new");
    let (mut porter, _heard) = porter(&folder, Guests::Nameless);
    let mut time = |name: &str| {
        let started = std::time::Instant::now();
        assert_eq!(porter.decide(shows(name, "wrong")), Err(Refusal::BadPassword));
        started.elapsed()
    };
    // By turns, and the quickest of some: what is left is work. Without it, a name is looked up in a hundredth of the time.
    let tried: Vec<_> = (0..8).map(|_| (time("ann"), time("bob"))).collect();
    let hers = tried.iter().map(|(hers, _)| *hers).min().expect("some were tried");
    let nobodys = tried.iter().map(|(_, nobodys)| *nobodys).min().expect("some were tried");
    assert!(nobodys > hers / 4 && hers > nobodys / 4, "{hers:?} {nobodys:?}");
}

#[test]
fn a_file_that_cannot_be_read_keeps_people_out_and_is_told_of() {
    let folder = Folder::new();
    Accounts::open(&folder.0).expect("it opens").add(&user("ann"), "secret").expect("she is new");
    let (mut porter, _heard) = porter(&folder, Guests::Nameless);
    porter.look();
    assert_eq!(porter.fault(), None);
    let file = folder.0.join("users.sqlite");
    let mut book = Book::open(&folder.0).expect("it opens");
    book.break_it();
    porter.look();
    assert!(porter.fault().is_some_and(|fault| fault.bars && fault.reason.contains("users cannot be read")));
    assert_eq!(porter.decide(shows("ann", "secret")), Err(Refusal::Undecided));
    assert!(file.exists());
}

#[test]
fn what_is_kept_of_passwords_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let mut accounts = Accounts::open(&folder.0).expect("it opens");
    accounts.add(&user("ann"), "secret").expect("she is new");
    let copy = folder.0.join("copy");
    assert_eq!(wait(back_up(&folder.0, &copy)), Ok(()));
    for file in std::fs::read_dir(&folder.0).expect("it is there") {
        let file = file.expect("it can be read");
        assert_eq!(file.metadata().expect("it is there").permissions().mode() & 0o077, 0, "{file:?}");
    }
}

#[test]
fn users_are_those_of_the_copy_that_is_restored() {
    let (folder, other) = (Folder::new(), Folder::new());
    let copy = folder.0.join("copy");
    assert_eq!(wait(back_up(&folder.0, &copy)), Ok(()));
    assert!(!folder.0.join("copy.users").exists(), "there are none");
    let mut accounts = Accounts::open(&folder.0).expect("it opens");
    accounts.add(&user("ann"), "secret").expect("she is new");
    assert_eq!(wait(back_up(&folder.0, &copy)), Ok(()));
    accounts.add(&user("bob"), "secret").expect("he is new");
    assert!(wait(back_up(&folder.0, &copy)).is_err_and(|reason| reason.contains("is there already")));
    let copies = wait(Copies::look_through(&copy, &other.0)).expect("it is a copy");
    assert_eq!(wait(copies.put()), Ok(()));
    let (mut porter, _heard) = porter(&other, Guests::Nameless);
    assert!(porter.decide(shows("ann", "secret")).is_ok());
    assert_eq!(porter.decide(shows("bob", "secret")), Err(Refusal::BadPassword));
    let again = wait(Copies::look_through(&copy, &other.0)).map(drop);
    assert!(again.is_err_and(|reason| reason.contains("is there already")));
}
