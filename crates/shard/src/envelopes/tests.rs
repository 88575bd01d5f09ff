//! Envelopes of every kind, and noise: what was written is read, and what was not is none.

use access::{Offender, Penalty, RoomTerms, Ruling, RulingTerms, Subject};
use backplanes::NodeId;
use bytes::Bytes;
use chat::{
    Content, Epoch, Group, Peer, Position, Reply, RoomId, RoomName, SignalName, Time, UserId, Whom, Wish,
};
use proptest::prelude::*;

use super::*;
use crate::errands::Reclaim;
use crate::journal::Journal;
use crate::records::{Claim, Record};
use crate::{SessionKey, Whose};

fn session() -> impl Strategy<Value = SessionKey> {
    (any::<u32>(), any::<u16>(), any::<u32>(), any::<u32>()).prop_map(|(node, shard, slot, generation)| {
        SessionKey { node: NodeId(node), shard: ShardId(shard), slot, generation }
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    (session(), any::<u8>()).prop_map(|(began, strand)| Claim { began, strand })
}

fn reclaim() -> impl Strategy<Value = Reclaim> {
    (any::<u32>(), claim(), session(), any::<bool>()).prop_map(|(at, claim, session, is_ended)| Reclaim {
        at: NodeId(at),
        claim,
        session,
        is_ended,
    })
}

fn room() -> impl Strategy<Value = RoomId> {
    prop_oneof![
        "[a-zé/]{1,40}".prop_map(|name| RoomId::public(RoomName::new(&name).expect("a valid name"))),
        "[a-zé]{1,40}".prop_map(|name| RoomId::inbox(UserId::new(&name).expect("a valid name"))),
        Just(RoomId::everybody()),
    ]
}

fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), 0..u64::MAX / 2).prop_map(|(epoch, offset)| Position { epoch: Epoch(epoch), offset })
}

fn record() -> impl Strategy<Value = Box<Record>> {
    let stays = prop::collection::vec((room(), position()), 0..5);
    let told = prop::collection::vec((any::<prop::sample::Index>(), 1..1000_u64), 0..20);
    (stays, told, prop::option::of("[a-z]{1,20}"), session()).prop_map(|(stays, told, user, session)| {
        let mut journal = Journal::default();
        stays.iter().for_each(|(room, at)| journal.enter(room, *at));
        for (chosen, offset) in told.iter().filter(|_| !stays.is_empty()) {
            let (room, at) = chosen.get(&stays);
            journal.note(room, at.offset + offset);
        }
        let user = user.map(|name| UserId::new(&name).expect("a valid name"));
        Box::new(Record { session, user, journal })
    })
}

fn errand() -> impl Strategy<Value = Errand> {
    prop_oneof![
        (any::<u32>(), claim(), record()).prop_map(|(at, claim, record)| Errand::Remember {
            at: NodeId(at),
            claim,
            record
        }),
        (any::<u32>(), claim(), session()).prop_map(|(at, claim, session)| Errand::Forget {
            at: NodeId(at),
            claim,
            session
        }),
        (any::<u32>(), claim(), session()).prop_map(|(at, claim, session)| Errand::Stays {
            at: NodeId(at),
            claim,
            session
        }),
        (any::<u32>(), any::<u32>(), claim(), record()).prop_map(|(at, from, claim, record)| {
            Errand::Bequeath { at: NodeId(at), from: NodeId(from), claim, record }
        }),
        (any::<u32>(), any::<u32>(), claim()).prop_map(|(at, by, claim)| Errand::Inherited {
            at: NodeId(at),
            by: NodeId(by),
            claim
        }),
        reclaim().prop_map(Errand::Reclaim),
        (session(), reclaim()).prop_map(|(session, reclaim)| Errand::GiveUp { session, reclaim }),
        (session(), claim(), prop::option::of(record())).prop_map(|(to, claim, record)| Errand::Reclaimed {
            to,
            claim,
            record
        }),
    ]
}

fn content() -> impl Strategy<Value = Arc<Content>> {
    ("[a-z\"]{0,20}", prop::collection::vec("[a-z]{0,20}", 0..3)).prop_map(|(arguments, attachments)| {
        let attachments = attachments.into_iter().map(Bytes::from).collect();
        Arc::new(Content { arguments: arguments.into(), attachments })
    })
}

fn whom() -> impl Strategy<Value = Whom> {
    let groups = || {
        let group = prop_oneof![
            room().prop_map(Group::Room),
            "[a-z]{0,20}".prop_map(|alias| Group::Alias(alias.into()))
        ];
        prop::collection::vec(group, 0..3)
    };
    (groups(), groups()).prop_map(|(of, but)| Whom { of, but })
}

fn wish() -> impl Strategy<Value = Wish> {
    let rooms = || prop::collection::vec(room(), 0..3);
    prop_oneof![
        (whom(), room(), "[a-z]{1,20}", content()).prop_map(|(whom, within, signal, content)| {
            Wish::Tell { whom, within, signal: SignalName::new(&signal).expect("a valid name"), content }
        }),
        (whom(), rooms()).prop_map(|(whom, rooms)| Wish::Enter { whom, rooms }),
        (whom(), rooms()).prop_map(|(whom, rooms)| Wish::Leave { whom, rooms }),
        (whom(), any::<bool>()).prop_map(|(whom, wholly)| Wish::Dismiss { whom, wholly }),
        whom().prop_map(|whom| Wish::Name { whom }),
        ("[a-z]{0,20}", content()).prop_map(|(event, content)| Wish::Serve { event: event.into(), content }),
    ]
}

fn bidding() -> impl Strategy<Value = Arc<Bidding>> {
    ("/[a-z]{0,20}", wish(), any::<Option<u64>>())
        .prop_map(|(namespace, wish, ticket)| Arc::new(Bidding { namespace: namespace.into(), wish, ticket }))
}

fn replied() -> impl Strategy<Value = Box<Replied>> {
    let user = prop::option::of("[a-z]{1,20}");
    let peer = ("[a-z]{1,20}", user, prop::collection::vec(room(), 0..3)).prop_map(|(alias, user, rooms)| {
        let user = user.map(|name| UserId::new(&name).expect("a valid name"));
        Peer { alias, user, rooms }
    });
    let reply = (prop::collection::vec(peer, 0..5), prop::option::of("[a-z]{0,20}"))
        .prop_map(|(peers, said)| Reply { peers, said });
    (any::<u64>(), any::<u16>(), any::<bool>(), reply)
        .prop_map(|(ticket, shards, is_last, reply)| Box::new(Replied { ticket, shards, is_last, reply }))
}

fn revocation() -> impl Strategy<Value = Revocation> {
    prop_oneof![
        "[a-z0-9é-]{0,40}".prop_map(|id| Revocation::Token(id.into())),
        ("[a-zé]{1,40}", any::<u32>()).prop_map(|(name, before_s)| {
            Revocation::User(UserId::new(&name).expect("a valid name"), before_s)
        }),
    ]
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![
        session().prop_map(Whose::Session),
        "[a-zé]{1,40}".prop_map(|name| Whose::User(UserId::new(&name).expect("a valid name"))),
        any::<[u8; 4]>().prop_map(|octets| Whose::Address(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| Whose::Address(octets.into())),
        room().prop_map(Whose::Room),
    ]
}

fn decree() -> impl Strategy<Value = Box<Decree>> {
    let user = "[a-z]{1,20}".prop_map(|name| Offender::User(UserId::new(&name).expect("a valid name")));
    let whom = prop_oneof![user, any::<[u8; 4]>().prop_map(|octets| Offender::Address(octets.into()))];
    let penalty = prop_oneof![Just(Penalty::Ban), Just(Penalty::Mute)];
    let subject = prop_oneof![
        (penalty, whom, prop::option::of(room()))
            .prop_map(|(penalty, whom, room)| Subject::Somebody(penalty, whom, room)),
        room().prop_map(Subject::Room),
    ];
    let terms = prop_oneof![
        (any::<Option<u64>>(), "[a-zé]{0,9}").prop_map(|(until, reason)| RulingTerms::Penalty {
            until: until.map(Time),
            reason: reason.into()
        }),
        any::<(bool, u32)>()
            .prop_map(|(is_closed, slow_ms)| RulingTerms::Room(RoomTerms { is_closed, slow_ms })),
        Just(RulingTerms::Lifted),
    ];
    let ruling = (subject, terms, any::<u64>()).prop_map(|(subject, terms, since)| Ruling {
        subject,
        terms,
        since: Time(since),
    });
    let decree = prop_oneof![
        whose().prop_map(Decree::Disconnect),
        (room(), whose()).prop_map(|(room, whose)| Decree::Kick(room, whose)),
        prop::collection::vec(ruling, 0..4).prop_map(Decree::Rule),
    ];
    decree.prop_map(Box::new)
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..100).prop_map(Word::Bytes),
        prop::collection::vec(any::<u8>(), 0..100).prop_map(Word::Answered),
        any::<u32>().prop_map(Word::Took),
        Just(()).prop_map(|()| Word::HungUp),
        prop::collection::vec(any::<u8>(), 0..100).prop_map(Word::Moved),
        (0..5_usize).prop_map(|chosen| match chosen {
            0 => Word::Finished,
            1 => Word::Hold,
            2 => Word::Held,
            3 => Word::Stays,
            _ => Word::HungUp,
        }),
    ]
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let way = || prop_oneof![Just(Way::In), Just(Way::Out)];
    let request = prop::collection::vec(any::<u8>(), 0..100);
    prop_oneof![
        (any::<u64>(), request).prop_map(|(tunnel, request)| Envelope::Dig { tunnel, request }),
        (way(), any::<u64>(), any::<u32>(), word())
            .prop_map(|(way, tunnel, number, word)| Envelope::Through { way, tunnel, number, word }),
        (way(), any::<u64>()).prop_map(|(way, tunnel)| Envelope::Fallen { way, tunnel }),
        Just(()).prop_map(|()| Envelope::Beat),
        errand().prop_map(Envelope::Errand),
        bidding().prop_map(Envelope::Bid),
        replied().prop_map(Envelope::Replied),
        prop::collection::vec(revocation(), 0..5).prop_map(Envelope::Revoked),
        decree().prop_map(Envelope::Decree),
        "[a-z]{0,50}".prop_map(|card| Envelope::Card(card.into())),
    ]
}

proptest! {
    #[test]
    fn an_envelope_is_read_as_it_was_written(envelope in envelope(), from: u16, to: u16) {
        let bytes = envelope.write(ShardId(from), ShardId(to));
        prop_assert_eq!(addressee(&bytes), Some(ShardId(to)));
        prop_assert_eq!(Envelope::read(&bytes), Some((ShardId(from), envelope)));
    }

    #[test]
    fn whatever_comes_is_read_or_not_and_never_a_panic(
        envelope in envelope(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        length: prop::sample::Index,
    ) {
        let mut bytes = envelope.write(ShardId(1), ShardId(2));
        for (place, byte) in noise {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = Envelope::read(&bytes);
        let _ = Envelope::read(&bytes[..length.index(bytes.len())]);
    }

    #[test]
    fn noise_is_read_or_not_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (Envelope::read(&bytes), addressee(&bytes));
    }
}

#[test]
fn an_envelope_of_another_version_or_with_too_much_in_it_is_none() {
    let mut bytes = Envelope::Beat.write(ShardId(0), ShardId(0));
    assert!(Envelope::read(&bytes).is_some());
    bytes.push(0);
    assert_eq!(Envelope::read(&bytes), None);
    bytes.pop();
    bytes[5] += 1;
    assert_eq!(Envelope::read(&bytes), None);
    let word = Word::Bytes(vec![0; CARRIED_BYTES_MAX + 1]);
    let large = Envelope::Through { way: Way::In, tunnel: 1, number: 0, word };
    assert_eq!(Envelope::read(&large.write(ShardId(0), ShardId(0))), None);
}
