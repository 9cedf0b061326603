//! Lists that move with their account (XEP-0227 §4.8).

use sestina_core::{Arrival, Portable, Refusal, Server};
use sestina_stanza::{Condition, Invalid, Jid, Payload, StanzaError};
use sestina_xml::Element;

use crate::{
    List, Lists, NAME_BYTES, Part, Query,
    shelf::{Index, Shelf},
};

impl Portable for Lists {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(Query::NAME, Query::NAMESPACE)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let (default, lists) = self.0.shelf.all(account).await?;
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        let default = default.map(|name| Part::Default(Some(name)));
        let lists = lists.into_iter().map(|(name, list)| Part::List(name, list));
        Ok(vec![Query { parts: default.into_iter().chain(lists).collect() }.write()])
    }

    async fn import(&self, element: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let (index, lists) = read(element)?;
        let bounds = *self.0.bounds.lock();
        let bytes: usize = lists.iter().map(|(_, list)| list.bytes()).sum();
        let items = lists.iter().map(|(_, list)| list.rules().len()).max().unwrap_or_default();
        if lists.len() > bounds.lists || items > bounds.items || bytes > bounds.bytes {
            let full = StanzaError::new(Condition::ResourceConstraint);
            return Err(full.with_text("the lists have no room").into());
        }
        let there = Shelf::new(to.space().clone());
        if there.index(to.account()).await? != Index::default() {
            return Err(Invalid::new("lists are there twice").into());
        }
        let slot = there.slot(to.account());
        let mut turn = there.turn(&slot).await?;
        let mut batch = turn.batch();
        let mut written = index;
        for (name, list) in &lists {
            turn.put_list(&mut batch, &mut written, name, list);
        }
        Ok(turn.commit(batch).await?)
    }
}

/// The lists of an element, and an index that has the default one and still no lists.
fn read(element: &Element) -> Result<(Index, Vec<(String, List)>), Invalid> {
    let (mut index, mut lists) = (Index::default(), Vec::<(String, List)>::new());
    for part in Query::read(element.root())?.parts {
        match part {
            Part::Default(Some(name)) if index.default.is_none() => index.default = Some(name),
            Part::List(name, list)
                if !list.rules().is_empty()
                    && name.len() <= NAME_BYTES
                    && lists.iter().all(|(other, _)| *other != name) =>
            {
                lists.push((name, list));
            }
            Part::Default(None) => {}
            Part::Default(_) => return Err(Invalid::child("default")),
            Part::List(..) => return Err(Invalid::child("list")),
            // Sessions do not move.
            Part::Active(_) => return Err(Invalid::child("active")),
        }
    }
    match &index.default {
        Some(name) if lists.iter().all(|(other, _)| other != name) => {
            Err(Invalid::child("default"))
        }
        _ => Ok((index, lists)),
    }
}
