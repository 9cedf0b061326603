//! Messages of one account on their way to the store.

use std::collections::VecDeque;

use parking_lot::Mutex;
use sestina_stanza::{Jid, Stanza};
use tokio::sync::{Notify, oneshot};

use crate::{Bounds, worth::Kept};

/// The place where one account's messages queue up, as long as a task writes them down or hands
/// them over.
///
/// There is one such task for an account, so that nothing overtakes anything.
pub(crate) struct Spool {
    pub(crate) account: Jid,
    /// Told when there is room again.
    pub(crate) room: Notify,
    /// Told when something was queued.
    pub(crate) mail: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Parcel>,
    bytes: usize,
    /// Whether what is stored is to be handed over to whoever is there.
    called: bool,
    /// Whether some have been taken out and are not yet stored.
    writing: bool,
    /// Whether the account is about to go.
    leaving: bool,
}

/// A message that is to be stored.
pub(crate) struct Parcel {
    /// The message as it came, for an answer.
    pub(crate) stanza: Stanza,
    pub(crate) kept: Kept,
    /// Told when it is stored or refused.
    pub(crate) settled: Option<oneshot::Sender<()>>,
    /// Whether it waits even if somebody is there.
    pub(crate) held: bool,
    /// How many accounts had gone before this one's was looked up.
    pub(crate) removals: u64,
}

impl Spool {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account, room: Notify::new(), mail: Notify::new(), state: Mutex::default() }
    }

    /// Queues a message, or hands it back if there is no room.
    pub(crate) fn put(&self, parcel: Parcel, bounds: &Bounds) -> Result<(), Parcel> {
        let mut state = self.state.lock();
        if !state.has_room(parcel.kept.bytes(), bounds) {
            return Err(parcel);
        }
        state.bytes += parcel.kept.bytes();
        state.waiting.push_back(parcel);
        self.mail.notify_one();
        Ok(())
    }

    pub(crate) fn has_room(&self, bytes: usize, bounds: &Bounds) -> bool {
        self.state.lock().has_room(bytes, bounds)
    }

    /// Takes out what is stored next, up to so many and so many bytes.
    pub(crate) fn take(&self, most: usize, most_bytes: usize) -> Vec<Parcel> {
        let mut state = self.state.lock();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < most && (taken.is_empty() || bytes < most_bytes) {
            let Some(parcel) = state.waiting.pop_front() else { break };
            bytes += parcel.kept.bytes();
            taken.push(parcel);
        }
        state.bytes = state.bytes.saturating_sub(bytes);
        state.writing = !taken.is_empty();
        drop(state);
        self.room.notify_waiters();
        taken
    }

    /// What was taken out is stored or refused.
    pub(crate) fn written(&self) {
        self.state.lock().writing = false;
    }

    /// Asks for what is stored.
    pub(crate) fn call(&self) {
        self.state.lock().called = true;
    }

    /// Whether somebody has asked since this was last looked at.
    pub(crate) fn take_call(&self) -> bool {
        std::mem::take(&mut self.state.lock().called)
    }

    /// From here on nothing is stored.
    pub(crate) fn leave(&self) {
        self.state.lock().leaving = true;
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.state.lock().leaving
    }

    /// Whether all is stored that was to be.
    pub(crate) fn is_written(&self) -> bool {
        let state = self.state.lock();
        state.waiting.is_empty() && !state.writing
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.waiting.is_empty() && !state.writing && !state.called
    }
}

impl State {
    /// One message finds room however large it is.
    fn has_room(&self, bytes: usize, bounds: &Bounds) -> bool {
        self.waiting.is_empty()
            || (self.waiting.len() < bounds.unwritten
                && self.bytes.saturating_add(bytes) <= bounds.unwritten_bytes)
    }
}
