//! Logs: what an owner receives, in order, under ids the store assigns.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Bound, RangeBounds},
    str::FromStr,
    sync::Arc,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Batch, Direction, Entry, ErrorKind, KEY_BYTES, Limit, Measure, Outcome, Owner, Record, Run,
    Scan, Space, StoreError, Transaction,
    batch::{ATTEMPTS, View},
    record,
    store::{Shape, stored_prefix},
};

/// The place of an entry in its log: later entries have greater ids, and none is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(u64);

impl LogId {
    /// Returns the id with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number of the id.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LogId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How much one owner's log may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogBounds {
    /// Entries; 10,000 unless told.
    pub records: u64,
    /// Bytes of all entries as stored; 64 MiB unless told.
    pub bytes: u64,
}

impl Default for LogBounds {
    fn default() -> Self {
        Self { records: 10_000, bytes: 64 * 1024 * 1024 }
    }
}

impl LogBounds {
    /// Bounds the number of entries.
    #[must_use]
    pub fn records(self, records: u64) -> Self {
        Self { records, ..self }
    }

    /// Bounds the bytes of all entries.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }
}

/// How much a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSize {
    /// Entries.
    pub records: u64,
    /// Bytes of all entries as stored.
    pub bytes: u64,
}

/// Entries that each owner receives in order. Cloning is cheap.
///
/// An entry is durable when [`append`](Self::append) returns its id. Appends of one task keep
/// their order; appends of many tasks share commits.
///
/// ```
/// # async fn sample(store: sestina_store::Store) -> Result<(), sestina_store::StoreError> {
/// use sestina_store::{Direction, Log, LogBounds, Owner};
///
/// let spool: Log<String> =
///     store.space("offline").log("messages").bounded(LogBounds::default().records(100));
/// let juliet = Owner::account("juliet@capulet.example");
///
/// let id = spool.append(&juliet, &"<message/>".into()).await?;
/// for (id, message) in spool.range(&juliet, .., 50, Direction::Forward).await? {
///     println!("{id}: {message}");
/// }
/// spool.remove(&juliet, [id]).await?;
/// # Ok(())
/// # }
/// ```
pub struct Log<V> {
    pub(crate) space: Space,
    name: Arc<str>,
    bounds: LogBounds,
    types: PhantomData<fn() -> V>,
}

impl<V: Record> Log<V> {
    pub(crate) fn new(space: Space, name: Arc<str>) -> Self {
        Self { space, name, bounds: LogBounds::default(), types: PhantomData }
    }

    /// Sets how much each owner's log may hold.
    #[must_use]
    pub fn bounded(self, bounds: LogBounds) -> Self {
        Self { bounds, ..self }
    }

    /// Adds an entry at the end and returns its id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bound`] if the log or the entry would be too large, and whatever the backend
    /// reports.
    pub async fn append(&self, owner: &Owner, value: &V) -> Result<LogId, StoreError> {
        let mut batch = Batch::new(self.space.clone(), owner.clone(), "append");
        batch.append(self, value);
        let ids = batch.commit().await?;
        Ok(*ids.first().expect("one append yields one id"))
    }

    /// Reads the entry with this id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the stored bytes are no such record, and whatever the backend
    /// reports.
    pub async fn get(&self, owner: &Owner, id: LogId) -> Result<Option<V>, StoreError> {
        let key = self.entry_key(owner, id.0).map_err(|kind| self.space.error("get", kind))?;
        let Some(value) = self.space.get("get", &key).await? else { return Ok(None) };
        Ok(Some(self.decode(&Entry { key, value })?.1))
    }

    /// Reads up to `limit` entries whose ids lie in `ids`, from the chosen end.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub async fn range(
        &self,
        owner: &Owner,
        ids: impl RangeBounds<LogId>,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<(LogId, V)>, StoreError> {
        let Some(scan) = self.scan_of(owner, &ids, limit) else { return Ok(Vec::new()) };
        let entries = self.space.scan("range", scan.direction(direction)).await?;
        entries.iter().map(|entry| self.decode(entry)).collect()
    }

    /// Removes the entries with these ids, all or none; unknown ids are passed over.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn remove(
        &self,
        owner: &Owner,
        ids: impl IntoIterator<Item = LogId>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new(self.space.clone(), owner.clone(), "remove");
        for id in ids {
            batch.remove_entry(self, id);
        }
        batch.commit().await.map(drop)
    }

    /// Removes the entries before `keep_from`, all or none.
    ///
    /// However many go, this is one step: they are counted, not read, and removed as one run.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, it has removed all of them or none.
    pub async fn trim(&self, owner: &Owner, keep_from: LogId) -> Result<(), StoreError> {
        let at = |kind| self.space.error("trim", kind);
        let (start, end) = (self.entry_key(owner, 0), self.entry_key(owner, keep_from.0));
        let run = Run::new(start.map_err(at)?, Some(end.map_err(at)?));
        let tail = self.tail_key(owner);
        for _ in 0..ATTEMPTS {
            if self.try_trim(&tail, &run, keep_from).await? {
                return Ok(());
            }
        }
        Err(at(ErrorKind::Conflict))
    }

    /// Says whether it was done; if not, somebody else has changed the log meanwhile.
    async fn try_trim(&self, key: &Bytes, run: &Run, keep_from: LogId) -> Result<bool, StoreError> {
        let Space { shared, name } = &self.space;
        let turn = shared.lanes.enter(name, key).await;
        if turn.pending().is_some() {
            // What is counted must be there: an empty transaction comes after all that was accepted.
            self.space.commit("trim", Transaction::new(Arc::clone(name))).await?;
        }
        // Whoever changes the entries changes the tail. So if it is later still what it is before
        // they are counted, the count is right.
        let Some(before) = self.space.get("trim", key).await? else { return Ok(true) };
        let mut tail: Tail = record::decode(&before)
            .map_err(|kind: ErrorKind| self.space.error("trim", kind).on(key))?;
        let gone = match keep_from.0 >= tail.next {
            true => Measure { entries: tail.records, bytes: tail.bytes },
            false => self.space.measure("trim", run.clone()).await?,
        };
        if gone.entries == 0 {
            return Ok(true);
        }
        tail.records = tail.records.saturating_sub(gone.entries);
        tail.bytes = tail.bytes.saturating_sub(gone.bytes);
        let at = |fault| self.space.error("trim", fault);
        let after = record::encode(&tail).map_err(|kind| self.space.error("trim", kind))?;
        let transaction = Transaction::new(Arc::clone(name))
            .require(key.clone(), Some(before))
            .put(key.clone(), after.clone())
            .remove_run(run.clone());
        let receipt = shared.commit(transaction).await.map_err(at)?;
        let wake = turn.accepted(Some(after));
        let outcome = receipt.await;
        if !matches!(outcome, Ok(Outcome::Committed)) {
            wake.failed().await;
        }
        Ok(outcome.map_err(at)? == Outcome::Committed)
    }

    /// Says how much the owner's log holds.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub async fn size(&self, owner: &Owner) -> Result<LogSize, StoreError> {
        let key = self.tail_key(owner);
        let Some(stored) = self.space.get("size", &key).await? else {
            return Ok(LogSize::default());
        };
        let tail: Tail = record::decode(&stored)
            .map_err(|kind: ErrorKind| self.space.error("size", kind).on(&key))?;
        Ok(LogSize { records: tail.records, bytes: tail.bytes })
    }

    pub(crate) fn append_step(&self, owner: &Owner, value: Bytes) -> Result<AppendStep, ErrorKind> {
        let entries = self.entry_key(owner, 0)?;
        let entries = entries.slice(..entries.len() - size_of::<u64>());
        Ok(AppendStep { tail: self.tail_key(owner), entries, value, bounds: self.bounds })
    }

    pub(crate) fn remove_step(&self, owner: &Owner, id: LogId) -> Result<RemoveStep, ErrorKind> {
        Ok(RemoveStep { tail: self.tail_key(owner), entry: self.entry_key(owner, id.0)? })
    }

    fn tail_key(&self, owner: &Owner) -> Bytes {
        stored_prefix(owner, &self.name, Shape::LogTail).into()
    }

    fn entry_key(&self, owner: &Owner, id: u64) -> Result<Bytes, ErrorKind> {
        let mut key = stored_prefix(owner, &self.name, Shape::LogEntry);
        key.extend_from_slice(&id.to_be_bytes());
        match key.len() {
            0..=KEY_BYTES => Ok(key.into()),
            _ => Err(ErrorKind::Bound(Limit::KeyBytes)),
        }
    }

    /// Turns a range of ids into a scan; nothing if no id can lie in it.
    fn scan_of(&self, owner: &Owner, ids: &impl RangeBounds<LogId>, limit: usize) -> Option<Scan> {
        let mut scan = Scan::prefix(&stored_prefix(owner, &self.name, Shape::LogEntry), limit);
        let key = |id| self.entry_key(owner, id).ok();
        match ids.start_bound() {
            Bound::Excluded(id) => scan.start = key(id.0.checked_add(1)?)?,
            Bound::Included(id) => scan.start = key(id.0)?,
            Bound::Unbounded => {}
        }
        match ids.end_bound() {
            Bound::Excluded(id) => scan.end = Some(key(id.0)?),
            Bound::Included(LogId(u64::MAX)) | Bound::Unbounded => {}
            Bound::Included(id) => scan.end = Some(key(id.0 + 1)?),
        }
        Some(scan)
    }

    fn decode(&self, entry: &Entry) -> Result<(LogId, V), StoreError> {
        let corrupt = |kind| self.space.error("range", kind).on(&entry.key);
        let id = id_of(&entry.key).ok_or_else(|| corrupt(ErrorKind::Corrupt))?;
        Ok((id, record::decode(&entry.value).map_err(corrupt)?))
    }
}

fn id_of(key: &[u8]) -> Option<LogId> {
    key.last_chunk().map(|id| LogId(u64::from_be_bytes(*id)))
}

impl<V> Clone for Log<V> {
    fn clone(&self) -> Self {
        Self {
            space: self.space.clone(),
            name: Arc::clone(&self.name),
            bounds: self.bounds,
            types: PhantomData,
        }
    }
}

impl<V> fmt::Debug for Log<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("space", &self.space.name())
            .field("name", &self.name)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

/// What is known of a log without reading it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Tail {
    next: u64,
    records: u64,
    bytes: u64,
}

impl Record for Tail {
    const VERSION: u8 = 1;
}

impl Tail {
    fn of(view: &View, key: &Bytes) -> Result<Self, ErrorKind> {
        let stored = view.now(key).map(|stored| record::decode(stored)).transpose()?;
        Ok(stored.unwrap_or(Self { next: 1, records: 0, bytes: 0 }))
    }
}

/// An append, computed from the tail of the log.
pub(crate) struct AppendStep {
    pub(crate) tail: Bytes,
    entries: Bytes,
    value: Bytes,
    bounds: LogBounds,
}

impl AppendStep {
    pub(crate) fn apply(&self, view: &mut View) -> Result<LogId, ErrorKind> {
        let mut tail = Tail::of(view, &self.tail)?;
        let id = LogId(tail.next);
        tail.next = tail.next.checked_add(1).ok_or(ErrorKind::Bound(Limit::LogRecords))?;
        tail.records += 1;
        tail.bytes += self.value.len() as u64;
        if tail.records > self.bounds.records {
            return Err(ErrorKind::Bound(Limit::LogRecords));
        }
        if tail.bytes > self.bounds.bytes {
            return Err(ErrorKind::Bound(Limit::LogBytes));
        }
        let entry = [&self.entries[..], &id.0.to_be_bytes()].concat().into();
        view.write(&entry, Some(self.value.clone()));
        view.write(&self.tail, Some(record::encode(&tail)?));
        Ok(id)
    }
}

/// A removal, which lowers the tail's count only if the entry is still there.
pub(crate) struct RemoveStep {
    pub(crate) tail: Bytes,
    pub(crate) entry: Bytes,
}

impl RemoveStep {
    pub(crate) fn apply(&self, view: &mut View) -> Result<(), ErrorKind> {
        let Some(bytes) = view.now(&self.entry).map(Bytes::len) else { return Ok(()) };
        let mut tail = Tail::of(view, &self.tail)?;
        tail.records = tail.records.saturating_sub(1);
        tail.bytes = tail.bytes.saturating_sub(bytes as u64);
        view.write(&self.entry, None);
        view.write(&self.tail, Some(record::encode(&tail)?));
        Ok(())
    }
}
