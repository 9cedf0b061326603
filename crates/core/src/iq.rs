//! Request dispatch: one handler for each scope, type and payload.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use sestina_stanza::{Condition, IqType, Jid, Kind, Payload, Stanza};
use sestina_stream::Connection;
use sestina_xml::{Element, ElementRef};
use tower::{Layer, Service, util::BoxCloneSyncService};

use crate::{
    BoxFuture, Gate, Refusal, Seen, Server,
    contain::Joint,
    error::AssemblyError,
    handler::{Answered, Answers, Origin, Request, read},
    session::Session,
};

/// Whom a request is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// An account: its bare JID, or no address at all. The server answers on its behalf.
    Account,
    /// The sender's own account, addressed in the same way. Whoever asks it of another account is
    /// told `forbidden`, or what is said of a [hidden](IqHandler::hidden) handler, whether there is
    /// such an account or not.
    Own,
    /// The server: one of its domains.
    Server,
    /// A service with a domain of its own, such as `rooms.example.org`.
    Service(&'static str),
    /// Any of these services, where it does not answer for itself.
    Services,
    /// The server, by a stream that has not authenticated yet.
    Unauthenticated,
}

/// A request on its way to its handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IqRequest {
    /// The iq, with `from` stamped.
    pub stanza: Stanza,
    /// Who is asked; for requests without an address the account's bare JID or the domain.
    pub to: Jid,
    /// Over what, for streams that have not authenticated.
    pub connection: Option<Arc<Connection>>,
    /// The way in, for streams that have not authenticated.
    pub gate: Option<Gate>,
    /// The session that asks, if it is one of this server.
    pub session: Option<Arc<Session>>,
    /// The server that was asked.
    pub server: Server,
    pub(crate) answered: Answered,
}

/// A handler as a tower service: what the table holds, and what a layer wraps.
pub type IqService = BoxCloneSyncService<IqRequest, Option<Element>, Refusal>;

/// A request handler made by [`answer`], to be registered with
/// [`Assembly::iq`](crate::Assembly::iq).
#[derive(Clone)]
pub struct IqHandler {
    pub(crate) key: Key,
    pub(crate) service: IqService,
    /// What somebody is told who asks it of another's account, where it is for the owner only.
    pub(crate) foreign: Condition,
    pub(crate) accountless: bool,
}

impl IqHandler {
    /// A handler out of any tower service.
    pub fn service<S>(kind: IqType, name: &str, namespace: &str, service: S) -> Self
    where
        S: Service<IqRequest, Response = Option<Element>, Error = Refusal>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let key = Key { kind, name: name.into(), namespace: namespace.into() };
        let service = BoxCloneSyncService::new(service);
        Self { key, service, foreign: Condition::Forbidden, accountless: false }
    }

    /// Whoever asks it of the account of somebody else is told `service-unavailable`, as if nobody
    /// answered it there (RFC 6121 §8.5.1), in place of the `forbidden` of [`Scope::Own`].
    #[must_use]
    pub fn hidden(self) -> Self {
        self.refusing(Condition::ServiceUnavailable)
    }

    /// Whoever asks it of the account of somebody else is told this, in place of the `forbidden` of
    /// [`Scope::Own`], whether there is such an account or not.
    #[must_use]
    pub fn refusing(mut self, condition: Condition) -> Self {
        self.foreign = condition;
        self
    }

    /// Is asked about accounts that do not exist, too, in place of the `service-unavailable` that the
    /// server answers there: for what must look the same whether there is such an account or not,
    /// and is no error.
    #[must_use]
    pub fn even_without_account(mut self) -> Self {
        self.accountless = true;
        self
    }
}

impl fmt::Debug for IqHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IqHandler").field(&self.key).finish()
    }
}

/// Makes a request handler of a method: `answer(&state, State::method)`.
pub fn answer<T, Q, F>(state: &Arc<T>, method: F) -> IqHandler
where
    T: Send + Sync + 'static,
    Q: Request,
    F: for<'a> Answers<'a, T, Q> + 'static,
{
    let parts = Arc::new((state.clone(), method));
    let call = Call(Arc::new(move |request: IqRequest| -> BoxFuture<'static, _> {
        let parts = parts.clone();
        Box::pin(async move {
            let payload = read::<Q>(&request.stanza)?;
            let origin = Origin {
                from: request.stanza.from().cloned(),
                to: request.to,
                connection: request.connection,
                gate: request.gate,
                session: request.session,
                stanza: request.stanza,
                answered: request.answered,
            };
            let (state, method) = &*parts;
            method.answer(state, Q::of(origin, payload), &request.server).await
        })
    }));
    IqHandler::service(Q::TYPE, Q::Payload::NAME, Q::Payload::NAMESPACE, call)
}

type CallFn =
    dyn Fn(IqRequest) -> BoxFuture<'static, Result<Option<Element>, Refusal>> + Send + Sync;

/// A shared method as a service that is always ready.
#[derive(Clone)]
struct Call(Arc<CallFn>);

impl Service<IqRequest> for Call {
    type Response = Option<Element>;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Option<Element>, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: IqRequest) -> Self::Future {
        (self.0)(request)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) kind: IqType,
    pub(crate) name: Box<str>,
    pub(crate) namespace: Box<str>,
}

/// Who answers what.
#[derive(Default)]
pub(crate) struct IqTable {
    scopes: HashMap<Scope, HashMap<Box<str>, Vec<Entry>, foldhash::fast::RandomState>>,
}

struct Entry {
    by: &'static str,
    key: Key,
    service: IqService,
    foreign: Condition,
    accountless: bool,
}

impl IqTable {
    pub(crate) fn claim(
        &mut self,
        by: &'static str,
        scope: Scope,
        handler: IqHandler,
    ) -> Result<(), AssemblyError> {
        let IqHandler { key, service, foreign, accountless } = handler;
        let entries =
            self.scopes.entry(scope.clone()).or_default().entry(key.namespace.clone()).or_default();
        if let Some(first) = entries.iter().find(|entry| entry.key == key) {
            return Err(AssemblyError::ClaimedTwice {
                what: format!(
                    "iq {:?} of {} in {} for {scope:?}",
                    key.kind, key.name, key.namespace
                ),
                first: first.by,
                second: by,
            });
        }
        entries.push(Entry { by, key, service, foreign, accountless });
        Ok(())
    }

    /// Wraps every handler that is in the table.
    pub(crate) fn layer<L>(&mut self, layer: &L)
    where
        L: Layer<IqService>,
        L::Service: Service<IqRequest, Response = Option<Element>> + Clone + Send + Sync + 'static,
        <L::Service as Service<IqRequest>>::Future: Send + 'static,
        <L::Service as Service<IqRequest>>::Error: Into<Refusal>,
    {
        for entry in self.scopes.values_mut().flat_map(HashMap::values_mut).flatten() {
            let layered = layer.layer(entry.service.clone());
            let layered = tower::ServiceExt::map_err(layered, Into::into);
            entry.service = BoxCloneSyncService::new(layered);
        }
    }

    /// Whether a request would find a handler.
    pub(crate) fn takes(&self, scope: &Scope, stanza: &Stanza) -> bool {
        match (stanza.kind(), stanza.payload()) {
            (Kind::Iq(kind), Some(payload)) => {
                !matches!(self.find(scope, kind, payload), Found::Nothing)
            }
            _ => false,
        }
    }

    /// Which of the two scopes that share an account's address a request is for: the one that has a
    /// handler for it, or else the one that knows its payload.
    pub(crate) fn account_scope(&self, stanza: &Stanza) -> Scope {
        let (Kind::Iq(kind), Some(payload)) = (stanza.kind(), stanza.payload()) else {
            return Scope::Account;
        };
        let own = self.find(&Scope::Own, kind, payload);
        match (own, self.find(&Scope::Account, kind, payload)) {
            (Found::Handler(_), _) | (Found::OtherType(_), Found::Nothing) => Scope::Own,
            _ => Scope::Account,
        }
    }

    /// What somebody is told who asks of another's account what is for its owner only.
    pub(crate) fn refusal(&self, stanza: &Stanza) -> Condition {
        let (Kind::Iq(kind), Some(payload)) = (stanza.kind(), stanza.payload()) else {
            return Condition::Forbidden;
        };
        match self.find(&Scope::Own, kind, payload) {
            Found::Handler(entry) | Found::OtherType(entry) => entry.foreign,
            Found::Nothing => Condition::Forbidden,
        }
    }

    /// For whom a request to the account of somebody else has a handler for its type.
    pub(crate) fn answers_for(&self, scope: &Scope, stanza: &Stanza) -> AnswersFor {
        let (Kind::Iq(kind), Some(payload)) = (stanza.kind(), stanza.payload()) else {
            return AnswersFor::Nobody;
        };
        match self.find(scope, kind, payload) {
            Found::Handler(entry) if entry.accountless => AnswersFor::Anybody,
            Found::Handler(_) => AnswersFor::Accounts,
            _ => AnswersFor::Nobody,
        }
    }

    fn find(&self, scope: &Scope, kind: IqType, payload: ElementRef<'_>) -> Found<'_> {
        let entries = self.scopes.get(scope).and_then(|table| table.get(payload.namespace()));
        let Some(entries) = entries else { return Found::Nothing };
        let mut found = Found::Nothing;
        for entry in entries {
            if &*entry.key.name == payload.name() {
                if entry.key.kind == kind {
                    return Found::Handler(entry);
                }
                found = Found::OtherType(entry);
            }
        }
        found
    }

    /// Answers a request: with its result or error, or with nothing where nothing may be said.
    pub(crate) async fn dispatch(
        &self,
        scope: &Scope,
        request: IqRequest,
    ) -> Result<Option<Stanza>, Infallible> {
        let (stanza, answered) = (request.stanza.clone(), request.answered.clone());
        let Kind::Iq(kind) = stanza.kind() else { return Ok(None) };
        let Some(payload) = stanza.payload() else {
            return Ok(stanza.error(&Condition::BadRequest.into()));
        };
        let found = match self.find(scope, kind, payload) {
            Found::Nothing if matches!(scope, Scope::Service(_)) => {
                self.find(&Scope::Services, kind, payload)
            }
            found => found,
        };
        let entry = match found {
            Found::Handler(entry) => entry,
            // A get where only a set is known, or the other way round.
            Found::OtherType(_) => return Ok(stanza.error(&Condition::BadRequest.into())),
            Found::Nothing => return Ok(stanza.error(&Condition::ServiceUnavailable.into())),
        };
        let server = request.server.clone();
        let answer = tower::ServiceExt::oneshot(entry.service.clone(), request);
        let began = server.stopwatch();
        let answer = server.contain_later(entry.by, Joint::Request, answer).await.flatten();
        if let Some(began) = began {
            let (took, refused) = (server.since(began), answer.is_err());
            server.see(Seen::Requested { plugin: entry.by, took, refused });
        }
        match answer {
            _ if answered.already() => {
                if let Some(rest) = answered.rest() {
                    rest.await;
                }
                Ok(None)
            }
            Ok(payload) => Ok(stanza.result(payload)),
            Err(refusal) => {
                tracing::debug!(plugin = entry.by, %refusal, "a request was refused");
                Ok(stanza.error(refusal.error()))
            }
        }
    }
}

/// For whom a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswersFor {
    Nobody,
    /// Accounts that there are.
    Accounts,
    /// Any address that could be an account's.
    Anybody,
}

enum Found<'a> {
    Handler(&'a Entry),
    OtherType(&'a Entry),
    Nothing,
}

impl fmt::Debug for IqTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.scopes.iter().flat_map(|(scope, table)| {
            table.values().flatten().map(move |entry| (scope, &entry.key, entry.by))
        });
        f.debug_list().entries(keys).finish()
    }
}
