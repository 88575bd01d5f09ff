//! What can befall a cluster.

use std::fmt;

use backplanes::brokered::Line;

/// What befalls a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A connection of the node at a site to the broker breaks.
    Cut {
        /// The site.
        site: usize,
        /// Which connection.
        line: Line,
    },
    /// A connection carries nothing any more, and nobody is told.
    Deaden {
        /// The site.
        site: usize,
        /// Which connection.
        line: Line,
    },
    /// Nothing passes between the node at a site and the broker for so many milliseconds.
    Part {
        /// The site.
        site: usize,
        /// For how long.
        ms: u64,
    },
    /// The broker ends and is back, or another one stands in its place, after so many milliseconds.
    Restart {
        /// What it remembers.
        memory: Memory,
        /// After how long.
        ms: u64,
    },
    /// A replica takes the broker's place, which does not know: nodes at the site still reach it, and it goes on accepting for so many
    /// milliseconds. Then that is gone.
    Split {
        /// The site.
        site: usize,
        /// For how long.
        ms: u64,
    },
    /// Nothing reaches the replica for so many milliseconds.
    Lag {
        /// For how long.
        ms: u64,
    },
    /// The node at a site takes its leave, and another one is started there so many milliseconds after it is gone.
    Drain {
        /// The site.
        site: usize,
        /// After how long.
        ms: u64,
    },
    /// The node at a site ends without a word, and another one is started there after so many milliseconds.
    Kill {
        /// The site.
        site: usize,
        /// After how long.
        ms: u64,
    },
    /// The node that keeps its rooms in a file ends without a word, and another one is started on the file after so many milliseconds.
    Crash {
        /// After how long.
        ms: u64,
    },
    /// Its disk does nothing for so many milliseconds.
    Stall {
        /// For how long.
        ms: u64,
    },
    /// Its disk takes nothing more for so many milliseconds.
    Fill {
        /// For how long.
        ms: u64,
    },
    /// All that befell it is over, but for what has to be noticed yet.
    Heal,
}

/// What a broker remembers when it begins another life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Everything.
    All,
    /// Not the last of it.
    Some,
    /// Nothing.
    None,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { site, line } => write!(f, "cut the {} of node {site}", name(*line)),
            Self::Deaden { site, line } => write!(f, "deaden the {} of node {site}", name(*line)),
            Self::Part { site, ms } => write!(f, "part node {site} from the broker for {ms}ms"),
            Self::Restart { memory, ms } => write!(f, "the broker ends, and in {ms}ms remembers {memory:?}"),
            Self::Split { site, ms } => {
                write!(f, "a replica takes the broker's place, which node {site} goes on with for {ms}ms")
            }
            Self::Lag { ms } => write!(f, "nothing reaches the replica for {ms}ms"),
            Self::Drain { site, ms } => {
                write!(f, "node {site} takes its leave, and another starts {ms}ms later")
            }
            Self::Kill { site, ms } => write!(f, "kill node {site}, and start another in {ms}ms"),
            Self::Crash { ms } => write!(f, "kill the node, and start another on its file in {ms}ms"),
            Self::Stall { ms } => write!(f, "the disk does nothing for {ms}ms"),
            Self::Fill { ms } => write!(f, "the disk is full for {ms}ms"),
            Self::Heal => f.write_str("all is mended"),
        }
    }
}

fn name(line: Line) -> &'static str {
    match line {
        Line::Commands => "commands",
        Line::Listener => "listener",
    }
}
