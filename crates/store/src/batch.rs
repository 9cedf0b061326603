//! Batches: several changes to one owner's records, all or nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    Collection, ErrorKind, Key, Limit, Log, LogId, Outcome, OwnedKey, Owner, Record, Space,
    StoreError, Transaction,
    lane::Turn,
    log::{AppendStep, RemoveStep},
    record,
};

/// The most bytes one batch may write.
pub const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// How often a change is computed anew when others changed what it was computed from.
pub(crate) const ATTEMPTS: usize = 64;

/// Changes to one owner's records that happen together or not at all.
///
/// Nothing happens before [`commit`](Self::commit). A mistake made while filling the batch (a
/// value over its bound, a collection of another space) is reported there, too.
///
/// ```
/// # async fn sample(store: sestina_store::Store) -> Result<(), sestina_store::StoreError> {
/// use sestina_store::Owner;
///
/// let space = store.space("roster");
/// let names = space.collection::<String, String>("names");
/// let version = space.collection::<(), u64>("version");
///
/// let mut batch = space.batch(&Owner::account("romeo@montague.example"));
/// batch.put(&names, "juliet@capulet.example", &"Juliet".into());
/// batch.update(&version, &(), |version| *version = Some(version.unwrap_or(0) + 1));
/// batch.commit().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch<'a> {
    space: Space,
    owner: Owner,
    operation: &'static str,
    steps: Vec<Step<'a>>,
    failed: Option<StoreError>,
}

type Apply<'a> = Box<dyn FnMut(Option<&Bytes>) -> Result<Option<Bytes>, ErrorKind> + Send + 'a>;

enum Step<'a> {
    Append(AppendStep),
    Remove(RemoveStep),
    Update { key: Bytes, counted: Option<Counted>, apply: Apply<'a> },
    Write { key: Bytes, value: Option<Bytes> },
}

/// Where the records of a bounded collection are counted.
#[derive(Clone)]
pub(crate) struct Counted {
    pub(crate) at: Bytes,
    pub(crate) records: Bytes,
    pub(crate) most: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(space: Space, owner: Owner, operation: &'static str) -> Self {
        Self { space, owner, operation, steps: Vec::new(), failed: None }
    }

    /// Stores `value` at `key`, whatever was there.
    pub fn put<K, V, Q>(&mut self, collection: &Collection<K, V>, key: &Q, value: &V)
    where
        K: OwnedKey + std::borrow::Borrow<Q>,
        V: Record,
        Q: Key + ?Sized,
    {
        if let Some(value) = self.note(record::encode(value)) {
            self.write(collection, key, Some(value));
        }
    }

    /// Removes `key`, if it is there.
    pub fn remove<K, V, Q>(&mut self, collection: &Collection<K, V>, key: &Q)
    where
        K: OwnedKey + std::borrow::Borrow<Q>,
        V: Record,
        Q: Key + ?Sized,
    {
        self.write(collection, key, None);
    }

    /// Changes what is at `key`: the record, or nothing, is put into `change`'s hands, and what it
    /// leaves there is stored. It may be called again when someone else was faster.
    pub fn update<K, V, Q>(
        &mut self,
        collection: &Collection<K, V>,
        key: &Q,
        mut change: impl FnMut(&mut Option<V>) + Send + 'a,
    ) where
        K: OwnedKey + std::borrow::Borrow<Q>,
        V: Record,
        Q: Key + ?Sized,
    {
        let Some(key) = self.place(&collection.space, collection.key(&self.owner, key)) else {
            return;
        };
        let apply = move |stored: Option<&Bytes>| {
            let mut record = stored.map(|stored| record::decode(stored)).transpose()?;
            change(&mut record);
            record.as_ref().map(record::encode).transpose()
        };
        let counted = collection.counted(&self.owner);
        self.steps.push(Step::Update { key, counted, apply: Box::new(apply) });
    }

    /// Makes the batch happen only if `test` says so of what is at `key` when its turn comes, after
    /// the changes already in the batch; else it fails with [`ErrorKind::Unmet`].
    pub fn require<K, V, Q>(
        &mut self,
        collection: &Collection<K, V>,
        key: &Q,
        mut test: impl FnMut(Option<&V>) -> bool + Send + 'a,
    ) where
        K: OwnedKey + std::borrow::Borrow<Q>,
        V: Record,
        Q: Key + ?Sized,
    {
        let Some(key) = self.place(&collection.space, collection.key(&self.owner, key)) else {
            return;
        };
        let apply = move |stored: Option<&Bytes>| {
            let record = stored.map(|stored| record::decode(stored)).transpose()?;
            if test(record.as_ref()) { Ok(stored.cloned()) } else { Err(ErrorKind::Unmet) }
        };
        self.steps.push(Step::Update { key, counted: None, apply: Box::new(apply) });
    }

    /// Appends to a log; [`commit`](Self::commit) returns the ids in the order of these calls.
    pub fn append<V: Record>(&mut self, log: &Log<V>, value: &V) {
        if let Some(value) = self.note(record::encode(value))
            && let Some(step) = self.place(&log.space, log.append_step(&self.owner, value))
        {
            self.steps.push(Step::Append(step));
        }
    }

    /// Removes an entry of a log, if it is there.
    pub fn remove_entry<V: Record>(&mut self, log: &Log<V>, id: LogId) {
        if let Some(step) = self.place(&log.space, log.remove_step(&self.owner, id)) {
            self.steps.push(Step::Remove(step));
        }
    }

    /// Makes all the changes at once; they are durable when it returns.
    ///
    /// # Errors
    ///
    /// Nothing was changed, unless the error is of kind [`ErrorKind::Io`], after which either may
    /// be the case.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, it has made all of the changes or none.
    pub async fn commit(mut self) -> Result<Vec<LogId>, StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let keys: BTreeSet<Bytes> = self.steps.iter().flat_map(Step::reads).collect();
        for _ in 0..ATTEMPTS {
            if let Some(ids) = self.attempt(&keys).await? {
                return Ok(ids);
            }
        }
        Err(self.space.error(self.operation, ErrorKind::Conflict))
    }

    /// Computes the changes from what is there, or is about to be, and commits them on condition
    /// that it is so; returns nothing if it was not.
    async fn attempt(&mut self, keys: &BTreeSet<Bytes>) -> Result<Option<Vec<LogId>>, StoreError> {
        let Self { space, operation, steps, .. } = self;
        let mut view = View::default();
        let mut turns = Vec::with_capacity(keys.len());
        // Entered in the order of the keys, so that two batches never wait for each other.
        for key in keys {
            let turn = space.shared.lanes.enter(&space.name, key).await;
            let value = match turn.pending() {
                Some(value) => {
                    view.awaits_others = true;
                    value
                }
                None => space.get(operation, key).await?,
            };
            view.read(key, value);
            turns.push(turn);
        }
        for step in &mut *steps {
            step.prefetch(space, operation, &mut view).await?;
        }
        let mut ids = Vec::new();
        for step in steps {
            let on = step.key().clone();
            step.apply(&mut view, &mut ids).map_err(|kind| space.error(operation, kind).on(&on))?;
        }
        if !view.changes_or_awaits() {
            return Ok(Some(ids));
        }
        let transaction = view.transaction(&space.name);
        if transaction.bytes() > BATCH_BYTES {
            return Err(space.error(operation, ErrorKind::Bound(Limit::BatchBytes)));
        }
        let at = |fault| space.error(operation, fault);
        let receipt = space.shared.commit(transaction).await.map_err(at)?;
        let accept = |turn: Turn| {
            let value = view.now(turn.key()).cloned();
            turn.accepted(value)
        };
        let wakes: Vec<_> = turns.into_iter().map(accept).collect();
        let outcome = receipt.await;
        if !matches!(outcome, Ok(Outcome::Committed)) {
            for wake in &wakes {
                wake.failed().await;
            }
        }
        match outcome.map_err(at)? {
            Outcome::Committed => Ok(Some(ids)),
            Outcome::Conflict => Ok(None),
        }
    }

    fn write<K, V, Q>(&mut self, to: &Collection<K, V>, key: &Q, value: Option<Bytes>)
    where
        K: OwnedKey,
        V: Record,
        Q: Key + ?Sized,
    {
        let Some(key) = self.place(&to.space, to.key(&self.owner, key)) else { return };
        self.steps.push(match to.counted(&self.owner) {
            None => Step::Write { key, value },
            counted => Step::Update { key, counted, apply: Box::new(move |_| Ok(value.clone())) },
        });
    }

    /// Refuses what belongs to another space.
    fn place<T>(&mut self, of: &Space, step: Result<T, ErrorKind>) -> Option<T> {
        let ours = Arc::ptr_eq(&of.shared, &self.space.shared) && of.name == self.space.name;
        self.note(if ours { step } else { Err(ErrorKind::ForeignSpace) })
    }

    /// Remembers the first mistake for the commit to report.
    fn note<T>(&mut self, step: Result<T, ErrorKind>) -> Option<T> {
        match step {
            Ok(step) => Some(step),
            Err(kind) => {
                let (space, operation) = (&self.space, self.operation);
                self.failed.get_or_insert_with(|| space.error(operation, kind));
                None
            }
        }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("space", &self.space)
            .field("owner", &self.owner)
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}

impl Step<'_> {
    /// Names the keys this step computes its change from.
    fn reads(&self) -> Vec<Bytes> {
        match self {
            Self::Append(append) => vec![append.tail.clone()],
            Self::Remove(remove) => vec![remove.tail.clone()],
            Self::Update { key, counted: None, .. } => vec![key.clone()],
            Self::Update { key, counted: Some(counted), .. } => {
                vec![key.clone(), counted.at.clone()]
            }
            Self::Write { .. } => Vec::new(),
        }
    }

    fn key(&self) -> &Bytes {
        match self {
            Self::Append(append) => &append.tail,
            Self::Remove(remove) => &remove.entry,
            Self::Update { key, .. } | Self::Write { key, .. } => key,
        }
    }

    /// Reads what depends on more than the keys of [`reads`](Self::reads).
    async fn prefetch(
        &mut self, // Not `&self`: a change is `Send` but need not be `Sync`.
        space: &Space,
        operation: &'static str,
        view: &mut View,
    ) -> Result<(), StoreError> {
        match self {
            Self::Remove(remove) if !view.has(&remove.entry) => {
                let entry = space.get(operation, &remove.entry).await?;
                view.read(&remove.entry, entry);
            }
            // Counted for the first time: the bound is younger than the records.
            Self::Update { counted: Some(counted), .. } if view.now(&counted.at).is_none() => {
                let scan = crate::Scan::prefix(&counted.records, counted.most.saturating_add(1));
                view.uncounted
                    .insert(counted.at.clone(), space.scan(operation, scan).await?.len() as u64);
            }
            _ => {}
        }
        Ok(())
    }

    fn apply(&mut self, view: &mut View, ids: &mut Vec<LogId>) -> Result<(), ErrorKind> {
        match self {
            Self::Append(append) => ids.push(append.apply(view)?),
            Self::Remove(remove) => remove.apply(view)?,
            Self::Update { key, counted, apply } => {
                let before = view.now(key);
                let after = apply(before)?;
                let change = i8::from(after.is_some()) - i8::from(before.is_some());
                if let Some(counted) = counted
                    && change != 0
                {
                    count(counted, change, view)?;
                }
                view.write(key, after);
            }
            Self::Write { key, value } => view.write_blindly(key, value.clone()),
        }
        Ok(())
    }
}

fn count(counted: &Counted, change: i8, view: &mut View) -> Result<(), ErrorKind> {
    let before = match view.now(&counted.at) {
        Some(stored) => record::decode::<u64>(stored)?,
        None => view.uncounted.get(&counted.at).copied().unwrap_or(0),
    };
    let after = before.saturating_add_signed(change.into());
    if change > 0 && after > counted.most as u64 {
        return Err(ErrorKind::Bound(Limit::CollectionRecords));
    }
    view.write(&counted.at, Some(record::encode(&after)?));
    Ok(())
}

/// What a batch has read and is about to write.
#[derive(Default)]
pub(crate) struct View {
    seen: BTreeMap<Bytes, Seen>,
    /// Counts of bounded collections that were never counted.
    uncounted: BTreeMap<Bytes, u64>,
    /// Something read was not durable yet, so even a batch that changes nothing has to wait.
    awaits_others: bool,
}

struct Seen {
    /// What was read, if the changes depend on it.
    before: Option<Option<Bytes>>,
    now: Option<Bytes>,
}

impl View {
    fn read(&mut self, key: &Bytes, value: Option<Bytes>) {
        self.seen.insert(key.clone(), Seen { before: Some(value.clone()), now: value });
    }

    fn has(&self, key: &Bytes) -> bool {
        self.seen.contains_key(key)
    }

    pub(crate) fn now(&self, key: &Bytes) -> Option<&Bytes> {
        self.seen.get(key)?.now.as_ref()
    }

    pub(crate) fn write(&mut self, key: &Bytes, value: Option<Bytes>) {
        self.write_blindly(key, value);
    }

    fn write_blindly(&mut self, key: &Bytes, value: Option<Bytes>) {
        match self.seen.get_mut(key) {
            Some(seen) => seen.now = value,
            None => {
                self.seen.insert(key.clone(), Seen { before: None, now: value });
            }
        }
    }

    fn changes_or_awaits(&self) -> bool {
        self.awaits_others || self.seen.values().any(Seen::changes)
    }

    fn transaction(&self, space: &Arc<str>) -> Transaction {
        let mut transaction = Transaction::new(Arc::clone(space));
        for (key, seen) in &self.seen {
            if let Some(before) = &seen.before {
                transaction = transaction.require(key.clone(), before.clone());
            }
            if seen.changes() {
                transaction = match &seen.now {
                    Some(value) => transaction.put(key.clone(), value.clone()),
                    None => transaction.remove(key.clone()),
                };
            }
        }
        transaction
    }
}

impl Seen {
    fn changes(&self) -> bool {
        self.before.as_ref() != Some(&self.now)
    }
}
