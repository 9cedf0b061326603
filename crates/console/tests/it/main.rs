//! The console as those who use it meet it, and those who would abuse it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod cast;
mod commands;
mod follow;
mod look;
mod pages;
