//! Who asks, beyond the single session: the user that several sessions are of, and the address that they come from. What they may do together
//! is counted on each shard by itself; what is not done is forgotten after a while, and so is who does nothing.

use core::hash::Hash;
use core::net::IpAddr;

use chat::UserId;
use hashbrown::HashMap;

use crate::bucket::Bucket;
use crate::{Now, ShardId};

/// What is not taken from for so long is forgotten: longer than any burst.
const AGE_MS: u64 = 120_000;
/// Of more than twice so many the longest forgotten begin anew.
const BUCKETS_MAX: usize = 100_000;

/// Where somebody comes from: an address of IPv4, or the first half of one of IPv6, since who has one address has all that begin so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(u64);

/// What users and addresses have done on a shard.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    pub(crate) of_users: Buckets<UserId>,
    pub(crate) of_sources: Buckets<Source>,
}

/// Buckets by whom they are for, those that were taken from lately.
#[derive(Debug)]
pub(crate) struct Buckets<Key> {
    young: HashMap<Key, Bucket>,
    old: HashMap<Key, Bucket>,
    turned_ms: u64,
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            IpAddr::V6(address) => Self((address.to_bits() >> 64) as u64),
        }
    }
}

impl Source {
    /// Which of so many shards counts its sessions.
    pub(crate) fn shard(self, shards: u16) -> ShardId {
        let hash = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ShardId((hash % u64::from(shards)) as u16)
    }
}

impl<Key: Hash + Eq + Clone> Buckets<Key> {
    /// The bucket of somebody.
    pub(crate) fn of(&mut self, key: &Key, now: Now) -> &mut Bucket {
        if now.monotonic_ms - self.turned_ms > AGE_MS || self.young.len() >= BUCKETS_MAX {
            self.old = std::mem::take(&mut self.young);
            self.turned_ms = now.monotonic_ms;
        }
        if !self.young.contains_key(key) {
            self.young.insert(key.clone(), self.old.remove(key).unwrap_or_default());
        }
        self.young.get_mut(key).expect("it is put in where it was not")
    }

    /// How many there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

impl<Key> Default for Buckets<Key> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), turned_ms: 0 }
    }
}

#[cfg(test)]
mod tests {
    use chat::Time;

    use super::*;
    use crate::Rate;

    fn at(monotonic_ms: u64) -> Now {
        Now { monotonic_ms, wall: Time(0) }
    }

    fn source(address: &str) -> Source {
        Source::from(address.parse::<IpAddr>().expect("an address"))
    }

    #[test]
    fn who_has_half_an_address_of_ipv6_is_one() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
        assert_ne!(source("10.0.0.2"), source("10.0.0.1"));
    }

    #[test]
    fn a_bucket_is_kept_while_it_counts_and_not_for_ever() {
        let (mut buckets, rate) = (Buckets::default(), Rate::per_second(1, 60));
        (0..60).for_each(|_| buckets.of(&7, at(1000)).take(rate, at(1000)));
        for ms in [1000, 30_000, 31_000, 60_000] {
            assert_eq!(buckets.of(&7, at(ms)).wait_ms(rate, at(ms)) == 0, ms > 1000, "{ms}");
            buckets.of(&ms, at(ms));
        }
        assert_eq!(buckets.len(), 5);
        buckets.of(&8, at(200_000));
        buckets.of(&8, at(400_000));
        assert_eq!(buckets.len(), 1);
    }

    #[test]
    fn there_are_never_more_buckets_than_may_be() {
        let mut buckets = Buckets::default();
        (0..5 * BUCKETS_MAX).for_each(|key| _ = buckets.of(&key, at(1)));
        assert!(buckets.len() <= 2 * BUCKETS_MAX);
    }
}
