//! The backplane of nodes that share a Redis, or several: the broker puts messages in order, one script a post, and keeps the newest.

pub(crate) mod broker;
#[cfg(test)]
mod chance;
pub(crate) mod machine;
mod service;

pub(crate) use service::open;
pub use service::{Condition, Inspection, check, inspect, shared_secret};
