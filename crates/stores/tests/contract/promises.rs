//! What every store promises.

use chat::Lineage;
use stores::{Keeps, Promise, STORES, Settings, Told};

use crate::shard::{Folder, Shard, WIDE, at, lobby, message, offsets};

fn each(settings: &Settings, test: impl Fn(&mut Shard)) {
    for (name, _) in STORES {
        let folder = Folder::new();
        test(&mut Shard::of_store(name, &folder.disk(), settings));
    }
}

#[test]
fn everything_after_a_position_is_read_back_in_order() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        assert_eq!(shard.offsets_since(at(1, 2)), (vec![3, 4, 5], true));
        assert_eq!(shard.offsets_since(at(1, 0)), (vec![1, 2, 3, 4, 5], true));
        assert_eq!(shard.offsets_since(at(1, 5)), (vec![], true));
    });
}

#[test]
fn a_position_of_another_epoch_or_of_the_future_is_not_complete() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=2, 0);
        assert!(!shard.offsets_since(at(2, 1)).1);
        assert!(!shard.offsets_since(at(1, 3)).1);
    });
}

#[test]
fn what_is_at_hand_is_bounded_by_count() {
    each(&Settings { messages_max: 3, ..WIDE }, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        assert_eq!(shard.offsets_since(at(1, 2)), (vec![3, 4, 5], true));
        shard.await_kept(at(1, 5));
        assert_eq!(shard.store.size().0, 3);
    });
}

#[test]
fn what_is_at_hand_is_bounded_by_age_even_when_all_of_it_is_old() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=2, 0);
        shard.append(1, 3..=3, 900);
        assert_eq!(offsets(&shard.since(at(1, 2), 1001).messages), [3]);
        assert!(shard.since(at(1, 3), 9999).complete, "nothing came after 3");
        assert_eq!(shard.store.size().0, 0);
    });
}

#[test]
fn what_is_at_hand_is_bounded_by_weight() {
    each(&Settings { bytes_max: 1000, ..WIDE }, |shard| {
        shard.open(1);
        shard.append(1, 1..=50, 0);
        shard.await_kept(at(1, 50));
        assert!(shard.store.size().1 <= 1000 && shard.store.size().0 > 0);
    });
}

#[test]
fn pages_go_back_without_gaps_and_say_when_there_is_more() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        let newest = shard.before(None, 2);
        assert_eq!((offsets(&newest.messages), newest.more), (vec![4, 5], true));
        let older = shard.before(Some(at(1, 4)), 9);
        assert_eq!((offsets(&older.messages), older.more), (vec![1, 2, 3], false));
        assert!(shard.before(Some(at(2, 4)), 9).messages.is_empty());
    });
}

#[test]
fn another_epoch_that_continues_nothing_ends_what_was_kept_before() {
    each(&WIDE, |shard| {
        shard.open(1);
        shard.append(1, 1..=5, 0);
        shard.store.adopt(&lobby(), at(2, 1), &Lineage::default(), &[message(2, 1, 0)]);
        assert_eq!(shard.offsets_since(at(2, 0)), (vec![1], true));
        assert_eq!(shard.store.size().0, 1);
        shard.store.forget(&lobby());
        assert_eq!(shard.store.size(), (0, 0));
    });
}

#[test]
fn what_was_promised_is_kept_and_told_to_be() {
    each(&WIDE, |shard| {
        shard.open(1);
        let promise = shard.store.promise(&lobby()).expect("nothing is wrong");
        shard.append(1, 1..=3, 0);
        if promise == Promise::Lasting {
            shard.hear(|told| match told {
                Told::Kept { room, at: kept } if room == lobby() && kept == at(1, 3) => Some(()),
                _ => None,
            });
        }
        assert_eq!(shard.store.keeps(&lobby(), at(1, 3)), Keeps::Already);
    });
}
