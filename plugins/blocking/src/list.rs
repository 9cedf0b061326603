//! Who is blocked, and where that is kept.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Weak},
};

use dashmap::DashMap;
use parking_lot::RwLock;
use sestina_core::Session;
use sestina_stanza::Jid;
use sestina_store::{Collection, Owner, Space, StoreError};
use tokio::sync::{Mutex, MutexGuard};

/// The addresses that one account blocks.
#[derive(Debug, Default)]
pub(crate) struct List(HashSet<Jid, foldhash::fast::RandomState>);

impl List {
    /// Whether somebody is blocked: by full address, bare address, domain with resource, or domain
    /// (XEP-0191 §5).
    pub(crate) fn blocks(&self, jid: &Jid) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let held = |text: &str| self.0.contains(text);
        held(jid.as_str())
            || held(jid.bare_str())
            || held(jid.domain())
            || jid.resource().is_some_and(|resource| {
                jid.local().is_some() && held(&format!("{}/{resource}", jid.domain()))
            })
    }

    /// All of them, sorted.
    pub(crate) fn items(&self) -> BTreeSet<Jid> {
        self.0.iter().cloned().collect()
    }
}

/// All lists: in the store, and in memory while their accounts have a session.
pub(crate) struct Lists {
    stored: Collection<(), Vec<String>>,
    slots: Arc<Slots>,
}

type Slots = DashMap<Jid, Weak<Slot>, foldhash::fast::RandomState>;

/// The place of one list.
pub(crate) struct Slot {
    account: Jid,
    slots: Weak<Slots>,
    turn: Mutex<()>,
    list: RwLock<Option<Arc<List>>>,
}

/// What a session keeps of its account's list.
#[derive(Default)]
struct Pin(parking_lot::Mutex<Option<Arc<Slot>>>);

/// The list of an account, while nobody else can change it.
pub(crate) struct Turn<'a> {
    lists: &'a Lists,
    slot: &'a Slot,
    pub(crate) list: Arc<List>,
    _turn: MutexGuard<'a, ()>,
}

impl Lists {
    pub(crate) fn new(space: &Space) -> Self {
        Self { stored: space.collection("lists"), slots: Arc::default() }
    }

    /// The list of an account, if it is in memory.
    pub(crate) fn at_hand(&self, account: &str) -> Option<Arc<List>> {
        let slot = self.slots.get(account).and_then(|slot| slot.upgrade())?;
        slot.at_hand()
    }

    /// The list of an account.
    pub(crate) async fn list(&self, account: &Jid) -> Result<Arc<List>, StoreError> {
        match self.at_hand(account.bare_str()) {
            Some(list) => Ok(list),
            None => Ok(self.turn(&self.slot(account)).await?.list),
        }
    }

    /// The place of the list of a session's account, which stays in use as long as the session.
    pub(crate) fn pin(&self, session: &Session) -> Arc<Slot> {
        let pin = session.part::<Pin>();
        let mut pin = pin.0.lock();
        pin.get_or_insert_with(|| self.slot(session.account())).clone()
    }

    /// The place of an account's list.
    pub(crate) fn slot(&self, account: &Jid) -> Arc<Slot> {
        let account = account.to_bare();
        let mut held = self.slots.entry(account.clone()).or_default();
        if let Some(slot) = held.upgrade() {
            return slot;
        }
        let slot = Arc::new(Slot {
            account,
            slots: Arc::downgrade(&self.slots),
            turn: Mutex::new(()),
            list: RwLock::new(None),
        });
        *held = Arc::downgrade(&slot);
        slot
    }

    /// Waits for the turn to change a list.
    pub(crate) async fn turn<'a>(&'a self, slot: &'a Slot) -> Result<Turn<'a>, StoreError> {
        let turn = slot.turn.lock().await;
        let list = match slot.at_hand() {
            Some(list) => list,
            None => {
                let stored = self.stored.get(&owner(&slot.account), &()).await?;
                let jids = stored.unwrap_or_default();
                let list = List(jids.iter().filter_map(|jid| Jid::new(jid).ok()).collect());
                let list = Arc::new(list);
                *slot.list.write() = Some(list.clone());
                list
            }
        };
        Ok(Turn { lists: self, slot, list, _turn: turn })
    }
}

impl Slot {
    fn at_hand(&self) -> Option<Arc<List>> {
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
    /// Writes a changed list down; from here on it is the list.
    pub(crate) async fn write(&mut self, items: BTreeSet<Jid>) -> Result<(), StoreError> {
        let jids: Vec<String> = items.iter().map(|jid| jid.as_str().to_owned()).collect();
        // Until it is known what the store has, nothing is.
        self.slot.forget();
        let owner = owner(&self.slot.account);
        if jids.is_empty() {
            self.lists.stored.remove(&owner, &()).await?;
        } else {
            self.lists.stored.put(&owner, &(), &jids).await?;
        }
        self.list = Arc::new(List(items.into_iter().collect()));
        *self.slot.list.write() = Some(self.list.clone());
        Ok(())
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_blocked_in_four_ways() {
        let jid = |jid: &str| Jid::new(jid).unwrap();
        for (blocked, is) in [
            ("romeo@montague.example/orchard", true),
            ("romeo@montague.example", true),
            ("montague.example/orchard", true),
            ("montague.example", true),
            ("romeo@montague.example/street", false),
            ("tybalt@montague.example", false),
            ("montague.example/street", false),
            ("example", false),
        ] {
            let list = List(std::iter::once(jid(blocked)).collect());
            assert_eq!(list.blocks(&jid("romeo@montague.example/orchard")), is, "{blocked}");
        }
        assert!(!List::default().blocks(&jid("romeo@montague.example")));
    }
}
