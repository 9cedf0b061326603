//! Blobs: large opaque bytes by their hash, written and read in parts.

mod id;
mod part;
mod reader;
mod writer;

use std::ops::Bound;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

pub use self::{
    id::{BlobId, BlobIdError},
    reader::BlobReader,
    writer::BlobWriter,
};

use self::part::Part;
use crate::{Batch, Collection, ErrorKind, Owner, Record, Space, StoreError, store::Uploads};

/// How many bytes of a blob are stored, and read, at once.
pub const BLOB_PART_BYTES: usize = 64 * 1024;

/// How many parts one step of a removal takes.
const REMOVED_PARTS: usize = 32;

/// How large a blob may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobBounds {
    /// Bytes of one blob; 8 MiB unless told.
    pub bytes: u64,
}

impl Default for BlobBounds {
    fn default() -> Self {
        Self { bytes: 8 * 1024 * 1024 }
    }
}

impl BlobBounds {
    /// Bounds the bytes of one blob.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes }
    }
}

/// Large opaque bytes that each owner has under their hash. Cloning is cheap.
///
/// The same content put twice by one owner is stored once.
///
/// ```
/// # async fn sample(store: sestina_store::Store) -> Result<(), sestina_store::StoreError> {
/// let avatars = store.space("avatars").blobs("images");
/// let juliet = sestina_store::Owner::account("juliet@capulet.example");
///
/// let mut writer = avatars.writer(&juliet).await?;
/// writer.write(b"\x89PNG").await?;
/// writer.write(b"...").await?;
/// let id = writer.finish().await?;
///
/// let mut reader = avatars.reader(&juliet, id).await?.expect("what was just written");
/// while let Some(part) = reader.next().await? {
///     println!("{} of {} bytes", part.len(), reader.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Blobs {
    space: Space,
    bounds: BlobBounds,
    heads: Collection<BlobId, Head>,
    parts: Collection<(u64, u32), Part>,
    /// The number the next upload gets.
    next: Collection<(), u64>,
    /// Uploads that have parts and no head, to be cleared away if nobody finishes them.
    open: Collection<u64, ()>,
    /// Those of them that are being written right now.
    writing: Uploads,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Head {
    upload: u64,
    parts: u32,
    bytes: u64,
}

impl Record for Head {
    const VERSION: u8 = 1;
}

impl Blobs {
    pub(crate) fn new(space: Space, name: &str) -> Self {
        Self {
            bounds: BlobBounds::default(),
            heads: space.collection(format!("{name}\0heads")),
            parts: space.collection(format!("{name}\0parts")),
            next: space.collection(format!("{name}\0next")),
            open: space.collection(format!("{name}\0open")),
            writing: space.shared.uploads(&space.name, name),
            space,
        }
    }

    /// Sets how large a blob may be.
    #[must_use]
    pub fn bounded(self, bounds: BlobBounds) -> Self {
        Self { bounds, ..self }
    }

    /// Starts to write a blob, and clears away what earlier writers left unfinished.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn writer(&self, owner: &Owner) -> Result<BlobWriter, StoreError> {
        self.sweep(owner).await?;
        let take = |next: &mut Option<u64>| {
            let number = next.unwrap_or(0);
            *next = Some(number.wrapping_add(1));
            number
        };
        let upload = self.next.update(owner, &(), take).await?;
        Ok(BlobWriter::new(self.clone(), owner.clone(), upload))
    }

    /// Stores `content` and returns its id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bound`] if it is too large, and whatever the backend reports.
    pub async fn put(&self, owner: &Owner, content: &[u8]) -> Result<BlobId, StoreError> {
        let id = BlobId::of(content);
        if self.heads.get(owner, &id).await?.is_some() {
            return Ok(id);
        }
        let mut writer = self.writer(owner).await?;
        writer.write(content).await?;
        writer.finish().await
    }

    /// Starts to read the blob with this id, if the owner has it.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn reader(
        &self,
        owner: &Owner,
        id: BlobId,
    ) -> Result<Option<BlobReader>, StoreError> {
        let head = self.heads.get(owner, &id).await?;
        Ok(head.map(|head| BlobReader::new(self.clone(), owner.clone(), id, head)))
    }

    /// Reads a whole blob.
    ///
    /// # Errors
    ///
    /// As for [`BlobReader::next`].
    pub async fn read(&self, owner: &Owner, id: BlobId) -> Result<Option<Bytes>, StoreError> {
        let Some(mut reader) = self.reader(owner, id).await? else { return Ok(None) };
        let mut content = BytesMut::new();
        while let Some(part) = reader.next().await? {
            content.extend_from_slice(&part);
        }
        Ok(Some(content.freeze()))
    }

    /// Lists an owner's blobs with their sizes.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn list(&self, owner: &Owner) -> Result<Vec<(BlobId, u64)>, StoreError> {
        let heads = self.heads.scan(owner).await?;
        Ok(heads.into_iter().map(|(id, head)| (id, head.bytes)).collect())
    }

    /// Removes a blob, if the owner has it.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn remove(&self, owner: &Owner, id: BlobId) -> Result<(), StoreError> {
        let Some(head) = self.heads.get(owner, &id).await? else { return Ok(()) };
        let mut batch = Batch::new(self.space.clone(), owner.clone(), "remove");
        batch
            .require(&self.heads, &id, move |now| now.is_some_and(|now| now.upload == head.upload));
        batch.remove(&self.heads, &id);
        // Should the parts outlive a crash, the next writer clears them away.
        batch.put(&self.open, &head.upload, &());
        match batch.commit().await {
            Ok(_) => self.discard(owner, head.upload).await,
            // Someone else removed it.
            Err(error) if error.kind() == ErrorKind::Unmet => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn sweep(&self, owner: &Owner) -> Result<(), StoreError> {
        for (upload, ()) in self.open.scan(owner).await? {
            if !self.writing.lock().contains(&(owner.clone(), upload)) {
                self.discard(owner, upload).await?;
            }
        }
        Ok(())
    }

    /// Removes the parts of an upload that has no head, and then its mention.
    async fn discard(&self, owner: &Owner, upload: u64) -> Result<(), StoreError> {
        loop {
            let from = Bound::Included(&(upload, 0));
            let mut parts = self.parts.page(owner, from, REMOVED_PARTS).await?;
            parts.retain(|((of, _), _)| *of == upload);
            let mut batch = Batch::new(self.space.clone(), owner.clone(), "remove");
            for (key, _) in &parts {
                batch.remove(&self.parts, key);
            }
            if parts.len() < REMOVED_PARTS {
                batch.remove(&self.open, &upload);
                return batch.commit().await.map(drop);
            }
            batch.commit().await?;
        }
    }
}
