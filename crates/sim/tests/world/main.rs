//! The pretend world, and what it has found out about the node in it.

mod moves;
mod oracle;
mod regressions;
mod scene;
mod seeds;
