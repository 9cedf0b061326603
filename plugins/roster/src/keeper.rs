//! What the handlers of this plugin share.

use std::{fmt, ops::Deref, sync::Arc};

use sestina_core::{BoxFuture, Contact, Contacts, Lookup, Refusal, Server, Session};
use sestina_stanza::{Condition, IqType, Jid, Stanza, StanzaError, StanzaId};
use sestina_store::Space;
use sestina_xml::Element;

use crate::{
    Bounds,
    book::{Entry, Touched},
    directed::Directed,
    list::List,
    query::{self, Wish},
    shelf::{Pending, Shelf, Turn},
};

/// A handle to the lists; a clone is another.
#[derive(Clone)]
pub(crate) struct Keeper(Arc<Kept>);

pub(crate) struct Kept {
    pub(crate) shelf: Shelf,
    pub(crate) bounds: Bounds,
}

/// How things are to stand between an account of ours and a contact, both of them bare JIDs.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) account: &'a Jid,
    pub(crate) contact: &'a Jid,
    pub(crate) entry: Entry,
    /// What becomes of a request of the contact's.
    pub(crate) pending: Pending,
}

impl Keeper {
    pub(crate) fn new(space: Space, bounds: Bounds) -> Self {
        Self(Arc::new(Kept { shelf: Shelf::new(space), bounds }))
    }

    /// Writes down how things stand with a contact, and tells the clients that want to know.
    pub(crate) async fn write(
        &self,
        turn: &mut Turn<'_>,
        change: Change<'_>,
        server: &Server,
    ) -> Result<(), Refusal> {
        self.write_and(turn, change, || {}, server).await
    }

    /// The same; once all is written, `tell` comes first.
    pub(crate) async fn write_and(
        &self,
        turn: &mut Turn<'_>,
        change: Change<'_>,
        tell: impl FnOnce() + Send,
        server: &Server,
    ) -> Result<(), Refusal> {
        let Change { account, contact, entry, pending } = change;
        let jid = contact.as_str();
        let mut book = turn.list().unpack();
        let (listed, bytes) = (book.listed(), book.bytes());
        let touched = book.write(jid, entry, self.bounds.changes);
        if touched == Touched::Nothing && pending == Pending::AsItWas {
            tell();
            return Ok(());
        }
        if (book.listed() > listed.max(self.bounds.contacts))
            || (book.bytes() > bytes.max(self.bounds.bytes))
        {
            return Err(StanzaError::new(Condition::ResourceConstraint)
                .with_text("the contact list is full")
                .into());
        }
        // Lists belong to accounts, which not everybody has who is here.
        if !turn.list().is_begun() && !server.accounts().exists(account).await {
            return Err(Condition::RegistrationRequired.into());
        }
        turn.write(book, jid, pending, server.entropy()).await?;
        tell();
        if touched == Touched::Shown {
            push(account, turn.list(), jid, server);
        }
        Ok(())
    }
}

/// Tells the clients that have asked for the list how things stand with a contact now
/// (RFC 6121 §2.1.6).
fn push(account: &Jid, list: &List, jid: &str, server: &Server) {
    let version = list.version();
    let payload = match list.find(jid).filter(|item| item.is_listed()) {
        Some(item) => query::shown(&item, &version),
        None => query::removed(jid, &version),
    };
    let push = pushed(payload, server);
    for session in server.sessions(account) {
        if session.is_interested() {
            server.deliver(&session, push.with_to(session.jid().clone()));
        }
    }
}

/// A push, still without an address.
pub(crate) fn pushed(payload: Element, server: &Server) -> Stanza {
    let mut random = [0; StanzaId::RANDOM_BYTES];
    server.entropy().fill(&mut random);
    Stanza::iq(IqType::Set, StanzaId::from_random(random)).child(payload).build()
}

impl Contacts for Keeper {
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        let look = |list: &List, contact: &Jid| list.find(contact.as_str())?.contact();
        if let Some(list) = self.shelf.at_hand(account.as_str()) {
            return Lookup::Known(look(&list, contact));
        }
        let (keeper, account, contact) = (self.clone(), account.clone(), contact.clone());
        Lookup::Wait(Box::pin(async move {
            let list = keeper.shelf.list(&account).await?;
            Ok(look(&list, &contact))
        }))
    }

    fn contacts(&self, account: &Jid) -> Lookup<Vec<(Jid, Contact)>> {
        let all = |list: &List| {
            list.listed().filter_map(|it| Some((Jid::new(it.jid()).ok()?, it.contact()?))).collect()
        };
        if let Some(list) = self.shelf.at_hand(account.as_str()) {
            return Lookup::Known(all(&list));
        }
        let (keeper, account) = (self.clone(), account.clone());
        Lookup::Wait(Box::pin(async move { Ok(all(&*keeper.shelf.list(&account).await?)) }))
    }

    fn can_change(&self) -> bool {
        true
    }

    fn put<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        name: &'a str,
        groups: &'a [String],
        server: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        let wish = Wish {
            jid: contact.to_string(),
            name: name.to_owned(),
            groups: groups.to_vec(),
            remove: false,
        };
        Box::pin(async move { self.call(account, contact, &wish, server).await })
    }

    fn remove<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(self.strike(account, contact, server))
    }

    fn shown(&self, session: &Session) -> Vec<Jid> {
        Directed::all(session)
    }
}

impl Deref for Keeper {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        &self.0
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}
