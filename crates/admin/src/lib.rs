//! What operators see of a node and do with it: its health, its numbers and its API, over HTTP on an address of their own.
//!
//! Shards leave a snapshot of their numbers in [`Vitals`] about once a second and never wait for anybody; one thread
//! with a small runtime answers who asks. What messages hold passes through here and is not looked at.

pub mod metric;

mod api;
mod dashboard;
mod exposition;
mod hooks;
mod pages;
mod peers;
mod process;
mod recent;
mod service;
mod vitals;

pub use api::{Api, Instruct, Keep, Key, KeyError, Reply, Scope, Scopes, Shards};
pub use hooks::{Courier, HookSettings, Hooks, LastingHooks, Secret};
pub use metric::{Histogram, Kind, METRICS, Metric, Sample};
pub use service::{Service, serve};
pub use vitals::{Health, Stage, Vitals};
