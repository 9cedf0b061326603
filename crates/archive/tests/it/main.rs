//! Documents and accounts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod document;
mod intake;
