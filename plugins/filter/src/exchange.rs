//! What clients ask for, and what happens to accounts.

use std::borrow::Cow;

use sestina_core::{
    AccountCreated, AccountImported, AccountRemoved, Arrival, Get, Portable, Refusal, Server,
    SessionBound, Set,
};
use sestina_stanza::{Condition, Invalid, Jid, Payload, StanzaError};
use sestina_xml::{Element, ElementRef, Limits};

use crate::{
    rule::{FILTER, Rule, rules},
    shelf::stored,
    sieve::Sieve,
};

/// `<query xmlns='jabber:iq:filter'><rule>…</rule></query>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The rules, as they were written.
    pub element: Element,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = FILTER;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self { element: element.to_element() })
    }

    fn write(&self) -> Element {
        self.element.clone()
    }
}

impl Sieve {
    /// The rules, as they were written.
    pub(crate) async fn show(&self, ask: Get<Query>, _: &Server) -> Result<Query, Refusal> {
        if ask.origin.is_addressed() {
            return Err(Condition::ServiceUnavailable.into());
        }
        let element = match self.shelf.text(&ask.origin.to).await? {
            Some(text) => Element::parse(text, &Limits::trusted()).map_err(Refusal::internal)?,
            None => Query::builder().build(),
        };
        Ok(Query { element })
    }

    /// Other rules in place of those before.
    pub(crate) async fn change(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        if ask.origin.is_addressed() {
            return Err(Condition::ServiceUnavailable.into());
        }
        let account = &ask.origin.to;
        let (rules, text) = self.read(account, &ask.element)?;
        // Rules belong to accounts, which not everybody has who is here.
        if !server.accounts().exists(account).await {
            return Err(Condition::RegistrationRequired.into());
        }
        let slot = self.shelf.slot(account);
        Ok(self.shelf.write(&slot, rules, &text).await?)
    }

    /// The rules of an account within its bounds, and as they are stored.
    fn read(&self, account: &Jid, query: &Element) -> Result<(Vec<Rule>, String), Refusal> {
        if query.children().take(self.most + 1).count() > self.most {
            return Err(unfit("too many rules"));
        }
        let text = query.to_string();
        if text.len() > self.bytes {
            return Err(unfit("the rules are too long"));
        }
        let read: Result<Vec<Rule>, _> = rules(query.root(), &self.allowed()).collect();
        let rules = read.map_err(unfit)?;
        for rule in &rules {
            if rule.forward.iter().any(|to| to.same_bare(account)) {
                return Err(unfit("what comes to an account cannot be passed on to it"));
            }
            if rule.forward.len() > self.forwards {
                return Err(unfit("too many addresses to pass on to"));
            }
        }
        Ok((rules, text))
    }

    /// From the first moment of a session, its account's rules are in memory.
    pub(crate) async fn bound(&self, bound: &SessionBound, _: &Server) -> Result<(), Refusal> {
        Ok(self.shelf.pin(&bound.session, &self.allowed()).await?)
    }

    /// The rules that have come are in the store, and what was in memory are others.
    pub(crate) async fn imported(
        &self,
        imported: &AccountImported,
        _: &Server,
    ) -> Result<(), Refusal> {
        self.shelf.slot(&imported.account).forget();
        Ok(())
    }

    pub(crate) async fn removed(
        &self,
        removed: &AccountRemoved,
        _: &Server,
    ) -> Result<(), Refusal> {
        self.shelf.slot(&removed.account).forget();
        Ok(())
    }

    /// What was remembered of an earlier account of this name while it went.
    pub(crate) async fn created(
        &self,
        created: &AccountCreated,
        _: &Server,
    ) -> Result<(), Refusal> {
        self.shelf.slot(&created.account).forget();
        Ok(())
    }
}

/// Rules move in the element that clients send, which servers of old kept as it was.
impl Portable for Sieve {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(Query::NAME, FILTER)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let text = self.shelf.text(account).await?;
        let query = text.map(|text| Element::parse(text, &Limits::trusted())).transpose();
        Ok(query.map_err(Refusal::internal)?.into_iter().collect())
    }

    async fn import(&self, query: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let (rules, text) = self.read(to.account(), query)?;
        match rules.is_empty() {
            true => Ok(()),
            false => Ok(stored(to.space()).put(&to.owner(), &(), &text).await?),
        }
    }
}

fn unfit(why: impl Into<Cow<'static, str>>) -> Refusal {
    StanzaError::new(Condition::NotAcceptable).with_text(why.into().as_ref()).into()
}
