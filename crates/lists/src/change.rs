//! What clients do with their lists, whichever words they use.

use std::{collections::BTreeSet, sync::Arc};

use sestina_core::{Event, Origin, Refusal, Server, Session};
use sestina_stanza::{Condition, Jid, StanzaError};
use tokio::sync::MutexGuard;

use crate::{
    List, Lists, Whom,
    shelf::{Force, Index, Slot, Turn},
};

/// What a client may put into the lists of an account.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Lists of one account.
    pub lists: usize,
    /// Rules of one list.
    pub items: usize,
    /// Bytes of text in all lists of one account.
    pub bytes: usize,
}

impl Bounds {
    /// Allows what another allows as well.
    pub(crate) fn widen(&mut self, other: &Self) {
        self.lists = self.lists.max(other.lists);
        self.items = self.items.max(other.items);
        self.bytes = self.bytes.max(other.bytes);
    }
}

/// The most that [`Bounds::items`] may be, so that a list fits into a record.
pub const MOST_ITEMS: usize = 20_000;

/// The most that [`Bounds::bytes`] may be, so that a list fits into a record.
pub const MOST_BYTES: usize = sestina_store::RECORD_BYTES - MOST_ITEMS * RULE_BYTES;

/// The most that [`Bounds::lists`] may be.
pub const MOST_LISTS: usize = 256;

/// Bytes of a list's name.
pub const NAME_BYTES: usize = 256;

/// What a stored rule takes beside its text, at most.
const RULE_BYTES: usize = 16;

/// Which lists there are, and which of them are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The one that this session has made its own.
    pub active: Option<String>,
    /// The one for all sessions that have none of their own, and while there is no session.
    pub default: Option<String>,
    /// All of them.
    pub lists: Vec<String>,
}

/// Somebody's lists have changed, and that is in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListsChanged {
    /// Whose.
    pub account: Jid,
    /// The list whose rules are others now, if one is.
    pub list: Option<String>,
    /// What has become of the block list: the rules of the default list that block somebody
    /// altogether (XEP-0191 §4).
    pub blocked: Vec<Blocked>,
}

impl Event for ListsChanged {}

/// A change of a block list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// These are blocked.
    Added(Vec<Jid>),
    /// These are not any more.
    Removed(Vec<Jid>),
    /// Nobody is any more.
    Cleared,
}

/// A change on its way.
struct Work<'a> {
    lists: &'a Lists,
    origin: &'a Origin,
    server: &'a Server,
    account: Jid,
    turn: Turn<'a>,
    index: Index,
    before: Arc<Force>,
    _change: MutexGuard<'a, ()>,
}

impl Lists {
    /// Which lists an account has.
    ///
    /// # Errors
    ///
    /// When that cannot be read.
    pub async fn names(&self, origin: &Origin) -> Result<Names, Refusal> {
        let index = self.0.shelf.index(&origin.to).await?;
        let active = match &origin.session {
            Some(session) => {
                let force = self.0.shelf.force(&origin.to).await?;
                force.active(session.jid().resource().unwrap_or_default()).map(str::to_owned)
            }
            None => None,
        };
        Ok(Names { active, default: index.default, lists: index.lists.into_keys().collect() })
    }

    /// A list of an account.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn list(&self, account: &Jid, name: &str) -> Result<Option<List>, Refusal> {
        Ok(self.0.shelf.list(account, name).await?)
    }

    /// Reads whom an account blocks. What `then` tells comes before what is told of later changes.
    ///
    /// # Errors
    ///
    /// When that cannot be read.
    pub async fn blocked(
        &self,
        account: &Jid,
        then: impl FnOnce(Vec<Jid>) + Send,
    ) -> Result<(), Refusal> {
        let slot = self.0.shelf.slot(account);
        let _change = slot.change.lock().await;
        let index = self.0.shelf.index(account).await?;
        let list = self.default_list(account, &index).await?;
        then(list.blocked().cloned().collect());
        Ok(())
    }

    /// Writes a list in place of the one of its name, if there is one.
    ///
    /// # Errors
    ///
    /// `item-not-found` if a rule names a group that nobody is in, `resource-constraint` where there
    /// is no room.
    pub async fn put(
        &self,
        origin: &Origin,
        name: &str,
        list: List,
        bounds: &Bounds,
        server: &Server,
    ) -> Result<(), Refusal> {
        self.check_groups(origin, &list).await?;
        let slot = self.0.shelf.slot(&origin.to);
        let mut work = self.begin(&slot, origin, server).await?;
        let was = work.read(Some(name)).await?;
        work.check(name, &was, &list, bounds).await?;
        let is_default = work.index.default.as_deref() == Some(name);
        let blocked = if is_default { differences(&was, &list) } else { Vec::new() };
        work.write(name, &list).await?;
        work.tell(Some(name), blocked).await;
        Ok(())
    }

    /// Removes a list.
    ///
    /// # Errors
    ///
    /// `item-not-found` if there is none of this name, `conflict` if another session goes by it.
    pub async fn remove(
        &self,
        origin: &Origin,
        name: &str,
        server: &Server,
    ) -> Result<(), Refusal> {
        let slot = self.0.shelf.slot(&origin.to);
        let mut work = self.begin(&slot, origin, server).await?;
        work.find(name)?;
        let is_default = work.index.default.as_deref() == Some(name);
        if work.others_go_by(|active| active.map_or(is_default, |active| active == name)) {
            return Err(Condition::Conflict.into());
        }
        let was = if is_default { work.read(Some(name)).await? } else { List::default() };
        work.write(name, &List::default()).await?;
        work.tell(Some(name), differences(&was, &List::default())).await;
        Ok(())
    }

    /// Says which list is in force for all sessions that have none of their own, and while there is
    /// no session.
    ///
    /// # Errors
    ///
    /// `item-not-found` if there is none of this name, `conflict` if another session goes by the one
    /// that was.
    pub async fn set_default(
        &self,
        origin: &Origin,
        name: Option<&str>,
        server: &Server,
    ) -> Result<(), Refusal> {
        let slot = self.0.shelf.slot(&origin.to);
        let mut work = self.begin(&slot, origin, server).await?;
        if let Some(name) = name {
            work.find(name)?;
        }
        if work.index.default.as_deref() == name {
            return Ok(());
        }
        if work.index.default.is_some() && work.others_go_by(|active| active.is_none()) {
            return Err(Condition::Conflict.into());
        }
        let was = self.default_list(&work.account, &work.index).await?;
        work.index.default = name.map(str::to_owned);
        let is = self.default_list(&work.account, &work.index).await?;
        let mut batch = work.turn.batch();
        work.turn.put_index(&mut batch, &work.index);
        work.turn.commit(batch).await?;
        work.tell(None, differences(&was, &is)).await;
        Ok(())
    }

    /// Gives a session a list of its own, or takes it away.
    ///
    /// # Errors
    ///
    /// `item-not-found` if there is none of this name.
    pub async fn activate(
        &self,
        origin: &Origin,
        name: Option<&str>,
        server: &Server,
    ) -> Result<(), Refusal> {
        let session: &Session = origin.session.as_deref().ok_or(Condition::BadRequest)?;
        let slot = self.0.shelf.pin(session);
        let mut work = self.begin(&slot, origin, server).await?;
        if let Some(name) = name {
            work.find(name)?;
        }
        work.turn.activate(session, name).await?;
        work.tell(None, Vec::new()).await;
        Ok(())
    }

    /// Blocks somebody, in the default list: before all that it lets pass.
    ///
    /// # Errors
    ///
    /// `resource-constraint` where there is no room.
    pub async fn block(
        &self,
        origin: &Origin,
        jids: Vec<Jid>,
        bounds: &Bounds,
        server: &Server,
    ) -> Result<(), Refusal> {
        let slot = self.0.shelf.slot(&origin.to);
        let mut work = self.begin(&slot, origin, server).await?;
        let was = work.read(work.index.default.as_deref()).await?;
        let mut list = was.clone();
        let name = work.index.default.clone().unwrap_or_else(|| work.index.vacant());
        let changed = list.block(&jids);
        if changed {
            work.check(&name, &was, &list, bounds).await?;
            work.index.default = Some(name.clone());
            work.write(&name, &list).await?;
        }
        work.tell(changed.then_some(&name), vec![Blocked::Added(jids)]).await;
        Ok(())
    }

    /// Takes somebody, or everybody, from the block list.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn unblock(
        &self,
        origin: &Origin,
        jids: Option<Vec<Jid>>,
        server: &Server,
    ) -> Result<(), Refusal> {
        let slot = self.0.shelf.slot(&origin.to);
        let mut work = self.begin(&slot, origin, server).await?;
        let name = work.index.default.clone();
        let mut list = work.read(name.as_deref()).await?;
        let mut edited = None;
        if let Some(name) = name
            && list.unblock(jids.as_deref())
        {
            work.write(&name, &list).await?;
            edited = Some(name);
        }
        let blocked = jids.map_or(Blocked::Cleared, Blocked::Removed);
        work.tell(edited.as_deref(), vec![blocked]).await;
        Ok(())
    }

    /// Waits for those who change something as well.
    async fn begin<'a>(
        &'a self,
        slot: &'a Arc<Slot>,
        origin: &'a Origin,
        server: &'a Server,
    ) -> Result<Work<'a>, Refusal> {
        let change = slot.change.lock().await;
        let account = origin.to.to_bare();
        let turn = self.0.shelf.turn(slot).await?;
        let index = self.0.shelf.index(&account).await?;
        let before = turn.force.clone();
        Ok(Work { lists: self, origin, server, account, turn, index, before, _change: change })
    }

    async fn default_list(&self, account: &Jid, index: &Index) -> Result<List, Refusal> {
        match &index.default {
            Some(name) => Ok(self.0.shelf.list(account, name).await?.unwrap_or_default()),
            None => Ok(List::default()),
        }
    }

    /// XEP-0016 §2.1: a group that a rule names must be one of the account's.
    async fn check_groups(&self, origin: &Origin, list: &List) -> Result<(), Refusal> {
        let named = list.rules().iter().filter_map(|rule| match &rule.whom {
            Whom::Group(group) => Some(&**group),
            _ => None,
        });
        let mut missing: BTreeSet<&str> = named.collect();
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(contacts) = self.0.contacts.provider() {
            for (_, contact) in contacts.contacts(&origin.to.to_bare()).wait().await? {
                for group in &*contact.groups {
                    missing.remove(&**group);
                }
            }
        }
        match missing.first() {
            None => Ok(()),
            Some(group) => {
                let error = StanzaError::new(Condition::ItemNotFound);
                Err(error.with_text(format!("no contact is in the group {group:?}")).into())
            }
        }
    }
}

impl Work<'_> {
    fn find(&self, name: &str) -> Result<(), Refusal> {
        match self.index.lists.contains_key(name) {
            true => Ok(()),
            false => Err(Condition::ItemNotFound.into()),
        }
    }

    /// A list as it is stored; one without rules where there is none.
    async fn read(&self, name: Option<&str>) -> Result<List, Refusal> {
        let Some(name) = name else { return Ok(List::default()) };
        Ok(self.lists.0.shelf.list(&self.account, name).await?.unwrap_or_default())
    }

    /// Whether a session but for the one that asks goes by a list, told by the one of its own.
    fn others_go_by(&self, list: impl Fn(Option<&str>) -> bool) -> bool {
        let own = self.origin.session.as_ref().map(|session| session.id());
        self.server.sessions(&self.account).iter().any(|session| {
            let active = session.jid().resource().and_then(|it| self.before.active(it));
            Some(session.id()) != own && list(active)
        })
    }

    /// Whether there is room for a list in place of another; what is there already may stay.
    async fn check(
        &self,
        name: &str,
        was: &List,
        list: &List,
        bounds: &Bounds,
    ) -> Result<(), Refusal> {
        let full = |why: &'static str| {
            Err(StanzaError::new(Condition::ResourceConstraint).with_text(why).into())
        };
        let names = &self.index.lists;
        if name.len() > NAME_BYTES {
            let long = StanzaError::new(Condition::NotAcceptable);
            return Err(long.with_text("the name is too long").into());
        }
        if !names.contains_key(name) && names.len() >= bounds.lists {
            return full("there are too many lists");
        }
        if list.rules().len() > bounds.items.max(was.rules().len()) {
            return full("the list is full");
        }
        let before: usize = names.values().map(|bytes| *bytes as usize).sum();
        let after = before.saturating_sub(was.bytes()) + list.bytes();
        if after > bounds.bytes.max(before) {
            return full("the lists are full");
        }
        // Lists belong to accounts, which not everybody has who is here.
        if names.is_empty() && !self.server.accounts().exists(&self.account).await {
            return Err(Condition::RegistrationRequired.into());
        }
        Ok(())
    }

    async fn write(&mut self, name: &str, list: &List) -> Result<(), Refusal> {
        let mut batch = self.turn.batch();
        self.turn.put_list(&mut batch, &mut self.index, name, list);
        Ok(self.turn.commit(batch).await?)
    }

    /// Answers, and tells everybody whom it concerns. Nobody else changes anything meanwhile, but all
    /// may ask what is in force.
    async fn tell(self, list: Option<&str>, blocked: Vec<Blocked>) {
        let Self { lists, origin, server, account, turn, before, _change, .. } = self;
        let after = turn.force.clone();
        drop(turn);
        origin.answer((), server);
        let changed =
            ListsChanged { account: account.clone(), list: list.map(str::to_owned), blocked };
        // What fails in a handler is logged there.
        let _ = server.emit(&changed).await;
        if let Err(refusal) = lists.show(&account, &before, &after, server).await {
            tracing::warn!(%account, %refusal, "contacts were not told of a change of lists");
        }
    }
}

impl Index {
    /// A name that no list has yet.
    fn vacant(&self) -> String {
        let name = |number: usize| match number {
            0 => "blocked".to_owned(),
            number => format!("blocked {number}"),
        };
        (0..=self.lists.len())
            .map(name)
            .find(|name| !self.lists.contains_key(name))
            .unwrap_or_else(|| name(self.lists.len() + 1))
    }
}

fn differences(before: &List, after: &List) -> Vec<Blocked> {
    let of = |list: &List| list.blocked().cloned().collect::<BTreeSet<Jid>>();
    let (before, after) = (of(before), of(after));
    let added: Vec<_> = after.difference(&before).cloned().collect();
    let removed: Vec<_> = before.difference(&after).cloned().collect();
    let mut blocked = Vec::new();
    if !added.is_empty() {
        blocked.push(Blocked::Added(added));
    }
    if !removed.is_empty() {
        blocked.push(Blocked::Removed(removed));
    }
    blocked
}
