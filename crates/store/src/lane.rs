//! Lanes: concurrent read-modify-writes of one key follow one another without waiting for the disk.
//!
//! A change is computed from the value the change before it is *about* to leave, and requires that
//! value when its turn comes. So a hundred appends to one log share one commit, each still
//! requiring exactly what it was computed from: should an earlier one fail, the later ones
//! conflict, read again and go on.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

type LaneKey = (Arc<str>, Bytes);

/// The lanes in use; one goes when the last change on it is decided.
#[derive(Default)]
pub(crate) struct Lanes {
    open: Arc<Mutex<HashMap<LaneKey, Arc<Lane>>>>,
    runs: AtomicU64,
}

#[derive(Default)]
struct Lane {
    /// Held from reading the value to having a place in the order of commits; first come, first
    /// served.
    head: Arc<tokio::sync::Mutex<Option<Head>>>,
}

/// What the last accepted change will leave at the key.
struct Head {
    value: Option<Bytes>,
    /// Names the run of changes computed one from the other since the value was last read.
    run: u64,
}

impl Lanes {
    /// Waits for the turn of a change at `key`.
    pub(crate) async fn enter(&self, space: &Arc<str>, key: &Bytes) -> Turn {
        let name = (Arc::clone(space), key.clone());
        let lane = Arc::clone(self.open.lock().entry(name.clone()).or_default());
        let stay = Stay { open: Arc::clone(&self.open), name, lane };
        let head = Arc::clone(&stay.lane.head).lock_owned().await;
        let run = match &*head {
            Some(head) => head.run,
            None => self.runs.fetch_add(1, Ordering::Relaxed),
        };
        Turn { head, run, stay }
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").finish_non_exhaustive()
    }
}

/// The right to compute the next change of a key.
pub(crate) struct Turn {
    head: OwnedMutexGuard<Option<Head>>,
    run: u64,
    stay: Stay,
}

impl Turn {
    pub(crate) fn key(&self) -> &Bytes {
        &self.stay.name.1
    }

    /// Returns the value an accepted, undecided change will leave, if there is one.
    pub(crate) fn pending(&self) -> Option<Option<Bytes>> {
        self.head.as_ref().map(|head| head.value.clone())
    }

    /// Lets the next change compute from `value`, which an accepted change will leave.
    pub(crate) fn accepted(mut self, value: Option<Bytes>) -> Wake {
        *self.head = Some(Head { value, run: self.run });
        Wake { run: self.run, stay: self.stay }
    }
}

/// What an accepted change leaves behind it until it is decided.
pub(crate) struct Wake {
    run: u64,
    stay: Stay,
}

impl Wake {
    /// Ends the run after a change of it failed: the next change reads the value again.
    pub(crate) async fn failed(&self) {
        let mut head = self.stay.lane.head.lock().await;
        if head.as_ref().is_some_and(|head| head.run == self.run) {
            *head = None;
        }
    }
}

/// Keeps a lane open.
struct Stay {
    open: Arc<Mutex<HashMap<LaneKey, Arc<Lane>>>>,
    name: LaneKey,
    lane: Arc<Lane>,
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        // One count is the map's and one is ours: under the lock nobody else can be coming.
        if Arc::strong_count(&self.lane) == 2 {
            open.remove(&self.name);
        }
    }
}
