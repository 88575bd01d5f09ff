//! What is decreed, as fields of envelopes.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Decree, Whose};
use crate::fields::{Reader, Writer};

impl Writer {
    pub(crate) fn decree(&mut self, decree: &Decree) {
        match decree {
            Decree::Disconnect(whose) => {
                self.byte(0);
                self.whose(whose);
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
