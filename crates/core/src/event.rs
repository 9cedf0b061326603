//! Typed lifecycle events: what a plugin may hear of.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

use sestina_stanza::{Jid, Stanza};

use crate::{BoxFuture, Refusal, Server, contain::Joint, handler::Hears, session::Session};

/// Something that happened. Plugins may define their own.
pub trait Event: fmt::Debug + Send + Sync + 'static {}

/// The server has been assembled, and nothing has reached it yet. A handler that fails keeps it
/// from starting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Started {}

/// A session was bound and stands in the session table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionBound {
    /// The new session.
    pub session: Arc<Session>,
}

/// A session changed its own presence: a broadcast, not directed presence.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PresenceChanged {
    /// Whose.
    pub session: Arc<Session>,
    /// What it sent, with `from` stamped; of type `unavailable` also when the connection was lost.
    pub presence: Stanza,
    /// Whether the session was unavailable before (RFC 6121 §4.2).
    pub initial: bool,
}

/// A session has ended and is no longer in the table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionClosed {
    /// The session that was.
    pub session: Arc<Session>,
}

/// An account has come into being.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountCreated {
    /// Its bare JID.
    pub account: Jid,
}

/// An account has come from elsewhere, or was put in place of one that was here: its records are in
/// their places, and what was in memory of an account of this name says nothing any more.
///
/// It is told apart from [`AccountCreated`], for it brings what a new account is given. Nobody can
/// log in before every handler is done; one that fails is called again when the server starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountImported {
    /// Its bare JID.
    pub account: Jid,
}

/// An account may not log in any more: its sessions were told to end, and all else of it stays.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountDisabled {
    /// Its bare JID.
    pub account: Jid,
}

/// An account that was disabled may log in again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountEnabled {
    /// Its bare JID.
    pub account: Jid,
}

/// An account's password was changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CredentialsChanged {
    /// Its bare JID.
    pub account: Jid,
}

/// An account is being removed: its sessions are closed, its records still there.
///
/// The removal waits for every handler, and then erases all that is stored under the account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountRemoved {
    /// Its bare JID.
    pub account: Jid,
}

/// The server is about to stop; sessions are still there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShuttingDown {}

impl Event for Started {}
impl Event for SessionBound {}
impl Event for PresenceChanged {}
impl Event for SessionClosed {}
impl Event for AccountCreated {}
impl Event for AccountDisabled {}
impl Event for AccountEnabled {}
impl Event for AccountImported {}
impl Event for CredentialsChanged {}
impl Event for AccountRemoved {}
impl Event for ShuttingDown {}

impl Started {
    pub(crate) fn new() -> Self {
        Self {}
    }
}

impl SessionBound {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

impl PresenceChanged {
    pub(crate) fn new(session: Arc<Session>, presence: Stanza, initial: bool) -> Self {
        Self { session, presence, initial }
    }
}

impl SessionClosed {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

impl AccountCreated {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl AccountDisabled {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl AccountEnabled {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl AccountImported {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl CredentialsChanged {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl AccountRemoved {
    pub(crate) fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl ShuttingDown {
    pub(crate) fn new() -> Self {
        Self {}
    }
}

type Handler = Arc<
    dyn for<'a> Fn(&'a dyn AnyEvent, &'a Server) -> BoxFuture<'a, Result<(), Refusal>>
        + Send
        + Sync,
>;

/// An event whose type can be asked for.
trait AnyEvent: Event {
    fn as_any(&self) -> &dyn Any;
}

impl<E: Event> AnyEvent for E {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Who hears of what, in the order of assembly.
#[derive(Default)]
pub(crate) struct Events {
    handlers: HashMap<TypeId, Vec<(&'static str, Handler)>>,
}

impl Events {
    pub(crate) fn on<T, E, F>(&mut self, by: &'static str, state: &Arc<T>, handler: F)
    where
        T: Send + Sync + 'static,
        E: Event,
        F: for<'a> Hears<'a, T, E> + 'static,
    {
        let (state, handler) = (state.clone(), Arc::new(handler));
        let handler: Handler = Arc::new(move |event, server| {
            let (state, handler) = (state.clone(), handler.clone());
            Box::pin(async move {
                match event.as_any().downcast_ref::<E>() {
                    Some(event) => handler.hear(&state, event, server).await,
                    None => Ok(()),
                }
            })
        });
        self.handlers.entry(TypeId::of::<E>()).or_default().push((by, handler));
    }

    pub(crate) fn is_heard<E: Event>(&self) -> bool {
        self.handlers.contains_key(&TypeId::of::<E>())
    }

    /// Tells every handler in turn. One that fails is logged and does not keep the others from
    /// hearing; the first failure is handed back for whoever must know, and whose it was.
    pub(crate) async fn emit<E: Event>(
        &self,
        event: &E,
        server: &Server,
    ) -> Result<(), (&'static str, Refusal)> {
        let mut first = Ok(());
        for (by, handler) in self.handlers.get(&TypeId::of::<E>()).into_iter().flatten() {
            let hearing = async { handler(event, server).await };
            let heard = server.contain_later(by, Joint::Event, hearing).await.flatten();
            if let Err(refusal) = heard {
                tracing::warn!(plugin = by, %refusal, ?event, "an event was not handled");
                first = first.and(Err((*by, refusal)));
            }
        }
        first
    }
}
