//! What is told of strands, between shards and between nodes: each errand goes to the shard of one session, or to one that remembers strands.
//!
//! The shard where a strand began remembers it. On every other node there is one too that does, for those of its strands that are, or were,
//! there.

use backplanes::NodeId;

use crate::envelopes::Envelope;
use crate::fields::{Reader, Writer};
use crate::journal::Journal;
use crate::mail::Mail;
use crate::peers::PeerId;
use crate::records::{Claim, Record};
use crate::{SessionKey, Shard, ShardId};

/// What one shard tells another of a strand, on this node or another one.
#[derive(Debug, PartialEq)]
pub enum Errand {
    /// It was cut off.
    Remember {
        /// Who remembers it.
        at: NodeId,
        /// The strand.
        claim: Claim,
        /// What must be known so that it can go on.
        record: Box<Record>,
    },
    /// It goes on in a session here that is not the one in which it began.
    Stays {
        /// Who remembers it.
        at: NodeId,
        /// The strand.
        claim: Claim,
        /// In this session.
        session: SessionKey,
    },
    /// It is over, or goes on elsewhere.
    Forget {
        /// Who remembers it.
        at: NodeId,
        /// The strand.
        claim: Claim,
        /// It was in this session.
        session: SessionKey,
    },
    /// It is to go on in another session.
    Reclaim(Reclaim),
    /// The session in which it goes on is to end, so that it can go on in another.
    GiveUp {
        /// The session.
        session: SessionKey,
        /// Who wants to go on with it.
        reclaim: Reclaim,
    },
    /// What is remembered of it.
    Reclaimed {
        /// The session that wants to go on with it.
        to: SessionKey,
        /// The strand.
        claim: Claim,
        /// `None`: nothing.
        record: Option<Box<Record>>,
    },
    /// The node that remembers it leaves: another one is to.
    Bequeath {
        /// Who is to remember it.
        at: NodeId,
        /// Who leaves.
        from: NodeId,
        /// The strand.
        claim: Claim,
        /// What must be known so that it can go on.
        record: Box<Record>,
    },
    /// It is remembered there now.
    Inherited {
        /// Who leaves.
        at: NodeId,
        /// Who remembers it.
        by: NodeId,
        /// The strand.
        claim: Claim,
    },
}

/// The wish to go on with a strand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reclaim {
    /// Who is asked for it.
    pub(crate) at: NodeId,
    pub(crate) claim: Claim,
    /// Who wants to go on with it.
    pub(crate) session: SessionKey,
    /// Where it went on until now has been told to end.
    pub(crate) is_ended: bool,
}

impl Errand {
    /// Where it goes: where there are fewer shards than that, to one of them.
    pub(crate) fn to(&self) -> PeerId {
        match self {
            Self::Remember { at, claim, .. }
            | Self::Stays { at, claim, .. }
            | Self::Forget { at, claim, .. }
            | Self::Bequeath { at, claim, .. }
            | Self::Inherited { at, claim, .. } => (*at, claim.began.shard),
            Self::Reclaim(reclaim) => (reclaim.at, reclaim.claim.began.shard),
            Self::GiveUp { session, .. } | Self::Reclaimed { to: session, .. } => {
                (session.node, session.shard)
            }
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Self::Remember { at, claim, record } => {
                out.byte(0);
                out.node(*at);
                claim.write(out);
                record.write(out);
            }
            Self::Forget { at, claim, session } => {
                out.byte(1);
                out.node(*at);
                claim.write(out);
                out.session(*session);
            }
            Self::Reclaim(reclaim) => {
                out.byte(2);
                reclaim.write(out);
            }
            Self::GiveUp { session, reclaim } => {
                out.byte(3);
                out.session(*session);
                reclaim.write(out);
            }
            Self::Reclaimed { to, claim, record } => {
                out.byte(4);
                out.session(*to);
                claim.write(out);
                out.option(record.as_ref(), |out, record| record.write(out));
            }
            Self::Stays { at, claim, session } => {
                out.byte(5);
                out.node(*at);
                claim.write(out);
                out.session(*session);
            }
            Self::Bequeath { at, from, claim, record } => {
                out.byte(6);
                out.node(*at);
                out.node(*from);
                claim.write(out);
                record.write(out);
            }
            Self::Inherited { at, by, claim } => {
                out.byte(7);
                out.node(*at);
                out.node(*by);
                claim.write(out);
            }
        }
    }

    pub(crate) fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(match fields.byte()? {
            0 => Self::Remember {
                at: fields.node()?,
                claim: Claim::read(fields)?,
                record: Box::new(Record::read(fields)?),
            },
            1 => Self::Forget { at: fields.node()?, claim: Claim::read(fields)?, session: fields.session()? },
            2 => Self::Reclaim(Reclaim::read(fields)?),
            3 => Self::GiveUp { session: fields.session()?, reclaim: Reclaim::read(fields)? },
            4 => Self::Reclaimed {
                to: fields.session()?,
                claim: Claim::read(fields)?,
                record: fields.option(Record::read)?.map(Box::new),
            },
            5 => Self::Stays { at: fields.node()?, claim: Claim::read(fields)?, session: fields.session()? },
            6 => Self::Bequeath {
                at: fields.node()?,
                from: fields.node()?,
                claim: Claim::read(fields)?,
                record: Box::new(Record::read(fields)?),
            },
            7 => Self::Inherited { at: fields.node()?, by: fields.node()?, claim: Claim::read(fields)? },
            _ => return None,
        })
    }
}

impl Claim {
    pub(crate) fn write(&self, out: &mut Writer) {
        out.session(self.began);
        out.byte(self.strand);
    }

    pub(crate) fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(Self { began: fields.session()?, strand: fields.byte()? })
    }
}

impl Reclaim {
    fn write(&self, out: &mut Writer) {
        out.node(self.at);
        self.claim.write(out);
        out.session(self.session);
        out.byte(u8::from(self.is_ended));
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        let (at, claim, session) = (fields.node()?, Claim::read(fields)?, fields.session()?);
        Some(Self { at, claim, session, is_ended: fields.byte()? != 0 })
    }
}

impl Record {
    fn write(&self, out: &mut Writer) {
        out.session(self.session);
        out.user(self.user.as_ref());
        self.journal.write(out);
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(Self { session: fields.session()?, user: fields.user()?, journal: Journal::read(fields)? })
    }
}

impl Shard {
    /// Sends an errand on its way, to another node if it goes there.
    pub(crate) fn send_errand(&mut self, errand: Errand) {
        let (node, shard) = errand.to();
        if node == self.settings.node {
            self.send_mail(ShardId(shard.0 % self.settings.shards), Mail::Errand(errand));
        } else {
            self.tunnels.send((node, shard), Envelope::Errand(errand));
        }
    }
}
