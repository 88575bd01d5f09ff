//! What the store promises of what it has told beyond the node.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::{Happening, Lineage, Message, Occasion, Time, UserId};
use stores::{Disk, Keeps, LeftBehind, Letter, Outbox, Outward, Scribe, Waiting};

use crate::shard::{Folder, Shard, WIDE, at, lobby, message};

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes down what happens in a word, and hears the bell.
#[derive(Debug, Default)]
struct Words(Mutex<u32>);

impl Scribe for Words {
    fn spell(&self, happening: &Happening) -> Letter {
        let body = match &happening.occasion {
            Occasion::Posted(message) => format!("posted {}", message.at.offset),
            other => format!("{other:?}"),
        };
        Letter { id: body.clone(), body }
    }

    fn spell_loss(&self, lost: u64) -> Letter {
        Letter { id: "loss".to_owned(), body: format!("lost {lost}") }
    }

    fn ring(&self) {
        *self.0.lock().expect("nobody panics with it") += 1;
    }
}

fn disk(folder: &Folder, is_alone: bool, bytes_max: u64) -> Disk {
    let outward = Outward { scribe: Arc::<Words>::default(), messages: true, bytes_max };
    Disk { is_alone, outward: Some(outward), ..folder.disk() }
}

fn shard(disk: &Disk) -> Shard {
    Shard::of_store("sqlite", disk, &WIDE)
}

/// What waits behind a number.
fn waiting(outbox: &dyn Outbox, after: i64) -> Vec<Waiting> {
    let (sender, found) = channel();
    outbox.read(after, 100, Box::new(move |found| drop(sender.send(found))));
    found.recv_timeout(PATIENCE).expect("it is answered").expect("it can be read")
}

fn bodies(outbox: &dyn Outbox) -> Vec<String> {
    waiting(outbox, 0).into_iter().map(|waiting| waiting.letter.body).collect()
}

/// Looks until something is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it does not come to be so");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn posted(message: &Arc<Message>) -> Happening {
    Happening::seen(lobby(), message.time, Occasion::Posted(message.clone()))
}

fn ann() -> Option<UserId> {
    UserId::new("ann").ok()
}

/// Says something as the home of a room does that puts messages in order by itself.
fn say(shard: &mut Shard, offset: u64) {
    let said = message(5, offset, 0);
    shard.store.append(&said);
    shard.store.announce(posted(&said));
}

#[test]
fn a_message_that_is_kept_is_told_after_a_kill_and_once_it_was_told_never_again() {
    let folder = Folder::new();
    let mut before = shard(&disk(&folder, true, 1 << 20));
    before.open(5);
    before.store.announce(Happening::seen(lobby(), Time(0), Occasion::Joined(ann())));
    (1..=3).for_each(|offset| say(&mut before, offset));
    before.await_kept(at(5, 3));
    let copy = folder.copy_as_after_a_kill();
    let after = shard(&disk(&copy, true, 1 << 20));
    let outbox = after.outbox();
    let found = waiting(&*outbox, 0);
    let said: Vec<&str> = found.iter().map(|waiting| waiting.letter.body.as_str()).collect();
    assert_eq!(said, ["Joined(Some(\"ann\"))", "posted 1", "posted 2", "posted 3"]);
    assert!(found.iter().all(|waiting| waiting.lane == found[0].lane && !waiting.is_of_loss));
    assert_eq!(outbox.size().letters, 4);
    outbox.settle(found[..3].iter().map(|waiting| waiting.number).collect(), 0);
    until(|| outbox.size().letters == 1);
    drop(after);
    let again = shard(&disk(&copy, true, 1 << 20));
    assert_eq!(bodies(&*again.outbox()), ["posted 3"]);
}

#[test]
fn a_message_whose_place_others_give_is_not_taken_for_kept_before_it_is_certain_to_be_told() {
    let folder = Folder::new();
    let mut shard = shard(&disk(&folder, false, 1 << 20));
    shard.open(5);
    // Its place is known before it comes, and after it was written.
    let (first, second) = (message(5, 1, 0), message(5, 2, 0));
    shard.store.announce(posted(&first));
    assert_eq!(shard.store.keeps(&lobby(), at(5, 1)), Keeps::Later);
    shard.store.append(&first);
    shard.await_kept(at(5, 1));
    shard.store.append(&second);
    shard.await_kept(at(5, 2));
    shard.store.announce(posted(&second));
    assert_eq!(shard.store.keeps(&lobby(), at(5, 2)), Keeps::Later);
    shard.await_kept(at(5, 2));
    assert_eq!(bodies(&*shard.outbox()), ["posted 1", "posted 2"]);
    // What another node tells of is only kept.
    shard.store.append(&message(5, 3, 0));
    shard.await_kept(at(5, 3));
    assert_eq!(bodies(&*shard.outbox()).len(), 2);
}

#[test]
fn what_is_too_much_makes_room_and_is_counted_also_in_what_stands_for_it() {
    let folder = Folder::new();
    let mut shard = shard(&disk(&folder, true, 4096));
    shard.open(5);
    let outbox = shard.outbox();
    for round in 0..10 {
        (1..=50).for_each(|offset| say(&mut shard, round * 50 + offset));
        shard.await_kept(at(5, round * 50 + 50));
        assert!(outbox.size().bytes <= 4096, "{:?}", outbox.size());
    }
    let found = waiting(&*outbox, 0);
    let (losses, told): (Vec<_>, Vec<_>) = found.into_iter().partition(|waiting| waiting.is_of_loss);
    let lost = losses.iter().filter_map(|loss| loss.letter.body.strip_prefix("lost ")?.parse::<u64>().ok());
    let size = outbox.size();
    assert_eq!(lost.sum::<u64>() + told.len() as u64, 500);
    assert_eq!((size.dropped + told.len() as u64, size.letters), (500, (told.len() + losses.len()) as u64));
    assert_eq!(told.last().map(|last| last.letter.body.as_str()), Some("posted 500"), "the oldest goes");
}

#[test]
fn what_was_given_up_is_told_as_lost() {
    let folder = Folder::new();
    let mut shard = shard(&disk(&folder, true, 1 << 20));
    shard.open(5);
    say(&mut shard, 1);
    shard.await_kept(at(5, 1));
    let outbox = shard.outbox();
    outbox.settle(vec![waiting(&*outbox, 0)[0].number], 1);
    until(|| bodies(&*outbox) == ["lost 1"]);
}

#[test]
fn who_was_here_when_the_process_ended_is_known_at_the_next_start() {
    let folder = Folder::new();
    let mut before = shard(&disk(&folder, true, 1 << 20));
    before.open(5);
    let bob = UserId::new("bob").ok();
    for (user, change) in
        [(ann(), 1), (bob.clone(), 1), (None, 1), (None, 1), (None, 1), (None, -1), (bob, -1)]
    {
        before.store.count_here(lobby(), user, change);
    }
    drop(before);
    let mut after = shard(&disk(&folder, true, 1 << 20));
    let behind = |user, times| LeftBehind { room: lobby(), user, times };
    assert_eq!(&*after.store.left_behind(), [behind(None, 2), behind(ann(), 1)]);
    // Ann is told to have gone, and is there again: guests are not.
    for (user, change) in [(ann(), -1), (ann(), 1), (None, -2)] {
        after.store.count_here(lobby(), user, change);
    }
    drop(after);
    assert_eq!(&*shard(&disk(&folder, true, 1 << 20)).store.left_behind(), [behind(ann(), 1)]);
}

#[test]
fn nothing_is_noted_where_nothing_is_told() {
    let folder = Folder::new();
    let mut shard = shard(&folder.disk());
    assert_eq!(shard.recognise(), None);
    shard.store.adopt(&lobby(), at(5, 0), &Lineage::default(), &[]);
    assert!(!shard.store.announces());
    say(&mut shard, 1);
    shard.await_kept(at(5, 1));
    drop(shard);
    let after = self::shard(&disk(&folder, true, 1 << 20));
    assert_eq!((bodies(&*after.outbox()).len(), after.store.left_behind().len()), (0, 0));
}
