//! Several sessions on one stream, for clients that bind several resources (XEP-0193).

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use sestina_stanza::{Condition, Jid, Kind, Stanza, StanzaError, StreamCondition, ns};
use sestina_xml::Element;

use crate::{
    Server,
    server::{Handling, Whose},
    session::Session,
};

/// The sessions of a stream whose peer has bound a second resource. There is none before.
///
/// Each is a session like any other and ends by itself; the stream ends with the last.
#[derive(Default)]
pub struct Bundle(Mutex<Held>);

#[derive(Default)]
struct Held {
    sessions: Vec<Arc<Session>>,
    /// Whether nobody carries the stream any more.
    over: bool,
}

/// A session's place in a bundle, from the second resource on.
#[derive(Default)]
pub(crate) struct Membership(pub(crate) OnceLock<Arc<Bundle>>);

impl Bundle {
    /// Those that have not ended, in the order in which they were bound.
    #[must_use]
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.0.lock().sessions.clone()
    }

    /// Takes no further session; hands back those that are left to be closed.
    #[must_use]
    pub fn end(&self) -> Vec<Arc<Session>> {
        let mut held = self.0.lock();
        held.over = true;
        held.sessions.clone()
    }

    pub(crate) fn leave(&self, session: &Session) {
        self.0.lock().sessions.retain(|held| held.id() != session.id());
    }

    /// Enters a session, unless the stream is gone.
    pub(crate) fn enter(&self, session: &Arc<Session>) -> bool {
        let mut held = self.0.lock();
        if !held.over {
            held.sessions.push(session.clone());
        }
        !held.over
    }

    fn of(&self, jid: &Jid) -> Option<Arc<Session>> {
        self.0.lock().sessions.iter().find(|session| session.jid() == jid).cloned()
    }
}

impl Server {
    /// Binds another resource on the stream of a session; one of the server's choice where none is
    /// named. Whoever carries the session carries the new one, too.
    ///
    /// # Errors
    ///
    /// `not-allowed` where streams have [one resource](crate::Assembly::several_resources), where this
    /// one is carried by somebody who can carry no more, and for guests; `bad-request` for what can be
    /// no resource; `conflict` for one that this stream has bound; `resource-constraint` where it has
    /// bound `most`; and what binding can fail with.
    pub async fn bind_beside(
        &self,
        session: &Arc<Session>,
        resource: Option<&str>,
        most: usize,
    ) -> Result<Arc<Session>, StanzaError> {
        if !self.binds_several() || !session.shares_its_stream() || session.is_guest() {
            return Err(Condition::NotAllowed.into());
        }
        let random;
        let name = match resource {
            Some(resource) => resource,
            None => {
                random = self.random_name();
                &random
            }
        };
        let jid = session.account().with_resource(name);
        let jid = jid.map_err(|_| StanzaError::from(Condition::BadRequest))?;
        let bundle = session.bundle();
        let bound = bundle.as_ref().map_or(1, |bundle| bundle.0.lock().sessions.len());
        if jid == *session.jid() || bundle.is_some_and(|bundle| bundle.of(&jid).is_some()) {
            return Err(Condition::Conflict.into());
        }
        if bound >= most {
            return Err(Condition::ResourceConstraint.into());
        }
        let bound = self.bind_jid(jid, resource.is_some(), Whose::Anybody).await?;
        if let Some(lang) = session.lang() {
            bound.set_lang(lang);
        }
        // Whoever ends sessions of an account has found this one in the table, or the first is ending.
        let bundle = session.bundle_up();
        bound.join(&bundle);
        if session.is_ending() || !bundle.enter(&bound) {
            self.close(&bound).await;
            return Err(Condition::NotAllowed.into());
        }
        Ok(bound)
    }

    /// Ends the session of a resource that is bound on the same stream: at once, or as soon as it has
    /// been answered, where it is the one that asks. The stream ends with the last.
    ///
    /// # Errors
    ///
    /// `item-not-found` where this stream has not bound it.
    pub async fn unbind(&self, session: &Arc<Session>, resource: &str) -> Result<(), StanzaError> {
        let missing = || StanzaError::from(Condition::ItemNotFound);
        let jid = session.account().with_resource(resource).map_err(|_| missing())?;
        if jid == *session.jid() {
            session.close_owing(None);
            return Ok(());
        }
        let other = session.bundle().and_then(|bundle| bundle.of(&jid)).ok_or_else(missing)?;
        self.close(&other).await;
        Ok(())
    }

    /// Takes a stanza from the peer of several sessions: it says for which.
    pub(crate) fn receive_for_one(&self, bundle: &Bundle, mut stanza: Stanza) -> Handling {
        let sessions = bundle.sessions();
        // The account is the same for all.
        let Some(first) = sessions.first() else { return Handling::Done };
        let named = stanza.from().filter(|from| from.is_full());
        let speaker = match (stanza.from(), named) {
            (Some(from), _) if !from.same_bare(first.account()) => {
                return Handling::Close(StreamCondition::InvalidFrom.into());
            }
            (_, Some(named)) => sessions.iter().find(|session| session.jid() == named),
            // Which one is plain where there is one left.
            (_, None) => Some(first).filter(|_| sessions.len() == 1),
        };
        match speaker {
            Some(speaker) => self.receive_as(speaker, stanza),
            // XEP-0193: the resource that is to be bound may be named.
            None if named.is_some() && is_bind(&stanza) => self.receive_as(first, stanza),
            None => {
                stanza.set_from(None);
                if let Some(error) = stanza.error(&unknown_sender()) {
                    self.deliver(first, error);
                }
                Handling::Done
            }
        }
    }
}

/// Whether a stanza asks for a resource.
pub(crate) fn is_bind(stanza: &Stanza) -> bool {
    matches!(stanza.kind(), Kind::Iq(_))
        && stanza.payload().is_some_and(|payload| payload.is("bind", ns::BIND))
}

/// XEP-0193 §3.1, in the words that RFC 6120 has for it.
fn unknown_sender() -> StanzaError {
    StanzaError::new(Condition::BadRequest)
        .with_text("which of the resources that are bound?")
        .with_application(Element::builder("unknown-sender", "urn:xmpp:errors"))
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.lock();
        f.debug_list().entries(held.sessions.iter().map(|session| session.jid())).finish()
    }
}
