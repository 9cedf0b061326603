//! The real binary, over real sockets.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[cfg(feature = "proxy65")]
mod bytestreams;
mod client;
mod daemon;

mod accounts;
#[cfg(all(feature = "anonymous", feature = "offline", feature = "vcard"))]
mod book;
#[cfg(feature = "chat")]
mod chat;
mod checking;
#[cfg(all(feature = "administration", any(feature = "redb", feature = "sled")))]
mod commands;
mod configuration;
#[cfg(all(feature = "console", any(feature = "redb", feature = "sled")))]
mod console;
#[cfg(any(feature = "redb", feature = "sled"))]
mod foreign;
#[cfg(all(feature = "version", any(feature = "redb", feature = "sled")))]
mod hosts;
#[cfg(any(feature = "redb", feature = "sled"))]
mod kept;
mod logging;
#[cfg(any(feature = "redb", feature = "sled"))]
mod moving;
#[cfg(all(
    feature = "address",
    feature = "amp",
    feature = "anonymous",
    feature = "blocking",
    feature = "browse",
    feature = "commands",
    feature = "compression",
    feature = "cram-md5",
    feature = "delay-legacy",
    feature = "digest-md5",
    feature = "directory",
    feature = "disco",
    feature = "draft-acks",
    feature = "filter",
    feature = "iq-auth",
    feature = "last",
    feature = "multibind",
    feature = "offline",
    feature = "ping",
    feature = "privacy",
    feature = "private",
    feature = "register",
    feature = "roster",
    feature = "roster-dynamic",
    feature = "software-info",
    feature = "stats",
    feature = "time",
    feature = "time-legacy",
    feature = "vacation",
    feature = "vcard",
    feature = "version",
))]
mod notes;
mod notifying;
mod plugins;
#[cfg(all(feature = "administration", feature = "version"))]
mod reloading;
mod signals;
mod starting;
#[cfg(feature = "web")]
mod web;
