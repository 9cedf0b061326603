//! Reading a blob.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{BlobId, Blobs, Head, Part};
use crate::{ErrorKind, Owner, StoreError};

/// Reads one blob, part by part.
pub struct BlobReader {
    blobs: Blobs,
    owner: Owner,
    id: BlobId,
    head: Head,
    next: u32,
    hash: Sha256,
}

impl BlobReader {
    pub(super) fn new(blobs: Blobs, owner: Owner, id: BlobId, head: Head) -> Self {
        Self { blobs, owner, id, head, next: 0, hash: Sha256::new() }
    }

    /// Returns how many bytes the blob has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.head.bytes
    }

    /// Says whether the blob has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.bytes == 0
    }

    /// Reads the next part; nothing when all was read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`], at the last part, if the content does not have its hash,
    /// [`ErrorKind::Gone`] if the blob was removed meanwhile, and whatever the backend reports.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.next == self.head.parts {
            return Ok(None);
        }
        let Self { blobs, owner, head, id, .. } = &*self;
        let Some(Part(part)) = blobs.parts.get(owner, &(head.upload, self.next)).await? else {
            let still = blobs.heads.get(owner, id).await?;
            let same = still.is_some_and(|still| still.upload == head.upload);
            let kind = if same { ErrorKind::Corrupt } else { ErrorKind::Gone };
            return Err(blobs.space.error("read", kind));
        };
        self.hash.update(&part);
        self.next += 1;
        if self.next == self.head.parts {
            let found: [u8; 32] = std::mem::take(&mut self.hash).finalize().into();
            if BlobId::from(found) != self.id {
                return Err(self.blobs.space.error("read", ErrorKind::Corrupt));
            }
        }
        Ok(Some(part))
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("id", &self.id)
            .field("bytes", &self.head.bytes)
            .finish_non_exhaustive()
    }
}
