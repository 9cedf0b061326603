//! A store that fails or hangs on command.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use sestina_store::{
    Backend, Entry, ErrorKind, Fault, Measure, Memory, Receipt, Run, Scan, Store, Transaction,
};
use tokio::sync::watch;

/// An in-memory store, and what makes it fail.
///
/// ```
/// use sestina_store::{ErrorKind, Owner};
/// use sestina_testkit::{Calls, faulty_store};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (store, faults) = faulty_store();
/// let notes = store.space("notes").collection::<(), String>("notes");
/// let juliet = Owner::account("juliet@capulet.example");
///
/// faults.on(Calls::Writes).within("notes").fail(ErrorKind::Full);
/// assert_eq!(notes.put(&juliet, &(), &"hm".into()).await.unwrap_err().kind(), ErrorKind::Full);
/// faults.mend();
/// notes.put(&juliet, &(), &"ah".into()).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn faulty_store() -> (Store, StoreFaults) {
    let (backend, faults) = FaultyBackend::new(Memory::default());
    (Store::new(backend), faults)
}

/// A backend around another, which does as its [`StoreFaults`] say.
#[derive(Debug)]
pub struct FaultyBackend<B> {
    inner: B,
    faults: StoreFaults,
}

impl<B: Backend> FaultyBackend<B> {
    /// Wraps a backend, without any faults yet.
    pub fn new(inner: B) -> (Self, StoreFaults) {
        let faults = StoreFaults(Arc::default());
        (Self { inner, faults: faults.clone() }, faults)
    }
}

/// Which calls a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Calls {
    /// Whatever is asked of the store.
    All,
    /// Reading records or the names of spaces.
    Reads,
    /// Changing anything.
    Writes,
}

/// The faults of one backend; clones speak of the same.
#[derive(Clone, Debug)]
pub struct StoreFaults(Arc<State>);

#[derive(Debug)]
struct State {
    rules: watch::Sender<Vec<Active>>,
    seen: Mutex<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self { rules: watch::Sender::new(Vec::new()), seen: Mutex::new(0) }
    }
}

#[derive(Clone, Debug)]
struct Active {
    calls: Calls,
    space: Option<String>,
    /// So many go well before.
    before: usize,
    left: Option<usize>,
    does: Does,
}

#[derive(Clone, Copy, Debug)]
enum Does {
    Fail(ErrorKind),
    Block,
}

/// A fault in the making.
#[must_use = "nothing fails until the rule says how"]
pub struct Rule<'a> {
    faults: &'a StoreFaults,
    rule: Active,
}

impl StoreFaults {
    /// Begins a fault of these calls; earlier faults go first.
    pub fn on(&self, calls: Calls) -> Rule<'_> {
        let rule = Active { calls, space: None, before: 0, left: None, does: Does::Block };
        Rule { faults: self, rule }
    }

    /// Ends all faults; calls that were blocked go on.
    pub fn mend(&self) {
        self.0.rules.send_modify(Vec::clear);
    }

    /// How many calls the backend has seen so far, those that failed included.
    #[must_use]
    pub fn calls(&self) -> usize {
        *self.0.seen.lock()
    }

    async fn meet(&self, calls: Calls, space: Option<&str>) -> Result<(), Fault> {
        *self.0.seen.lock() += 1;
        let mut found = None;
        self.0.rules.send_if_modified(|rules| {
            let of = |rule: &Active| {
                (rule.calls == Calls::All || rule.calls == calls)
                    && (rule.space.is_none() || rule.space.as_deref() == space)
                    && rule.left != Some(0)
            };
            for rule in rules.iter_mut().filter(|rule| of(rule)) {
                if rule.before > 0 {
                    rule.before -= 1;
                    continue;
                }
                rule.left = rule.left.map(|left| left - 1);
                found = Some(rule.does);
                break;
            }
            false
        });
        match found {
            None => Ok(()),
            Some(Does::Fail(kind)) => Err(Fault::new(kind, "on command")),
            Some(Does::Block) => {
                let mut rules = self.0.rules.subscribe();
                // The sender lives as long as the borrow of `self`.
                let _mended = rules.wait_for(Vec::is_empty).await;
                Ok(())
            }
        }
    }
}

impl Rule<'_> {
    /// Only in one space, which a plugin's name is.
    pub fn within(mut self, space: &str) -> Self {
        self.rule.space = Some(space.to_owned());
        self
    }

    /// Only so often, from now on.
    pub fn times(mut self, times: usize) -> Self {
        self.rule.left = Some(times);
        self
    }

    /// Only after so many such calls, from now on.
    pub fn after(mut self, calls: usize) -> Self {
        self.rule.before = calls;
        self
    }

    /// Such calls fail.
    pub fn fail(mut self, kind: ErrorKind) {
        self.rule.does = Does::Fail(kind);
        self.enact();
    }

    /// Such calls wait until the faults are [mended](StoreFaults::mend).
    pub fn block(mut self) {
        self.rule.does = Does::Block;
        self.enact();
    }

    fn enact(self) {
        self.faults.0.rules.send_modify(|rules| rules.push(self.rule));
    }
}

impl fmt::Debug for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl<B: Backend> Backend for FaultyBackend<B> {
    async fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.faults.meet(Calls::Reads, Some(space)).await?;
        self.inner.get(space, key).await
    }

    async fn scan(&self, space: &str, scan: Scan) -> Result<Vec<Entry>, Fault> {
        self.faults.meet(Calls::Reads, Some(space)).await?;
        self.inner.scan(space, scan).await
    }

    async fn measure(&self, space: &str, run: Run) -> Result<Measure, Fault> {
        self.faults.meet(Calls::Reads, Some(space)).await?;
        self.inner.measure(space, run).await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Receipt, Fault> {
        self.faults.meet(Calls::Writes, Some(&transaction.space)).await?;
        self.inner.commit(transaction).await
    }

    async fn spaces(&self) -> Result<Vec<String>, Fault> {
        self.faults.meet(Calls::Reads, None).await?;
        self.inner.spaces().await
    }

    async fn drop_space(&self, space: &str) -> Result<(), Fault> {
        self.faults.meet(Calls::Writes, Some(space)).await?;
        self.inner.drop_space(space).await
    }

    async fn close(&self) -> Result<(), Fault> {
        self.inner.close().await
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Context};

    use sestina_store::Owner;

    use super::*;

    fn read(store: &Store) -> impl Future<Output = Result<Option<String>, ErrorKind>> {
        let notes = store.space("notes").collection::<(), String>("notes");
        async move { notes.get(&Owner::server(), &()).await.map_err(|error| error.kind()) }
    }

    #[tokio::test]
    async fn a_fault_is_about_its_calls_its_space_and_its_count() {
        let (store, faults) = faulty_store();
        faults.on(Calls::Writes).fail(ErrorKind::Io);
        faults.on(Calls::Reads).within("other").fail(ErrorKind::Io);
        assert_eq!(read(&store).await, Ok(None));
        faults.on(Calls::All).within("notes").times(2).fail(ErrorKind::Corrupt);
        assert_eq!(read(&store).await, Err(ErrorKind::Corrupt));
        assert_eq!(read(&store).await, Err(ErrorKind::Corrupt));
        assert_eq!(read(&store).await, Ok(None));
        assert_eq!(faults.calls(), 4);
        faults.on(Calls::Reads).after(1).times(1).fail(ErrorKind::Io);
        assert_eq!(read(&store).await, Ok(None));
        assert_eq!(read(&store).await, Err(ErrorKind::Io));
        assert_eq!(read(&store).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_blocked_goes_on_when_mended() {
        let (store, faults) = faulty_store();
        faults.on(Calls::Reads).block();
        let mut blocked = pin!(read(&store));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(blocked.as_mut().poll(&mut cx).is_pending());
        faults.mend();
        assert_eq!(blocked.await, Ok(None));
    }
}
