//! Negotiation as a client sees it: transcripts, each fed whole and byte by byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arbitrary;
mod authentication;
mod binding;
mod features;
mod legacy;
mod messages;
mod opening;
mod sasl2;
mod server;
mod starttls;
mod transcript;
