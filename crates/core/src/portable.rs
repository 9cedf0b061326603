//! What accounts take along when they move: the contract with plugins.

use std::{collections::HashMap, fmt, sync::Arc};

use sestina_stanza::Jid;
use sestina_store::{Owner, Space, Store};
use sestina_xml::Element;

use crate::{BoxFuture, Refusal, Server, contain::Joint, error::AssemblyError};

/// How a plugin's data of an account is written down for other servers (XEP-0227), and read back.
///
/// It is given to [`Assembly::portable`](crate::Assembly::portable). What a plugin without it has
/// stored travels as it is stored, in elements that only sestina reads.
///
/// ```
/// use sestina_core::{Arrival, Portable, Refusal, Server};
/// use sestina_stanza::Jid;
/// use sestina_store::{Collection, Owner, Space};
/// use sestina_xml::Element;
///
/// struct Mottos(Space);
///
/// fn mottos(space: &Space) -> Collection<(), String> {
///     space.collection("mottos")
/// }
///
/// impl Portable for Mottos {
///     const ELEMENTS: &'static [(&'static str, &'static str)] = &[("motto", "urn:example:motto")];
///
///     async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
///         let owner = Owner::account(account.bare_str());
///         let motto = mottos(&self.0).get(&owner, &()).await?;
///         let written = |motto| Element::builder("motto", "urn:example:motto").text(motto).build();
///         Ok(motto.map(written).into_iter().collect())
///     }
///
///     async fn import(&self, motto: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
///         Ok(mottos(to.space()).put(&to.owner(), &(), &motto.text().into_owned()).await?)
///     }
/// }
/// ```
pub trait Portable: Send + Sync + 'static {
    /// Name and namespace of each element within `<user/>` that is this plugin's.
    const ELEMENTS: &'static [(&'static str, &'static str)];

    /// What the plugin keeps of an account, all of it, as such elements.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn export(
        &self,
        account: &Jid,
        server: &Server,
    ) -> impl Future<Output = Result<Vec<Element>, Refusal>> + Send;

    /// Writes what one such element says into the [space](Arrival::space) at hand. Nothing is
    /// there yet but what was made of earlier elements, and nobody sees it until all of them were
    /// taken; so an element that cannot be taken as a whole is refused.
    ///
    /// Bounds hold here as they do for clients: the element may come from anybody.
    ///
    /// # Errors
    ///
    /// What is wrong with the element, for whoever has the file.
    fn import(
        &self,
        element: &Element,
        to: &Arrival<'_>,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// An account that is being put together, before anybody can see it.
#[derive(Debug)]
pub struct Arrival<'a> {
    account: &'a Jid,
    space: Space,
    server: &'a Server,
}

impl<'a> Arrival<'a> {
    pub(crate) fn new(account: &'a Jid, space: Space, server: &'a Server) -> Self {
        Self { account, space, server }
    }

    /// Its bare JID.
    #[must_use]
    pub fn account(&self) -> &'a Jid {
        self.account
    }

    /// Whose the records are.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::account(self.account.bare_str())
    }

    /// Where the plugin writes. It looks like the plugin's own part of the store, and becomes it.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The server it comes to.
    #[must_use]
    pub fn server(&self) -> &'a Server {
        self.server
    }
}

/// A [`Portable`] whose type is forgotten.
trait Carrier: Send + Sync {
    fn export<'a>(
        &'a self,
        account: &'a Jid,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<Vec<Element>, Refusal>>;

    fn import<'a>(
        &'a self,
        element: &'a Element,
        to: &'a Arrival<'a>,
    ) -> BoxFuture<'a, Result<(), Refusal>>;
}

impl<P: Portable> Carrier for P {
    fn export<'a>(
        &'a self,
        account: &'a Jid,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<Vec<Element>, Refusal>> {
        Box::pin(Portable::export(self, account, server))
    }

    fn import<'a>(
        &'a self,
        element: &'a Element,
        to: &'a Arrival<'a>,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(Portable::import(self, element, to))
    }
}

/// What plugins write down themselves, in the order of assembly.
#[derive(Default)]
pub(crate) struct Carriers {
    carriers: Vec<(&'static str, Arc<dyn Carrier>)>,
    /// By name and namespace, whose an element is.
    elements: HashMap<(&'static str, &'static str), usize>,
}

impl Carriers {
    pub(crate) fn add<P: Portable>(
        &mut self,
        by: &'static str,
        portable: Arc<P>,
    ) -> Result<(), AssemblyError> {
        for &(name, namespace) in P::ELEMENTS {
            if let Some(first) = self.elements.insert((name, namespace), self.carriers.len()) {
                let what = format!("<{name} xmlns='{namespace}'/> of accounts that move");
                let first = self.carriers.get(first).map_or(by, |(by, _)| *by);
                return Err(AssemblyError::ClaimedTwice { what, first, second: by });
            }
        }
        self.carriers.push((by, portable));
        Ok(())
    }

    /// Whether a plugin writes down itself what is in its space.
    pub(crate) fn speaks_for(&self, space: &str) -> bool {
        self.carriers.iter().any(|(by, _)| *by == space)
    }

    /// What the plugin at a place has of an account; nothing if there is no such place.
    pub(crate) async fn export(
        &self,
        at: usize,
        account: &Jid,
        server: &Server,
    ) -> Option<Result<Vec<Element>, Refusal>> {
        let (by, carrier) = self.carriers.get(at)?;
        let export = async { carrier.export(account, server).await };
        Some(server.contain_later(by, Joint::Transfer, export).await.flatten())
    }

    /// Has an element read by whose it is; `None` if it is nobody's.
    pub(crate) async fn import(
        &self,
        element: &Element,
        account: &Jid,
        scratch: &Store,
        server: &Server,
    ) -> Option<Result<(), Refusal>> {
        let at = self.elements.get(&(element.name(), element.namespace()))?;
        let (by, carrier) = self.carriers.get(*at)?;
        let arrival = Arrival::new(account, scratch.space(*by), server);
        let import = async { carrier.import(element, &arrival).await };
        Some(server.contain_later(by, Joint::Transfer, import).await.flatten())
    }
}

impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.carriers.iter().map(|(by, _)| by)).finish()
    }
}
