#![doc = include_str!("../README.md")]

mod agents;
mod browse;

use std::{collections::BTreeSet, sync::Arc};

use sestina_core::{
    Assembly, AssemblyError, Contacts, Get, Identity, Optional, Plugin, Refusal, Scope, Server,
    Spec, answer,
};
use sestina_stanza::{Condition, Jid};

pub use self::{
    agents::{Agent, Agents},
    browse::{Browse, Entry, JidType},
};

/// Tells what the server, its accounts and its services are, as it was told before XEP-0030.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browsing;

impl Plugin for Browsing {
    const NAME: &'static str = "browse";
    const SPECS: &'static [Spec] = &[Spec::xep(11, "1.3.1"), Spec::xep(94, "0.3")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let guide = Arc::new(Guide { contacts: to.optional() });
        to.iq(Scope::Server, answer(&guide, Guide::server))?;
        to.iq(Scope::Server, answer(&guide, Guide::agents))?;
        to.iq(Scope::Account, answer(&guide, Guide::account))?;
        to.iq(Scope::Services, answer(&guide, Guide::service))?;
        Ok(())
    }
}

/// Shows people around. What there is to see is what service discovery shows.
#[derive(Debug)]
struct Guide {
    contacts: Optional<dyn Contacts>,
}

impl Guide {
    /// XEP-0011 §6: the server, and each service with its namespaces.
    async fn server(&self, ask: Get<Browse>, server: &Server) -> Result<Browse, Refusal> {
        let mut domain = entry(ask.origin.to.clone(), &[Scope::Server], server);
        domain.children.extend(services(&ask.origin.to, server));
        domain.children.extend(below(&[Scope::Server], &ask, server));
        Ok(Browse::of(domain))
    }

    /// XEP-0094 §2: the services alone.
    async fn agents(&self, ask: Get<Agents>, server: &Server) -> Result<Agents, Refusal> {
        Ok(Agents { agents: services(&ask.origin.to, server).map(Agent::of).collect() })
    }

    /// An account and its available resources, for those who see its presence. Everybody else hears
    /// what they would hear if there were no such account.
    async fn account(&self, ask: Get<Browse>, server: &Server) -> Result<Browse, Refusal> {
        let account = &ask.origin.to;
        let scopes = match &ask.origin.from {
            Some(from) if from.same_bare(account) => &[Scope::Account, Scope::Own][..],
            Some(from) => match self.contacts.provider() {
                Some(contacts) if contacts.may_see_presence(account, from).await? => {
                    &[Scope::Account]
                }
                _ => return Err(Condition::ServiceUnavailable.into()),
            },
            None => return Err(Condition::ServiceUnavailable.into()),
        };
        let mut user = entry(account.clone(), scopes, server);
        user.what = Some(JidType::new("user", None));
        user.name = account.local().map(ToOwned::to_owned);
        let sessions = server.sessions(account);
        let available = sessions.iter().filter(|session| session.is_available());
        user.children = available
            .map(|session| Entry {
                what: Some(JidType::new("user", Some("client"))),
                ..Entry::at(session.jid().clone())
            })
            .collect();
        user.children.sort_by(|one, other| one.jid.as_str().cmp(other.jid.as_str()));
        user.children.extend(below(scopes, &ask, server));
        Ok(Browse::of(user))
    }

    /// A service that does not answer for itself. What is within it, such as a room, is its own
    /// business.
    async fn service(&self, ask: Get<Browse>, server: &Server) -> Result<Browse, Refusal> {
        let label = server.service(ask.origin.to.domain()).filter(|_| ask.origin.to.is_domain());
        let scopes = [Scope::Service(label.ok_or(Condition::ItemNotFound)?), Scope::Services];
        let mut service = entry(ask.origin.to.clone(), &scopes, server);
        service.children = below(&scopes, &ask, server).collect();
        Ok(Browse::of(service))
    }
}

/// What is registered about an entity of these scopes.
fn entry(jid: Jid, scopes: &[Scope], server: &Server) -> Entry {
    let described = || scopes.iter().filter_map(|scope| server.describe(scope));
    let identity: Option<&Identity> = described().flat_map(|it| it.identities()).next();
    let namespaces: BTreeSet<_> =
        described().flat_map(|it| it.features()).map(ToOwned::to_owned).collect();
    Entry {
        what: identity.map(JidType::of),
        name: identity.and_then(|identity| identity.name.clone()),
        namespaces,
        ..Entry::at(jid)
    }
}

/// The hosted services of a domain.
fn services(domain: &Jid, server: &Server) -> impl Iterator<Item = Entry> {
    server.services().into_iter().filter_map(|label| {
        let jid = Jid::new(&format!("{label}.{}", domain.domain())).ok()?;
        Some(entry(jid, &[Scope::Service(label), Scope::Services], server))
    })
}

/// What plugins say is below whoever is asked, as far as it has an address of its own.
fn below(scopes: &[Scope], ask: &Get<Browse>, server: &Server) -> impl Iterator<Item = Entry> {
    let described = scopes.iter().filter_map(|scope| server.describe(scope));
    let items = described.flat_map(|described| described.items(&ask.origin, server));
    items
        .filter(|item| item.node.is_none())
        .map(|item| Entry { name: item.name, ..Entry::at(item.jid) })
}
