//! Everything of one owner as it is stored: for backups, and for moving to another backend.

use std::{fmt, sync::Arc, vec};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    ErrorKind, Fault, Owner, Record, Scan, Store, StoreError, Transaction,
    store::{PAGE, owner_prefix},
};

/// One stored record with its owner left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredRecord {
    /// The space it is in.
    pub space: String,
    /// Where it is among the owner's records.
    pub key: Vec<u8>,
    /// The stored bytes, version included.
    pub value: Vec<u8>,
}

impl StoredRecord {
    /// A record that was read from elsewhere.
    #[must_use]
    pub fn new(space: impl Into<String>, key: Vec<u8>, value: Vec<u8>) -> Self {
        Self { space: space.into(), key, value }
    }
}

/// So that one can wait until it is put in its place.
impl Record for StoredRecord {
    const VERSION: u8 = 1;
}

/// Reads everything of one owner, space by space; see [`Store::export`].
pub struct Export {
    store: Store,
    owner: Owner,
    spaces: vec::IntoIter<String>,
    /// The space being read, and where to go on.
    at: Option<(Arc<str>, Scan)>,
}

impl Store {
    /// Starts to read everything `owner` has in any space.
    ///
    /// What is written meanwhile may or may not be seen.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn export(&self, owner: &Owner) -> Result<Export, StoreError> {
        let spaces = self.spaces().await?.into_iter();
        Ok(Export { store: self.clone(), owner: owner.clone(), spaces, at: None })
    }

    /// Stores records of an [`Export`] as `owner`'s, over what is there; durable when it returns.
    ///
    /// The records of one space in one call are stored together or not at all, so pages keep what
    /// belongs together only as far as the export kept it: import into an owner that nobody uses.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bound`] if a key is too long, and whatever the backend reports.
    pub async fn import(
        &self,
        owner: &Owner,
        records: impl IntoIterator<Item = StoredRecord>,
    ) -> Result<(), StoreError> {
        let mut transaction = Transaction::default();
        for record in records {
            let key = [owner_prefix(owner), record.key].concat();
            if key.len() > crate::KEY_BYTES {
                let fault = Fault::from(ErrorKind::Bound(crate::Limit::KeyBytes));
                return Err(StoreError::at("import", &record.space.into(), fault));
            }
            if *transaction.space != *record.space || transaction.bytes() > crate::RECORD_BYTES {
                self.import_page(transaction).await?;
                transaction = Transaction::new(record.space);
            }
            transaction = transaction.put(key, record.value);
        }
        self.import_page(transaction).await
    }

    async fn import_page(&self, transaction: Transaction) -> Result<(), StoreError> {
        if transaction.writes.is_empty() {
            return Ok(());
        }
        self.space(Arc::clone(&transaction.space)).commit("import", transaction).await
    }
}

impl Export {
    /// Reads the next records; nothing when all were read.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        let prefix = owner_prefix(&self.owner);
        loop {
            let (space, scan) = match self.at.take() {
                Some(at) => at,
                None => match self.spaces.next() {
                    Some(space) => (space.into(), Scan::prefix(&prefix, PAGE)),
                    None => return Ok(None),
                },
            };
            let entries = self.store.space(Arc::clone(&space)).scan("export", scan.clone()).await?;
            let Some(last) = entries.last() else { continue };
            let start = Bytes::from([&last.key[..], &[0]].concat());
            self.at = Some((Arc::clone(&space), Scan { start, ..scan }));
            let record = |entry: &crate::Entry| StoredRecord {
                space: space.to_string(),
                key: entry.key.strip_prefix(&prefix[..]).unwrap_or(&entry.key).to_vec(),
                value: entry.value.to_vec(),
            };
            return Ok(Some(entries.iter().map(record).collect()));
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("owner", &self.owner).finish_non_exhaustive()
    }
}
