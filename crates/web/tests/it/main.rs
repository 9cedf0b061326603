//! Sites as peers meet them: over sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod bosh;
mod client;
mod host_meta;
mod site;
mod stage;
mod websocket;
