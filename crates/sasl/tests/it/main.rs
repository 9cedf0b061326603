//! Whole authentications, driven as a server drives them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "sasl-adapter")]
mod adapter;
mod client;
mod corpus;
mod failures;
mod interop;
mod mechanisms;
mod properties;
mod server;
mod tokens;
mod uniformity;
