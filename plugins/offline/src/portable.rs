//! Messages that move with their account (XEP-0227 §4.5).

use sestina_core::{Arrival, Portable, Refusal, Server};
use sestina_stanza::{Condition, Delay, Invalid, Jid, Kind, Stanza, StanzaError, ns};
use sestina_store::{Direction, LogId, Owner};
use sestina_xml::{Element, Limits, TagWriter, write_end_tag};

use crate::{
    depot::{Depot, PAGE, after, is_bound},
    worth::{Kept, is_kept, stamped},
};

const NAME: &str = "offline-messages";

impl Portable for Depot {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(NAME, ns::PIE)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let owner = Owner::account(account.bare_str());
        let domain = Jid::new(account.domain())?;
        let mut out = Vec::new();
        let mut tag = TagWriter::open(&mut out, NAME);
        tag.declare("", ns::PIE);
        tag.finish();
        let (mut from, mut any) = (LogId::new(0), false);
        loop {
            let page = self.log.range(&owner, from.., PAGE, Direction::Forward).await?;
            let Some((last, _)) = page.last() else { break };
            from = after(*last);
            for message in page.iter().filter_map(|(_, kept)| kept.read(&domain, None)) {
                any = true;
                message.write_standalone(&mut out, message.namespace());
            }
        }
        write_end_tag(&mut out, NAME);
        if !any {
            return Ok(Vec::new());
        }
        let written = Element::parse(out, &Limits::trusted());
        Ok(vec![written.map_err(Refusal::internal)?])
    }

    async fn import(&self, element: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let depot = Self::new(to.space().clone(), self.stamps.clone(), self.settings.clone());
        for child in element.children().filter(|child| child.is("message", ns::CLIENT)) {
            let message = Stanza::read(child.to_element());
            let mut message = message.map_err(|_| Invalid::child("message"))?;
            if message.to().is_some_and(|it| !it.same_bare(to.account())) {
                return Err(Invalid::new("a message is for somebody else").into());
            }
            if !matches!(message.kind(), Kind::Message(_)) || message.from().is_none() {
                return Err(Invalid::child("message").into());
            }
            if message.to().is_none() {
                message.set_to(Some(to.account().clone()));
            }
            if !is_kept(&message) {
                continue;
            }
            let domain = to.account().domain();
            // Whoever has kept it has said since when, if only the first of several.
            let since = stamped(&message, domain)
                .or_else(|| Some(Delay::of(&message)?.stamp))
                .unwrap_or_else(|| to.server().now());
            let kept = Kept::new(&message, domain, since);
            depot.bounded().append(&to.owner(), &kept).await.map_err(|error| {
                match is_bound(&error) {
                    true => StanzaError::new(Condition::ResourceConstraint)
                        .with_text("there are too many messages")
                        .into(),
                    false => Refusal::from(error),
                }
            })?;
        }
        Ok(())
    }
}
