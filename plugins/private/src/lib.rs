#![doc = include_str!("../README.md")]

mod query;

use std::sync::Arc;

use sestina_core::{
    Arrival, Assembly, AssemblyError, Get, Plugin, Portable, Refusal, Scope, Server, Set, Spec,
    answer,
};
use sestina_stanza::{Condition, Jid, Payload, StanzaError, ns};
use sestina_store::{Collection, ErrorKind, Owner, Space, StoreError};
use sestina_xml::{Element, Limits};

pub use self::query::Query;

/// The most that [`PrivateStorage::longest`] can be.
pub const LONGEST: usize = 768 << 10;

/// The longest name with its namespace, in bytes.
pub const LONGEST_NAME: usize = 1024;

/// Keeps what clients want to find again, and shows it to nobody else.
#[derive(Clone, Copy, Debug)]
pub struct PrivateStorage {
    /// How many elements an account can keep; the default is 100.
    pub elements: usize,
    /// The longest element in bytes; the default is 64 KiB, and [`LONGEST`] is the most.
    pub longest: usize,
}

impl Default for PrivateStorage {
    fn default() -> Self {
        Self { elements: 100, longest: 64 << 10 }
    }
}

impl Plugin for PrivateStorage {
    const NAME: &'static str = "private";
    const SPECS: &'static [Spec] = &[Spec::xep(49, "1.2"), Spec::xep(48, "1.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.elements == 0 {
            return Err(to.bad_setting("elements", "at least 1"));
        }
        if !(1..=LONGEST).contains(&self.longest) {
            return Err(to.bad_setting("longest", "between 1 byte and 768 KiB"));
        }
        let drawer = Arc::new(Drawer::new(self, to.space()));
        to.iq(Scope::Own, answer(&drawer, Drawer::keep))?;
        to.iq(Scope::Own, answer(&drawer, Drawer::show))?;
        // Clients look for it at the server.
        to.feature(Scope::Server, ns::PRIVATE);
        to.portable(&drawer)
    }
}

/// A namespace, and a name in it.
type Key = (String, String);

/// Where the elements are.
struct Drawer {
    settings: PrivateStorage,
    /// As they were written. Owned by the account, so they go when the account goes.
    elements: Collection<Key, String>,
}

impl Drawer {
    fn new(settings: PrivateStorage, space: Space) -> Self {
        Self { settings, elements: space.collection("elements").at_most(settings.elements) }
    }

    /// XEP-0049 §2: an element, in place of the one before that had its name.
    async fn keep(&self, ask: Set<Query>, _: &Server) -> Result<(), Refusal> {
        let element = ask.only().ok_or(Condition::NotAcceptable)?;
        self.put(&ask.origin.to, element).await
    }

    async fn put(&self, account: &Jid, element: &Element) -> Result<(), Refusal> {
        let (owner, key) = (owner(account), key(element)?);
        if is_empty(element) {
            // Whoever asks for what is not there is told the same.
            return Ok(self.elements.remove(&owner, &key).await?);
        }
        let written = element.to_string();
        if written.len() > self.settings.longest {
            return Err(unacceptable("the element is too large"));
        }
        self.elements.put(&owner, &key, &written).await.map_err(too_many)
    }

    /// XEP-0049 §2: the element of this name, or as empty as it was asked for.
    async fn show(&self, ask: Get<Query>, _: &Server) -> Result<Query, Refusal> {
        if ask.elements.is_empty() {
            return Err(Condition::BadRequest.into());
        }
        let element = ask.only().ok_or(Condition::NotAcceptable)?;
        let key = key(element)?;
        match self.elements.get(&owner(&ask.origin.to), &key).await? {
            Some(kept) => Ok(Query { elements: vec![read(kept)?] }),
            None => Ok(ask.payload),
        }
    }
}

/// XEP-0227 §4.6.
impl Portable for Drawer {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(Query::NAME, Query::NAMESPACE)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let kept = self.elements.scan(&owner(account)).await?;
        let elements: Vec<_> =
            kept.into_iter().map(|(_, it)| read(it)).collect::<Result<_, _>>()?;
        let query = (!elements.is_empty()).then(|| Query { elements }.write());
        Ok(query.into_iter().collect())
    }

    async fn import(&self, query: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let drawer = Self::new(self.settings, to.space().clone());
        for element in query.children() {
            drawer.put(to.account(), &element.to_element()).await?;
        }
        Ok(())
    }
}

fn read(kept: String) -> Result<Element, Refusal> {
    // It was within bounds when it came.
    Element::parse(kept, &Limits::trusted()).map_err(Refusal::internal)
}

/// What an element is kept under: it has a namespace of its own (XEP-0049 §2.3).
fn key(element: &Element) -> Result<Key, Refusal> {
    let (namespace, name) = (element.namespace(), element.name());
    if namespace.is_empty() || namespace == Query::NAMESPACE {
        return Err(unacceptable("the element needs a namespace of its own"));
    }
    if namespace.len() + name.len() > LONGEST_NAME {
        return Err(unacceptable("the name is too long"));
    }
    Ok((namespace.to_owned(), name.to_owned()))
}

fn is_empty(element: &Element) -> bool {
    element.attrs().next().is_none() && element.content().iter().all(u8::is_ascii_whitespace)
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
