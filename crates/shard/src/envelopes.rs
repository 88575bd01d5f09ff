//! What nodes tell each other: envelopes, each from a shard of one node to a shard of another. They may be lost, and none is believed to be
//! one before it is read whole.
//!
//! An envelope begins with its kind in one byte and, in the next two, the shard that it is for, so that whoever carries it need not know more.
//! Then come the shard that it is from, its version, and what its kind has to say.

use std::sync::Arc;

use access::Revocation;
use chat::{Bidding, UserId};

use crate::bids::Replied;
use crate::errands::Errand;
use crate::fields::{Reader, Writer};
use crate::{Decree, ShardId};

/// What is not of this version is passed over: while nodes of two versions are in one cluster, they tell each other nothing.
const VERSION: u8 = 2;

/// The most bytes of a stream that go in one envelope.
pub(crate) const CARRIED_BYTES_MAX: usize = 64 * 1024;

/// What is good no more and goes in one envelope.
pub(crate) const REVOKED_MAX: usize = 100;

/// What one node tells another.
#[derive(Debug, PartialEq)]
pub(crate) enum Envelope {
    /// To a shard that has a session: a request for it has come, and the way back is this tunnel.
    Dig {
        /// The tunnel, by the number that the shard has given it which the request came to.
        tunnel: u64,
        /// The request's head.
        request: Vec<u8>,
    },
    /// From one end of a tunnel to the other.
    Through {
        /// Which way.
        way: Way,
        /// The tunnel.
        tunnel: u64,
        /// How many words have gone before it this way.
        number: u32,
        /// What.
        word: Word,
    },
    /// From one end of a tunnel to where the other would be: it is no more.
    Fallen {
        /// Which way.
        way: Way,
        /// The tunnel.
        tunnel: u64,
    },
    /// The shard is there still, and has ends of tunnels.
    Beat,
    /// Of a strand that was cut off.
    Errand(Errand),
    /// An application wants something done on the node.
    Bid(Arc<Bidding>),
    /// What a shard has to say to that.
    Replied(Box<Replied>),
    /// To all other nodes: who was believed by one of these is to be parted with.
    Revoked(Vec<Revocation>),
    /// To all other nodes: what holds on every shard.
    Decree(Box<Decree>),
    /// To all other nodes: how this one is, in words of the operators' side.
    Card(Arc<str>),
}

/// Which way something goes through a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client to the session.
    In,
    /// From the session to the client.
    Out,
}

/// What one end of a tunnel says to the other.
#[derive(Debug, PartialEq)]
pub(crate) enum Word {
    /// Bytes of the stream.
    Bytes(Vec<u8>),
    /// So many of them were passed on: as many more may come.
    Took(u32),
    /// The client says no more.
    HungUp,
    /// The last bytes of an answer: the stream is free for the next request.
    Answered(Vec<u8>),
    /// Nothing more will be said to the client.
    Finished,
    /// What the client says from now on is to be held: its session may come over.
    Hold,
    /// It is held.
    Held,
    /// The session, which goes on where the client is: this is the last word.
    Moved(Vec<u8>),
    /// It does not come over now.
    Stays,
}

const DIG: u8 = 1;
const IN: u8 = 2;
const OUT: u8 = 3;
const FALLEN_IN: u8 = 4;
const FALLEN_OUT: u8 = 5;
const BEAT: u8 = 6;
const ERRAND: u8 = 7;
const BID: u8 = 8;
const REPLIED: u8 = 9;
const REVOKED: u8 = 10;
const DECREE: u8 = 11;
const CARD: u8 = 12;

/// The shard that an envelope is for, whatever else it may be.
pub(crate) fn addressee(bytes: &[u8]) -> Option<ShardId> {
    let [_, high, low, ..] = bytes else { return None };
    Some(ShardId(u16::from_be_bytes([*high, *low])))
}

impl Envelope {
    pub(crate) fn write(&self, from: ShardId, to: ShardId) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(self.kind());
        out.0.extend_from_slice(&to.0.to_be_bytes());
        out.0.extend_from_slice(&from.0.to_be_bytes());
        out.byte(VERSION);
        match self {
            Self::Dig { tunnel, request } => {
                out.number(*tunnel);
                out.0.extend_from_slice(request);
            }
            Self::Through { tunnel, number, word, .. } => {
                out.number(*tunnel);
                out.number(u64::from(*number));
                word.write(&mut out);
            }
            Self::Fallen { tunnel, .. } => out.number(*tunnel),
            Self::Beat => {}
            Self::Errand(errand) => errand.write(&mut out),
            Self::Bid(bidding) => out.bidding(bidding),
            Self::Replied(replied) => {
                out.number(replied.ticket);
                out.number(u64::from(replied.shards));
                out.byte(u8::from(replied.is_last));
                out.reply(&replied.reply);
            }
            Self::Revoked(revoked) => {
                revoked.iter().for_each(|revocation| write_revocation(revocation, &mut out))
            }
            Self::Decree(decree) => out.decree(decree),
            Self::Card(card) => out.text(card),
        }
        out.0
    }

    /// An envelope, and the shard that it is from.
    pub(crate) fn read(bytes: &[u8]) -> Option<(ShardId, Self)> {
        let mut fields = Reader(bytes);
        let (kind, _to, from) = (fields.byte()?, fields.array::<2>()?, fields.array::<2>()?);
        if fields.byte()? != VERSION {
            return None;
        }
        let envelope = Self::read_kind(kind, &mut fields)?;
        fields.is_empty().then_some((ShardId(u16::from_be_bytes(from)), envelope))
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Dig { .. } => DIG,
            Self::Through { way: Way::In, .. } => IN,
            Self::Through { way: Way::Out, .. } => OUT,
            Self::Fallen { way: Way::In, .. } => FALLEN_IN,
            Self::Fallen { way: Way::Out, .. } => FALLEN_OUT,
            Self::Beat => BEAT,
            Self::Errand(_) => ERRAND,
            Self::Bid(_) => BID,
            Self::Replied(_) => REPLIED,
            Self::Revoked(_) => REVOKED,
            Self::Decree(_) => DECREE,
            Self::Card(_) => CARD,
        }
    }

    fn read_kind(kind: u8, fields: &mut Reader<'_>) -> Option<Self> {
        let way = if matches!(kind, IN | FALLEN_IN) { Way::In } else { Way::Out };
        Some(match kind {
            DIG => Self::Dig { tunnel: fields.number()?, request: carried(fields)? },
            IN | OUT => Self::Through {
                way,
                tunnel: fields.number()?,
                number: u32::try_from(fields.number()?).ok()?,
                word: Word::read(fields)?,
            },
            FALLEN_IN | FALLEN_OUT => Self::Fallen { way, tunnel: fields.number()? },
            BEAT => Self::Beat,
            ERRAND => Self::Errand(Errand::read(fields)?),
            BID => Self::Bid(Arc::new(fields.bidding()?)),
            REPLIED => Self::Replied(Box::new(Replied {
                ticket: fields.number()?,
                shards: u16::try_from(fields.number()?).ok()?,
                is_last: fields.byte()? != 0,
                reply: fields.reply()?,
            })),
            REVOKED => Self::Revoked(read_revoked(fields)?),
            DECREE => Self::Decree(Box::new(fields.decree()?)),
            CARD => Self::Card(fields.text()?.into()),
            _ => return None,
        })
    }
}

impl Word {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Bytes(bytes) => {
                out.byte(0);
                out.0.extend_from_slice(bytes);
            }
            Self::Took(bytes) => {
                out.byte(1);
                out.number(u64::from(*bytes));
            }
            Self::HungUp => out.byte(2),
            Self::Answered(bytes) => {
                out.byte(3);
                out.0.extend_from_slice(bytes);
            }
            Self::Finished => out.byte(4),
            Self::Hold => out.byte(5),
            Self::Held => out.byte(6),
            Self::Moved(packed) => {
                out.byte(7);
                out.0.extend_from_slice(packed);
            }
            Self::Stays => out.byte(8),
        }
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(match fields.byte()? {
            0 => Self::Bytes(carried(fields)?),
            1 => Self::Took(u32::try_from(fields.number()?).ok()?),
            2 => Self::HungUp,
            3 => Self::Answered(carried(fields)?),
            4 => Self::Finished,
            5 => Self::Hold,
            6 => Self::Held,
            7 => Self::Moved(carried(fields)?),
            8 => Self::Stays,
            _ => return None,
        })
    }
}

fn write_revocation(revocation: &Revocation, out: &mut Writer) {
    match revocation {
        Revocation::Token(id) => {
            out.byte(0);
            out.text(id);
        }
        Revocation::User(user, before_s) => {
            out.byte(1);
            out.text(user.as_str());
            out.number(u64::from(*before_s));
        }
    }
}

/// All that are left.
fn read_revoked(fields: &mut Reader<'_>) -> Option<Vec<Revocation>> {
    let mut revoked = Vec::new();
    while !fields.is_empty() && revoked.len() < REVOKED_MAX {
        revoked.push(match fields.byte()? {
            0 => Revocation::Token(fields.text()?.into()),
            1 => Revocation::User(UserId::new(fields.text()?).ok()?, u32::try_from(fields.number()?).ok()?),
            _ => return None,
        });
    }
    Some(revoked)
}

/// Bytes of a stream: all that is left.
fn carried(fields: &mut Reader<'_>) -> Option<Vec<u8>> {
    let bytes = fields.rest();
    (bytes.len() <= CARRIED_BYTES_MAX).then(|| bytes.to_vec())
}

#[cfg(test)]
mod tests {
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
        (any::<u32>(), any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
            |(node, shard, slot, generation)| SessionKey {
                node: NodeId(node),
                shard: ShardId(shard),
                slot,
                generation,
            },
        )
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
            reclaim().prop_map(Errand::Reclaim),
            (session(), reclaim()).prop_map(|(session, reclaim)| Errand::GiveUp { session, reclaim }),
            (session(), claim(), prop::option::of(record()))
                .prop_map(|(to, claim, record)| Errand::Reclaimed { to, claim, record }),
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
            ("[a-z]{0,20}", content())
                .prop_map(|(event, content)| Wish::Serve { event: event.into(), content }),
        ]
    }

    fn bidding() -> impl Strategy<Value = Arc<Bidding>> {
        ("/[a-z]{0,20}", wish(), any::<Option<u64>>()).prop_map(|(namespace, wish, ticket)| {
            Arc::new(Bidding { namespace: namespace.into(), wish, ticket })
        })
    }

    fn replied() -> impl Strategy<Value = Box<Replied>> {
        let user = prop::option::of("[a-z]{1,20}");
        let peer =
            ("[a-z]{1,20}", user, prop::collection::vec(room(), 0..3)).prop_map(|(alias, user, rooms)| {
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
}
