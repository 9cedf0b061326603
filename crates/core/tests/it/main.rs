//! Whole servers in memory, in virtual time, as plugins and host programs see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cast;
mod log;

mod account_source;
mod accounts;
mod assembly;
mod beyond;
mod conflict;
mod delivery;
mod elements;
mod endings;
mod gate;
mod guests;
mod lifetime;
mod neighbours;
mod observe;
mod panics;
mod pipeline;
mod presence;
mod proof;
mod queues;
mod requests;
mod rules;
mod secrets;
mod services;
mod taps;
mod throttle;
mod transfer;
