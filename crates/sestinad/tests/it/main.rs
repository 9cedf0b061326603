//! The real binary, over real sockets.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod client;
mod daemon;

mod accounts;
#[cfg(all(feature = "administration", any(feature = "redb", feature = "sled")))]
mod commands;
mod configuration;
#[cfg(any(feature = "redb", feature = "sled"))]
mod foreign;
#[cfg(any(feature = "redb", feature = "sled"))]
mod kept;
mod logging;
#[cfg(any(feature = "redb", feature = "sled"))]
mod moving;
mod plugins;
mod signals;
mod starting;
