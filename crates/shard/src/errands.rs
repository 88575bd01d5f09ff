//! What is told of strands that were cut off, between shards and between nodes: each errand goes to the shard of one session, or to where it was.

use crate::envelopes::Envelope;
use crate::fields::{Reader, Writer};
use crate::journal::Journal;
use crate::mail::Mail;
use crate::records::{Claim, Record};
use crate::{SessionKey, Shard};

/// What one shard tells another of a strand, on this node or another one.
#[derive(Debug, PartialEq)]
pub enum Errand {
    /// To where it began: it was cut off.
    Remember {
        /// The strand.
        claim: Claim,
        /// In this session.
        session: SessionKey,
        /// What must be known so that it can go on.
        record: Box<Record>,
    },
    /// To where it began: it is over.
    Forget {
        /// The strand.
        claim: Claim,
        /// In this session.
        session: SessionKey,
    },
    /// To where it began: it is to go on in another session.
    Reclaim(Reclaim),
    /// From where it began: the session in which it goes on is to end, so that it can go on in another.
    GiveUp {
        /// The session.
        session: SessionKey,
        /// Who wants to go on with it.
        reclaim: Reclaim,
    },
    /// From where it began: what is remembered of it.
    Reclaimed {
        /// The session that wants to go on with it.
        to: SessionKey,
        /// The strand.
        claim: Claim,
        /// `None`: nothing.
        record: Option<Box<Record>>,
    },
}

/// The wish to go on with a strand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reclaim {
    pub(crate) claim: Claim,
    /// Who wants to go on with it.
    pub(crate) session: SessionKey,
    /// Where it went on until now has been told to end.
    pub(crate) is_ended: bool,
}

impl Errand {
    /// The session whose shard it goes to.
    pub(crate) fn to(&self) -> SessionKey {
        match self {
            Self::Remember { claim, .. } | Self::Forget { claim, .. } => claim.began,
            Self::Reclaim(reclaim) => reclaim.claim.began,
            Self::GiveUp { session, .. } => *session,
            Self::Reclaimed { to, .. } => *to,
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Self::Remember { claim, session, record } => {
                out.byte(0);
                claim.write(out);
                out.session(*session);
                record.write(out);
            }
            Self::Forget { claim, session } => {
                out.byte(1);
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
        }
    }

    pub(crate) fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(match fields.byte()? {
            0 => Self::Remember {
                claim: Claim::read(fields)?,
                session: fields.session()?,
                record: Box::new(Record::read(fields)?),
            },
            1 => Self::Forget { claim: Claim::read(fields)?, session: fields.session()? },
            2 => Self::Reclaim(Reclaim::read(fields)?),
            3 => Self::GiveUp { session: fields.session()?, reclaim: Reclaim::read(fields)? },
            4 => Self::Reclaimed {
                to: fields.session()?,
                claim: Claim::read(fields)?,
                record: fields.option(Record::read)?.map(Box::new),
            },
            _ => return None,
        })
    }
}

impl Claim {
    fn write(&self, out: &mut Writer) {
        out.session(self.began);
        out.byte(self.strand);
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(Self { began: fields.session()?, strand: fields.byte()? })
    }
}

impl Reclaim {
    fn write(&self, out: &mut Writer) {
        self.claim.write(out);
        out.session(self.session);
        out.byte(u8::from(self.is_ended));
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(Self { claim: Claim::read(fields)?, session: fields.session()?, is_ended: fields.byte()? != 0 })
    }
}

impl Record {
    fn write(&self, out: &mut Writer) {
        out.user(self.user.as_ref());
        self.journal.write(out);
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(Self { user: fields.user()?, journal: Journal::read(fields)? })
    }
}

impl Shard {
    /// Sends an errand on its way, to another node if the session is there.
    pub(crate) fn send_errand(&mut self, errand: Errand) {
        let to = errand.to();
        if to.node == self.settings.node {
            self.send_mail(to.shard, Mail::Errand(errand));
        } else {
            self.tunnels.send((to.node, to.shard), Envelope::Errand(errand));
        }
    }
}
