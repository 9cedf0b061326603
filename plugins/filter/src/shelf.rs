//! The rules of all accounts: in the store, and in memory while somebody needs them.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use dashmap::DashMap;
use parking_lot::RwLock;
use sestina_core::Session;
use sestina_stanza::Jid;
use sestina_store::{Collection, Owner, Space, StoreError};
use sestina_xml::{Element, Limits};
use tokio::sync::Mutex;

use crate::rule::{Allowed, Rule, rules};

/// The rules of an account, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Rules(pub(crate) Vec<Rule>);

/// Those of accounts with a session stay in memory, and of others those that were asked for last.
pub(crate) struct Shelf {
    /// The query as it was sent. Owned by the account, so it goes when the account goes.
    stored: Collection<(), String>,
    slots: Arc<Slots>,
    /// Accounts without a session, the one that was asked for first in front.
    lately: parking_lot::Mutex<VecDeque<Arc<Slot>>>,
    most: usize,
    nothing: Arc<Rules>,
}

type Slots = DashMap<Jid, Weak<Slot>, foldhash::fast::RandomState>;

/// The place of one account's rules.
pub(crate) struct Slot {
    account: Jid,
    slots: Weak<Slots>,
    turn: Mutex<()>,
    rules: RwLock<Option<Arc<Rules>>>,
}

/// What a session keeps of its account's rules.
#[derive(Default)]
struct Pin(parking_lot::Mutex<Option<Arc<Slot>>>);

/// Where the queries are.
pub(crate) fn stored(space: &Space) -> Collection<(), String> {
    space.collection("rules")
}

impl Shelf {
    /// With so many accounts that have no session.
    pub(crate) fn new(space: &Space, most: usize) -> Self {
        Self {
            stored: stored(space),
            slots: Arc::default(),
            lately: parking_lot::Mutex::default(),
            most,
            nothing: Arc::default(),
        }
    }

    /// The rules of an account, if they are in memory.
    pub(crate) fn at_hand(&self, account: &str) -> Option<Arc<Rules>> {
        let slot = self.slots.get(account).and_then(|slot| slot.upgrade())?;
        slot.at_hand()
    }

    /// The rules of an account. Those that are not allowed any more are left out.
    pub(crate) async fn rules(
        &self,
        account: &Jid,
        allowed: &Allowed,
    ) -> Result<Arc<Rules>, StoreError> {
        if let Some(rules) = self.at_hand(account.bare_str()) {
            return Ok(rules);
        }
        let slot = self.slot(account);
        let rules = {
            let _turn = slot.turn.lock().await;
            match slot.at_hand() {
                Some(rules) => return Ok(rules),
                None => self.load(&slot, allowed).await?,
            }
        };
        self.remember(slot);
        Ok(rules)
    }

    async fn load(&self, slot: &Slot, allowed: &Allowed) -> Result<Arc<Rules>, StoreError> {
        let rules = match self.text(&slot.account).await? {
            Some(text) => Arc::new(Rules(read(&text, allowed))),
            None => self.nothing.clone(),
        };
        *slot.rules.write() = Some(rules.clone());
        Ok(rules)
    }

    /// The query as it was sent.
    pub(crate) async fn text(&self, account: &Jid) -> Result<Option<String>, StoreError> {
        self.stored.get(&owner(account), &()).await
    }

    /// Keeps a slot in memory, and lets go of another.
    fn remember(&self, slot: Arc<Slot>) {
        let mut lately = self.lately.lock();
        lately.push_back(slot);
        let gone = if lately.len() > self.most { lately.pop_front() } else { None };
        drop(lately);
        drop(gone);
    }

    /// Keeps the rules of a session's account in memory as long as the session is there.
    pub(crate) async fn pin(&self, session: &Session, allowed: &Allowed) -> Result<(), StoreError> {
        let slot = {
            let pin = session.part::<Pin>();
            let mut pin = pin.0.lock();
            pin.get_or_insert_with(|| self.slot(session.account())).clone()
        };
        let _turn = slot.turn.lock().await;
        if slot.at_hand().is_none() {
            self.load(&slot, allowed).await?;
        }
        Ok(())
    }

    /// The place of an account's rules.
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
            rules: RwLock::new(None),
        });
        *held = Arc::downgrade(&slot);
        slot
    }

    /// Writes other rules down; from here on they are the rules.
    pub(crate) async fn write(
        &self,
        slot: &Slot,
        rules: Vec<Rule>,
        text: &str,
    ) -> Result<(), StoreError> {
        let _turn = slot.turn.lock().await;
        // Until it is known what the store has, nothing is.
        slot.forget();
        let owner = owner(&slot.account);
        if rules.is_empty() {
            self.stored.remove(&owner, &()).await?;
            *slot.rules.write() = Some(self.nothing.clone());
        } else {
            self.stored.put(&owner, &(), &text.to_owned()).await?;
            *slot.rules.write() = Some(Arc::new(Rules(rules)));
        }
        Ok(())
    }
}

/// The rules that were stored: those that can still be asked.
fn read(text: &str, allowed: &Allowed) -> Vec<Rule> {
    // It was within bounds when it came.
    match Element::parse(text, &Limits::trusted()) {
        Ok(query) => rules(query.root(), allowed).filter_map(Result::ok).collect(),
        Err(error) => {
            tracing::error!(%error, "stored rules cannot be read");
            Vec::new()
        }
    }
}

impl Slot {
    fn at_hand(&self) -> Option<Arc<Rules>> {
        self.rules.read().clone()
    }

    /// Forgets what is in memory.
    pub(crate) fn forget(&self) {
        *self.rules.write() = None;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(slots) = self.slots.upgrade() {
            slots.remove_if(self.account.as_str(), |_, slot| slot.strong_count() == 0);
        }
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
