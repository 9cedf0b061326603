//! Figures at a moment.

use std::time::Duration;

/// Figures at a moment, for whoever draws them: the difference of two by the time between them is a
/// rate. What is not there now has been counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Connections that are there.
    pub connections: u64,
    /// Sessions that are bound.
    pub sessions: u64,
    /// Stanzas that sessions have sent.
    pub received: u64,
    /// Messages among these.
    pub messages: u64,
    /// Stanzas put into the queues of sessions.
    pub queued: u64,
    /// Stanzas whose sender was told no.
    pub refused: u64,
    /// Stanzas dropped without a word.
    pub discarded: u64,
    /// Logins.
    pub logins: u64,
    /// Attempts to log in that failed.
    pub logins_failed: u64,
    /// Logins that the brake on guessing put off.
    pub logins_put_off: u64,
    /// Requests that met a handler.
    pub requests: u64,
    /// How long all of them have taken.
    pub request_time: Duration,
    /// How often somebody went beyond a bound.
    pub bounds: u64,
    /// Changes of the store.
    pub commits: u64,
    /// How long all of them have taken, until they were durable.
    pub commit_time: Duration,
    /// Panics of plugins.
    pub panics: u64,
}
