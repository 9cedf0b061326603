//! Presence that was sent to somebody in particular, who is to hear of its end as well
//! (RFC 6121 §4.6).

use std::{collections::BTreeSet, mem, sync::Arc};

use parking_lot::Mutex;
use sestina_core::{Rewritten, Server, Session};
use sestina_stanza::{Condition, Jid, PresenceType, Stanza, StanzaError};

use crate::keeper::Keeper;

/// To whom a session has sent its presence.
#[derive(Debug, Default)]
pub(crate) struct Directed(Mutex<BTreeSet<Jid>>);

impl Directed {
    fn is_empty(session: &Session) -> bool {
        session.part::<Self>().0.lock().is_empty()
    }

    /// All of them.
    pub(crate) fn all(session: &Session) -> Vec<Jid> {
        session.part::<Self>().0.lock().iter().cloned().collect()
    }

    /// Whether somebody is one of them, or belongs to one of them.
    pub(crate) fn has(session: &Session, somebody: &Jid) -> bool {
        let directed = session.part::<Self>();
        let directed = directed.0.lock();
        !directed.is_empty()
            && (directed.contains(somebody) || directed.contains(&somebody.to_bare()))
    }

    /// Takes out all of them.
    pub(crate) fn take(session: &Session) -> BTreeSet<Jid> {
        mem::take(&mut session.part::<Self>().0.lock())
    }
}

impl Keeper {
    /// A session takes back presence that only those in particular have seen: there is nobody else
    /// to be told, and so nobody tells them.
    pub(crate) fn leave(&self, stanza: &Stanza, from: &Jid, server: &Server) -> Rewritten {
        let shown = |session: &Arc<Session>| session.is_available() || Directed::is_empty(session);
        let Some(session) = server.session(from).filter(|session| !shown(session)) else {
            return Rewritten::Keep;
        };
        let (keeper, stanza, server) = (self.clone(), stanza.clone(), server.clone());
        Rewritten::Wait(Box::pin(async move {
            keeper.end_directed(&session, &stanza, None, &server).await;
            Rewritten::Keep
        }))
    }

    /// Remembers to whom a session shows itself, and who has been told that it is gone.
    pub(crate) fn direct(
        &self,
        kind: PresenceType,
        to: &Jid,
        from: &Jid,
        server: &Server,
    ) -> Rewritten {
        // Its own account hears of its end anyhow.
        let Some(session) = server.session(from).filter(|_| !to.same_bare(from)) else {
            return Rewritten::Keep;
        };
        let directed = session.part::<Directed>();
        let mut directed = directed.0.lock();
        if kind == PresenceType::Unavailable {
            directed.remove(to);
        } else if directed.len() < self.bounds.directed || directed.contains(to) {
            directed.insert(to.clone());
        } else {
            let full = StanzaError::new(Condition::ResourceConstraint)
                .with_text("presence was sent to too many addresses");
            return Rewritten::Refuse(full.into());
        }
        Rewritten::Keep
    }
}
