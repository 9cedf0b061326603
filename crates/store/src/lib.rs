#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod backend;
mod batch;
mod blob;
mod collection;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod export;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod fuzzing;
mod key;
mod lane;
mod log;
mod memory;
mod owner;
mod record;
mod reopen;
mod store;
mod threaded;
mod watch;

pub use self::{
    backend::{
        Acknowledgement, Backend, Direction, Entry, Measure, Outcome, Receipt, Require, Run, Scan,
        Transaction, Write,
    },
    batch::{BATCH_BYTES, Batch},
    blob::{BLOB_PART_BYTES, BlobBounds, BlobId, BlobIdError, BlobReader, BlobWriter, Blobs},
    collection::{Collection, SCAN_RECORDS},
    error::{ErrorKind, Fault, Limit, StoreError},
    export::{Export, StoredRecord},
    key::{KEY_BYTES, Key, OwnedKey},
    log::{Log, LogBounds, LogId, LogSize},
    memory::{Memory, memory},
    owner::Owner,
    record::{RECORD_BYTES, Record},
    reopen::Reopening,
    store::{Space, Store},
    threaded::{Engine, Threaded, ThreadedBounds},
    watch::{Operation, Watch},
};
