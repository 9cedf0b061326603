//! What a backend implements: ordered bytes in named spaces, changed by conditional transactions.

use std::{
    future::Future,
    ops::Bound,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{ErrorKind, Fault, watch::Watched};

/// An ordered key-value store with named spaces: all that is asked of a database.
///
/// A space comes into being with its first write and lasts until it is dropped. Keys order as
/// bytes. An engine whose calls block implements [`Engine`](crate::Engine) instead and is carried
/// by [`Threaded`](crate::Threaded).
///
/// # Durability
///
/// A [`Receipt`] says `Committed` only when the transaction survives a loss of power.
///
/// # Ordering
///
/// [`commit`](Self::commit) resolves when the transaction has its place: whatever is committed
/// after that is judged and applied after it. The receipt resolves later, when it is durable.
///
/// # Cancel safety
///
/// A dropped future leaves its transaction either wholly undone or wholly done.
pub trait Backend: Send + Sync + 'static {
    /// Reads the value at `key`.
    fn get(
        &self,
        space: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<Bytes>, Fault>> + Send;

    /// Reads a run of entries in order.
    fn scan(
        &self,
        space: &str,
        scan: Scan,
    ) -> impl Future<Output = Result<Vec<Entry>, Fault>> + Send;

    /// Says how much lies in a run, without handing it over.
    fn measure(&self, space: &str, run: Run)
    -> impl Future<Output = Result<Measure, Fault>> + Send;

    /// Takes a transaction into the order of commits.
    fn commit(
        &self,
        transaction: Transaction,
    ) -> impl Future<Output = Result<Receipt, Fault>> + Send;

    /// Names the spaces that exist, in order.
    fn spaces(&self) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// Removes a space with everything in it; durable when it returns.
    fn drop_space(&self, space: &str) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Finishes what was accepted, then lets go of the files; later calls are refused with
    /// [`ErrorKind::Closed`].
    fn close(&self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// One stored key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair stays a pair")]
pub struct Entry {
    /// The whole key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
}

/// Which way a scan reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a line has two directions")]
pub enum Direction {
    /// From the end down.
    Backward,
    /// From the start up.
    #[default]
    Forward,
}

/// A run of keys to read: `start` included, `end` excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scan {
    /// The first key that may be returned.
    pub start: Bytes,
    /// The first key that may not be returned; without it the run is open.
    pub end: Option<Bytes>,
    /// How many entries at most.
    pub limit: usize,
    /// From which end to read.
    pub direction: Direction,
}

impl Scan {
    /// Reads up to `limit` entries between `start` and `end`, upward.
    pub fn new(start: impl Into<Bytes>, end: Option<Bytes>, limit: usize) -> Self {
        Self { start: start.into(), end, limit, direction: Direction::Forward }
    }

    /// Reads up to `limit` entries whose keys start with `prefix`, upward.
    #[must_use]
    pub fn prefix(prefix: &[u8], limit: usize) -> Self {
        Self::new(prefix.to_vec(), crate::key::after_prefix(prefix), limit)
    }

    /// Reads from the chosen end.
    #[must_use]
    pub fn direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// Says whether there is nothing to read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limit == 0 || self.run().is_empty()
    }

    /// Returns the run that is read from.
    #[must_use]
    pub fn run(&self) -> Run {
        Run { start: self.start.clone(), end: self.end.clone() }
    }
}

/// A run of keys: `start` included, `end` excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a run has two ends")]
pub struct Run {
    /// The first key of the run.
    pub start: Bytes,
    /// The first key after it; without it the run is open.
    pub end: Option<Bytes>,
}

impl Run {
    /// Makes a run of the keys from `start` on and before `end`.
    pub fn new(start: impl Into<Bytes>, end: Option<Bytes>) -> Self {
        Self { start: start.into(), end }
    }

    /// Makes a run of the keys that start with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self::new(prefix.to_vec(), crate::key::after_prefix(prefix))
    }

    /// Says whether no key can lie in the run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Both ends, as ordered maps take them.
    #[must_use]
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let end = self.end.as_ref().map_or(Bound::Unbounded, |end| Bound::Excluded(&end[..]));
        (Bound::Included(&self.start[..]), end)
    }
}

/// How much lies in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "entries have a number and a size")]
pub struct Measure {
    /// Entries.
    pub entries: u64,
    /// Bytes of their values.
    pub bytes: u64,
}

impl Measure {
    /// Counts one more entry, with a value of so many bytes.
    pub fn add(&mut self, value: usize) {
        self.entries += 1;
        self.bytes += value as u64;
    }
}

/// Changes to one space that happen together, if the space is as required.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// The space read and written.
    pub space: Arc<str>,
    /// What must hold when the transaction's turn comes.
    pub requires: Vec<Require>,
    /// What is then written, in order.
    pub writes: Vec<Write>,
}

impl Transaction {
    /// Starts a transaction that requires and writes nothing.
    pub fn new(space: impl Into<Arc<str>>) -> Self {
        Self { space: space.into(), ..Self::default() }
    }

    /// Requires `key` to hold exactly `value`, or to be absent.
    #[must_use]
    pub fn require(mut self, key: impl Into<Bytes>, value: Option<Bytes>) -> Self {
        self.requires.push(Require { key: key.into(), value });
        self
    }

    /// Stores `value` at `key`.
    #[must_use]
    pub fn put(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Put { key: key.into(), value: value.into() });
        self
    }

    /// Removes `key`.
    #[must_use]
    pub fn remove(mut self, key: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Remove { key: key.into() });
        self
    }

    /// Removes every key in `run`.
    #[must_use]
    pub fn remove_run(mut self, run: Run) -> Self {
        self.writes.push(Write::RemoveRun(run));
        self
    }

    /// Says whether there is anything in it that a space comes into being by.
    #[must_use]
    pub fn puts(&self) -> bool {
        self.writes.iter().any(|write| matches!(write, Write::Put { .. }))
    }

    /// Counts the bytes this transaction writes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |write: &Write| match write {
            Write::Put { key, value } => key.len() + value.len(),
            Write::Remove { key } => key.len(),
            Write::RemoveRun(run) => run.start.len() + run.end.as_ref().map_or(0, Bytes::len),
        };
        self.writes.iter().map(size).sum()
    }
}

/// A condition of a [`Transaction`]: a key and the value it must hold, none meaning absent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "compare-and-set needs no more")]
pub struct Require {
    /// The key that is looked at.
    pub key: Bytes,
    /// The bytes that must be there.
    pub value: Option<Bytes>,
}

/// A change of a [`Transaction`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a backend has to carry out every kind")]
pub enum Write {
    /// A key has this value then, whatever it had.
    Put {
        /// The key.
        key: Bytes,
        /// The bytes that will be there.
        value: Bytes,
    },
    /// A key is not there then.
    Remove {
        /// The key.
        key: Bytes,
    },
    /// No key of this run is there then.
    RemoveRun(Run),
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "anything else is a fault")]
#[must_use]
pub enum Outcome {
    /// It was applied and is durable.
    Committed,
    /// A requirement did not hold; nothing was applied.
    Conflict,
}

/// A promise to say what became of an accepted transaction.
#[derive(Debug)]
#[must_use = "a transaction is durable only when its receipt says so"]
pub struct Receipt {
    inner: Inner,
    watched: Option<Watched>,
}

#[derive(Debug)]
enum Inner {
    Ready(Option<Outcome>),
    Waiting(oneshot::Receiver<Result<Outcome, Fault>>),
}

impl Receipt {
    /// Makes a receipt for a transaction that is already decided and durable.
    pub fn ready(outcome: Outcome) -> Self {
        Self { inner: Inner::Ready(Some(outcome)), watched: None }
    }

    /// Makes a receipt that resolves when its [`Acknowledgement`] is given.
    pub fn channel() -> (Acknowledgement, Self) {
        let (send, receive) = oneshot::channel();
        (Acknowledgement(send), Self { inner: Inner::Waiting(receive), watched: None })
    }
}

impl Receipt {
    pub(crate) fn watched(self, watched: Option<Watched>) -> Self {
        Self { watched, ..self }
    }
}

impl Future for Receipt {
    type Output = Result<Outcome, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.inner {
            Inner::Ready(outcome) => {
                Ok(outcome.take().expect("a future is not polled after it resolved"))
            }
            Inner::Waiting(receive) => match ready!(Pin::new(receive).poll(cx)) {
                Ok(outcome) => outcome,
                Err(_) => Err(ErrorKind::Closed.into()),
            },
        };
        if let Some(watched) = self.watched.take() {
            watched.end(&outcome);
        }
        Poll::Ready(outcome)
    }
}

/// The other end of a [`Receipt`]; dropped, it reports the store as closed.
#[derive(Debug)]
pub struct Acknowledgement(oneshot::Sender<Result<Outcome, Fault>>);

impl Acknowledgement {
    /// Tells whoever still waits what became of the transaction.
    pub fn give(self, outcome: Result<Outcome, Fault>) {
        // Nobody waiting is no concern of the transaction's.
        let _ = self.0.send(outcome);
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// The object-safe twin: one box per call is what a store handle over any backend costs.
pub(crate) trait DynBackend: Send + Sync + 'static {
    fn get<'a>(&'a self, space: &'a str, key: &'a [u8]) -> Boxed<'a, Option<Bytes>>;
    fn scan<'a>(&'a self, space: &'a str, scan: Scan) -> Boxed<'a, Vec<Entry>>;
    fn measure<'a>(&'a self, space: &'a str, run: Run) -> Boxed<'a, Measure>;
    fn commit(&self, transaction: Transaction) -> Boxed<'_, Receipt>;
    fn spaces(&self) -> Boxed<'_, Vec<String>>;
    fn drop_space<'a>(&'a self, space: &'a str) -> Boxed<'a, ()>;
    fn close(&self) -> Boxed<'_, ()>;
}

impl<B: Backend> DynBackend for B {
    fn get<'a>(&'a self, space: &'a str, key: &'a [u8]) -> Boxed<'a, Option<Bytes>> {
        Box::pin(Backend::get(self, space, key))
    }

    fn scan<'a>(&'a self, space: &'a str, scan: Scan) -> Boxed<'a, Vec<Entry>> {
        Box::pin(Backend::scan(self, space, scan))
    }

    fn measure<'a>(&'a self, space: &'a str, run: Run) -> Boxed<'a, Measure> {
        Box::pin(Backend::measure(self, space, run))
    }

    fn commit(&self, transaction: Transaction) -> Boxed<'_, Receipt> {
        Box::pin(Backend::commit(self, transaction))
    }

    fn spaces(&self) -> Boxed<'_, Vec<String>> {
        Box::pin(Backend::spaces(self))
    }

    fn drop_space<'a>(&'a self, space: &'a str) -> Boxed<'a, ()> {
        Box::pin(Backend::drop_space(self, space))
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(Backend::close(self))
    }
}
