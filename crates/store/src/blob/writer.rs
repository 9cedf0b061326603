//! Writing a blob.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::{BLOB_PART_BYTES, BlobId, Blobs, Head, Part};
use crate::{Batch, ErrorKind, Limit, Owner, StoreError, store::Uploads};

/// Writes one blob, part by part.
///
/// Dropped unfinished, it leaves no blob; the space is taken back by the owner's next writer.
pub struct BlobWriter {
    blobs: Blobs,
    owner: Owner,
    upload: u64,
    parts: u32,
    bytes: u64,
    waiting: BytesMut,
    hash: Sha256,
    /// Held until the writer goes.
    turn: Turn,
}

impl BlobWriter {
    pub(super) fn new(blobs: Blobs, owner: Owner, upload: u64) -> Self {
        let name = (owner.clone(), upload);
        blobs.writing.lock().insert(name.clone());
        Self {
            turn: Turn { writing: Arc::clone(&blobs.writing), name },
            blobs,
            owner,
            upload,
            parts: 0,
            bytes: 0,
            waiting: BytesMut::new(),
            hash: Sha256::new(),
        }
    }

    /// Adds to the content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bound`] if the blob would be too large, and whatever the backend reports.
    pub async fn write(&mut self, mut content: &[u8]) -> Result<(), StoreError> {
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        if self.bytes > self.blobs.bounds.bytes {
            return Err(self.blobs.space.error("write", ErrorKind::Bound(Limit::BlobBytes)));
        }
        self.hash.update(content);
        loop {
            let room = BLOB_PART_BYTES - self.waiting.len();
            let (fits, rest) = content.split_at(room.min(content.len()));
            self.waiting.extend_from_slice(fits);
            if rest.is_empty() {
                return Ok(());
            }
            content = rest;
            self.store_part().await?;
        }
    }

    /// Makes the blob durable and returns its id.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn finish(mut self) -> Result<BlobId, StoreError> {
        if !self.waiting.is_empty() {
            self.store_part().await?;
        }
        let hash: [u8; 32] = std::mem::take(&mut self.hash).finalize().into();
        let id = BlobId::from(hash);
        let Self { blobs, owner, .. } = &self;
        let head = Head { upload: self.upload, parts: self.parts, bytes: self.bytes };
        let mut batch = Batch::new(blobs.space.clone(), owner.clone(), "finish");
        // A blob of no bytes has no part, so nothing that could be left behind.
        if self.parts > 0 {
            batch.require(&blobs.open, &head.upload, |open| open.is_some());
            batch.remove(&blobs.open, &head.upload);
        }
        batch.require(&blobs.heads, &id, |head| head.is_none());
        batch.put(&blobs.heads, &id, &head);
        match batch.commit().await {
            Ok(_) => Ok(id),
            Err(error) if error.kind() == ErrorKind::Unmet => {
                if blobs.heads.get(owner, &id).await?.is_none() {
                    return Err(blobs.space.error("finish", ErrorKind::Gone));
                }
                // The same content is there already.
                blobs.discard(owner, self.upload).await?;
                Ok(id)
            }
            Err(error) => Err(error),
        }
    }

    async fn store_part(&mut self) -> Result<(), StoreError> {
        let Self { blobs, owner, .. } = &*self;
        let part = Part(Bytes::copy_from_slice(&self.waiting));
        let mut batch = Batch::new(blobs.space.clone(), owner.clone(), "write");
        batch.put(&blobs.parts, &(self.upload, self.parts), &part);
        if self.parts == 0 {
            batch.put(&blobs.open, &self.upload, &());
        }
        batch.commit().await?;
        self.parts += 1;
        self.waiting.clear();
        Ok(())
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter")
            .field("upload", &self.turn.name)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// Keeps an upload from being taken for an abandoned one.
#[derive(Debug)]
struct Turn {
    writing: Uploads,
    name: (Owner, u64),
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.writing.lock().remove(&self.name);
    }
}
