//! Lists that move with their accounts (XEP-0227 §4.4 and §4.7).

use sestina_core::{Arrival, Portable, Refusal, Server};
use sestina_stanza::{
    Condition, Invalid, Jid, Kind, Payload, PresenceType, Stanza, StanzaError, ns,
};
use sestina_xml::{Element, ElementRef, Limits};

use crate::{
    answers::check,
    keeper::Keeper,
    query::{self, Query, Wish},
    shelf::Pending,
    subscription::{Act, Heard, Standing, State},
};

const REQUEST: &str = "presence";

impl Portable for Keeper {
    const ELEMENTS: &'static [(&'static str, &'static str)] =
        &[(Query::NAME, Query::NAMESPACE), (REQUEST, ns::CLIENT)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let list = self.shelf.list(account).await?;
        let mut elements = Vec::new();
        if list.listed().next().is_some() {
            elements.push(query::whole(&list, false));
        }
        for (_, request) in self.shelf.requests(account).await? {
            let request = Element::parse(request, &Limits::trusted());
            elements.push(request.map_err(Refusal::internal)?);
        }
        Ok(elements)
    }

    async fn import(&self, element: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let keeper = Self::new(to.space().clone(), self.bounds);
        if element.is(REQUEST, ns::CLIENT) {
            keeper.take_request(element, to).await
        } else {
            keeper.take_list(element, to).await
        }
    }
}

impl Keeper {
    async fn take_list(&self, element: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let slot = self.shelf.slot(to.account());
        let mut turn = self.shelf.turn(&slot).await?;
        let mut book = turn.list().unpack();
        for item in element.children().filter(|child| child.is("item", ns::ROSTER)) {
            let wish = Wish::read(item)?;
            if wish.remove {
                continue;
            }
            check(&wish, &self.bounds)?;
            let contact = Jid::new(&wish.jid)?.to_bare();
            let before = book.entries.get(contact.as_str()).cloned().unwrap_or_default();
            if before.listed {
                return Err(Invalid::new(format!("{contact} is there twice")).into());
            }
            let mut standing = standing(item)?;
            if before.standing.state.is_asked() {
                standing.hear(Act::Subscribe);
            }
            let entry = crate::book::Entry {
                name: wish.name,
                groups: wish.groups,
                standing,
                listed: true,
                changed: 0,
            };
            book.write(contact.as_str(), entry, self.bounds.changes);
        }
        if book.listed() > self.bounds.contacts || book.bytes() > self.bounds.bytes {
            return Err(too_much("the list is too long"));
        }
        Ok(turn.write(book, "", Pending::AsItWas, to.server().entropy()).await?)
    }

    async fn take_request(&self, element: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let request = Stanza::read(element.clone()).map_err(|_| Invalid::child(REQUEST))?;
        if request.kind() != Kind::Presence(PresenceType::Subscribe) {
            return Err(Invalid::attribute("type").into());
        }
        let contact = request.from().ok_or_else(|| Invalid::attribute("from"))?.to_bare();
        if contact == *to.account() || request.to().is_some_and(|it| !it.same_bare(to.account())) {
            return Err(Invalid::new("somebody asks an account that is another").into());
        }
        let request = request.with_to(to.account().clone());
        let slot = self.shelf.slot(to.account());
        let mut turn = self.shelf.turn(&slot).await?;
        let mut entry = turn.list().entry(contact.as_str());
        // Whoever sees the account already is told so when they ask again.
        if entry.standing.hear(Act::Subscribe) != Heard::Deliver {
            return Ok(());
        }
        if !entry.listed && self.is_crowded(turn.list()) {
            return Err(too_much("there are too many requests"));
        }
        let mut book = turn.list().unpack();
        book.write(contact.as_str(), entry, self.bounds.changes);
        let pending = Pending::Asked(self.worth_keeping(&request));
        let entropy = to.server().entropy();
        Ok(turn.write(book, contact.as_str(), pending, entropy).await?)
    }
}

/// How things stand, as a roster says it.
fn standing(item: ElementRef<'_>) -> Result<Standing, Invalid> {
    let asks = match item.attr("ask") {
        None => false,
        Some("subscribe") => true,
        Some(_) => return Err(Invalid::attribute("ask")),
    };
    let state = match (item.attr("subscription").unwrap_or("none"), asks) {
        ("none", false) => State::None,
        ("none", true) => State::NonePendingOut,
        // Whoever sees the other has been answered, whatever an old roster says.
        ("to", _) => State::To,
        ("from", false) => State::From,
        ("from", true) => State::FromPendingOut,
        ("both", _) => State::Both,
        _ => return Err(Invalid::attribute("subscription")),
    };
    let approved = matches!(item.attr("approved"), Some("true" | "1")) && !state.is_from();
    Ok(Standing { state, approved })
}

fn too_much(why: &'static str) -> Refusal {
    StanzaError::new(Condition::ResourceConstraint).with_text(why).into()
}
