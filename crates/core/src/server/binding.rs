//! Sessions as they begin and end: binding a resource, and closing what was bound.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use sestina_stanza::{Condition, Jid, StanzaError, StreamCondition};
use sestina_stream::BindRequest;
use tokio::{runtime::Handle, task::JoinHandle};

use super::Server;
use crate::{
    Refusal, Seen,
    accounts::joined,
    contain::Joint,
    directory::Entered,
    event::{SessionBound, SessionClosed},
    session::Session,
    settings::Conflict,
};

/// Who binds a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    /// Somebody that others vouch for.
    Anybody,
    /// Somebody who has authenticated by the record of this account, which must still allow that.
    Account(&'a Jid),
    /// A guest, and from where.
    Guest(Option<IpAddr>),
}

/// Names that are tried for a session whose resource is taken.
const NAMES: usize = 4;

impl Server {
    /// Binds a resource: the session stands in the table from here on, until it is
    /// [closed](Self::close).
    ///
    /// # Errors
    ///
    /// `conflict` where the resource is taken and stays with who has it, `resource-constraint`
    /// where the account has as many sessions as it may.
    pub async fn bind(&self, request: &BindRequest) -> Result<Arc<Session>, StanzaError> {
        let whose = if request.anonymous { Whose::Guest(None) } else { Whose::Anybody };
        self.bind_jid(request.jid.clone(), request.chosen, whose).await
    }

    /// Binds a resource.
    pub(crate) async fn bind_jid(
        &self,
        jid: Jid,
        chosen: bool,
        whose: Whose<'_>,
    ) -> Result<Arc<Session>, StanzaError> {
        if !jid.is_full() || !self.serves(jid.domain()) {
            return Err(Condition::JidMalformed.into());
        }
        if self.0.stopping.load(Ordering::Acquire) {
            return Err(Condition::ServiceUnavailable.into());
        }
        let (session, replaced) = self.enter(jid, chosen)?;
        // Whoever gives up waiting for this leaves no session behind that nobody carries.
        let mut entrant = Entrant { server: self, session: &session, stage: Stage::Entered };
        if let Some(old) = replaced {
            old.depart();
            old.close(Some(StreamCondition::Conflict.into()));
            self.gone(&old).await;
        }
        // Asked once more after entering: a shutdown, and whoever removes or disables an account, goes
        // through the table after having said so.
        if self.0.stopping.load(Ordering::Acquire) {
            return Err(Condition::ServiceUnavailable.into());
        }
        match whose {
            Whose::Anybody => {}
            Whose::Account(account) => self.accounts().admits(account).await?,
            Whose::Guest(from) => {
                entrant.stage = Stage::Asking;
                let stay = match self.0.guests.provided() {
                    Some((by, guests)) => {
                        let admitting = async { guests.admit(session.account(), from).await };
                        let stay = self.contain_later(by, Joint::Guest, admitting).await;
                        stay.flatten().map(Some)
                    }
                    None => Ok(None),
                };
                entrant.stage = Stage::Entered;
                session.be_guest(stay.map_err(Refusal::into_error)?);
            }
        }
        entrant.stage = Stage::Told;
        self.see(Seen::SessionBegan);
        // What fails in a handler is logged there; the session stands.
        let _ = self.emit(&SessionBound::new(session.clone())).await;
        entrant.stage = Stage::Bound;
        drop(entrant);
        Ok(session)
    }

    /// Puts a new session into the table; also says whom it replaces there.
    fn enter(
        &self,
        mut jid: Jid,
        chosen: bool,
    ) -> Result<(Arc<Session>, Option<Arc<Session>>), StanzaError> {
        let rules = self.rules();
        let most = rules.bounds.sessions_per_account;
        let replace = rules.conflict == Conflict::Replace;
        for _ in 0..NAMES {
            let id = self.0.next_session.fetch_add(1, Ordering::Relaxed);
            let session = Session::new(jid.clone(), id, rules.bounds.queue);
            match self.0.directory.enter(session.clone(), most, replace) {
                Entered::Done { replaced } => return Ok((session, replaced)),
                Entered::TooMany => {
                    self.see(Seen::Bounded { bound: "session.per-account" });
                    return Err(Condition::ResourceConstraint.into());
                }
                Entered::Taken if chosen && rules.conflict == Conflict::Refuse => break,
                Entered::Taken => {
                    jid = jid
                        .with_resource(&self.random_name())
                        .map_err(|_| StanzaError::from(Condition::InternalServerError))?;
                }
            }
        }
        Err(Condition::Conflict.into())
    }

    /// Ends a session, and waits until everybody has heard: whoever carried it carries it no more.
    /// What it has not read is routed anew. A session ends once, however often this is called.
    ///
    /// # Cancel safety
    ///
    /// What was begun goes on to its end.
    pub async fn close(&self, session: &Arc<Session>) {
        if let Some(ending) = self.end(session) {
            joined(ending).await;
        }
    }

    /// The same where nobody can wait. The session leaves the table at once; outside a runtime,
    /// nobody is told and what it has not read is lost.
    pub fn forget(&self, session: &Arc<Session>) {
        drop(self.end(session));
    }

    /// Begins the end of a session, unless it has begun.
    fn end(&self, session: &Arc<Session>) -> Option<JoinHandle<()>> {
        self.0.directory.leave(session);
        session.depart();
        if !session.end() {
            return None;
        }
        self.see(Seen::SessionEnded);
        if let Some(bundle) = session.bundle() {
            bundle.leave(session);
        }
        let unread = session.abandon();
        let runtime = Handle::try_current().ok()?;
        let (server, session) = (self.clone(), session.clone());
        Some(runtime.spawn(async move {
            server.gone(&session).await;
            let _ = server.emit(&SessionClosed::new(session.clone())).await;
            for stanza in unread {
                server.reroute(stanza).await;
                // Whoever is answered may read in between: their queue has its bound, too.
                tokio::task::yield_now().await;
            }
            if session.is_guest() {
                server.accounts().see_off(session.account()).await;
            }
            session.finish();
        }))
    }
}

/// A session that has entered the table; it leaves again unless it is bound in the end.
struct Entrant<'a> {
    server: &'a Server,
    session: &'a Arc<Session>,
    stage: Stage,
}

/// How far a binding has come.
enum Stage {
    Entered,
    /// It is being decided whether a guest is let in.
    Asking,
    /// Some have heard of it, and must hear of its end.
    Told,
    Bound,
}

impl Drop for Entrant<'_> {
    fn drop(&mut self) {
        match self.stage {
            Stage::Entered | Stage::Asking => {
                self.server.directory().leave(self.session);
                self.session.depart();
                self.session.abandon().for_each(drop);
                if let (Stage::Asking, Ok(runtime)) = (&self.stage, Handle::try_current()) {
                    // Whoever was asked may have noted the guest down.
                    let (server, guest) = (self.server.clone(), self.session.account().clone());
                    runtime.spawn(async move { server.accounts().see_off(&guest).await });
                }
            }
            Stage::Told => self.server.forget(self.session),
            Stage::Bound => {}
        }
    }
}
