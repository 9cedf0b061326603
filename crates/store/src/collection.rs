//! Collections: typed records an owner has under keys.

use std::{borrow::Borrow, fmt, marker::PhantomData, ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::{
    Batch, Entry, ErrorKind, KEY_BYTES, Key, Limit, OwnedKey, Owner, Record, Scan, Space,
    StoreError,
    batch::Counted,
    record,
    store::{Shape, stored_prefix},
};

/// How many records one step of [`Collection::scan`] reads from the backend.
pub const SCAN_RECORDS: usize = 256;

/// Typed records that each owner has under keys, in the order of the keys. Cloning is cheap.
///
/// Every write is durable when its call returns. A collection with one record per owner has `()`
/// for its key.
///
/// ```
/// # async fn sample(store: sestina_store::Store) -> Result<(), sestina_store::StoreError> {
/// use sestina_store::{Collection, Owner};
///
/// let names: Collection<String, String> = store.space("roster").collection("names");
/// let romeo = Owner::account("romeo@montague.example");
///
/// names.put(&romeo, "juliet@capulet.example", &"Juliet".into()).await?;
/// assert_eq!(names.get(&romeo, "juliet@capulet.example").await?.as_deref(), Some("Juliet"));
/// assert_eq!(names.scan(&romeo).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Collection<K, V> {
    pub(crate) space: Space,
    name: Arc<str>,
    most: Option<usize>,
    types: PhantomData<fn(K) -> V>,
}

impl<K: OwnedKey, V: Record> Collection<K, V> {
    pub(crate) fn new(space: Space, name: Arc<str>) -> Self {
        Self { space, name, most: None, types: PhantomData }
    }

    /// Bounds how many records one owner may have; without it only the size of each is bounded.
    ///
    /// A bounded collection counts its records, so its writes read before they write. All handles
    /// to one collection must agree on whether there is a bound.
    #[must_use]
    pub fn at_most(self, records: usize) -> Self {
        Self { most: Some(records), ..self }
    }

    /// Reads the record at `key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the stored bytes are no such record, and whatever the backend
    /// reports.
    pub async fn get<Q>(&self, owner: &Owner, key: &Q) -> Result<Option<V>, StoreError>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        let key = self.key(owner, key).map_err(|kind| self.space.error("get", kind))?;
        let stored = self.space.get("get", &key).await?;
        stored.map(|stored| self.decode("get", &key, &stored)).transpose()
    }

    /// Stores `value` at `key`, whatever was there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bound`] if key, value or collection are too large, and whatever the backend
    /// reports.
    pub async fn put<Q>(&self, owner: &Owner, key: &Q, value: &V) -> Result<(), StoreError>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        let mut batch = Batch::new(self.space.clone(), owner.clone(), "put");
        batch.put(self, key, value);
        batch.commit().await.map(drop)
    }

    /// Removes `key`, if it is there.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn remove<Q>(&self, owner: &Owner, key: &Q) -> Result<(), StoreError>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        let mut batch = Batch::new(self.space.clone(), owner.clone(), "remove");
        batch.remove(self, key);
        batch.commit().await.map(drop)
    }

    /// Changes the record at `key` with nobody in between, and returns what `change` returns.
    ///
    /// `change` finds the record, or nothing, and what it leaves is stored. It may be called again
    /// when someone else was faster, so it should do nothing else.
    ///
    /// ```
    /// # async fn sample(store: sestina_store::Store) -> Result<(), sestina_store::StoreError> {
    /// # let owner = sestina_store::Owner::server();
    /// let logins = store.space("accounts").collection::<(), u64>("logins");
    /// let first = logins.update(&owner, &(), |count| {
    ///     *count = Some(count.unwrap_or(0) + 1);
    ///     *count == Some(1)
    /// });
    /// assert!(first.await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if others kept changing the record, [`ErrorKind::Corrupt`] and
    /// [`ErrorKind::Bound`] as for `get` and `put`, and whatever the backend reports.
    pub async fn update<Q, R>(
        &self,
        owner: &Owner,
        key: &Q,
        mut change: impl FnMut(&mut Option<V>) -> R + Send,
    ) -> Result<R, StoreError>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
        R: Send,
    {
        let mut result = None;
        let mut batch = Batch::new(self.space.clone(), owner.clone(), "update");
        batch.update(self, key, |record| result = Some(change(record)));
        batch.commit().await?;
        Ok(result.expect("a committed batch has made its changes"))
    }

    /// Reads all of an owner's records, in order.
    ///
    /// Records put or removed meanwhile may or may not be seen. For collections that can be large,
    /// see [`page`](Self::page).
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub async fn scan(&self, owner: &Owner) -> Result<Vec<(K, V)>, StoreError> {
        let mut records = Vec::new();
        let mut scan = Scan::prefix(&self.prefix(owner), SCAN_RECORDS);
        loop {
            let page = self.space.scan("scan", scan.clone()).await?;
            for entry in &page {
                records.push(self.record(owner, entry)?);
            }
            match page.last() {
                Some(last) if page.len() == SCAN_RECORDS => scan.start = after(&last.key),
                _ => return Ok(records),
            }
        }
    }

    /// Reads up to `limit` records in order, from the one after `from` on.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub async fn page<Q>(
        &self,
        owner: &Owner,
        from: Bound<&Q>,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError>
    where
        K: Borrow<Q>,
        Q: Key + ?Sized,
    {
        let key = |key| self.key(owner, key).map_err(|kind| self.space.error("page", kind));
        let mut scan = Scan::prefix(&self.prefix(owner), limit);
        match from {
            Bound::Excluded(from) => scan.start = after(&key(from)?),
            Bound::Included(from) => scan.start = key(from)?,
            Bound::Unbounded => {}
        }
        let entries = self.space.scan("page", scan).await?;
        entries.iter().map(|entry| self.record(owner, entry)).collect()
    }

    pub(crate) fn key<Q: Key + ?Sized>(&self, owner: &Owner, key: &Q) -> Result<Bytes, ErrorKind> {
        let mut stored = self.prefix(owner);
        key.write(&mut stored);
        match stored.len() {
            0..=KEY_BYTES => Ok(stored.into()),
            _ => Err(ErrorKind::Bound(Limit::KeyBytes)),
        }
    }

    pub(crate) fn counted(&self, owner: &Owner) -> Option<Counted> {
        Some(Counted {
            most: self.most?,
            at: stored_prefix(owner, &self.name, Shape::RecordCount).into(),
            records: self.prefix(owner).into(),
        })
    }

    fn prefix(&self, owner: &Owner) -> Vec<u8> {
        stored_prefix(owner, &self.name, Shape::Record)
    }

    fn record(&self, owner: &Owner, entry: &Entry) -> Result<(K, V), StoreError> {
        let key = entry.key.strip_prefix(&self.prefix(owner)[..]).and_then(K::read);
        let corrupt = || self.space.error("scan", ErrorKind::Corrupt).on(&entry.key);
        Ok((key.ok_or_else(corrupt)?, self.decode("scan", &entry.key, &entry.value)?))
    }

    fn decode(&self, operation: &'static str, key: &[u8], stored: &[u8]) -> Result<V, StoreError> {
        record::decode(stored).map_err(|kind| self.space.error(operation, kind).on(key))
    }
}

/// Returns the key right after `key`.
fn after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

impl<K, V> Clone for Collection<K, V> {
    fn clone(&self) -> Self {
        Self {
            space: self.space.clone(),
            name: Arc::clone(&self.name),
            most: self.most,
            types: PhantomData,
        }
    }
}

impl<K, V> fmt::Debug for Collection<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("space", &self.space.name())
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
