//! New epochs from a seed, unlike all others from the same seed, and foreseen by nobody who does not know it.

use crate::Epoch;

/// Epochs that nobody else gives.
#[derive(Debug)]
pub struct Epochs {
    seed: u64,
    given: u64,
}

impl Epochs {
    /// The seed differs for every start of a node, and for each of those who give epochs there.
    pub fn new(seed: u64) -> Self {
        Self { seed, given: 0 }
    }

    /// One that was not given before.
    pub fn fresh(&mut self) -> Epoch {
        self.given += 1;
        Epoch(mix(self.seed.wrapping_add(self.given.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }
}

/// The finaliser of SplitMix64: a bijection that leaves no pattern.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_epoch_of_a_seed_is_given_twice() {
        let mut epochs = Epochs::new(7);
        let given: HashSet<Epoch> = std::iter::repeat_with(|| epochs.fresh()).take(10_000).collect();
        assert_eq!(given.len(), 10_000);
    }

    #[test]
    fn epochs_are_those_of_the_published_generator() {
        // The first numbers of SplitMix64 from the seed 1234567.
        let mut epochs = Epochs::new(1_234_567);
        assert_eq!(epochs.fresh(), Epoch(6_457_827_717_110_365_317));
        assert_eq!(epochs.fresh(), Epoch(3_203_168_211_198_807_973));
    }
}
