//! Seeing what is asked of a store, and how long that takes.

use std::{fmt, sync::Arc, time::Duration};

use crate::Fault;

/// Sees what is asked of a store; see [`Store::watch`](crate::Store::watch).
pub trait Watch: Send + Sync + 'static {
    /// Time as it passes, from whatever point on.
    fn elapsed(&self) -> Duration;

    /// Something was asked, and took so long: until it was durable, if it was a change.
    fn done(&self, operation: Operation, took: Duration, failed: bool);
}

/// What is asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A change, of which all or nothing happens.
    Commit,
    /// The value at a key.
    Get,
    /// How much there is between two keys.
    Measure,
    /// What there is between two keys.
    Scan,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Commit, Self::Get, Self::Measure, Self::Scan];

    /// Its name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Get => "get",
            Self::Measure => "measure",
            Self::Scan => "scan",
        }
    }
}

/// Something that has begun and is watched.
pub(crate) struct Watched {
    watch: Arc<dyn Watch>,
    operation: Operation,
    began: Duration,
}

impl Watched {
    pub(crate) fn begin(watch: &Arc<dyn Watch>, operation: Operation) -> Self {
        Self { watch: Arc::clone(watch), operation, began: watch.elapsed() }
    }

    pub(crate) fn end<T>(self, outcome: &Result<T, Fault>) {
        let took = self.watch.elapsed().saturating_sub(self.began);
        self.watch.done(self.operation, took, outcome.is_err());
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.operation).finish()
    }
}
