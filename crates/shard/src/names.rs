//! Names of sessions: where a session is, and the proof that this node gave the name out.

use gateways::SessionName;
use sha1::{Digest as _, Sha1};

use crate::{SessionKey, ShardId};

/// Bytes that say where the session is; the rest is the proof.
const PLACE_BYTES: usize = 10;

/// Gives names out and reads them. Equal on every shard of a node.
pub(crate) struct Names {
    secret: [u8; 16],
}

impl Names {
    pub(crate) fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    pub(crate) fn of(&self, key: SessionKey) -> SessionName {
        let mut name = [0; SessionName::BYTES];
        let (place, proof) = name.split_at_mut(PLACE_BYTES);
        place[..2].copy_from_slice(&key.shard.0.to_be_bytes());
        place[2..6].copy_from_slice(&key.slot.to_be_bytes());
        place[6..].copy_from_slice(&key.generation.to_be_bytes());
        // What is hashed is always equally long, and the end of the hash is never told: nothing can be appended to it.
        let hash = Sha1::new().chain_update(self.secret).chain_update(&*place).finalize();
        proof.copy_from_slice(&hash[..SessionName::BYTES - PLACE_BYTES]);
        SessionName(name)
    }

    /// The session that a name was given to; `None`: by somebody else.
    pub(crate) fn read(&self, name: SessionName) -> Option<SessionKey> {
        let (shard, rest) = name.0.split_first_chunk()?;
        let (slot, rest) = rest.split_first_chunk()?;
        let (generation, _) = rest.split_first_chunk()?;
        let key = SessionKey {
            shard: ShardId(u16::from_be_bytes(*shard)),
            slot: u32::from_be_bytes(*slot),
            generation: u32::from_be_bytes(*generation),
        };
        (self.of(key) == name).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SessionKey = SessionKey { shard: ShardId(3), slot: 70_000, generation: 9 };

    #[test]
    fn a_name_leads_back_to_its_session() {
        let names = Names::new([7; 16]);
        assert_eq!(names.read(names.of(KEY)), Some(KEY));
    }

    #[test]
    fn no_bit_of_a_name_can_be_changed() {
        let names = Names::new([7; 16]);
        for bit in 0..SessionName::BYTES * 8 {
            let mut name = names.of(KEY);
            name.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(names.read(name), None, "bit {bit}");
        }
    }

    #[test]
    fn another_start_of_the_node_gives_other_names() {
        assert_eq!(Names::new([7; 16]).read(Names::new([8; 16]).of(KEY)), None);
    }
}
