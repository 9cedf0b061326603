//! What clients ask of the list itself (RFC 6121 §2).

use std::collections::BTreeSet;

use sestina_core::{Get, Refusal, Server, Set};
use sestina_stanza::{Condition, Invalid, Jid, StanzaError};
use sestina_xml::Element;

use crate::{
    Bounds,
    book::Entry,
    keeper::{Change, Keeper, pushed},
    list::{self, Since},
    query::{self, Query, Wish},
    shelf::Pending,
    subscription::{Act, State},
};

impl Keeper {
    /// The list, or what has changed since the version that the client knows.
    pub(crate) async fn look_up(
        &self,
        ask: Get<Query>,
        server: &Server,
    ) -> Result<Option<Element>, Refusal> {
        let Some(session) = &ask.origin.session else {
            let list = self.shelf.list(&ask.origin.to).await?;
            return Ok(Some(query::whole(&list, ask.ver.is_some())));
        };
        let slot = self.shelf.pin(session);
        let turn = self.shelf.turn(&slot).await?;
        session.interest();
        let list = turn.list();
        let since = match &ask.ver {
            Some(known) => list.since(known, self.bounds.changes),
            None => Since::Everything,
        };
        // Answered while nobody else has the turn, so that the answer and the pushes of others
        // reach the client in the order of their versions.
        match since {
            Since::Nothing => ask.origin.answer((), server),
            Since::Everything => {
                ask.origin.answer(query::whole(list, ask.ver.is_some()), server);
            }
            // RFC 6121 §2.6.3: an empty result, and then what has changed.
            Since::Changes(changes) => {
                ask.origin.answer((), server);
                for change in changes {
                    let version = list.version_of(change.version());
                    let payload = match change {
                        list::Change::Shown(_, item) => query::shown(&item, &version),
                        list::Change::Removed(_, jid) => query::removed(jid, &version),
                    };
                    let push = pushed(payload, server).with_to(session.jid().clone());
                    server.deliver(session, push);
                }
            }
        }
        Ok(None)
    }

    /// A contact is added, changed or removed.
    pub(crate) async fn change(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        // RFC 6121 §2.3.3.
        let [wish] = &*ask.items else {
            return Err(Invalid::new("one contact at a time").into());
        };
        let account = &ask.origin.to;
        let contact = Jid::new(&wish.jid)?.to_bare();
        if wish.remove {
            return self.strike(account, &contact, server).await;
        }
        self.call(account, &contact, wish, server).await
    }

    /// Puts a contact on a list, or calls it something else.
    pub(crate) async fn call(
        &self,
        account: &Jid,
        contact: &Jid,
        wish: &Wish,
        server: &Server,
    ) -> Result<(), Refusal> {
        check(wish, &self.bounds)?;
        let slot = self.shelf.slot(account);
        let mut turn = self.shelf.turn(&slot).await?;
        let mut entry = turn.list().entry(contact.as_str());
        entry.listed = true;
        entry.name.clone_from(&wish.name);
        entry.groups.clone_from(&wish.groups);
        let change = Change { account, contact, entry, pending: Pending::AsItWas };
        self.write(&mut turn, change, server).await
    }

    /// Takes a contact from the list and ends what there was between the two (RFC 6121 §2.5.2).
    pub(crate) async fn strike(
        &self,
        account: &Jid,
        contact: &Jid,
        server: &Server,
    ) -> Result<(), Refusal> {
        let before = {
            let slot = self.shelf.slot(account);
            let mut turn = self.shelf.turn(&slot).await?;
            let entry = turn.list().entry(contact.as_str());
            if !entry.listed {
                return Err(Condition::ItemNotFound.into());
            }
            let nobody = Entry::default();
            let change = Change { account, contact, entry: nobody, pending: Pending::Answered };
            self.write(&mut turn, change, server).await?;
            entry.standing.state
        };
        self.part(account, contact, before, server).await;
        Ok(())
    }

    /// Tells a contact what is over, with what there was before.
    pub(crate) async fn part(&self, account: &Jid, contact: &Jid, before: State, server: &Server) {
        if before.is_to() || before.is_asking() {
            self.tell(Act::Unsubscribe, account, contact, server).await;
        }
        if before.is_from() || before.is_asked() {
            self.tell(Act::Unsubscribed, account, contact, server).await;
        }
        if before.is_from() {
            self.hide(account, contact, server).await;
        }
    }
}

/// Refuses what no contact can be called (RFC 6121 §2.3.3).
pub(crate) fn check(wish: &Wish, bounds: &Bounds) -> Result<(), Refusal> {
    let unacceptable =
        |why: &'static str| Err(StanzaError::new(Condition::NotAcceptable).with_text(why).into());
    if wish.name.len() > bounds.name {
        return unacceptable("the name is too long");
    }
    if wish.groups.iter().any(|group| group.is_empty()) {
        return unacceptable("a group has no name");
    }
    if wish.groups.iter().any(|group| group.len() > bounds.group) {
        return unacceptable("the name of a group is too long");
    }
    if wish.groups.len() > bounds.groups {
        return unacceptable("too many groups");
    }
    if wish.groups.iter().collect::<BTreeSet<_>>().len() < wish.groups.len() {
        return Err(Invalid::new("a group is named twice").into());
    }
    Ok(())
}
