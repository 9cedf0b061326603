//! The running server: a handle that is cheap to clone.

mod beyond;
mod binding;
mod domains;
mod making;
mod presence;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sestina_sasl::Throttle;
use sestina_stanza::{Jid, Kind, Stanza, StreamCondition, StreamError, Timestamp};
use sestina_store::Store;
use sestina_stream::{Connection, Domain};
use sestina_xml::Element;
use tokio::{runtime::Handle, time::timeout};
use tracing::Instrument;

use crate::{
    Beyond, BoxFuture, Described, Guests, Installed, Optional, Outgoing, Scope, Weakness,
    accounts::{AccountTable, Accounts},
    bundle::is_bind,
    clock::{Clock, Entropy},
    command::{Command, Commands},
    contain::{Joint, Panics},
    directory::{Directory, Sessions},
    element::Elements,
    error::AssemblyError,
    event::{Event, Events, ShuttingDown},
    iq::IqTable,
    live::{Live, LiveSettings},
    observe::{Observer, Seen},
    passage::{Passage, Waiting},
    passwords::Passwords,
    pipeline::{Guarded, Hooks, Outcome, Side},
    port::Ports,
    portable::Carriers,
    queue::{PushError, Queued, Shared},
    secrets::Secrets,
    service::{Service, Services},
    session::Session,
    settings::{Bounds, Overflow, Rules},
    switchboard::Line,
    tap::{Direction, Taps},
};

use self::domains::Domains;
pub(crate) use self::{
    beyond::{Handed, WeakServer},
    binding::Whose,
};

/// An assembled server.
///
/// All of it hangs on this handle: when the last clone is gone, so is the server. Plugins are
/// handed it with each call and keep none.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    plugins: Vec<Installed>,
    carriers: Carriers,
    commands: Commands,
    weaknesses: Vec<Weakness>,
    domains: Domains,
    first: Jid,
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    rules: Live<Rules>,
    live: LiveSettings,
    several: bool,
    accounts: AccountTable,
    directory: Directory,
    sender: Hooks,
    recipient: Hooks,
    iqs: IqTable,
    elements: Elements,
    events: Events,
    guests: Optional<dyn Guests>,
    beyond: Optional<dyn Beyond>,
    line: Line,
    passwords: Passwords,
    secrets: Vec<Arc<Secrets>>,
    services: Services,
    ports: Ports,
    descriptions: crate::disco::Descriptions,
    next_session: AtomicU64,
    stopping: AtomicBool,
    throttle: Mutex<Throttle>,
    panics: Panics,
    observer: Option<Arc<dyn Observer>>,
    taps: Arc<Taps>,
}

/// What is left to do about something that was handed to the server.
#[must_use = "what is pending must be awaited"]
pub enum Handling {
    /// Nothing.
    Done,
    /// This; until it is done, whoever handed the stanza in should hand in no further one.
    Pending(BoxFuture<'static, ()>),
    /// The peer broke a rule for which its stream must be closed.
    Close(StreamError),
}

/// What a session's queue made of a stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    Taken,
    /// The session stays, but has no room.
    Full,
    Gone,
}

impl fmt::Debug for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Pending(_) => f.write_str("Pending"),
            Self::Close(error) => f.debug_tuple("Close").field(error).finish(),
        }
    }
}

impl Server {
    // What it is made of.

    /// The plugins it was assembled from, in their order.
    #[must_use]
    pub fn plugins(&self) -> &[Installed] {
        &self.0.plugins
    }

    /// What its plugins say is weak about it.
    #[must_use]
    pub fn weaknesses(&self) -> &[Weakness] {
        &self.0.weaknesses
    }

    /// The domains it serves, sorted.
    pub fn domains(&self) -> impl Iterator<Item = &Jid> {
        self.0.domains.names()
    }

    /// Whether it serves a domain.
    #[must_use]
    pub fn serves(&self, domain: &str) -> bool {
        self.0.domains.contains(domain)
    }

    /// Whether an account administers the server.
    #[must_use]
    pub fn is_administrator(&self, account: &Jid) -> bool {
        let rules = self.0.rules.now();
        rules.administrators.iter().any(|administrator| administrator.same_bare(account))
    }

    /// What is registered about the entities of a scope.
    #[must_use]
    pub fn describe(&self, scope: &Scope) -> Option<&Described> {
        self.0.descriptions.of(scope)
    }

    /// The commands that there are, sorted by node.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.0.commands.all()
    }

    /// The command of a node.
    #[must_use]
    pub fn command(&self, node: &str) -> Option<&Command> {
        self.0.commands.of(node)
    }

    /// Where everything is kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The accounts.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts::of(self)
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Time as it passes for this server; never goes back.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.clock.elapsed()
    }

    /// The source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// Bounds of the core.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.0.rules.now().bounds
    }

    // What can change of it.

    /// What goes for it at this moment, beside its plugins.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.0.rules.now()
    }

    /// Goes on by other rules. Nobody is disconnected: policies go for streams and attempts that begin
    /// from here on, bounds of queues for sessions that do. How many addresses and accounts the brake
    /// on guessing keeps count of stays as it was.
    ///
    /// # Errors
    ///
    /// When no server can go by them; then nothing has changed.
    pub fn set_rules(&self, rules: Rules) -> Result<(), AssemblyError> {
        rules.check()?;
        self.0.throttle.lock().set_settings(rules.authentication.throttle.clone());
        self.0.domains.go_by(&rules.authentication);
        self.0.rules.set(rules);
        Ok(())
    }

    /// Has a plugin go on with other settings, of the type that it has handed to
    /// [`Assembly::live`](crate::Assembly::live); `false` if no plugin has.
    ///
    /// # Errors
    ///
    /// When the plugin cannot have them; then nothing has changed.
    pub fn change<T: Send + Sync + 'static>(&self, settings: T) -> Result<bool, AssemblyError> {
        self.0.live.change(settings)
    }

    /// What a domain of this server offers; that of the first one where none is named.
    pub(crate) fn domain(&self, name: Option<&str>) -> Option<Arc<Domain>> {
        self.0.domains.domain(name.unwrap_or_else(|| self.0.first.domain()))
    }

    /// Whether a stream may bind several resources.
    pub(crate) fn binds_several(&self) -> bool {
        self.0.several
    }

    pub(crate) fn port_table(&self) -> &Ports {
        &self.0.ports
    }

    /// What a client is offered on a stream to a domain over such a connection: before it logs in,
    /// or after some account has.
    #[must_use]
    pub fn stream_features(
        &self,
        domain: &Jid,
        connection: &Connection,
        account: Option<&Jid>,
    ) -> Vec<Element> {
        let domain = self.domain(Some(domain.domain()));
        domain.map(|domain| domain.offers(connection, account)).unwrap_or_default()
    }

    pub(crate) fn throttle(&self) -> &Mutex<Throttle> {
        &self.0.throttle
    }

    #[inline]
    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        self.0.observer.as_deref()
    }

    pub(crate) fn panicked(&self) -> &Panics {
        &self.0.panics
    }

    pub(crate) fn taps(&self) -> &Arc<Taps> {
        &self.0.taps
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn secrets(&self, family: &str) -> Option<&Arc<Secrets>> {
        self.0.secrets.iter().find(|secrets| secrets.family() == family)
    }

    pub(crate) fn account_table(&self) -> &AccountTable {
        &self.0.accounts
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.0.elements
    }

    pub(crate) fn carriers(&self) -> &Carriers {
        &self.0.carriers
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn iqs(&self) -> &IqTable {
        &self.0.iqs
    }

    pub(crate) fn hooks(&self, side: Side) -> &Hooks {
        match side {
            Side::Sender => &self.0.sender,
            Side::Recipient => &self.0.recipient,
        }
    }

    /// The label of the service that is hosted at a domain.
    #[must_use]
    pub fn service(&self, domain: &str) -> Option<&'static str> {
        self.0.services.label(domain)
    }

    /// The labels of the hosted services, sorted: each stands before every domain.
    #[must_use]
    pub fn services(&self) -> Vec<&'static str> {
        self.0.services.labels()
    }

    // Sessions.

    /// The sessions of an account.
    #[must_use]
    pub fn sessions(&self, account: &Jid) -> Sessions {
        self.0.directory.sessions(account)
    }

    /// The session of a full JID.
    #[must_use]
    pub fn session(&self, full: &Jid) -> Option<Arc<Session>> {
        self.0.directory.session(full)
    }

    /// Whether an account has an available session.
    #[must_use]
    pub fn is_online(&self, account: &Jid) -> bool {
        self.0.directory.any(account, Session::is_available)
    }

    /// The bare JID of an account that has an available session, shared with that session.
    ///
    /// `account` is in its normal form.
    #[must_use]
    pub fn online(&self, account: &str) -> Option<Jid> {
        self.0.directory.online(account)
    }

    /// How many accounts have an available session.
    #[must_use]
    pub fn online_count(&self) -> usize {
        self.0.directory.online_count()
    }

    /// Every session, at some moment during the call.
    #[must_use]
    pub fn all_sessions(&self) -> Vec<Arc<Session>> {
        self.0.directory.all()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.directory.count()
    }

    /// Whether it shuts down, or has: it takes no new sessions then.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// Ends every session, telling the peers, and waits until they are gone or the bound on
    /// draining is reached. New sessions are refused from here on.
    pub async fn shut_down(&self) {
        self.shut_down_saying(StreamCondition::SystemShutdown).await;
    }

    /// The same, telling the peers something else, such as `host-gone`.
    pub async fn shut_down_saying(&self, why: StreamCondition) {
        self.0.stopping.store(true, Ordering::Release);
        if timeout(self.bounds().drain, self.emit(&ShuttingDown::new())).await.is_err() {
            tracing::warn!("a plugin was not ready for the shutdown in time");
        }
        for session in self.0.directory.all() {
            session.close(Some(why.into()));
        }
        if !self.drained(|| self.session_count() == 0).await {
            tracing::warn!(sessions = self.session_count(), "sessions were still there at the end");
        }
        // Until here, neighbours hear who goes.
        self.0.line.give_up();
    }

    /// Waits until sessions that were told to go have gone; `false` if the bound on that is reached.
    pub(crate) async fn drained(&self, gone: impl Fn() -> bool) -> bool {
        let drained = async {
            while !gone() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(self.bounds().drain, drained).await.is_ok()
    }

    // Stanzas.

    /// Takes a stanza that the peer of a session sent. Where the session has others
    /// [beside](Session::bundle) it, the stanza says whose it is.
    pub fn receive(&self, session: &Arc<Session>, stanza: Stanza) -> Handling {
        match session.bundle() {
            None => self.receive_as(session, stanza),
            Some(bundle) => self.receive_for_one(&bundle, stanza),
        }
    }

    pub(crate) fn receive_as(&self, session: &Arc<Session>, mut stanza: Stanza) -> Handling {
        if session.is_ending() {
            // Whoever was told to go is not heard any more.
            return Handling::Done;
        }
        // RFC 6120 §8.1.2.1: what the client may say of itself is true, or the stream ends.
        if let Some(from) = stanza.from()
            && from != session.jid()
            && from != session.account()
            && !(self.0.several && from.same_bare(session.account()) && is_bind(&stanza))
        {
            return Handling::Close(StreamCondition::InvalidFrom.into());
        }
        self.see(Seen::Received(stanza.kind()));
        let subscription = matches!(stanza.kind(), Kind::Presence(kind) if kind.is_subscription());
        // RFC 6121 §3.1.2: subscriptions are between accounts.
        let from = if subscription { session.account() } else { session.jid() };
        stanza.set_from(Some(from.clone()));
        if let (None, Some(lang)) = (stanza.lang(), session.lang()) {
            stanza.set_lang(Some(lang));
        }
        if self.taps().any() {
            self.glimpsed(session, Direction::In, &stanza.clone().into());
        }
        self.pass(Passage::new(stanza, Some(session.clone())))
    }

    /// Asks the guards of the recipient's side about a stanza that has been kept: what they let pass
    /// when it came, they may refuse by now. Never answers [`Guarded::Wait`].
    pub async fn screen(&self, stanza: &Stanza) -> Guarded {
        for guard in &self.hooks(Side::Recipient).guards.0 {
            let mut said = self.contain(guard.by, Joint::Guard, || (guard.run)(stanza, self));
            while let Ok(Guarded::Wait(later)) = said {
                said = self.contain_later(guard.by, Joint::Guard, later).await;
            }
            let said = said.unwrap_or_else(Guarded::Refuse);
            if !matches!(said, Guarded::Pass) {
                return said;
            }
        }
        Guarded::Pass
    }

    /// Routes a stanza that the server or a plugin made, as if it had come from another server:
    /// the hooks of its sender's side do not see it.
    pub async fn route(&self, stanza: Stanza) {
        match self.pass(Passage::new(stanza, None)) {
            Handling::Pending(rest) => rest.await,
            Handling::Done | Handling::Close(_) => {}
        }
    }

    /// Routes one copy of what a session says to many, such as its presence. The guards of its side
    /// are asked about every copy, and the way goes on as that of any stanza; but the session's
    /// peer, who has not sent this copy, is not told when it is refused.
    pub async fn publish(&self, session: &Arc<Session>, stanza: Stanza) {
        match self.pass(Passage::copy(stanza, session.clone())) {
            Handling::Pending(rest) => rest.await,
            Handling::Done | Handling::Close(_) => {}
        }
    }

    /// Decides anew about a stanza whose session went away before reading it.
    async fn reroute(&self, stanza: Stanza) {
        if let Handling::Pending(rest) = self.pass(Passage::anew(stanza)) {
            rest.await;
        }
    }

    fn pass(&self, mut passage: Passage) -> Handling {
        let span = passage.span();
        let rest: BoxFuture<'static, ()> = match span.in_scope(|| passage.run(self)) {
            None => return Handling::Done,
            Some(Waiting::Rest(rest)) => rest,
            Some(waiting) => Box::pin(passage.finish(waiting, self.clone())),
        };
        let rest = if span.is_none() { rest } else { Box::pin(rest.instrument(span)) };
        Handling::Pending(rest)
    }

    /// Puts a stanza into a session's queue; says whether it was taken.
    pub fn deliver(&self, session: &Arc<Session>, stanza: Stanza) -> bool {
        self.offer(session, stanza) == Offered::Taken
    }

    /// The same, telling apart why it was not.
    pub(crate) fn offer(&self, session: &Arc<Session>, item: impl Into<Outgoing>) -> Offered {
        self.offer_shared(session, item, None)
    }

    /// The same of what is offered to others as well.
    pub(crate) fn offer_shared(
        &self,
        session: &Arc<Session>,
        item: impl Into<Outgoing>,
        shared: Option<Arc<Shared>>,
    ) -> Offered {
        let item = item.into();
        let kind = item.stanza().map(Stanza::kind);
        let glimpsed = self.taps().any().then(|| item.clone());
        let pushed = session.push(Queued::new(item, shared));
        match (&pushed, kind) {
            (Ok(()), Some(kind)) => self.see(Seen::Queued(kind)),
            (Err(PushError::Full), _) => self.see(Seen::Bounded { bound: "session.queue" }),
            _ => {}
        }
        match pushed {
            Ok(()) => {
                if let Some(item) = glimpsed {
                    self.glimpsed(session, Direction::Out, &item);
                }
                Offered::Taken
            }
            Err(PushError::Closed) => Offered::Gone,
            Err(PushError::Full) => match self.0.rules.now().overflow {
                Overflow::Refuse => Offered::Full,
                Overflow::Close => {
                    tracing::debug!(session = %session.jid(), "a queue is full");
                    session.close(Some(StreamCondition::ResourceConstraint.into()));
                    Offered::Gone
                }
            },
        }
    }

    /// Puts a copy into a session's queue that is for this session only: should nobody read it there,
    /// it is routed to nobody else. Says whether it was taken.
    pub fn deliver_copy(&self, session: &Arc<Session>, copy: Stanza) -> bool {
        self.offer(session, Outgoing::Copy(copy)) == Offered::Taken
    }

    /// Tells those who watch what has become of a stanza: on its sender's side, on its recipient's.
    pub(crate) fn observe(&self, stanza: &Stanza, sides: (bool, bool), outcome: &Outcome<'_>) {
        for (side, here) in [(Side::Sender, sides.0), (Side::Recipient, sides.1)] {
            for hook in self.hooks(side).observers.0.iter().filter(|_| here) {
                // What became of it stays so, whoever cannot bear to hear it.
                let _noted =
                    self.contain(hook.by, Joint::Outcome, || (hook.run)(stanza, outcome, self));
            }
        }
    }

    /// Answers whoever sent something: through their session if it is known, else by address. Where
    /// another server has something left to do about it, that is handed back.
    #[must_use = "what is pending must be awaited"]
    pub(crate) fn answer_to(
        &self,
        origin: Option<&Arc<Session>>,
        answer: Stanza,
    ) -> Option<BoxFuture<'static, ()>> {
        if let Some(session) = origin {
            self.deliver(session, answer);
            session.settle();
            return None;
        }
        let to = answer.to()?;
        if self.serves(to.domain()) {
            let session = self.session(to)?;
            self.deliver(&session, answer);
            return None;
        }
        if let Some(service) = self.service(to.domain()) {
            self.give_later(service, answer);
            return None;
        }
        match self.hand_on(&answer) {
            Handed::Nowhere => None,
            Handed::Taken(rest) => rest,
            // An answer that gets nowhere is lost, as on any way.
            Handed::Leaving(leaving) => Some(Box::pin(async move { drop(leaving.await) })),
        }
    }

    /// Hands an answer to the hosted service that has asked: in a task of its own, since the service
    /// may be waiting for the very stanza that is answered.
    pub(crate) fn give_later(&self, service: &str, answer: Stanza) {
        if let (Some(given), Ok(runtime)) =
            (self.give(service, answer, None), Handle::try_current())
        {
            runtime.spawn(given);
        }
    }

    /// Hands a message, a presence or an answer to a hosted service.
    pub(crate) fn give(
        &self,
        service: &str,
        stanza: Stanza,
        origin: Option<Arc<Session>>,
    ) -> Option<BoxFuture<'static, ()>> {
        let (by, service): (_, Service) = self.0.services.taking(service)?;
        let server = self.clone();
        Some(Box::pin(async move {
            let taking = async { service(stanza.clone(), server.clone()).await };
            let taken = server.contain_later(by, Joint::Service, taking).await.flatten();
            let Err(refusal) = taken else { return };
            server.observe(&stanza, (origin.is_some(), false), &Outcome::Refused(&refusal));
            if let Some(error) = stanza.error(refusal.error())
                && let Some(rest) = server.answer_to(origin.as_ref(), error)
            {
                rest.await;
            }
        }))
    }

    // Events.

    /// Tells everybody who listens for it that something has happened, and waits until they have
    /// heard.
    ///
    /// # Errors
    ///
    /// What the first handler to fail says; all are told, and each failure is logged.
    pub async fn emit<E: Event>(&self, event: &E) -> Result<(), crate::Refusal> {
        self.0.events.emit(event, self).await.map_err(|(_, refusal)| refusal)
    }

    /// Whether anybody listens for an event.
    pub(crate) fn is_heard<E: Event>(&self) -> bool {
        self.0.events.is_heard::<E>()
    }

    /// A name nobody can guess, short enough for a resource.
    #[must_use]
    pub fn random_name(&self) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut random = [0; 16];
        self.0.entropy.fill(&mut random);
        random.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("domains", &self.0.domains)
            .field("plugins", &self.0.plugins)
            .finish_non_exhaustive()
    }
}
