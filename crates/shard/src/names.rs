//! Names of sessions: where a session is, and the proof that a node of this cluster gave the name out.

use gateways::SessionName;
use sha1::{Digest as _, Sha1};

use crate::SessionKey;

/// Gives names out and reads them. Equal on every shard of every node. The first bytes of a name say where the session is, the rest is the
/// proof: 80 bits.
pub(crate) struct Names {
    secret: [u8; 16],
}

impl Names {
    pub(crate) fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    pub(crate) fn of(&self, key: SessionKey) -> SessionName {
        let mut name = [0; SessionName::BYTES];
        let (place, proof) = name.split_at_mut(SessionKey::BYTES);
        place.copy_from_slice(&key.to_bytes());
        // What is hashed is always equally long, and the end of the hash is never told: nothing can be appended to it.
        let hash = Sha1::new().chain_update(self.secret).chain_update(&*place).finalize();
        proof.copy_from_slice(&hash[..SessionName::BYTES - SessionKey::BYTES]);
        SessionName(name)
    }

    /// The session that a name was given to; `None`: by somebody else.
    pub(crate) fn read(&self, name: SessionName) -> Option<SessionKey> {
        let key = SessionKey::from_bytes(*name.0.first_chunk()?);
        is_equal(&self.of(key), &name).then_some(key)
    }
}

/// How long it takes tells nothing of how much of a name is right.
fn is_equal(ours: &SessionName, theirs: &SessionName) -> bool {
    ours.0.iter().zip(theirs.0).fold(0, |all, (ours, theirs)| all | (ours ^ theirs)) == 0
}

#[cfg(test)]
mod tests {
    use backplanes::NodeId;

    use super::*;
    use crate::ShardId;

    const KEY: SessionKey =
        SessionKey { node: NodeId(0xC0FF_EE00), shard: ShardId(3), slot: 70_000, generation: 9 };

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
    fn another_cluster_gives_other_names() {
        assert_eq!(Names::new([7; 16]).read(Names::new([8; 16]).of(KEY)), None);
    }
}
