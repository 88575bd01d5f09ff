//! How envelopes are written, and read back.

use std::sync::Arc;

use access::Revocation;
use chat::UserId;

use super::{CARRIED_BYTES_MAX, Envelope, REVOKED_MAX, Way, Word};
use crate::ShardId;
use crate::bids::Replied;
use crate::errands::Errand;
use crate::fields::{Reader, Writer};

/// What is not of this version is passed over: while nodes of two versions are in one cluster, they tell each other nothing.
const VERSION: u8 = 2;

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
