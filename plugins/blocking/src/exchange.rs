//! What clients ask for (XEP-0191 §3).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use sestina_core::{AccountRemoved, Get, Refusal, Server, SessionBound, Set};
use sestina_stanza::{
    Condition, IqType, Jid, Payload, PresenceType, Stanza, StanzaError, StanzaId,
};

use crate::{Block, BlockList, Unblock, Warden};

/// Whether a session has asked for the list, and so is told of changes.
#[derive(Default)]
struct Interested(AtomicBool);

impl Warden {
    pub(crate) async fn look_up(
        &self,
        ask: Get<BlockList>,
        _: &Server,
    ) -> Result<BlockList, Refusal> {
        let list = self.lists.list(&ask.origin.to).await?;
        if let Some(session) = &ask.origin.session {
            session.part::<Interested>().0.store(true, Ordering::Release);
        }
        Ok(BlockList { items: list.items().into_iter().collect() })
    }

    pub(crate) async fn block(&self, ask: Set<Block>, server: &Server) -> Result<(), Refusal> {
        if ask.items.is_empty() {
            // XEP-0191 §3.3.
            return Err(Condition::BadRequest.into());
        }
        let account = ask.origin.to.to_bare();
        let slot = self.lists.slot(&account);
        let mut turn = self.lists.turn(&slot).await?;
        let before = turn.list.items();
        let mut after = before.clone();
        after.extend(ask.items.iter().cloned());
        if after.len() > self.items.max(before.len()) {
            let full = StanzaError::new(Condition::ResourceConstraint);
            return Err(full.with_text("the block list is full").into());
        }
        if before.is_empty() && !server.accounts().exists(&account).await {
            return Err(Condition::RegistrationRequired.into());
        }
        let fresh: BTreeSet<_> = after.difference(&before).cloned().collect();
        if !fresh.is_empty() {
            turn.write(after).await?;
        }
        self.show(&account, &fresh, PresenceType::Unavailable, server).await?;
        push(&account, &ask.payload, server);
        Ok(())
    }

    pub(crate) async fn unblock(&self, ask: Set<Unblock>, server: &Server) -> Result<(), Refusal> {
        let account = ask.origin.to.to_bare();
        let slot = self.lists.slot(&account);
        let mut turn = self.lists.turn(&slot).await?;
        let before = turn.list.items();
        let gone: BTreeSet<_> = match ask.items.is_empty() {
            true => before.clone(),
            false => before.iter().filter(|jid| ask.items.contains(jid)).cloned().collect(),
        };
        if !gone.is_empty() {
            turn.write(before.difference(&gone).cloned().collect()).await?;
        }
        let visible = gone.into_iter().filter(|jid| !turn.list.blocks(jid)).collect();
        self.show(&account, &visible, PresenceType::Available, server).await?;
        push(&account, &ask.payload, server);
        Ok(())
    }

    /// Shows those who may see an account's presence that it is gone, or there again.
    async fn show(
        &self,
        account: &Jid,
        to: &BTreeSet<Jid>,
        kind: PresenceType,
        server: &Server,
    ) -> Result<(), Refusal> {
        let Some(contacts) = self.contacts.provider() else { return Ok(()) };
        for to in to.iter().filter(|to| to.local().is_some() && !to.same_bare(account)) {
            if !contacts.may_see_presence(account, to).await? {
                continue;
            }
            for session in server.sessions(account) {
                let Some(presence) = session.presence() else { continue };
                let presence = match kind {
                    PresenceType::Available => presence,
                    _ => Stanza::presence(kind).from(session.jid().clone()).build(),
                };
                // Not asked about by the guard of this side, which blocks it by now.
                server.route(presence.with_to(to.clone())).await;
            }
        }
        Ok(())
    }

    /// From the first moment of a session, its account's list is in memory.
    pub(crate) async fn bound(&self, bound: &SessionBound, _: &Server) -> Result<(), Refusal> {
        let slot = self.lists.pin(&bound.session);
        self.lists.turn(&slot).await?;
        Ok(())
    }

    pub(crate) async fn account_removed(
        &self,
        removed: &AccountRemoved,
        _: &Server,
    ) -> Result<(), Refusal> {
        self.lists.slot(&removed.account).forget();
        Ok(())
    }
}

/// Tells the sessions that have asked for the list (XEP-0191 §3.3).
fn push(account: &Jid, change: &impl Payload, server: &Server) {
    let mut random = [0; StanzaId::RANDOM_BYTES];
    server.entropy().fill(&mut random);
    let push = Stanza::iq(IqType::Set, StanzaId::from_random(random)).payload(change).build();
    for session in server.sessions(account) {
        if session.part::<Interested>().0.load(Ordering::Acquire) {
            server.deliver(&session, push.with_to(session.jid().clone()));
        }
    }
}
