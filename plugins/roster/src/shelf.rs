//! Where the lists stand: in the store, and in memory as long as their owners are there.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use dashmap::DashMap;
use parking_lot::RwLock;
use sestina_core::{Entropy, Session};
use sestina_stanza::Jid;
use sestina_store::{Collection, Owner, Space, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use crate::{book::Book, list::List};

/// All lists.
pub(crate) struct Shelf {
    space: Space,
    books: Collection<(), Book>,
    /// What strangers have asked, by their bare JID, until they are answered.
    requests: Collection<String, String>,
    slots: Arc<Slots>,
}

/// Those that are in use. A session that uses its list holds on to its slot, so that the list stays
/// at hand until the last session of the account is gone.
type Slots = DashMap<Jid, Weak<Slot>, foldhash::fast::RandomState>;

/// The place of one list.
pub(crate) struct Slot {
    account: Jid,
    slots: Weak<Slots>,
    /// Whoever changes the list, or answers after it, has the turn until all is told.
    turn: Mutex<()>,
    list: RwLock<Option<Arc<List>>>,
}

/// The list of an account, while nobody else can change it.
pub(crate) struct Turn<'a> {
    shelf: &'a Shelf,
    slot: &'a Slot,
    list: Arc<List>,
    _turn: MutexGuard<'a, ()>,
}

/// What becomes of the request of somebody that is kept until it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Nothing.
    AsItWas,
    /// It is kept.
    Asked(String),
    /// It is settled.
    Answered,
}

impl Shelf {
    pub(crate) fn new(space: Space) -> Self {
        Self {
            books: space.collection("lists"),
            requests: space.collection("requests"),
            space,
            slots: Arc::default(),
        }
    }

    /// The place of an account's list.
    pub(crate) fn slot(&self, account: &Jid) -> Arc<Slot> {
        if let Some(slot) = self.slots.get(account.as_str()).and_then(|slot| slot.upgrade()) {
            return slot;
        }
        let fresh = || {
            Arc::new(Slot {
                account: account.clone(),
                slots: Arc::downgrade(&self.slots),
                turn: Mutex::new(()),
                list: RwLock::new(None),
            })
        };
        let mut held = self.slots.entry(account.clone()).or_default();
        match held.upgrade() {
            Some(slot) => slot,
            None => {
                let slot = fresh();
                *held = Arc::downgrade(&slot);
                slot
            }
        }
    }

    /// The place of the list of a session's account, which stays in use as long as the session.
    pub(crate) fn pin(&self, session: &Session) -> Arc<Slot> {
        let pin = session.part::<Pin>();
        let mut pin = pin.0.lock();
        pin.get_or_insert_with(|| self.slot(session.account())).clone()
    }

    /// The list of an account, if it is in memory.
    pub(crate) fn at_hand(&self, account: &str) -> Option<Arc<List>> {
        let slot = self.slots.get(account).and_then(|slot| slot.upgrade())?;
        slot.at_hand()
    }

    /// The list of an account.
    pub(crate) async fn list(&self, account: &Jid) -> Result<Arc<List>, StoreError> {
        match self.at_hand(account.as_str()) {
            Some(list) => Ok(list),
            None => Ok(self.turn(&self.slot(account)).await?.list),
        }
    }

    /// Waits for the turn to change a list.
    pub(crate) async fn turn<'a>(&'a self, slot: &'a Slot) -> Result<Turn<'a>, StoreError> {
        let turn = slot.turn.lock().await;
        let list = match slot.at_hand() {
            Some(list) => list,
            None => {
                let book = self.books.get(&owner(&slot.account), &()).await?;
                let list = Arc::new(book.as_ref().map(List::pack).unwrap_or_default());
                *slot.list.write() = Some(list.clone());
                list
            }
        };
        Ok(Turn { shelf: self, slot, list, _turn: turn })
    }

    /// What was asked of an account and is not answered, by who has asked.
    pub(crate) async fn requests(
        &self,
        account: &Jid,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.requests.scan(&owner(account)).await
    }
}

/// What a session keeps of its account's list.
#[derive(Default)]
struct Pin(parking_lot::Mutex<Option<Arc<Slot>>>);

impl Slot {
    /// The list, if it is in memory.
    pub(crate) fn at_hand(&self) -> Option<Arc<List>> {
        self.list.read().clone()
    }

    /// Forgets what is in memory, because what is stored is about to go.
    pub(crate) fn forget(&self) {
        *self.list.write() = None;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(slots) = self.slots.upgrade() {
            slots.remove_if(self.account.as_str(), |_, slot| slot.strong_count() == 0);
        }
    }
}

impl Turn<'_> {
    /// The list as it is.
    pub(crate) fn list(&self) -> &Arc<List> {
        &self.list
    }

    /// Writes a changed list down, together with what becomes of somebody's request; from here on
    /// it is the list.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, it has written all or nothing, and the next turn finds out which.
    pub(crate) async fn write(
        &mut self,
        mut book: Book,
        contact: &str,
        pending: Pending,
        entropy: &dyn Entropy,
    ) -> Result<(), StoreError> {
        if book.epoch == 0 {
            let mut epoch = [0; 8];
            entropy.fill(&mut epoch);
            book.epoch = u64::from_le_bytes(epoch).max(1);
        }
        let mut batch = self.shelf.space.batch(&owner(&self.slot.account));
        batch.put(&self.shelf.books, &(), &book);
        match &pending {
            Pending::AsItWas => {}
            Pending::Asked(request) => batch.put(&self.shelf.requests, contact, request),
            Pending::Answered => batch.remove(&self.shelf.requests, contact),
        }
        // Until it is known what the store has, nothing is.
        self.slot.forget();
        let committed = batch.commit().await;
        if committed.is_ok() {
            self.list = Arc::new(List::pack(&book));
            *self.slot.list.write() = Some(self.list.clone());
        }
        committed.map(drop)
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("in_use", &self.slots.len()).finish_non_exhaustive()
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.as_str())
}

#[cfg(test)]
mod tests {
    use sestina_core::SeededEntropy;

    use super::*;
    use crate::book::Entry;

    fn shelf() -> (Shelf, Jid) {
        let space = sestina_store::memory().space("roster");
        (Shelf::new(space), Jid::new("juliet@capulet.example").unwrap())
    }

    fn book() -> Book {
        let mut book = Book::default();
        book.write("a@b.example", Entry { listed: true, ..Entry::default() }, 8);
        book
    }

    #[tokio::test]
    async fn a_list_is_in_memory_while_somebody_uses_it() {
        let (shelf, juliet) = shelf();
        let slot = shelf.slot(&juliet);
        assert!(Arc::ptr_eq(&slot, &shelf.slot(&juliet)));
        assert!(shelf.at_hand(juliet.as_str()).is_none());
        let mut turn = shelf.turn(&slot).await.unwrap();
        let entropy = SeededEntropy::new(1);
        turn.write(book(), "a@b.example", Pending::AsItWas, &entropy).await.unwrap();
        assert!(turn.list().is_begun());
        drop(turn);
        assert!(shelf.at_hand(juliet.as_str()).is_some());
        drop(slot);
        assert!(shelf.at_hand(juliet.as_str()).is_none());
        assert_eq!(shelf.slots.len(), 0);
        assert_eq!(shelf.list(&juliet).await.unwrap().listed().count(), 1);
        assert_eq!(shelf.slots.len(), 0);
    }

    #[tokio::test]
    async fn a_change_that_was_dropped_is_found_out_about() {
        let (shelf, juliet) = shelf();
        let slot = shelf.slot(&juliet);
        let entropy = SeededEntropy::new(1);
        let mut turn = shelf.turn(&slot).await.unwrap();
        let change = turn.write(book(), "a@b.example", Pending::Asked("?".into()), &entropy);
        let mut change = Box::pin(change);
        // Polled as often as it takes to begin, and no further.
        let _ = std::future::poll_fn(|cx| std::task::Poll::Ready(change.as_mut().poll(cx))).await;
        drop(change);
        drop(turn);
        let listed = shelf.list(&juliet).await.unwrap().listed().count();
        let stored = shelf.books.get(&owner(&juliet), &()).await.unwrap();
        assert_eq!(listed, stored.map_or(0, |book| book.entries.len()));
        assert_eq!(shelf.requests(&juliet).await.unwrap().len(), listed);
    }
}
