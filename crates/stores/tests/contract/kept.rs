//! What the store promises that outlives the process.

use std::sync::Arc;

use bytes::Bytes;
use chat::{Body, Epoch, Lineage, Message, Payload, PayloadKind, Tag, Text, Time, UserId};
use stores::{Disk, Keeps, Retention, Settings};

use crate::shard::{Folder, Shard, WIDE, at, lobby, message};

/// Little is at hand.
const NARROW: Settings = Settings { messages_max: 3, ..WIDE };

fn shard(disk: &Disk, settings: &Settings) -> Shard {
    Shard::of_store("sqlite", disk, settings)
}

#[test]
fn a_room_goes_on_where_it_stood_when_the_run_before_ended_well() {
    let folder = Folder::new();
    let mut before = shard(&folder.disk(), &WIDE);
    before.open(5);
    before.append(5, 1..=3, 0);
    drop(before);
    let mut after = shard(&folder.disk(), &WIDE);
    let known = after.recognise().expect("it is known");
    assert_eq!((known.head, known.lineage), (at(5, 3), Lineage::default()));
    assert_eq!(known.recent, [message(5, 1, 0), message(5, 2, 0), message(5, 3, 0)]);
    assert_eq!(after.offsets_since(at(5, 1)), (vec![2, 3], true));
}

#[test]
fn a_room_goes_on_in_another_epoch_when_the_run_before_did_not() {
    let folder = Folder::new();
    let mut before = shard(&folder.disk(), &WIDE);
    before.open(5);
    before.append(5, 1..=3, 0);
    before.await_kept(at(5, 3));
    let copy = folder.copy_as_after_a_kill();
    let mut after = shard(&copy.disk(), &WIDE);
    let known = after.recognise().expect("it is known");
    assert_eq!((known.head.offset, &*known.lineage.former), (3, &[(Epoch(5), 3)][..]));
    assert_ne!(known.head.epoch, Epoch(5));
    assert!(known.recent.iter().all(|message| message.at.epoch == known.head.epoch));
    // Opened once more in the same run it stays there.
    after.store.forget(&lobby());
    assert_eq!(after.recognise().map(|again| again.head), Some(known.head));
    // Another kill, and the lineage is longer.
    let copy = copy.copy_as_after_a_kill();
    let again = shard(&copy.disk(), &WIDE).recognise().expect("it is known");
    assert_eq!(&*again.lineage.former, [(known.head.epoch, 3), (Epoch(5), 3)]);
}

#[test]
fn every_part_of_a_message_is_read_back() {
    let folder = Folder::new();
    let payload = |kind, bytes: &'static [u8]| Payload { kind, bytes: Bytes::from_static(bytes) };
    let bodies = [
        Body::text("only words"),
        Body { payload: payload(PayloadKind::Text, b"as sent"), text: Text::Payload },
        Body { payload: payload(PayloadKind::Binary, &[0, 159, 255]), text: Text::None },
        Body { payload: payload(PayloadKind::Json, br#"{"a":1}"#), text: Text::Own("beside".into()) },
    ];
    let author = UserId::new("Ólafur").ok();
    let tag = Tag::new("t-1");
    let messages: Vec<_> = (1..)
        .zip(bodies)
        .map(|(offset, body)| {
            let (author, tag) = (author.clone(), tag.clone());
            Arc::new(Message { room: lobby(), at: at(5, offset), author, time: Time(1 << 41), tag, body })
        })
        .collect();
    let mut before = shard(&folder.disk(), &WIDE);
    before.open(5);
    messages.iter().for_each(|message| before.store.append(message));
    drop(before);
    let known = shard(&folder.disk(), &WIDE).recognise().expect("it is known");
    assert_eq!(known.recent, messages);
}

#[test]
fn what_is_not_at_hand_any_more_is_read_from_the_file() {
    let folder = Folder::new();
    let mut shard = shard(&folder.disk(), &NARROW);
    shard.open(5);
    shard.append(5, 1..=10, 0);
    shard.await_kept(at(5, 10));
    assert_eq!(shard.offsets_since(at(5, 2)), ((3..=10).collect(), true));
    assert_eq!(shard.offsets_before(None, 5), ((6..=10).collect(), true));
    assert_eq!(shard.offsets_before(Some(at(5, 6)), 5), ((1..=5).collect(), false));
    assert_eq!(shard.offsets_before(Some(at(5, 9)), 2), (vec![7, 8], true));
    assert_eq!(shard.offsets_before(Some(at(5, 1)), 2), (vec![], false));
}

#[test]
fn what_exceeds_the_bounds_goes_oldest_first() {
    let weight = message(5, 1, 0).weight() as u64;
    for retention in [
        Retention { messages_max: 4, ..Retention::default() },
        Retention { bytes_max: 4 * weight, ..Retention::default() },
        Retention { age_max_ms: 1000 * 86_400_000, ..Retention::default() },
    ] {
        let folder = Folder::new();
        let mut shard = shard(&Disk { retention, ..folder.disk() }, &NARROW);
        shard.open(5);
        shard.append(5, 1..=6, 0);
        shard.append(5, 7..=10, u64::MAX >> 1);
        shard.await_kept(at(5, 10));
        while shard.health().tally.let_go < 6 {
            std::thread::yield_now();
        }
        assert_eq!(shard.offsets_before(None, 9), ((7..=10).collect(), false), "{retention:?}");
        assert_eq!(shard.offsets_since(at(5, 5)), ((7..=10).collect(), false));
    }
}

#[test]
fn where_a_room_stands_is_known_when_all_its_messages_are_gone() {
    let folder = Folder::new();
    let retention = Retention { age_max_ms: 1, ..Retention::default() };
    let mut before = shard(&Disk { retention, ..folder.disk() }, &NARROW);
    before.open(5);
    before.append(5, 1..=3, 0);
    while before.health().tally.let_go < 3 {
        std::thread::yield_now();
    }
    drop(before);
    let known = shard(&folder.disk(), &WIDE).recognise().expect("it is known");
    assert_eq!((known.head, known.recent), (at(5, 3), vec![]));
    // A start in which nobody asks for it, and it is forgotten.
    let start = shard(&Disk { retention, ..folder.disk() }, &NARROW);
    while start.health().tally.commits < 1 {
        std::thread::yield_now();
    }
    drop(start);
    assert_eq!(shard(&folder.disk(), &WIDE).recognise(), None);
}

/// A node whose rooms others put in order.
fn in_a_cluster(folder: &Folder) -> Disk {
    Disk { is_alone: false, ..folder.disk() }
}

#[test]
fn in_a_cluster_a_room_stands_where_others_say_and_holes_are_not_gone_across() {
    let folder = Folder::new();
    let mut shard = shard(&in_a_cluster(&folder), &NARROW);
    assert_eq!(shard.recognise(), None);
    let tail: Vec<_> = (4..=6).map(|offset| message(5, offset, 0)).collect();
    shard.store.adopt(&lobby(), at(5, 6), &Lineage::default(), &tail);
    shard.append(5, 7..=8, 0);
    shard.await_kept(at(5, 8));
    assert_eq!(shard.store.keeps(&lobby(), at(5, 3)), Keeps::Never, "that was before");
    assert_eq!(shard.offsets_since(at(5, 1)), ((4..=8).collect(), false));
    assert_eq!(shard.offsets_before(None, 9), ((4..=8).collect(), false));
    // While nobody here listened more was said than others still know.
    let tail: Vec<_> = (12..=13).map(|offset| message(5, offset, 0)).collect();
    shard.store.adopt(&lobby(), at(5, 13), &Lineage::default(), &tail);
    shard.await_kept(at(5, 13));
    assert_eq!(shard.offsets_since(at(5, 7)), ((12..=13).collect(), false));
    assert_eq!(shard.offsets_before(None, 9), ((12..=13).collect(), true));
    assert_eq!(shard.offsets_before(Some(at(5, 12)), 9), ((4..=8).collect(), false));
}

#[test]
fn what_did_not_live_on_across_a_fail_over_is_not_there_any_more() {
    let folder = Folder::new();
    let mut shard = shard(&in_a_cluster(&folder), &NARROW);
    shard.recognise();
    shard.store.adopt(&lobby(), at(5, 0), &Lineage::default(), &[]);
    shard.append(5, 1..=9, 0);
    shard.await_kept(at(5, 9));
    let lineage = Lineage { former: [(Epoch(5), 6)].into() };
    shard.store.adopt(&lobby(), at(6, 7), &lineage, &[message(6, 7, 1)]);
    shard.await_kept(at(6, 7));
    assert_eq!(shard.offsets_before(None, 9), ((1..=7).collect(), false));
    // What continues nothing ends what was there.
    shard.store.adopt(&lobby(), at(7, 1), &Lineage::default(), &[message(7, 1, 2)]);
    shard.await_kept(at(7, 1));
    assert_eq!(shard.offsets_before(None, 9), (vec![1], false));
    while shard.health().tally.let_go < 7 {
        std::thread::yield_now();
    }
}

#[test]
fn a_node_that_left_its_cluster_goes_on_in_epochs_of_its_own() {
    let folder = Folder::new();
    let mut before = shard(&in_a_cluster(&folder), &WIDE);
    before.recognise();
    before.store.adopt(&lobby(), at(5, 0), &Lineage::default(), &[]);
    before.append(5, 1..=3, 0);
    drop(before);
    let known = shard(&folder.disk(), &WIDE).recognise().expect("it is known");
    assert_eq!(
        (known.head.offset, &*known.lineage.former),
        (3, &[(Epoch(5), 3)][..]),
        "others may have shown more"
    );
}
