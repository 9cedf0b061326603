#![doc = include_str!("../README.md")]

mod metrics;
mod recorder;
mod service;
mod sharded;
mod snapshot;

pub use self::{metrics::Metrics, service::Pages, snapshot::Snapshot};
