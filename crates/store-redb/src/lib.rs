#![doc = include_str!("../README.md")]

mod engine;

use std::path::Path;

use sestina_store::{Store, StoreError, Threaded, ThreadedBounds};

pub use crate::engine::Redb;

/// How much memory the page cache may take, unless [`Options`] say otherwise.
pub const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Opens the file at `path`, or makes it.
///
/// # Errors
///
/// [`Locked`](sestina_store::ErrorKind::Locked) if another process has it open,
/// [`Corrupt`](sestina_store::ErrorKind::Corrupt) if it is no such file or a damaged one, else what
/// the operating system says. The error names the file.
pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
    Options::default().open(path)
}

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Bytes of memory for cached pages; [`CACHE_BYTES`] unless told.
    pub cache_bytes: usize,
    /// Threads and queues.
    pub threads: ThreadedBounds,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: CACHE_BYTES, threads: ThreadedBounds::default() }
    }
}

impl Options {
    /// Sets how many bytes of memory cached pages may take.
    #[must_use]
    pub fn cache_bytes(self, bytes: usize) -> Self {
        Self { cache_bytes: bytes, ..self }
    }

    /// Sets how many threads there are and how much may wait for them.
    #[must_use]
    pub fn threads(self, bounds: ThreadedBounds) -> Self {
        Self { threads: bounds, ..self }
    }

    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// As for [`open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let threaded = Redb::open(path.as_ref(), self.cache_bytes)
            .and_then(|engine| Threaded::start("store-redb", engine, self.threads));
        threaded.map(Store::new).map_err(|fault| StoreError::new("open", fault))
    }
}
