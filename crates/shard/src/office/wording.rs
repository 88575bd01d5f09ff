//! What is decreed, as fields of envelopes.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use access::{Offender, Penalty, RoomTerms, Ruling, RulingTerms, Subject};
use chat::Time;

use super::{Decree, Whose};
use crate::fields::{Reader, Writer};
use crate::moderation::RULINGS_TOLD;

impl Writer {
    pub(crate) fn decree(&mut self, decree: &Decree) {
        match decree {
            Decree::Disconnect(whose) => {
                self.byte(0);
                self.whose(whose);
            }
            Decree::Kick(room, whose) => {
                self.byte(1);
                self.room(room);
                self.whose(whose);
            }
            Decree::Rule(rulings) => {
                self.byte(2);
                self.number(rulings.len() as u64);
                rulings.iter().for_each(|ruling| self.ruling(ruling));
            }
        }
    }

    fn ruling(&mut self, ruling: &Ruling) {
        match &ruling.subject {
            Subject::Somebody(penalty, whom, room) => {
                self.byte(if *penalty == Penalty::Ban { 0 } else { 1 });
                self.offender(whom);
                self.option(room.as_ref(), Self::room);
            }
            Subject::Room(room) => {
                self.byte(2);
                self.room(room);
            }
        }
        match &ruling.terms {
            RulingTerms::Penalty { until, reason } => {
                self.byte(0);
                self.option(*until, |out, until| out.number(until.0));
                self.text(reason);
            }
            RulingTerms::Room(RoomTerms { is_closed, slow_ms }) => {
                self.byte(1);
                self.byte(u8::from(*is_closed));
                self.number(u64::from(*slow_ms));
            }
            RulingTerms::Lifted => self.byte(2),
        }
        self.number(ruling.since.0);
    }

    fn offender(&mut self, whom: &Offender) {
        match whom {
            Offender::User(user) => {
                self.byte(0);
                self.user(Some(user));
            }
            Offender::Address(address) => {
                self.byte(1);
                self.address(*address);
            }
        }
    }

    fn whose(&mut self, whose: &Whose) {
        match whose {
            Whose::Session(session) => {
                self.byte(0);
                self.session(*session);
            }
            Whose::User(user) => {
                self.byte(1);
                self.user(Some(user));
            }
            Whose::Address(address) => {
                self.byte(2);
                self.address(*address);
            }
            Whose::Room(room) => {
                self.byte(3);
                self.room(room);
            }
        }
    }

    fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.blob(&address.octets()),
            IpAddr::V6(address) => self.blob(&address.octets()),
        }
    }
}

impl Reader<'_> {
    pub(crate) fn decree(&mut self) -> Option<Decree> {
        match self.byte()? {
            0 => Some(Decree::Disconnect(self.whose()?)),
            1 => Some(Decree::Kick(self.room()?, self.whose()?)),
            2 => {
                let count = self.number_up_to(RULINGS_TOLD as u64)?;
                (0..count).map(|_| self.ruling()).collect::<Option<Vec<Ruling>>>().map(Decree::Rule)
            }
            _ => None,
        }
    }

    fn ruling(&mut self) -> Option<Ruling> {
        let subject = match self.byte()? {
            0 => Subject::Somebody(Penalty::Ban, self.offender()?, self.option(Self::room)?),
            1 => Subject::Somebody(Penalty::Mute, self.offender()?, self.option(Self::room)?),
            2 => Subject::Room(self.room()?),
            _ => return None,
        };
        let terms = match self.byte()? {
            0 => RulingTerms::Penalty {
                until: self.option(Self::number)?.map(Time),
                reason: self.text()?.into(),
            },
            1 => RulingTerms::Room(RoomTerms {
                is_closed: self.byte()? != 0,
                slow_ms: u32::try_from(self.number()?).ok()?,
            }),
            2 => RulingTerms::Lifted,
            _ => return None,
        };
        Some(Ruling { subject, terms, since: Time(self.number()?) })
    }

    fn offender(&mut self) -> Option<Offender> {
        match self.byte()? {
            0 => Some(Offender::User(self.user()??)),
            1 => Some(Offender::Address(self.address()?)),
            _ => None,
        }
    }

    fn whose(&mut self) -> Option<Whose> {
        Some(match self.byte()? {
            0 => Whose::Session(self.session()?),
            1 => Whose::User(self.user()??),
            2 => Whose::Address(self.address()?),
            3 => Whose::Room(self.room()?),
            _ => return None,
        })
    }

    fn address(&mut self) -> Option<IpAddr> {
        let octets = self.blob()?;
        match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
            (Ok(octets), _) => Some(Ipv4Addr::from(octets).into()),
            (_, Ok(octets)) => Some(Ipv6Addr::from(octets).into()),
            _ => None,
        }
    }
}
