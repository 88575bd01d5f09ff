//! The pretend world, and what it has found out about the node in it.

mod biddings;
mod clusters;
mod crowds;
mod drains;
mod houses;
mod limits;
mod moves;
mod oracle;
mod pollers;
mod prefaces;
mod recovery;
mod regressions;
mod replicas;
mod restarts;
mod returning;
mod scene;
mod seeds;
mod silence;
mod stock;
