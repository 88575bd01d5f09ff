//! What befell a cluster, as far as it excuses what clients are told.

use crate::cluster::{Fault, Memory};

/// What befell the cluster since all was quiet last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Nodes and broker could not reach each other. Nothing is lost.
    Cut,
    /// A replica may have taken the broker's place: what that had accepted last may be lost.
    Loss,
    /// A broker may have forgotten everything.
    Oblivion,
}

impl Trouble {
    /// What can come of a fault.
    pub fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Drain { .. } | Fault::Heal => Self::None,
            Fault::Restart { memory: Memory::None, .. } => Self::Oblivion,
            Fault::Restart { .. } | Fault::Split { .. } | Fault::Crash { .. } => Self::Loss,
            // A node that ends while its disk takes nothing has ended as if it was killed.
            Fault::Stall { .. } | Fault::Fill { .. } => Self::Loss,
            _ => Self::Cut,
        }
    }
}
