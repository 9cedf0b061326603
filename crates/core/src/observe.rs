//! What can be seen of a server from outside of its plugins: figures, and no content.

use std::{sync::Arc, time::Duration};

use sestina_stanza::Kind;
use sestina_store::{Operation, Watch};

use crate::{Joint, Server, clock::Clock};

/// Sees what happens in a server, to count it: [`Settings::observer`](crate::Settings::observer).
///
/// It is called where things happen, by whichever thread that is, so it must neither wait nor panic.
/// Nothing that it is told names a person or an address, or was chosen by a stranger: all of it can be
/// a label. Where there is no observer, nothing is measured.
pub trait Observer: Send + Sync + 'static {
    /// Sees something.
    fn see(&self, seen: Seen<'_>);
}

impl<F: Fn(Seen<'_>) + Send + Sync + 'static> Observer for F {
    fn see(&self, seen: Seen<'_>) {
        self(seen);
    }
}

/// Something that has happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// Somebody has connected, over this transport.
    Connected {
        /// Such as `starttls`.
        over: &'static str,
    },
    /// That connection has gone; of each that has connected, once.
    Disconnected {
        /// The same as when it came.
        over: &'static str,
        /// Why, in one word: the name of a stream error, or `closed`, `lost`, `stalled`.
        why: &'static str,
    },
    /// TLS was agreed on, or was not.
    Handshake {
        /// How long that took.
        took: Duration,
        /// Whether there is TLS now.
        done: bool,
    },
    /// Somebody has tried to log in.
    LoggedIn {
        /// By which of the server's mechanisms; `unknown` where it is none of them.
        mechanism: &'a str,
        /// The condition of the failure, if it is one.
        failure: Option<&'static str>,
    },
    /// A login was put off by the brake on guessing, before anything was looked at.
    PutOff,
    /// A session was bound.
    SessionBegan,
    /// A session has ended.
    SessionEnded,
    /// A session's peer has sent a stanza.
    Received(Kind),
    /// A stanza was put into a session's queue.
    Queued(Kind),
    /// It is decided what becomes of a stanza; once for each way that a stanza goes.
    Decided {
        /// What it is.
        kind: Kind,
        /// What becomes of it.
        verdict: Verdict,
    },
    /// A request has met its handler.
    Requested {
        /// Whose handler it is.
        plugin: &'static str,
        /// How long it took.
        took: Duration,
        /// Whether the answer is an error.
        refused: bool,
    },
    /// Somebody went beyond a bound, and met what is said of it.
    Bounded {
        /// The bound, as the configuration of `sestinad` calls it.
        bound: &'static str,
    },
    /// Something was asked of the store.
    Stored {
        /// What.
        operation: Operation,
        /// How long it took; of a change, until it was durable.
        took: Duration,
        /// Whether the store has failed.
        failed: bool,
    },
    /// A plugin has panicked.
    Panicked {
        /// Which.
        plugin: &'static str,
        /// Where.
        joint: Joint,
    },
}

/// What becomes of a stanza, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// At least one session has it in its queue.
    Delivered,
    /// It is kept until somebody comes.
    Kept(&'static str),
    /// A plugin has taken charge of it.
    Claimed(&'static str),
    /// It was for the server, which sees to it.
    Handled,
    /// It was handed on to another server.
    HandedOn,
    /// The sender was told no: by a plugin, or by `core` where nobody takes it.
    Refused(&'static str),
    /// It was dropped without a word.
    Discarded(&'static str),
}

impl Verdict {
    /// Its name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Kept(_) => "kept",
            Self::Claimed(_) => "claimed",
            Self::Handled => "handled",
            Self::HandedOn => "handed-on",
            Self::Refused(_) => "refused",
            Self::Discarded(_) => "discarded",
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn by(self) -> &'static str {
        match self {
            Self::Kept(by) | Self::Claimed(by) | Self::Refused(by) | Self::Discarded(by) => by,
            Self::Delivered | Self::Handled | Self::HandedOn => crate::assembly::CORE,
        }
    }
}

impl Server {
    /// Tells the observer, if there is one. For what carries connections; the core tells of all else.
    #[inline]
    pub fn see(&self, seen: Seen<'_>) {
        if let Some(observer) = self.observer() {
            observer.see(seen);
        }
    }

    /// The time, for whoever measures how long something takes; only where somebody wants to know.
    #[must_use]
    pub fn stopwatch(&self) -> Option<Duration> {
        self.observer().map(|_| self.elapsed())
    }

    /// What has passed since the stopwatch was looked at.
    #[must_use]
    pub fn since(&self, began: Duration) -> Duration {
        self.elapsed().saturating_sub(began)
    }
}

/// What sees the store for an observer.
pub(crate) struct StoreWatch {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Watch for StoreWatch {
    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn done(&self, operation: Operation, took: Duration, failed: bool) {
        self.observer.see(Seen::Stored { operation, took, failed });
    }
}
