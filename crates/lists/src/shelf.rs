//! Where the lists are kept: in the store, and those that are in force in memory as well, as long as
//! somebody is there or was asked about of late.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sestina_core::Session;
use sestina_stanza::Jid;
use sestina_store::{Batch, Collection, Owner, Record, Space, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use crate::{List, Matcher};

/// What is remembered of accounts that are not there: an account counts as one, and each rule that is
/// in force as one more.
pub const REMEMBERED: usize = 1 << 15;

/// All lists.
pub(crate) struct Shelf {
    space: Space,
    indexes: Collection<(), Index>,
    lists: Collection<String, List>,
    slots: Arc<Slots>,
    recent: parking_lot::Mutex<Recent>,
    /// How many sessions have a list of their own.
    actives: Arc<AtomicUsize>,
    /// Whether rules are in force that no block list shows.
    whole: AtomicBool,
}

/// Those that are in use: a session holds on to its account's, and so do the last that were asked
/// about. As each account has one at most, whoever changes a list changes what all see.
type Slots = DashMap<Jid, Weak<Slot>, foldhash::fast::RandomState>;

/// The place of one account's lists.
pub(crate) struct Slot {
    account: Jid,
    slots: Weak<Slots>,
    /// Whoever changes anything has this until all is told; it is taken before the turn.
    pub(crate) change: Mutex<()>,
    /// Whoever reads or writes what is stored has this, and waits for nothing but the store.
    turn: Mutex<()>,
    force: RwLock<Option<Arc<Force>>>,
    active: parking_lot::Mutex<Vec<Active>>,
    actives: Arc<AtomicUsize>,
}

/// A list that a session has made its own.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    session: u64,
    resource: Box<str>,
    pub(crate) name: Box<str>,
}

/// Which rules of an account are in force, and for whom.
#[derive(Debug, Default)]
pub(crate) struct Force {
    default: Option<Arc<Matcher>>,
    actives: Vec<(Active, Arc<Matcher>)>,
}

/// Which lists an account has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) default: Option<String>,
    /// By name, with the bytes of text in each.
    pub(crate) lists: BTreeMap<String, u32>,
}

impl Record for Index {
    const VERSION: u8 = 1;
}

/// The lists of an account, while nobody else can change them.
pub(crate) struct Turn<'a> {
    shelf: &'a Shelf,
    slot: &'a Slot,
    pub(crate) force: Arc<Force>,
    _turn: MutexGuard<'a, ()>,
}

/// What a session keeps of its account's lists.
#[derive(Default)]
struct Pin(parking_lot::Mutex<Option<Arc<Slot>>>);

/// The last that were asked about while they were not there.
struct Recent {
    held: VecDeque<(Arc<Slot>, usize)>,
    weight: usize,
    most: usize,
}

impl Shelf {
    pub(crate) fn new(space: Space) -> Self {
        Self {
            indexes: space.collection("index"),
            lists: space.collection("lists"),
            space,
            slots: Arc::default(),
            recent: parking_lot::Mutex::default(),
            actives: Arc::default(),
            whole: AtomicBool::new(false),
        }
    }

    /// From here on, all rules are in force, and not only those that a block list shows.
    pub(crate) fn open(&self) {
        self.whole.store(true, Ordering::Release);
    }

    /// Whether any session has a list of its own.
    pub(crate) fn has_actives(&self) -> bool {
        self.actives.load(Ordering::Acquire) > 0
    }

    /// What is in force for an account, if it is in memory.
    pub(crate) fn at_hand(&self, account: &str) -> Option<Arc<Force>> {
        let slot = self.slots.get(account).and_then(|slot| slot.upgrade())?;
        slot.at_hand()
    }

    /// What is in force for an account, which is remembered for the next time.
    pub(crate) async fn force(&self, account: &Jid) -> Result<Arc<Force>, StoreError> {
        let slot = self.slot(account);
        let force = self.turn(&slot).await?.force;
        let weight = 1 + force.matchers().map(Matcher::rules).sum::<usize>();
        self.recent.lock().keep(slot, weight);
        Ok(force)
    }

    /// The place of the lists of a session's account, which stays in use as long as the session.
    pub(crate) fn pin(&self, session: &Session) -> Arc<Slot> {
        let pin = session.part::<Pin>();
        let mut pin = pin.0.lock();
        pin.get_or_insert_with(|| self.slot(session.account())).clone()
    }

    /// The place of an account's lists.
    pub(crate) fn slot(&self, account: &Jid) -> Arc<Slot> {
        let account = account.to_bare();
        let mut held = self.slots.entry(account.clone()).or_default();
        if let Some(slot) = held.upgrade() {
            return slot;
        }
        let slot = Arc::new(Slot {
            account,
            slots: Arc::downgrade(&self.slots),
            change: Mutex::default(),
            turn: Mutex::default(),
            force: RwLock::default(),
            active: parking_lot::Mutex::default(),
            actives: self.actives.clone(),
        });
        *held = Arc::downgrade(&slot);
        slot
    }

    /// All lists of an account, by name, and which is the default.
    pub(crate) async fn all(
        &self,
        account: &Jid,
    ) -> Result<(Option<String>, Vec<(String, List)>), StoreError> {
        let index = self.index(account).await?;
        let mut lists = Vec::with_capacity(index.lists.len());
        for name in index.lists.into_keys() {
            if let Some(list) = self.list(account, &name).await? {
                lists.push((name, list));
            }
        }
        Ok((index.default, lists))
    }

    /// Waits for the turn.
    pub(crate) async fn turn<'a>(&'a self, slot: &'a Slot) -> Result<Turn<'a>, StoreError> {
        let turn = slot.turn.lock().await;
        let force = match slot.at_hand() {
            Some(force) => force,
            None => self.load(slot).await?,
        };
        Ok(Turn { shelf: self, slot, force, _turn: turn })
    }

    /// A session begins, without a list of its own: none is left to it by whoever had its resource.
    pub(crate) async fn begin(&self, session: &Session) -> Result<(), StoreError> {
        let slot = self.pin(session);
        let resource = session.jid().resource().unwrap_or_default();
        slot.part(|it| *it.resource != *resource).await;
        self.turn(&slot).await.map(drop)
    }

    /// A session is gone.
    pub(crate) async fn end(&self, session: &Session) {
        self.pin(session).part(|it| it.session != session.id()).await;
    }

    /// What is stored of an account is about to go, or to begin.
    pub(crate) async fn forget(&self, account: &Jid) {
        let slot = self.slot(account);
        let _turn = slot.turn.lock().await;
        slot.forget();
    }

    /// Which lists an account has.
    pub(crate) async fn index(&self, account: &Jid) -> Result<Index, StoreError> {
        Ok(self.indexes.get(&owner(account), &()).await?.unwrap_or_default())
    }

    /// A list of an account.
    pub(crate) async fn list(&self, account: &Jid, name: &str) -> Result<Option<List>, StoreError> {
        self.lists.get(&owner(account), name).await
    }

    /// Finds out what is in force.
    async fn load(&self, slot: &Slot) -> Result<Arc<Force>, StoreError> {
        let index = self.index(&slot.account).await?;
        let mut ready: BTreeMap<&str, Arc<Matcher>> = BTreeMap::new();
        let active = slot.active.lock().clone();
        for name in active.iter().map(|it| &*it.name).chain(index.default.as_deref()) {
            if !ready.contains_key(name)
                && let Some(list) = self.list(&slot.account, name).await?
            {
                ready.insert(name, Arc::new(self.matcher(&list)));
            }
        }
        let find = |name: &str| ready.get(name).cloned();
        let actives = active.iter().filter_map(|it| Some((it.clone(), find(&it.name)?))).collect();
        let default = index.default.as_deref().and_then(find);
        slot.retain(|it| ready.contains_key(&*it.name));
        let force = Arc::new(Force { default, actives });
        *slot.force.write() = Some(force.clone());
        Ok(force)
    }

    fn matcher(&self, list: &List) -> Matcher {
        match self.whole.load(Ordering::Acquire) {
            true => Matcher::new(list),
            false => Matcher::new(&list.only_blocks()),
        }
    }
}

impl Force {
    /// Whether nothing is in force for anybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.default.is_none() && self.actives.is_empty()
    }

    /// Whether some session has a list of its own.
    pub(crate) fn has_actives(&self) -> bool {
        !self.actives.is_empty()
    }

    /// The rules that are in force for the account as a whole.
    pub(crate) fn default(&self) -> Option<&Arc<Matcher>> {
        self.default.as_ref()
    }

    /// The list that the session with a resource has made its own.
    pub(crate) fn active(&self, resource: &str) -> Option<&str> {
        self.find(resource).map(|(active, _)| &*active.name)
    }

    /// The rules that are in force for an address of the account.
    pub(crate) fn at(&self, resource: Option<&str>) -> Option<&Arc<Matcher>> {
        match resource.and_then(|resource| self.find(resource)) {
            Some((_, matcher)) => Some(matcher),
            None => self.default(),
        }
    }

    fn find(&self, resource: &str) -> Option<&(Active, Arc<Matcher>)> {
        self.actives.iter().find(|(active, _)| *active.resource == *resource)
    }

    /// All rules that are in force somewhere.
    pub(crate) fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        self.default.iter().chain(self.actives.iter().map(|(_, matcher)| matcher)).map(|it| &**it)
    }
}

impl Slot {
    fn at_hand(&self) -> Option<Arc<Force>> {
        self.force.read().clone()
    }

    /// Takes lists away from sessions.
    async fn part(&self, keep: impl Fn(&Active) -> bool) {
        let _turn = self.turn.lock().await;
        if self.retain(keep) {
            self.forget();
        }
    }

    /// Forgets what is in memory, because what is stored is not what it was.
    fn forget(&self) {
        *self.force.write() = None;
    }

    /// Gives a session a list of its own.
    fn activate(&self, session: &Session, name: &str) {
        let resource = session.jid().resource().unwrap_or_default().into();
        self.active.lock().push(Active { session: session.id(), resource, name: name.into() });
        self.actives.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes lists away from sessions; says whether there were any to take.
    fn retain(&self, keep: impl Fn(&Active) -> bool) -> bool {
        let mut active = self.active.lock();
        let before = active.len();
        active.retain(keep);
        let gone = before - active.len();
        self.actives.fetch_sub(gone, Ordering::AcqRel);
        gone > 0
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.retain(|_| false);
        if let Some(slots) = self.slots.upgrade() {
            slots.remove_if(self.account.as_str(), |_, slot| slot.strong_count() == 0);
        }
    }
}

impl<'a> Turn<'a> {
    /// Begins a change of what is stored.
    pub(crate) fn batch(&self) -> Batch<'a> {
        self.shelf.space.batch(&owner(&self.slot.account))
    }

    /// Writes the index in a change; nothing where nothing is left to say.
    pub(crate) fn put_index(&self, batch: &mut Batch<'a>, index: &Index) {
        match *index == Index::default() {
            true => batch.remove(&self.shelf.indexes, &()),
            false => batch.put(&self.shelf.indexes, &(), index),
        }
    }

    /// Writes a list in a change, and into the index; one without rules is removed, and whoever uses
    /// it goes without.
    pub(crate) fn put_list(
        &self,
        batch: &mut Batch<'a>,
        index: &mut Index,
        name: &str,
        list: &List,
    ) {
        if list.rules().is_empty() {
            batch.remove(&self.shelf.lists, name);
            index.lists.remove(name);
            index.default.take_if(|default| *default == name);
        } else {
            batch.put(&self.shelf.lists, name, list);
            let bytes = u32::try_from(list.bytes()).unwrap_or(u32::MAX);
            index.lists.insert(name.to_owned(), bytes);
        }
        self.put_index(batch, index);
    }

    /// Makes a change. From here on it is in force.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, it has written all or nothing, and the next turn finds out which.
    pub(crate) async fn commit(&mut self, batch: Batch<'a>) -> Result<(), StoreError> {
        // Until it is known what the store has, nothing is.
        self.slot.forget();
        self.shelf.recent.lock().remove(self.slot);
        batch.commit().await?;
        self.reload().await
    }

    /// Gives a session a list of its own, or takes it away.
    pub(crate) async fn activate(
        &mut self,
        session: &Session,
        name: Option<&str>,
    ) -> Result<(), StoreError> {
        self.slot.retain(|it| it.session != session.id());
        if let Some(name) = name {
            self.slot.activate(session, name);
        }
        self.reload().await
    }

    async fn reload(&mut self) -> Result<(), StoreError> {
        self.slot.forget();
        self.force = self.shelf.load(self.slot).await?;
        Ok(())
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self { held: VecDeque::new(), weight: 0, most: REMEMBERED }
    }
}

impl Recent {
    fn keep(&mut self, slot: Arc<Slot>, weight: usize) {
        self.held.push_back((slot, weight));
        self.weight += weight;
        while self.weight > self.most {
            let Some((_, weight)) = self.held.pop_front() else { break };
            self.weight -= weight;
        }
    }

    fn remove(&mut self, slot: &Slot) {
        let mut gone = 0;
        self.held.retain(|(held, weight)| {
            let is = std::ptr::eq(&raw const **held, slot);
            gone += if is { *weight } else { 0 };
            !is
        });
        self.weight -= gone;
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("in_use", &self.slots.len()).finish_non_exhaustive()
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
