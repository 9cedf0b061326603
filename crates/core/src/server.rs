//! The running server: a handle that is cheap to clone.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sestina_sasl::{AnonymousOffer, Clear, Mechanisms, Policy, ServerSecret, Throttle};
use sestina_stanza::{
    Condition, Jid, Kind, PresenceType, Stanza, StanzaError, StreamCondition, StreamError,
    Timestamp,
};
use sestina_store::{Owner, Store, StoreError};
use sestina_stream::{BindRequest, Domain, TlsOffer};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

use crate::{
    BoxFuture, Described, Installed, Scope,
    accounts::{AccountTable, Accounts, joined},
    assembly::Assembly,
    clock::{Clock, Entropy},
    directory::{Directory, Entered, Sessions},
    error::AssemblyError,
    event::{Event, Events, PresenceChanged, SessionBound, SessionClosed, ShuttingDown, Started},
    iq::IqTable,
    passage::{Passage, Waiting},
    pipeline::{Hooks, Side},
    queue::PushError,
    service::{Service, Services},
    session::Session,
    settings::{Authentication, Bounds, Conflict, Overflow, Settings},
};

/// An assembled server.
///
/// All of it hangs on this handle: when the last clone is gone, so is the server. Plugins are
/// handed it with each call and keep none.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    plugins: Vec<Installed>,
    domains: BTreeMap<Box<str>, Arc<Domain>>,
    first: Jid,
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    bounds: Bounds,
    overflow: Overflow,
    conflict: Conflict,
    administrators: Vec<Jid>,
    accounts: AccountTable,
    directory: Directory,
    sender: Hooks,
    recipient: Hooks,
    iqs: IqTable,
    events: Events,
    services: Services,
    descriptions: crate::disco::Descriptions,
    next_session: AtomicU64,
    stopping: AtomicBool,
    throttle: Mutex<Throttle>,
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
    pub(crate) async fn assemble(assembly: Assembly) -> Result<Self, AssemblyError> {
        let Assembly {
            settings,
            plugins,
            capabilities,
            events,
            mut iqs,
            mut sender,
            mut recipient,
            edges,
            features,
            offers,
            legacy_streams,
            mut descriptions,
            services,
            ..
        } = assembly;
        settings.check()?;
        capabilities.connect()?;
        let features = features.apart()?;
        for hooks in [&mut sender, &mut recipient] {
            hooks.order(&edges).map_err(|plugins| AssemblyError::Cycle { plugins })?;
        }
        crate::session_iq::install(&mut iqs)?;
        descriptions.identity(Scope::Server, crate::Identity::new("server", "im"));
        let mechanisms = Arc::new(offers.beside(mechanisms(&settings).await?)?);
        let Authentication { require_tls, tls, attempts, recipe, throttle, .. } =
            settings.authentication;
        let mut domains = BTreeMap::new();
        for name in &settings.domains {
            let mut domain = Domain::new(name.clone(), mechanisms.clone());
            domain.features = features.clone();
            domain.attempts = attempts;
            domain.legacy_streams = legacy_streams.is_some();
            domain.tls = match (tls, require_tls) {
                (false, _) => TlsOffer::Absent,
                (true, false) => TlsOffer::Offered,
                (true, true) => TlsOffer::Required,
            };
            domains.insert(Box::from(name.domain()), Arc::new(domain));
        }
        let Some(first) = settings.domains.into_iter().next() else {
            return Err(AssemblyError::NoDomain);
        };
        let services = services.at(&domains)?;
        let mut key = [0; 32];
        settings.entropy.fill(&mut key);
        let server = Self(Arc::new(Inner {
            plugins,
            services,
            domains,
            first,
            accounts: AccountTable::new(&settings.store, recipe),
            store: settings.store,
            clock: settings.clock,
            entropy: settings.entropy,
            bounds: settings.bounds,
            overflow: settings.overflow,
            conflict: settings.conflict,
            administrators: settings.administrators,
            directory: Directory::default(),
            sender,
            recipient,
            iqs,
            events,
            descriptions,
            next_session: AtomicU64::new(1),
            stopping: AtomicBool::new(false),
            throttle: Mutex::new(Throttle::new(throttle, key)),
        }));
        let started = server.0.events.emit(&Started::new(), &server).await;
        started.map_err(|(plugin, refusal)| AssemblyError::NotStarted { plugin, refusal })?;
        server.accounts().resume_removals().await?;
        Ok(server)
    }

    // What it is made of.

    /// The plugins it was assembled from, in their order.
    #[must_use]
    pub fn plugins(&self) -> &[Installed] {
        &self.0.plugins
    }

    /// The domains it serves, sorted.
    pub fn domains(&self) -> impl Iterator<Item = &Jid> {
        self.0.domains.values().map(|domain| &domain.name)
    }

    /// Whether it serves a domain.
    #[must_use]
    pub fn serves(&self, domain: &str) -> bool {
        self.0.domains.contains_key(domain)
    }

    /// Whether what is sent to a domain gets there: to one that is served, or to a hosted service.
    #[must_use]
    pub fn reaches(&self, domain: &str) -> bool {
        self.serves(domain) || self.service(domain).is_some()
    }

    /// Whether an account administers the server.
    #[must_use]
    pub fn is_administrator(&self, account: &Jid) -> bool {
        self.0.administrators.iter().any(|administrator| administrator.same_bare(account))
    }

    /// What is registered about the entities of a scope.
    #[must_use]
    pub fn describe(&self, scope: &Scope) -> Option<&Described> {
        self.0.descriptions.of(scope)
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
    pub fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    /// What a domain of this server offers; that of the first one where none is named.
    pub(crate) fn domain(&self, name: Option<&str>) -> Option<Arc<Domain>> {
        self.0.domains.get(name.unwrap_or_else(|| self.0.first.domain())).cloned()
    }

    pub(crate) fn throttle(&self) -> &Mutex<Throttle> {
        &self.0.throttle
    }

    pub(crate) fn account_table(&self) -> &AccountTable {
        &self.0.accounts
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

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.directory.count()
    }

    /// Binds a resource: the session stands in the table from here on, until it is
    /// [closed](Self::close).
    ///
    /// # Errors
    ///
    /// `conflict` where the resource is taken and stays with who has it, `resource-constraint`
    /// where the account has as many sessions as it may.
    pub async fn bind(&self, request: &BindRequest) -> Result<Arc<Session>, StanzaError> {
        let whose = if request.anonymous { Whose::Guest } else { Whose::Anybody };
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
            Whose::Guest => session.be_guest(),
        }
        entrant.stage = Stage::Told;
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
        let most = self.0.bounds.sessions_per_account;
        let replace = self.0.conflict == Conflict::Replace;
        for _ in 0..NAMES {
            let id = self.0.next_session.fetch_add(1, Ordering::Relaxed);
            let session = Session::new(jid.clone(), id, self.0.bounds.queue);
            match self.0.directory.enter(session.clone(), most, replace) {
                Entered::Done { replaced } => return Ok((session, replaced)),
                Entered::TooMany => return Err(Condition::ResourceConstraint.into()),
                Entered::Taken if chosen && self.0.conflict == Conflict::Refuse => break,
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
                server.accounts().forget_guest(session.account()).await;
            }
            session.finish();
        }))
    }

    /// Tells that a session is no longer available, if it was.
    pub(crate) async fn gone(&self, session: &Arc<Session>) {
        if session.announce(None).is_some() {
            let presence = Stanza::presence(PresenceType::Unavailable).from(session.jid().clone());
            let _ =
                self.emit(&PresenceChanged::new(session.clone(), presence.build(), false)).await;
        }
    }

    /// Ends every session, telling the peers, and waits until they are gone or the bound on
    /// draining is reached. New sessions are refused from here on.
    pub async fn shut_down(&self) {
        self.0.stopping.store(true, Ordering::Release);
        if timeout(self.0.bounds.drain, self.emit(&ShuttingDown::new())).await.is_err() {
            tracing::warn!("a plugin was not ready for the shutdown in time");
        }
        for session in self.0.directory.all() {
            session.close(Some(StreamCondition::SystemShutdown.into()));
        }
        if !self.drained(|| self.session_count() == 0).await {
            tracing::warn!(sessions = self.session_count(), "sessions were still there at the end");
        }
    }

    /// Waits until sessions that were told to go have gone; `false` if the bound on that is reached.
    pub(crate) async fn drained(&self, gone: impl Fn() -> bool) -> bool {
        let drained = async {
            while !gone() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(self.0.bounds.drain, drained).await.is_ok()
    }

    // Stanzas.

    /// Takes a stanza that the peer of a session sent.
    pub fn receive(&self, session: &Arc<Session>, mut stanza: Stanza) -> Handling {
        if session.is_ending() {
            // Whoever was told to go is not heard any more.
            return Handling::Done;
        }
        // RFC 6120 §8.1.2.1: what the client may say of itself is true, or the stream ends.
        if let Some(from) = stanza.from()
            && from != session.jid()
            && from != session.account()
        {
            return Handling::Close(StreamCondition::InvalidFrom.into());
        }
        let subscription = matches!(stanza.kind(), Kind::Presence(kind) if kind.is_subscription());
        // RFC 6121 §3.1.2: subscriptions are between accounts.
        let from = if subscription { session.account() } else { session.jid() };
        stanza.set_from(Some(from.clone()));
        if let (None, Some(lang)) = (stanza.lang(), session.lang()) {
            stanza.set_lang(Some(lang));
        }
        self.pass(Passage::new(stanza, Some(session.clone())))
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
        match passage.run(self) {
            None => Handling::Done,
            Some(Waiting::Rest(rest)) => Handling::Pending(rest),
            Some(waiting) => Handling::Pending(Box::pin(passage.finish(waiting, self.clone()))),
        }
    }

    /// Puts a stanza into a session's queue; says whether it was taken.
    pub fn deliver(&self, session: &Arc<Session>, stanza: Stanza) -> bool {
        self.offer(session, stanza) == Offered::Taken
    }

    /// The same, telling apart why it was not.
    pub(crate) fn offer(&self, session: &Arc<Session>, stanza: Stanza) -> Offered {
        match (session.push(stanza), self.0.overflow) {
            (Ok(()), _) => Offered::Taken,
            (Err(PushError::Closed), _) => Offered::Gone,
            (Err(PushError::Full), Overflow::Refuse) => Offered::Full,
            (Err(PushError::Full), Overflow::Close) => {
                tracing::debug!(session = %session.jid(), "a queue is full");
                session.close(Some(StreamCondition::ResourceConstraint.into()));
                Offered::Gone
            }
        }
    }

    /// Answers whoever sent something: through their session if it is known, else by address.
    pub(crate) fn answer_to(&self, origin: Option<&Arc<Session>>, answer: Stanza) {
        match origin {
            Some(session) => {
                self.deliver(session, answer);
                session.settle();
            }
            None => {
                let Some(to) = answer.to() else { return };
                if let Some(session) = self.session(to) {
                    self.deliver(&session, answer);
                } else if let Some(service) = self.service(to.domain()) {
                    self.give_later(service, answer);
                }
            }
        }
    }

    /// Hands an answer to the hosted service that has asked: in a task of its own, since the service
    /// may be waiting for the very stanza that is answered.
    fn give_later(&self, service: &str, answer: Stanza) {
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
        let service: Service = self.0.services.taking(service)?;
        let server = self.clone();
        Some(Box::pin(async move {
            if let Err(refusal) = service(stanza.clone(), server.clone()).await
                && let Some(error) = stanza.error(refusal.error())
            {
                server.answer_to(origin.as_ref(), error);
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

    /// The same for an event out of a passage; nothing if nobody listens.
    pub(crate) fn hear<E: Event>(&self, event: E) -> Option<BoxFuture<'static, ()>> {
        if !self.0.events.is_heard::<E>() {
            return None;
        }
        let server = self.clone();
        Some(Box::pin(async move {
            let _ = server.emit(&event).await;
        }))
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

/// Who binds a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    /// Somebody that others vouch for.
    Anybody,
    /// Somebody who has authenticated by the record of this account, which must still allow that.
    Account(&'a Jid),
    /// A guest.
    Guest,
}

/// Names that are tried for a session whose resource is taken.
const NAMES: usize = 4;

/// A session that has entered the table; it leaves again unless it is bound in the end.
struct Entrant<'a> {
    server: &'a Server,
    session: &'a Arc<Session>,
    stage: Stage,
}

/// How far a binding has come.
enum Stage {
    Entered,
    /// Some have heard of it, and must hear of its end.
    Told,
    Bound,
}

impl Drop for Entrant<'_> {
    fn drop(&mut self) {
        match self.stage {
            Stage::Entered => {
                self.server.directory().leave(self.session);
                self.session.depart();
                self.session.abandon().for_each(drop);
            }
            Stage::Told => self.server.forget(self.session),
            Stage::Bound => {}
        }
    }
}

/// The mechanisms to offer, but for those of plugins.
async fn mechanisms(settings: &Settings) -> Result<Mechanisms, StoreError> {
    let Authentication { allow_plaintext, anonymous, recipe, .. } = &settings.authentication;
    let mut policy = Policy::default();
    if *allow_plaintext {
        policy.clear = Clear::Always;
        policy.clear_password = Clear::Always;
    }
    let secret = ServerSecret::new(secret(settings).await?);
    let mut mechanisms = Mechanisms::standard(recipe, secret).with_policy(policy);
    if *anonymous {
        mechanisms = mechanisms.with(AnonymousOffer);
    }
    Ok(mechanisms)
}

/// What makes answers about unknown accounts look like those about known ones, from one start of
/// the server to the next.
async fn secret(settings: &Settings) -> Result<[u8; ServerSecret::LEN], StoreError> {
    let mut fresh = [0; ServerSecret::LEN];
    settings.entropy.fill(&mut fresh);
    let secrets = settings.store.space("core").collection::<(), Vec<u8>>("secret");
    secrets
        .update(&Owner::server(), &(), |held| {
            let kept = held.as_deref().and_then(|held| held.try_into().ok()).unwrap_or(fresh);
            *held = Some(kept.to_vec());
            kept
        })
        .await
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("domains", &self.0.domains.keys())
            .field("plugins", &self.0.plugins)
            .finish_non_exhaustive()
    }
}
