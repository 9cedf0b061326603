//! What a server says of itself, derived from what is registered.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use sestina_stanza::{DataForm, Jid};

use crate::{Origin, Refusal, Scope, Server, contain::Joint};

/// A kind of thing that an entity is (XEP-0030 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Such as `server`.
    pub category: String,
    /// Such as `im`.
    pub kind: String,
    /// In which language the name is.
    pub lang: Option<String>,
    /// For people.
    pub name: Option<String>,
}

impl Identity {
    /// An identity without a name.
    pub fn new(category: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { category: category.into(), kind: kind.into(), lang: None, name: None }
    }

    /// Gives it a name, for people.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Something below an entity (XEP-0030 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its address.
    pub jid: Jid,
    /// Its node.
    pub node: Option<String>,
    /// For people.
    pub name: Option<String>,
}

/// What there is at a node of an entity (XEP-0030 §7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub identities: Vec<Identity>,
    /// What it does.
    pub features: Vec<String>,
    /// What is below.
    pub items: Vec<Item>,
}

type Form = Arc<dyn Fn(&Server) -> Option<DataForm> + Send + Sync>;
type Items = Arc<dyn Fn(&Origin, &Server) -> Vec<Item> + Send + Sync>;

type Nodes = Arc<dyn Fn(&Origin, &str, &Server) -> Result<Option<Node>, Refusal> + Send + Sync>;

/// What is registered about the entities of one scope.
#[derive(Default)]
pub struct Described {
    identities: BTreeSet<Identity>,
    features: BTreeSet<Box<str>>,
    forms: Vec<(&'static str, Form)>,
    items: Vec<(&'static str, Items)>,
    nodes: Vec<(&'static str, Nodes)>,
}

impl Described {
    /// Its identities, sorted.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.identities.iter()
    }

    /// Its features, sorted, each once.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| &**feature)
    }

    /// Its forms (XEP-0128).
    #[must_use]
    pub fn forms(&self, server: &Server) -> Vec<DataForm> {
        let make = |(by, form): &(&'static str, Form)| {
            server.contain(by, Joint::Description, || form(server)).unwrap_or_default()
        };
        self.forms.iter().filter_map(make).collect()
    }

    /// What is below whom the request is for, as far as whoever asks may see it.
    #[must_use]
    pub fn items(&self, asked: &Origin, server: &Server) -> Vec<Item> {
        let list = |(by, items): &(&'static str, Items)| {
            server.contain(by, Joint::Description, || items(asked, server)).unwrap_or_default()
        };
        self.items.iter().flat_map(list).collect()
    }

    /// What there is at a node, if there is one, as far as whoever asks may see it.
    ///
    /// # Errors
    ///
    /// When whoever asks may not see it at all.
    pub fn node(
        &self,
        asked: &Origin,
        node: &str,
        server: &Server,
    ) -> Result<Option<Node>, Refusal> {
        let mut found = self.nodes.iter().map(|(by, nodes)| {
            server.contain(by, Joint::Description, || nodes(asked, node, server)).flatten()
        });
        found.find(|found| !matches!(found, Ok(None))).unwrap_or(Ok(None))
    }
}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Described")
            .field("identities", &self.identities)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

/// What is registered, by scope.
#[derive(Debug, Default)]
pub(crate) struct Descriptions(HashMap<Scope, Described>);

impl Descriptions {
    pub(crate) fn of(&self, scope: &Scope) -> Option<&Described> {
        self.0.get(scope)
    }

    pub(crate) fn identity(&mut self, scope: Scope, identity: Identity) {
        self.0.entry(scope).or_default().identities.insert(identity);
    }

    pub(crate) fn feature(&mut self, scope: Scope, feature: &str) {
        self.0.entry(scope).or_default().features.insert(feature.into());
    }

    pub(crate) fn form(&mut self, by: &'static str, scope: Scope, form: Form) {
        self.0.entry(scope).or_default().forms.push((by, form));
    }

    pub(crate) fn items(&mut self, by: &'static str, scope: Scope, items: Items) {
        self.0.entry(scope).or_default().items.push((by, items));
    }

    pub(crate) fn node(&mut self, by: &'static str, scope: Scope, nodes: Nodes) {
        self.0.entry(scope).or_default().nodes.push((by, nodes));
    }
}
