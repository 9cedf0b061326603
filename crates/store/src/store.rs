//! The store and its spaces: what a server hands to its plugins.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;

use crate::{
    Backend, Batch, Blobs, Collection, Entry, Fault, Log, Measure, Operation, OwnedKey, Owner,
    Receipt, Record, Run, Scan, StoreError, Transaction, Watch, backend::DynBackend,
    key::after_prefix, lane::Lanes, watch::Watched,
};

/// How many entries one step of a purge, an export or a listing reads.
pub(crate) const PAGE: usize = 128;

/// A handle to everything a server keeps, over any [`Backend`]. Cloning is cheap.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

/// What all handles of one store share.
pub(crate) struct Shared {
    pub(crate) backend: Box<dyn DynBackend>,
    pub(crate) lanes: Lanes,
    watch: OnceLock<Arc<dyn Watch>>,
    /// Blobs being written, by space and name.
    uploads: Mutex<HashMap<(Arc<str>, String), Uploads>>,
}

/// Blobs of one name being written.
pub(crate) type Uploads = Arc<Mutex<HashSet<(Owner, u64)>>>;

impl Shared {
    fn begin(&self, operation: Operation) -> Option<Watched> {
        self.watch.get().map(|watch| Watched::begin(watch, operation))
    }

    /// Takes a transaction into the order of commits.
    pub(crate) async fn commit(&self, transaction: Transaction) -> Result<Receipt, Fault> {
        let watched = self.begin(Operation::Commit);
        let receipt = self.backend.commit(transaction).await;
        match (receipt, watched) {
            (Ok(receipt), watched) => Ok(receipt.watched(watched)),
            (refused, watched) => ended(watched, refused),
        }
    }

    pub(crate) fn uploads(&self, space: &Arc<str>, name: &str) -> Uploads {
        let mut uploads = self.uploads.lock();
        Arc::clone(uploads.entry((Arc::clone(space), name.to_owned())).or_default())
    }
}

impl Store {
    /// Makes a store that keeps its data in `backend`.
    pub fn new(backend: impl Backend) -> Self {
        Self(Arc::new(Shared {
            backend: Box::new(backend),
            lanes: Lanes::default(),
            watch: OnceLock::new(),
            uploads: Mutex::default(),
        }))
    }

    /// Returns the space of this name: a plugin's own, which nobody else writes.
    ///
    /// Nothing exists in the backend before something is written to it.
    pub fn space(&self, name: impl Into<Arc<str>>) -> Space {
        Space { shared: Arc::clone(&self.0), name: name.into() }
    }

    /// Has everything that is asked of this store from now on seen, by all handles. Says whether it
    /// is: there can be one watch.
    pub fn watch(&self, watch: Arc<dyn Watch>) -> bool {
        self.0.watch.set(watch).is_ok()
    }

    /// Names the spaces that were ever written to and not dropped since.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn spaces(&self) -> Result<Vec<String>, StoreError> {
        self.0.backend.spaces().await.map_err(|fault| StoreError::new("spaces", fault))
    }

    /// Removes a space and all that is in it, for good.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn drop_space(&self, name: &str) -> Result<(), StoreError> {
        let at = |fault| StoreError::at("drop_space", &name.into(), fault);
        self.0.backend.drop_space(name).await.map_err(at)
    }

    /// Removes everything `owner` has in any space; durable when it returns.
    ///
    /// A large owner is removed in several steps. After an error or a crash some of it may remain:
    /// call it again until it succeeds.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn purge_owner(&self, owner: &Owner) -> Result<(), StoreError> {
        for name in self.spaces().await? {
            self.space(name).purge(owner).await?;
        }
        Ok(())
    }

    /// Finishes what is under way, then lets go of the files; other handles find it closed.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.backend.close().await.map_err(|fault| StoreError::new("close", fault))
    }

    #[cfg(feature = "conformance")]
    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// A plugin's own part of a [`Store`]. Cloning is cheap.
///
/// Collections, logs and blobs of one space share its names: give each its own.
#[derive(Clone)]
pub struct Space {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: Arc<str>,
}

impl Space {
    /// Returns the name of the space.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the collection of this name.
    pub fn collection<K: OwnedKey, V: Record>(
        &self,
        name: impl Into<Arc<str>>,
    ) -> Collection<K, V> {
        Collection::new(self.clone(), name.into())
    }

    /// Returns the log of this name.
    pub fn log<V: Record>(&self, name: impl Into<Arc<str>>) -> Log<V> {
        Log::new(self.clone(), name.into())
    }

    /// Returns the blobs of this name.
    #[must_use]
    pub fn blobs(&self, name: &str) -> Blobs {
        Blobs::new(self.clone(), name)
    }

    /// Starts a batch of changes to `owner`'s records that happen together.
    pub fn batch<'a>(&self, owner: &Owner) -> Batch<'a> {
        Batch::new(self.clone(), owner.clone(), "batch")
    }

    /// Lists owners with something in this space, in order, from the one after `after` on.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn owners(
        &self,
        after: Option<&Owner>,
        limit: usize,
    ) -> Result<Vec<Owner>, StoreError> {
        let mut owners = Vec::new();
        let mut start = after.map_or_else(|| Some(bytes::Bytes::new()), after_owner);
        while let Some(from) = start.take().filter(|_| owners.len() < limit) {
            // Owners with few records come many to a page; past a large one we skip at once.
            let page = self.scan("owners", Scan::new(from, None, PAGE)).await?;
            for entry in &page {
                let corrupt = || self.error("owners", crate::ErrorKind::Corrupt).on(&entry.key);
                let (owner, _) = Owner::read(&entry.key).ok_or_else(corrupt)?;
                if owners.last() != Some(&owner) && owners.len() < limit {
                    owners.push(owner);
                }
            }
            start = owners.last().filter(|_| page.len() == PAGE).and_then(after_owner);
        }
        Ok(owners)
    }

    /// Removes everything `owner` has in this space; see [`Store::purge_owner`].
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn purge(&self, owner: &Owner) -> Result<(), StoreError> {
        let all = Run::prefix(&owner_prefix(owner));
        loop {
            let scan = Scan::new(all.start.clone(), all.end.clone(), PAGE);
            let page = self.scan("purge", scan).await?;
            let Some(last) = page.last() else { return Ok(()) };
            // Up to the last one of a page, or all if there is no other.
            let end = match page.len() == PAGE {
                true => Some([&last.key[..], &[0]].concat().into()),
                false => all.end.clone(),
            };
            let run = Run::new(all.start.clone(), end);
            let transaction = Transaction::new(Arc::clone(&self.name)).remove_run(run);
            self.commit("purge", transaction).await?;
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    pub(crate) fn error(&self, operation: &'static str, fault: impl Into<Fault>) -> StoreError {
        StoreError::at(operation, &self.name, fault.into())
    }

    pub(crate) async fn get(
        &self,
        operation: &'static str,
        key: &[u8],
    ) -> Result<Option<bytes::Bytes>, StoreError> {
        let watched = self.shared.begin(Operation::Get);
        let value = self.shared.backend.get(&self.name, key).await;
        ended(watched, value).map_err(|fault| self.error(operation, fault).on(key))
    }

    pub(crate) async fn scan(
        &self,
        operation: &'static str,
        scan: Scan,
    ) -> Result<Vec<Entry>, StoreError> {
        let watched = self.shared.begin(Operation::Scan);
        let entries = self.shared.backend.scan(&self.name, scan).await;
        ended(watched, entries).map_err(|fault| self.error(operation, fault))
    }

    pub(crate) async fn measure(
        &self,
        operation: &'static str,
        run: Run,
    ) -> Result<Measure, StoreError> {
        let watched = self.shared.begin(Operation::Measure);
        let measure = self.shared.backend.measure(&self.name, run).await;
        ended(watched, measure).map_err(|fault| self.error(operation, fault))
    }

    /// Commits a transaction without requirements.
    pub(crate) async fn commit(
        &self,
        operation: &'static str,
        transaction: Transaction,
    ) -> Result<(), StoreError> {
        let at = |fault| self.error(operation, fault);
        let receipt = self.shared.commit(transaction).await.map_err(at)?;
        let _ = receipt.await.map_err(at)?;
        Ok(())
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Space").field(&self.name).finish()
    }
}

fn ended<T>(watched: Option<Watched>, outcome: Result<T, Fault>) -> Result<T, Fault> {
    if let Some(watched) = watched {
        watched.end(&outcome);
    }
    outcome
}

/// What a key belongs to, after owner and name. The order matters to a purge cut short: a log's
/// entries go before its tail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Record = b'r' as isize,
    RecordCount = b's' as isize,
    LogEntry = b'u' as isize,
    LogTail = b'v' as isize,
}

pub(crate) fn owner_prefix(owner: &Owner) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(64);
    owner.write(&mut prefix);
    prefix
}

fn after_owner(owner: &Owner) -> Option<bytes::Bytes> {
    after_prefix(&owner_prefix(owner))
}

/// Starts the stored keys of one shape of one name of one owner.
pub(crate) fn stored_prefix(owner: &Owner, name: &str, shape: Shape) -> Vec<u8> {
    let mut prefix = owner_prefix(owner);
    crate::key::write_part(name.as_bytes(), &mut prefix);
    prefix.push(shape as u8);
    prefix
}
