//! The items of MessagePack, one after the other ("Formats" in its specification).

use super::super::fault::Fault;

/// One item; of arrays and maps only how long they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Nil,
    Boolean(bool),
    Unsigned(u64),
    /// Less than zero, unless its writer took more bytes than it had to.
    Signed(i64),
    Float(f64),
    String(&'a str),
    Binary(&'a [u8]),
    /// So many items follow.
    Array(u64),
    /// So many names and items follow.
    Map(u64),
    /// What notepack.io makes of JavaScript's `undefined`.
    Undefined,
    /// A timestamp, or what notepack.io once made of a date: milliseconds since 1970.
    Date(i64),
}

/// The type of the extension that is a timestamp ("Timestamp extension type"): -1.
const TIMESTAMP: u8 = 0xFF;

/// Where a timestamp 64 has its seconds.
const SECONDS_BITS: u64 = (1 << 34) - 1;

/// Reads items, borrowed from the bytes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn item(&mut self) -> Result<Item<'a>, Fault> {
        let first = self.take(1)?[0];
        match first {
            0x00..=0x7F => Ok(Item::Unsigned(first.into())),
            0x80..=0x8F => Ok(Item::Map(u64::from(first & 0x0F))),
            0x90..=0x9F => Ok(Item::Array(u64::from(first & 0x0F))),
            0xA0..=0xBF => self.string(u64::from(first & 0x1F)),
            0xC0 => Ok(Item::Nil),
            0xC2 | 0xC3 => Ok(Item::Boolean(first == 0xC3)),
            0xC4..=0xC6 => self.number(1 << (first - 0xC4)).and_then(|size| self.binary(size)),
            0xC7..=0xC9 => self.number(1 << (first - 0xC7)).and_then(|size| self.sized_extension(size)),
            0xCA => Ok(Item::Float(f32::from_bits(self.number(4)? as u32).into())),
            0xCB => Ok(Item::Float(f64::from_bits(self.number(8)?))),
            0xCC..=0xCF => self.number(1 << (first - 0xCC)).map(Item::Unsigned),
            0xD0..=0xD3 => self.signed(1 << (first - 0xD0)).map(Item::Signed),
            0xD4..=0xD8 => self.extension(1 << (first - 0xD4)),
            0xD9..=0xDB => self.number(1 << (first - 0xD9)).and_then(|size| self.string(size)),
            0xDC | 0xDD => self.number(2 << (first - 0xDC)).map(Item::Array),
            0xDE | 0xDF => self.number(2 << (first - 0xDE)).map(Item::Map),
            0xE0..=0xFF => Ok(Item::Signed(i64::from(first as i8))),
            0xC1 => Err(Fault::Msgpack),
        }
    }

    fn take(&mut self, size: u64) -> Result<&'a [u8], Fault> {
        let size = usize::try_from(size).map_err(|_| Fault::Msgpack)?;
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(Fault::Msgpack)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of so many bytes, at most eight, the highest first.
    fn number(&mut self, size: u64) -> Result<u64, Fault> {
        Ok(self.take(size)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn signed(&mut self, size: u64) -> Result<i64, Fault> {
        let unused_bits = 64 - 8 * size;
        Ok((self.number(size)? << unused_bits) as i64 >> unused_bits)
    }

    fn string(&mut self, size: u64) -> Result<Item<'a>, Fault> {
        simdutf8::basic::from_utf8(self.take(size)?).map(Item::String).map_err(|_| Fault::Msgpack)
    }

    fn binary(&mut self, size: u64) -> Result<Item<'a>, Fault> {
        self.take(size).map(Item::Binary)
    }

    /// notepack.io writes an `ArrayBuffer` as an extension of type 0. A timestamp 96 has nanoseconds and seconds.
    fn sized_extension(&mut self, size: u64) -> Result<Item<'a>, Fault> {
        match (self.take(1)?, size) {
            ([0], _) => self.binary(size),
            ([TIMESTAMP], 12) => {
                let nanoseconds = self.number(4)?;
                timestamp(self.signed(8)?, nanoseconds)
            }
            _ => Err(Fault::Msgpack),
        }
    }

    /// notepack.io writes `undefined` as an extension of type 0 of one byte; its second edition wrote dates so, of eight. Timestamp 32 has
    /// seconds, timestamp 64 has nanoseconds in its upper 30 bits and seconds in the others.
    fn extension(&mut self, size: u64) -> Result<Item<'a>, Fault> {
        match (self.take(1)?, size) {
            ([0], 1) => self.take(1).map(|_| Item::Undefined),
            ([0], 8) => self.signed(8).map(Item::Date),
            ([TIMESTAMP], 4) => timestamp(self.number(4)? as i64, 0),
            ([TIMESTAMP], 8) => {
                let number = self.number(8)?;
                timestamp((number & SECONDS_BITS) as i64, number >> SECONDS_BITS.count_ones())
            }
            _ => Err(Fault::Msgpack),
        }
    }
}

/// Whole milliseconds, the parts of one left out as JavaScript does.
fn timestamp(seconds: i64, nanoseconds: u64) -> Result<Item<'static>, Fault> {
    if nanoseconds >= 1_000_000_000 {
        return Err(Fault::Msgpack);
    }
    let whole = seconds.checked_mul(1000).and_then(|ms| ms.checked_add((nanoseconds / 1_000_000) as i64));
    whole.map(Item::Date).ok_or(Fault::Msgpack)
}
