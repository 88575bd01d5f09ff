//! What operators see of a node: its health and its numbers, over HTTP on an address of their own.
//!
//! Shards leave a snapshot of their numbers in [`Vitals`] about once a second and never wait for anybody; one thread
//! with a small runtime answers who asks. This crate knows no message, no room's name and no user.

pub mod metric;

mod exposition;
mod process;
mod service;
mod vitals;

pub use metric::{Kind, METRICS, Metric, Sample};
pub use service::{Service, serve};
pub use vitals::{Stage, Standing, Vitals};
