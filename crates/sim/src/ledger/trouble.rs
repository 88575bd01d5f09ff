//! What befell a cluster, as far as it excuses what clients are told.

/// What befell the cluster since all was quiet last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Nodes and broker could not reach each other. Nothing is lost.
    Cut,
    /// What a broker had accepted may be lost.
    Loss,
}
