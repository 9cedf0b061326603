#![doc = include_str!("../README.md")]

mod advert;
mod caps;
mod clients;
mod info;
mod items;

use std::sync::{Arc, OnceLock};

use sestina_core::{
    Assembly, AssemblyError, ClientFeatures, Contacts, Get, Identity, Item, Node, Optional, Origin,
    Plugin, Refusal, Scope, Server, Spec, Started, answer,
};
use sestina_stanza::{Condition, Jid, ns};
use sestina_stream::{Feature, View};
use sestina_xml::Element;

use self::clients::Clients;
pub use self::{info::Info, items::Items};

/// Tells what the server, its accounts and its services are and do.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// A URI that stands for this software, in the server's capabilities (XEP-0115 §4).
    pub node: String,
    /// Of how many kinds of clients it is remembered what they can do; the default is 1,000.
    pub clients: usize,
    /// The most bytes that the features of one client take; of one that has more, nothing is known.
    /// The default is 16 KiB.
    pub longest: usize,
}

impl Default for Discovery {
    fn default() -> Self {
        Self { node: "https://docs.rs/sestina".into(), clients: 1000, longest: 16 << 10 }
    }
}

impl Plugin for Discovery {
    const NAME: &'static str = "disco";
    const SPECS: &'static [Spec] = &[
        Spec::xep(30, "2.5.0"),
        Spec::xep(59, "1.0"),
        Spec::xep(115, "1.6.0"),
        Spec::xep(128, "1.0.1"),
    ];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.node.is_empty() || self.node.contains('#') {
            return Err(to.bad_setting("node", "a URI without '#'"));
        }
        if self.clients == 0 {
            return Err(to.bad_setting("clients", "at least 1"));
        }
        let clients = to.demand::<dyn ClientFeatures>();
        let clients = Arc::new(Clients::new(clients, self.clients, self.longest));
        to.provide::<dyn ClientFeatures>(clients.clone())?;
        let state = Arc::new(clients.clone());
        to.sender().rewrite(&state, Clients::answered);
        to.on(&clients, Clients::presence_changed);
        to.on(&clients, Clients::session_closed);
        let contacts = to.optional();
        let guide = Arc::new(Guide { node: self.node, version: OnceLock::new(), contacts });
        to.iq(Scope::Server, answer(&guide, Guide::server))?;
        to.iq(Scope::Server, answer(&guide, Guide::server_items))?;
        to.iq(Scope::Account, answer(&guide, Guide::account))?;
        let account_items = answer(&guide, Guide::account_items);
        to.iq(Scope::Account, account_items.even_without_account())?;
        to.iq(Scope::Services, answer(&guide, Guide::service))?;
        to.iq(Scope::Services, answer(&guide, Guide::service_items))?;
        to.identity(Scope::Account, Identity::new("account", "registered"));
        to.feature(Scope::Server, ns::CAPS);
        for scope in [Scope::Server, Scope::Account, Scope::Services] {
            to.feature(scope, ns::RSM);
        }
        to.on(&guide, Guide::started);
        to.stream_feature(guide);
        Ok(())
    }
}

/// Shows people around.
#[derive(Debug)]
struct Guide {
    node: String,
    /// The verification string of what the server says of itself.
    version: OnceLock<String>,
    contacts: Optional<dyn Contacts>,
}

impl Feature for Guide {
    /// XEP-0115 §6.3: spares clients that have been here before a question.
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        view.account()?;
        let caps = Element::builder("c", ns::CAPS)
            .attr("hash", "sha-1")
            .attr("node", &self.node)
            .attr("ver", self.version.get()?);
        Some(caps.build())
    }
}

impl Guide {
    async fn started(&self, _: &Started, server: &Server) -> Result<(), Refusal> {
        let version = Info::gather(&[Scope::Server], server).verification();
        self.version.get_or_init(|| version);
        Ok(())
    }

    /// XEP-0030 §3.1; XEP-0115 §6.2 with the node that was advertised.
    async fn server(&self, ask: Get<Info>, server: &Server) -> Result<Info, Refusal> {
        if let Some(node) = &ask.node
            && !self.is_advertised(node)
        {
            let found = at_node(&[Scope::Server], node, &ask.origin, server)?;
            return Ok(Info::of_node(node, found));
        }
        Ok(Info { node: ask.payload.node, ..Info::gather(&[Scope::Server], server) })
    }

    fn is_advertised(&self, node: &str) -> bool {
        let version = node.strip_prefix(&*self.node).and_then(|rest| rest.strip_prefix('#'));
        version.is_some() && version == self.version.get().map(String::as_str)
    }

    /// XEP-0030 §4.1: the hosted services, and what plugins add.
    async fn server_items(&self, ask: Get<Items>, server: &Server) -> Result<Items, Refusal> {
        if let Some(node) = &ask.node {
            let found = at_node(&[Scope::Server], node, &ask.origin, server)?;
            return Ok(Items::of(&ask, found.items)?);
        }
        let domain = ask.origin.to.domain();
        let mut items = Vec::new();
        for label in server.services() {
            let Ok(jid) = Jid::new(&format!("{label}.{domain}")) else { continue };
            let described = server.describe(&Scope::Service(label));
            let name = described.and_then(|it| it.identities().find_map(|it| it.name.clone()));
            items.push(Item { jid, node: None, name });
        }
        items.extend(below(&[Scope::Server], &ask.origin, server));
        Ok(Items::of(&ask, items)?)
    }

    /// XEP-0030 §3.1, for those who may know.
    async fn account(&self, ask: Get<Info>, server: &Server) -> Result<Info, Refusal> {
        let scopes = self.visible(&ask.origin).await?.ok_or(Condition::ServiceUnavailable)?;
        if let Some(node) = &ask.node {
            let found = at_node(scopes, node, &ask.origin, server)?;
            return Ok(Info::of_node(node, found));
        }
        let mut info = Info::gather(scopes, server);
        if server.sessions(&ask.origin.to).iter().any(|session| session.is_guest()) {
            // XEP-0175 §5: it is not registered.
            info.identities.retain(|identity| identity.category != "account");
            info.identities.insert(Identity::new("account", "anonymous"));
        }
        Ok(info)
    }

    /// XEP-0030 §4.1, for those who may know: available resources, and what plugins add.
    async fn account_items(&self, ask: Get<Items>, server: &Server) -> Result<Items, Refusal> {
        let Some(scopes) = self.visible(&ask.origin).await? else {
            return Ok(Items::of(&ask, Vec::new())?);
        };
        if let Some(node) = &ask.node {
            let found = at_node(scopes, node, &ask.origin, server)?;
            return Ok(Items::of(&ask, found.items)?);
        }
        let sessions = server.sessions(&ask.origin.to);
        let available = sessions.iter().filter(|session| session.is_available());
        let mut items: Vec<_> = available
            .map(|session| Item { jid: session.jid().clone(), node: None, name: None })
            .collect();
        items.sort_by(|one, other| one.jid.as_str().cmp(other.jid.as_str()));
        items.extend(below(scopes, &ask.origin, server));
        Ok(Items::of(&ask, items)?)
    }

    /// What may be told of an account: all to its owner, less to those who see its presence. Whoever
    /// may not know hears what he would hear if there were no such account (XEP-0030 §8): of what it
    /// is an error, and that nothing is below it.
    async fn visible(&self, asked: &Origin) -> Result<Option<&'static [Scope]>, Refusal> {
        let Some(from) = &asked.from else { return Ok(None) };
        if from.same_bare(&asked.to) {
            return Ok(Some(&[Scope::Account, Scope::Own]));
        }
        Ok(match self.contacts.provider() {
            Some(contacts) if contacts.may_see_presence(&asked.to, from).await? => {
                Some(&[Scope::Account])
            }
            _ => None,
        })
    }

    /// The same for services that do not answer for themselves.
    async fn service(&self, ask: Get<Info>, server: &Server) -> Result<Info, Refusal> {
        let scopes = service(&ask.origin, server)?;
        match &ask.node {
            Some(node) => {
                let found = at_node(&scopes, node, &ask.origin, server)?;
                Ok(Info::of_node(node, found))
            }
            None => Ok(Info::gather(&scopes, server)),
        }
    }

    async fn service_items(&self, ask: Get<Items>, server: &Server) -> Result<Items, Refusal> {
        let scopes = service(&ask.origin, server)?;
        if let Some(node) = &ask.node {
            let found = at_node(&scopes, node, &ask.origin, server)?;
            return Ok(Items::of(&ask, found.items)?);
        }
        Ok(Items::of(&ask, below(&scopes, &ask.origin, server))?)
    }
}

/// What is registered about the service that is asked. What is within it, such as a room, is its own
/// business.
fn service(asked: &Origin, server: &Server) -> Result<[Scope; 2], Refusal> {
    match server.service(asked.to.domain()) {
        Some(label) if asked.to.is_domain() => Ok([Scope::Service(label), Scope::Services]),
        _ => Err(Condition::ItemNotFound.into()),
    }
}

/// XEP-0030 §7: what a plugin has at a node; one that nobody has is not found.
fn at_node(scopes: &[Scope], node: &str, asked: &Origin, server: &Server) -> Result<Node, Refusal> {
    for described in scopes.iter().filter_map(|scope| server.describe(scope)) {
        if let Some(found) = described.node(asked, node, server)? {
            return Ok(found);
        }
    }
    Err(Condition::ItemNotFound.into())
}

/// What plugins say is below.
fn below(scopes: &[Scope], asked: &Origin, server: &Server) -> Vec<Item> {
    let described = scopes.iter().filter_map(|scope| server.describe(scope));
    described.flat_map(|described| described.items(asked, server)).collect()
}
