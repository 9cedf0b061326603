#![doc = include_str!("../README.md")]

mod query;

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, BoxFuture, Get, Optional, Plugin, Refusal, Scope, Server, Set, Spec,
    answer,
};
use sestina_stanza::{Condition, Jid, Payload, StanzaError};
use sestina_store::{Collection, ErrorKind, Owner, Space, StoreError};
use sestina_xml::{Element, Limits};

pub use self::query::{Item, Query};

/// The most that [`DynamicRoster::longest`] can be.
pub const LONGEST: usize = 64 << 10;

/// Contacts that one request may name.
pub const AT_ONCE: usize = 50;

/// Keeps what else is to be known of contacts, or asks whoever knows it.
#[derive(Clone, Copy, Debug)]
pub struct DynamicRoster {
    /// Of how many contacts an account can keep something; the default is 1,000.
    pub contacts: usize,
    /// The longest item in bytes; the default is 4 KiB, and [`LONGEST`] is the most.
    pub longest: usize,
}

impl Default for DynamicRoster {
    fn default() -> Self {
        Self { contacts: 1000, longest: 4 << 10 }
    }
}

/// Who knows more of contacts than a contact list says: the capability of whatever computes it.
///
/// A plugin that provides it takes the place of what this one stores. Only owners are let through,
/// and only items within the bounds.
pub trait ContactData: Send + Sync + 'static {
    /// What is known of a contact of an account, in an item with its address; nothing where nothing
    /// is.
    fn read<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<Option<Item>, Refusal>>;

    /// Keeps items in place of those of the same contacts, or forgets those that are
    /// [empty](Item::is_empty): all of them or none. Once this is done they are stored.
    fn write<'a>(
        &'a self,
        account: &'a Jid,
        items: Vec<Item>,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>>;
}

impl Plugin for DynamicRoster {
    const NAME: &'static str = "roster-dynamic";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.contacts == 0 {
            return Err(to.bad_setting("contacts", "at least 1"));
        }
        if !(1..=LONGEST).contains(&self.longest) {
            return Err(to.bad_setting("longest", "between 1 byte and 64 KiB"));
        }
        let desk = Arc::new(Desk {
            longest: self.longest,
            kept: Kept::new(self.contacts, to.space()),
            provided: to.optional(),
        });
        to.iq(Scope::Own, answer(&desk, Desk::show))?;
        to.iq(Scope::Own, answer(&desk, Desk::change))?;
        // Clients look for it at the server.
        to.feature(Scope::Server, Query::NAMESPACE);
        Ok(())
    }
}

struct Desk {
    longest: usize,
    kept: Kept,
    provided: Optional<dyn ContactData>,
}

impl Desk {
    fn data(&self) -> &dyn ContactData {
        self.provided.provider().unwrap_or(&self.kept)
    }

    /// Each item as it was asked for, with what is known.
    async fn show(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        some(&ask.items)?;
        let mut items = Vec::with_capacity(ask.items.len());
        for Item { jid, .. } in ask.payload.items {
            let known = self.data().read(&ask.origin.to, &jid, server).await?;
            items.push(known.unwrap_or_else(|| Item::empty(jid)));
        }
        Ok(Query { items })
    }

    async fn change(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        some(&ask.items)?;
        if ask.items.iter().any(|item| item.element.as_bytes().len() > self.longest) {
            return Err(unacceptable("an item is too large"));
        }
        self.data().write(&ask.origin.to, ask.payload.items, server).await
    }
}

/// At least one, and not too many.
fn some(items: &[Item]) -> Result<(), Refusal> {
    match items.len() {
        0 => Err(Condition::BadRequest.into()),
        1..=AT_ONCE => Ok(()),
        _ => Err(unacceptable("too many items at once")),
    }
}

/// What this plugin itself keeps.
struct Kept {
    space: Space,
    /// Items as they were written, by contact. Owned by the account, so they go when it goes.
    items: Collection<String, String>,
}

impl Kept {
    fn new(contacts: usize, space: Space) -> Self {
        Self { items: space.collection("items").at_most(contacts), space }
    }
}

impl ContactData for Kept {
    fn read<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        _: &'a Server,
    ) -> BoxFuture<'a, Result<Option<Item>, Refusal>> {
        Box::pin(async {
            let kept = self.items.get(&owner(account), contact.as_str()).await?;
            let Some(kept) = kept else { return Ok(None) };
            // It was within bounds when it came.
            let element = Element::parse(kept, &Limits::trusted()).map_err(Refusal::internal)?;
            Ok(Some(Item { jid: contact.clone(), element }))
        })
    }

    fn write<'a>(
        &'a self,
        account: &'a Jid,
        items: Vec<Item>,
        _: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move {
            let owner = owner(account);
            let mut batch = self.space.batch(&owner);
            for item in &items {
                match item.is_empty() {
                    true => batch.remove(&self.items, item.jid.as_str()),
                    false => batch.put(&self.items, item.jid.as_str(), &item.element.to_string()),
                }
            }
            batch.commit().await.map(drop).map_err(too_many)
        })
    }
}

fn too_many(error: StoreError) -> Refusal {
    match error.kind() {
        ErrorKind::Bound(_) => Refusal::from(Condition::ResourceConstraint).because(error),
        _ => error.into(),
    }
}

fn unacceptable(why: &'static str) -> Refusal {
    StanzaError::new(Condition::NotAcceptable).with_text(why).into()
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
