//! Plain `async fn`s as handlers.
//!
//! A handler is a method of the plugin's own state: `async fn(&self, …, &Server) -> Result<…>`. The
//! traits here are met by every such method and by nothing that has to be written by hand.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use sestina_stanza::{Condition, IntoPayload, Invalid, IqType, Jid, Payload, Stanza};
use sestina_stream::Connection;
use sestina_xml::{Element, ElementRef};

use crate::{BoxFuture, Gate, Refusal, Server, session::Session};

/// A method that hears of an event.
#[diagnostic::on_unimplemented(
    message = "this is no event handler",
    label = "expected `async fn(&self, &E, &Server) -> Result<(), Refusal>` with `E: Event`"
)]
pub trait Hears<'a, T, E>: Send + Sync {
    /// Runs the method.
    fn hear(
        &self,
        state: &'a T,
        event: &'a E,
        server: &'a Server,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

impl<'a, T, E, F, Fut, Error> Hears<'a, T, E> for F
where
    T: 'a,
    E: 'a,
    F: Fn(&'a T, &'a E, &'a Server) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), Error>> + Send + 'a,
    Error: Into<Refusal>,
{
    fn hear(
        &self,
        state: &'a T,
        event: &'a E,
        server: &'a Server,
    ) -> impl Future<Output = Result<(), Refusal>> + Send {
        let done = self(state, event, server);
        async { done.await.map_err(Into::into) }
    }
}

/// A method that takes the messages and presences of a service.
#[diagnostic::on_unimplemented(
    message = "this is no service",
    label = "expected `async fn(&self, Stanza, &Server) -> Result<(), Refusal>`"
)]
pub trait Takes<'a, T>: Send + Sync {
    /// Runs the method.
    fn take(
        &self,
        state: &'a T,
        stanza: Stanza,
        server: &'a Server,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

impl<'a, T, F, Fut, Error> Takes<'a, T> for F
where
    T: 'a,
    F: Fn(&'a T, Stanza, &'a Server) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), Error>> + Send + 'a,
    Error: Into<Refusal>,
{
    fn take(
        &self,
        state: &'a T,
        stanza: Stanza,
        server: &'a Server,
    ) -> impl Future<Output = Result<(), Refusal>> + Send {
        let done = self(state, stanza, server);
        async { done.await.map_err(Into::into) }
    }
}

/// A method that answers a request.
#[diagnostic::on_unimplemented(
    message = "this is no request handler",
    label = "expected `async fn(&self, Get<P> or Set<P>, &Server) -> Result<R, Refusal>`"
)]
pub trait Answers<'a, T, Q>: Send + Sync {
    /// Runs the method.
    fn answer(
        &self,
        state: &'a T,
        request: Q,
        server: &'a Server,
    ) -> impl Future<Output = Result<Option<Element>, Refusal>> + Send;
}

impl<'a, T, Q, F, Fut, R, Error> Answers<'a, T, Q> for F
where
    T: 'a,
    Q: Send + 'a,
    F: Fn(&'a T, Q, &'a Server) -> Fut + Send + Sync,
    Fut: Future<Output = Result<R, Error>> + Send + 'a,
    R: IntoPayload,
    Error: Into<Refusal>,
{
    fn answer(
        &self,
        state: &'a T,
        request: Q,
        server: &'a Server,
    ) -> impl Future<Output = Result<Option<Element>, Refusal>> + Send {
        let answer = self(state, request, server);
        async {
            match answer.await {
                Ok(answer) => Ok(answer.into_payload()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// A request that can be read from an iq: [`Get`] or [`Set`].
pub trait Request: Sized + Send + 'static {
    /// The iq's type.
    const TYPE: IqType;
    /// What it carries.
    type Payload: Payload;

    /// Makes the request of its parts.
    fn of(origin: Origin, payload: Self::Payload) -> Self;
}

/// Where a request came from, and whom it is for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Origin {
    /// Who asks; nobody before authentication.
    pub from: Option<Jid>,
    /// Who is asked: an account's bare JID, a domain, a service.
    pub to: Jid,
    /// Over what, for streams that have not authenticated. A session outlives its connections, so
    /// a request from one comes over none.
    pub connection: Option<Arc<Connection>>,
    /// The way in, for streams that have not authenticated.
    pub gate: Option<Gate>,
    /// The session that asks, if it is one of this server.
    pub session: Option<Arc<Session>>,
    pub(crate) stanza: Stanza,
    pub(crate) answered: Answered,
}

/// Whether a request was answered before its handler was done.
#[derive(Clone, Default)]
pub(crate) struct Answered(Arc<Early>);

#[derive(Default)]
struct Early {
    already: AtomicBool,
    /// What another server has left to do about the answer.
    rest: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Answered {
    pub(crate) fn already(&self) -> bool {
        self.0.already.load(Ordering::Acquire)
    }

    pub(crate) fn rest(&self) -> Option<BoxFuture<'static, ()>> {
        self.0.rest.lock().take()
    }
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answered").field(&self.already()).finish()
    }
}

impl Origin {
    /// Answers at once, for a handler that must say more after its answer, or holds what keeps the
    /// answer in order with what others say. What the handler returns is then told to nobody.
    pub fn answer(&self, payload: impl IntoPayload, server: &Server) {
        let Early { already, rest } = &*self.answered.0;
        if !already.swap(true, Ordering::AcqRel)
            && let Some(result) = self.stanza.result(payload.into_payload())
        {
            *rest.lock() = server.answer_to(self.session.as_ref(), result);
        }
    }

    /// Whether the request named whom it is for; one that does not is for its sender's own account.
    #[must_use]
    pub fn is_addressed(&self) -> bool {
        self.stanza.to().is_some()
    }

    /// From where, for streams that have not authenticated and have an address.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.connection.as_ref().and_then(|connection| connection.peer())
    }
}

macro_rules! request {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name<P> {
            /// Where it came from, and whom it is for.
            pub origin: Origin,
            /// What is asked.
            pub payload: P,
        }

        impl<P: Payload + Send + 'static> Request for $name<P> {
            const TYPE: IqType = IqType::$name;
            type Payload = P;

            fn of(origin: Origin, payload: P) -> Self {
                Self { origin, payload }
            }
        }

        impl<P> std::ops::Deref for $name<P> {
            type Target = P;

            fn deref(&self) -> &P {
                &self.payload
            }
        }
    };
}

request! {
    /// An iq of type `get`; dereferences to its payload.
    Get
}
request! {
    /// An iq of type `set`; dereferences to its payload.
    Set
}

/// Reads a request's payload out of an iq.
pub(crate) fn read<Q: Request>(stanza: &Stanza) -> Result<Q::Payload, Refusal> {
    let payload: ElementRef<'_> =
        stanza.payload().ok_or_else(|| Refusal::from(Condition::BadRequest))?;
    Q::Payload::read(payload).map_err(|invalid: Invalid| Refusal::from(invalid))
}

#[cfg(test)]
mod tests {
    use sestina_stanza::PresenceType;

    use super::*;
    use crate::{Assembly, AssemblyError, Guarded, Plugin, Scope, Settings, Spec, answer};

    struct Poll;

    impl Payload for Poll {
        const NAME: &'static str = "poll";
        const NAMESPACE: &'static str = "urn:example:poll";

        fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
            Ok(Self)
        }

        fn write(&self) -> Element {
            Self::builder().build()
        }
    }

    /// Answers early and fails late, and lets nobody but the nurse hear of anybody.
    struct Gossip;

    impl Plugin for Gossip {
        const NAME: &'static str = "gossip";
        const SPECS: &'static [Spec] = &[];

        fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
            let gossip = Arc::new(self);
            to.iq(Scope::Own, answer(&gossip, Self::ask))?;
            to.sender().guard(&gossip, |_, stanza, _| {
                match stanza.to().and_then(|to| to.local()) {
                    Some("nurse") | None => Guarded::Pass,
                    Some(_) => Guarded::Refuse(Condition::Forbidden.into()),
                }
            });
            Ok(())
        }
    }

    impl Gossip {
        async fn ask(&self, ask: Get<Poll>, server: &Server) -> Result<(), Refusal> {
            ask.origin.answer(Poll, server);
            ask.origin.answer((), server);
            let session = ask.origin.session.as_ref().unwrap();
            server.deliver(session, Stanza::presence(PresenceType::Available).build());
            Err(Condition::Conflict.into())
        }
    }

    fn jid(text: &str) -> Jid {
        Jid::new(text).unwrap()
    }

    async fn server() -> Server {
        let mut settings = Settings::new(jid("capulet.example"), sestina_store::memory());
        settings.authentication.tls = false;
        let mut assembly = Assembly::new(settings);
        assembly.plugin(Gossip).unwrap();
        assembly.build().await.unwrap()
    }

    #[tokio::test]
    async fn an_early_answer_is_the_only_one() {
        let server = server().await;
        let mut juliet = server.attach(jid("juliet@capulet.example/balcony")).await.unwrap();
        juliet.send(Stanza::iq(IqType::Get, "1").payload(&Poll).build()).await.unwrap();
        let answer = juliet.receive().await.unwrap();
        assert_eq!((answer.kind(), answer.id()), (IqType::Result.into(), Some("1")));
        assert!(answer.payload().is_some());
        assert_eq!(juliet.receive().await.unwrap().kind(), PresenceType::Available.into());
        assert_eq!(juliet.session().queued(), 0);
    }

    #[tokio::test]
    async fn a_copy_is_guarded_but_its_refusal_is_told_to_nobody() {
        let server = server().await;
        let juliet = server.attach(jid("juliet@capulet.example/balcony")).await.unwrap();
        let romeo = server.attach(jid("romeo@capulet.example/orchard")).await.unwrap();
        let nurse = server.attach(jid("nurse@capulet.example/house")).await.unwrap();
        for session in [&nurse, &romeo] {
            session.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
        }
        let presence = Stanza::presence(PresenceType::Available).from(juliet.jid().clone()).build();
        for to in ["nurse@capulet.example", "romeo@capulet.example"] {
            server.publish(juliet.session(), presence.with_to(jid(to))).await;
        }
        let queued = [&nurse, &romeo, &juliet].map(|session| session.session().queued());
        assert_eq!(queued, [1, 0, 0]);
    }
}
