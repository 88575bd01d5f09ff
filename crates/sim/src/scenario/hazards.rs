//! What may befall a node that keeps its rooms in a file, and its disk.

/// How often, of a thousand deeds, something befalls a node that keeps its rooms, or its disk.
#[derive(Clone, Copy, Debug)]
pub struct Hazards {
    /// The node is killed, and started again on its file.
    pub crashes: u32,
    /// The node takes its leave, and is started again on its file.
    pub leaves: u32,
    /// The disk does not answer for a while, or takes nothing more.
    pub disks: u32,
}
