//! Assembling a server: what a plugin may add to it.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt, mem,
    sync::Arc,
};

use sestina_sasl::{Mechanisms, Offer, SecretFamily};
use sestina_stanza::{DataForm, Stanza, StreamError};
use sestina_store::{Space, Store};
use sestina_stream::Feature;
use sestina_xml::Element;
use tower::{Layer, Service};

use crate::{
    BoxFuture, Demand, Installed, IqHandler, IqRequest, IqService, Optional, Origin, Plugin,
    Refusal, Required, Scope, Server, Session,
    capability::Capabilities,
    command::{Command, Commands},
    disco::{Descriptions, Identity, Item, Node},
    element::Elements,
    error::AssemblyError,
    event::{Event, Events},
    handler::{Hears, Takes},
    iq::IqTable,
    live::{BadSetting, Live, LiveSettings},
    passwords::{NewPassword, Passwords},
    pipeline::{Edge, Guarded, Hook, Hooks, Outcome, Planned, Rewritten},
    plan::Plan,
    plugin::Weakness,
    port::{Incoming, Ports, Serves},
    portable::{Carriers, Portable},
    secrets::Secrets,
    service::Services,
    settings::{Rules, Settings},
};

/// A server in the making. Nothing reaches a server but through here.
pub struct Assembly {
    pub(crate) settings: Settings,
    pub(crate) plugins: Vec<Installed>,
    pub(crate) capabilities: Capabilities,
    pub(crate) commands: Commands,
    pub(crate) elements: Elements,
    pub(crate) events: Events,
    pub(crate) passwords: Passwords,
    pub(crate) secrets: Vec<(&'static str, Arc<Secrets>)>,
    pub(crate) iqs: IqTable,
    pub(crate) sender: Hooks,
    pub(crate) recipient: Hooks,
    pub(crate) edges: Vec<Edge>,
    pub(crate) features: Features,
    pub(crate) offers: Offers,
    pub(crate) legacy_streams: Option<&'static str>,
    pub(crate) several: bool,
    pub(crate) descriptions: Descriptions,
    pub(crate) services: Services,
    pub(crate) ports: Ports,
    pub(crate) weaknesses: Vec<Weakness>,
    pub(crate) erase: bool,
    foundations: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    pub(crate) carriers: Carriers,
    pub(crate) rules: Live<Rules>,
    pub(crate) live: LiveSettings,
    /// Whose declarations are being made.
    current: &'static str,
}

/// What several plugins stand on: it is there once, from the first plugin that asks for it on, and
/// gone with the last.
///
/// Plugins that speak of the same things in different words share them in this way, and each of
/// them can still be left out.
pub trait Foundation: Sized + Send + Sync + 'static {
    /// What it is called: in errors, among the hooks, and as the name of its storage.
    const NAME: &'static str;

    /// Declares what it adds to a server, as [`Plugin::install`] does.
    ///
    /// # Errors
    ///
    /// When what it declares cannot stand beside what was declared before.
    fn install(to: &mut Assembly) -> Result<Arc<Self>, AssemblyError>;
}

/// Stream features and whose they are.
#[derive(Default)]
pub(crate) struct Features(Vec<(&'static str, Arc<dyn Feature>)>);

impl Features {
    /// All of them, unless two would take the same element.
    pub(crate) fn apart(self) -> Result<Vec<Arc<dyn Feature>>, AssemblyError> {
        let mut claimed = HashMap::new();
        for (by, feature) in &self.0 {
            for (name, namespace) in feature.claims() {
                let what = format!("<{name} xmlns='{namespace}'/> at {:?}", feature.slot());
                if let Some(first) = claimed.insert(what.clone(), *by) {
                    return Err(AssemblyError::ClaimedTwice { what, first, second: by });
                }
            }
        }
        Ok(self.0.into_iter().map(|(_, feature)| feature).collect())
    }
}

/// What adds mechanisms to those of the core, and whose they are.
#[derive(Default)]
pub(crate) struct Offers(Vec<(&'static str, String, Offering)>);

type Offering = Box<dyn FnOnce(Mechanisms) -> Mechanisms + Send>;

impl Offers {
    /// All of them, unless two have the same name.
    pub(crate) fn together(self) -> Result<Mechanisms, AssemblyError> {
        let mut claimed = HashMap::new();
        self.0.into_iter().try_fold(Mechanisms::none(), |mechanisms, (by, name, add)| {
            let what = format!("the mechanism {name}");
            match claimed.insert(name, by) {
                Some(first) => Err(AssemblyError::ClaimedTwice { what, first, second: by }),
                None => Ok(add(mechanisms)),
            }
        })
    }
}

/// What the core itself declares goes by this name.
pub(crate) const CORE: &str = "core";

impl Assembly {
    /// An assembly without plugins.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            rules: Live::new(settings.rules()),
            live: LiveSettings::default(),
            settings,
            plugins: Vec::new(),
            capabilities: Capabilities::default(),
            commands: Commands::default(),
            elements: Elements::default(),
            events: Events::default(),
            passwords: Passwords::default(),
            secrets: Vec::new(),
            iqs: IqTable::default(),
            sender: Hooks::default(),
            recipient: Hooks::default(),
            edges: Vec::new(),
            features: Features::default(),
            offers: Offers::default(),
            legacy_streams: None,
            several: false,
            descriptions: Descriptions::default(),
            services: Services::default(),
            ports: Ports::default(),
            weaknesses: Vec::new(),
            erase: true,
            foundations: HashMap::new(),
            carriers: Carriers::default(),
            current: CORE,
        }
    }

    /// Adds a plugin.
    ///
    /// # Errors
    ///
    /// When it is there already, or cannot stand beside those that are.
    pub fn plugin<P: Plugin>(&mut self, plugin: P) -> Result<&mut Self, AssemblyError> {
        if self.plugins.iter().any(|installed| installed.name == P::NAME) {
            return Err(AssemblyError::Repeated { plugin: P::NAME });
        }
        self.plugins.push(Installed { name: P::NAME, specs: P::SPECS });
        self.current = P::NAME;
        let installed = plugin.install(self);
        self.current = CORE;
        installed.map(|()| self)
    }

    /// What this plugin stands on together with others.
    ///
    /// # Errors
    ///
    /// When it cannot stand beside what is there already.
    pub fn foundation<T: Foundation>(&mut self) -> Result<Arc<T>, AssemblyError> {
        let key = TypeId::of::<T>();
        if let Some(Ok(laid)) = self.foundations.get(&key).map(|laid| laid.clone().downcast()) {
            return Ok(laid);
        }
        let by = mem::replace(&mut self.current, T::NAME);
        let laid = T::install(self);
        self.current = by;
        let laid = laid?;
        self.foundations.insert(key, laid.clone());
        Ok(laid)
    }

    /// The plugins so far, in their order.
    #[must_use]
    pub fn plugins(&self) -> &[Installed] {
        &self.plugins
    }

    /// What the host program has set.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What goes for the server at each moment, beside its plugins: what of its settings can change.
    #[must_use]
    pub fn rules(&self) -> Live<Rules> {
        self.rules.clone()
    }

    /// Has this plugin's settings checked, and makes of them what [`Server::change`] can replace:
    /// `let settings = to.live(self, Self::check)?`. They take effect at once, for everybody; the check
    /// is made of each value before it does.
    ///
    /// # Errors
    ///
    /// What the check says.
    pub fn live<T: Send + Sync + 'static>(
        &mut self,
        settings: T,
        check: fn(&T) -> Result<(), BadSetting>,
    ) -> Result<Live<T>, AssemblyError> {
        self.live.add(self.current, settings, check)
    }

    /// Puts everything together.
    ///
    /// # Errors
    ///
    /// When a capability is missing, edges go round in a circle, or the store cannot be read.
    pub async fn build(self) -> Result<Server, AssemblyError> {
        Server::assemble(self).await
    }

    /// Answers a kind of request. Its namespace becomes a feature of the scope.
    ///
    /// # Errors
    ///
    /// When another plugin answers it already.
    pub fn iq(&mut self, scope: Scope, handler: IqHandler) -> Result<(), AssemblyError> {
        if scope != Scope::Unauthenticated {
            self.descriptions.feature(scope.clone(), &handler.key.namespace);
        }
        self.iqs.claim(self.current, scope, handler)
    }

    /// Wraps every request handler declared so far in a tower layer, such as a timeout.
    pub fn iq_layer<L>(&mut self, layer: &L)
    where
        L: Layer<IqService>,
        L::Service: Service<IqRequest, Response = Option<Element>> + Clone + Send + Sync + 'static,
        <L::Service as Service<IqRequest>>::Future: Send + 'static,
        <L::Service as Service<IqRequest>>::Error: Into<Refusal>,
    {
        self.iqs.layer(layer);
    }

    /// Takes the elements of a namespace that are no stanzas, on streams with a session; an answer
    /// goes out in order with stanzas, and an error ends the stream.
    ///
    /// # Errors
    ///
    /// When another plugin takes them already.
    pub fn elements<T: Send + Sync + 'static>(
        &mut self,
        namespace: &'static str,
        state: &Arc<T>,
        take: impl Fn(&T, &Element, &Arc<Session>, &Server) -> Result<Option<Element>, StreamError>
        + Send
        + Sync
        + 'static,
    ) -> Result<(), AssemblyError> {
        let state = state.clone();
        let taker = Arc::new(move |element: &Element, session: &Arc<Session>, server: &Server| {
            take(&state, element, session, server)
        });
        self.elements.claim(self.current, namespace, taker)
    }

    /// Joins the way of stanzas at their sender's side.
    pub fn sender(&mut self) -> Joining<'_> {
        Joining { by: self.current, hooks: &mut self.sender }
    }

    /// Joins the way of stanzas at their recipient's side.
    pub fn recipient(&mut self) -> Joining<'_> {
        Joining { by: self.current, hooks: &mut self.recipient }
    }

    /// This plugin's hooks stand after those of another, wherever both have one at a place.
    pub fn after(&mut self, other: &'static str) {
        self.edges.push(Edge { first: other, then: self.current });
    }

    /// This plugin's hooks stand before those of another, wherever both have one at a place.
    pub fn before(&mut self, other: &'static str) {
        self.edges.push(Edge { first: self.current, then: other });
    }

    /// Hears of an event: `to.on(&state, State::method)`.
    pub fn on<T, E, F>(&mut self, state: &Arc<T>, method: F)
    where
        T: Send + Sync + 'static,
        E: Event,
        F: for<'a> Hears<'a, T, E> + 'static,
    {
        self.events.on(self.current, state, method);
    }

    /// Is handed every new password: `to.passwords(&state, State::method)`. For plugins that speak
    /// what cannot do without, and for nobody else.
    ///
    /// What this plugin stores is erased when a server starts without it, or without this.
    pub fn passwords<T, F>(&mut self, state: &Arc<T>, method: F)
    where
        T: Send + Sync + 'static,
        F: for<'a> Hears<'a, T, NewPassword> + 'static,
    {
        self.passwords.hand(self.current, state, method);
    }

    /// Keeps the secrets of a family of mechanisms for every password that is set, and hands them to
    /// the mechanisms that ask for them by [`Query::Secret`](sestina_sasl::Query::Secret). They are
    /// stored like what is made of [`passwords`](Self::passwords).
    ///
    /// # Errors
    ///
    /// When another plugin keeps a family of this name already.
    pub fn secrets(&mut self, family: impl SecretFamily + 'static) -> Result<(), AssemblyError> {
        let secrets = Secrets::new(Box::new(family), &self.space());
        let taken = self.secrets.iter().find(|(_, other)| other.family() == secrets.family());
        if let Some((first, _)) = taken {
            return Err(AssemblyError::ClaimedTwice {
                what: format!("the secrets of {}", secrets.family()),
                first,
                second: self.current,
            });
        }
        self.passwords(&secrets, Secrets::keep);
        self.secrets.push((self.current, secrets));
        Ok(())
    }

    /// Hosts a service at `label.` before each domain; its messages and presences, and the answers
    /// to what it has sent, come to the method, its requests to the handlers of [`Scope::Service`].
    ///
    /// # Errors
    ///
    /// When another plugin hosts one there already.
    pub fn service<T, F>(
        &mut self,
        label: &'static str,
        state: &Arc<T>,
        method: F,
    ) -> Result<(), AssemblyError>
    where
        T: Send + Sync + 'static,
        F: for<'a> Takes<'a, T> + 'static,
    {
        let parts = Arc::new((state.clone(), method));
        let service = Arc::new(move |stanza: Stanza, server: Server| -> BoxFuture<'static, _> {
            let parts = parts.clone();
            Box::pin(async move { parts.1.take(&parts.0, stanza, &server).await })
        });
        self.services.host(self.current, label, service)
    }

    /// Has a port, where connections come in that speak a protocol of this plugin: whoever has the
    /// sockets hands them over by this name. The method serves one of them from its first byte to its
    /// last; when the server shuts down it is cut off.
    ///
    /// # Errors
    ///
    /// When another plugin has one of this name already.
    pub fn port<T, F>(
        &mut self,
        name: &'static str,
        state: &Arc<T>,
        method: F,
    ) -> Result<(), AssemblyError>
    where
        T: Send + Sync + 'static,
        F: for<'a> Serves<'a, T> + 'static,
    {
        let parts = Arc::new((state.clone(), method));
        let serving =
            Arc::new(move |incoming: Incoming, server: Server| -> BoxFuture<'static, _> {
                let parts = parts.clone();
                Box::pin(async move { parts.1.serve(&parts.0, incoming, &server).await })
            });
        self.ports.open(self.current, name, serving)
    }

    /// Adds a command, which is there wherever commands can be given: in clients if something speaks
    /// of it to them, and at the machine.
    ///
    /// # Errors
    ///
    /// When another plugin has one of this node already.
    pub fn command(&mut self, command: Command) -> Result<(), AssemblyError> {
        self.commands.declare(self.current, command)
    }

    /// Provides a capability.
    ///
    /// # Errors
    ///
    /// When another plugin provides it already.
    pub fn provide<T>(&mut self, provider: Arc<T>) -> Result<(), AssemblyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.capabilities.provide(self.current, provider)
    }

    /// Requires a capability; the server does not start without it.
    pub fn require<T>(&mut self) -> Required<T>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.capabilities.require(self.current)
    }

    /// Asks for a capability that may be missing.
    pub fn optional<T>(&mut self) -> Optional<T>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.capabilities.optional(self.current)
    }

    /// Whether any plugin asks for a capability: for the one that provides it.
    pub fn demand<T>(&mut self) -> Demand
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.capabilities.demand::<T>()
    }

    /// This plugin's own part of the store. Nothing exists there before something is written.
    #[must_use]
    pub fn space(&self) -> Space {
        self.settings.store.space(self.current)
    }

    /// The whole store, for plugins whose business is the data of others.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.settings.store
    }

    /// Has this plugin itself write down what it keeps of an account that moves, and read it back.
    /// Without that, its records travel as they are stored.
    ///
    /// # Errors
    ///
    /// When another plugin reads one of its elements already.
    pub fn portable<P: Portable>(&mut self, state: &Arc<P>) -> Result<(), AssemblyError> {
        self.carriers.add(self.current, state.clone())
    }

    /// Contributes a stream feature.
    pub fn stream_feature(&mut self, feature: Arc<dyn Feature>) {
        self.features.0.push((self.current, feature));
    }

    /// Adds a SASL mechanism, as the one that the server prefers least; one of the core's of the same
    /// name gives way to it.
    pub fn mechanism(&mut self, offer: impl Offer + 'static) {
        let name = offer.name().to_owned();
        let add = Box::new(|mechanisms: Mechanisms| mechanisms.with(offer));
        self.offers.0.push((self.current, name, add));
    }

    /// Takes streams without a version (RFC 6120 §4.7.5), which are refused otherwise.
    pub fn accept_legacy_streams(&mut self) {
        self.legacy_streams = Some(self.current);
    }

    /// Lets a stream bind several resources, by [`Server::bind_beside`]: this plugin answers those who
    /// ask for a second, who are refused otherwise.
    pub fn several_resources(&mut self) {
        self.several = true;
    }

    /// Leaves what absent plugins have kept of [passwords](Self::passwords): for a server that is put
    /// together to change a record or two, and not to serve anybody.
    pub fn leave_absent(&mut self) {
        self.erase = false;
    }

    /// Says that this plugin makes a server weaker, and how: "passwords are kept so that they can be
    /// read". The log is told once at the start, and a server that is to be reached from other
    /// machines can [decline](Server::weaknesses).
    pub fn weak(&mut self, why: &'static str) {
        self.weaknesses.push(Weakness { plugin: self.current, why });
    }

    /// Adds a disco identity.
    pub fn identity(&mut self, scope: Scope, identity: Identity) {
        self.descriptions.identity(scope, identity);
    }

    /// Adds a disco feature, beside those that are derived from handlers.
    pub fn feature(&mut self, scope: Scope, feature: &str) {
        self.descriptions.feature(scope, feature);
    }

    /// Adds a disco form (XEP-0128), made when somebody asks.
    pub fn form(
        &mut self,
        scope: Scope,
        form: impl Fn(&Server) -> Option<DataForm> + Send + Sync + 'static,
    ) {
        self.descriptions.form(self.current, scope, Arc::new(form));
    }

    /// Adds disco items, by who asks and who is asked.
    pub fn items(
        &mut self,
        scope: Scope,
        items: impl Fn(&Origin, &Server) -> Vec<Item> + Send + Sync + 'static,
    ) {
        self.descriptions.items(self.current, scope, Arc::new(items));
    }

    /// Adds disco nodes (XEP-0030 §7): what there is at a node, by who asks and who is asked, or
    /// nothing for a node that is not this plugin's.
    pub fn node(
        &mut self,
        scope: Scope,
        node: impl Fn(&Origin, &str, &Server) -> Result<Option<Node>, Refusal> + Send + Sync + 'static,
    ) {
        self.descriptions.node(self.current, scope, Arc::new(node));
    }

    /// An error that names this plugin's setting.
    #[must_use]
    pub fn bad_setting(&self, name: &'static str, expected: impl Into<String>) -> AssemblyError {
        AssemblyError::Setting { plugin: self.current, name, expected: expected.into() }
    }
}

impl fmt::Debug for Assembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly")
            .field("plugins", &self.plugins)
            .field("iqs", &self.iqs)
            .field("sender", &self.sender)
            .field("recipient", &self.recipient)
            .finish_non_exhaustive()
    }
}

/// The places at one side of a stanza's way, in the order in which it passes them.
#[derive(Debug)]
pub struct Joining<'a> {
    by: &'static str,
    hooks: &'a mut Hooks,
}

impl Joining<'_> {
    /// May refuse a stanza. Fails closed.
    pub fn guard<T: Send + Sync + 'static>(
        &mut self,
        state: &Arc<T>,
        guard: impl Fn(&T, &Stanza, &Server) -> Guarded + Send + Sync + 'static,
    ) -> &mut Self {
        let state = state.clone();
        let run = Arc::new(move |stanza: &Stanza, server: &Server| guard(&state, stanza, server));
        self.hooks.guards.0.push(Hook { by: self.by, run });
        self
    }

    /// May change a stanza, or take it.
    pub fn rewrite<T: Send + Sync + 'static>(
        &mut self,
        state: &Arc<T>,
        rewrite: impl Fn(&T, &Stanza, &Server) -> Rewritten + Send + Sync + 'static,
    ) -> &mut Self {
        let state = state.clone();
        let run = Arc::new(move |stanza: &Stanza, server: &Server| rewrite(&state, stanza, server));
        self.hooks.rewrites.0.push(Hook { by: self.by, run });
        self
    }

    /// May amend the plan for a message or presence, or claim it.
    pub fn plan<T: Send + Sync + 'static>(
        &mut self,
        state: &Arc<T>,
        plan: impl Fn(&T, &mut Plan, &Server) -> Planned + Send + Sync + 'static,
    ) -> &mut Self {
        let state = state.clone();
        let run = Arc::new(move |it: &mut Plan, server: &Server| plan(&state, it, server));
        self.hooks.planners.0.push(Hook { by: self.by, run });
        self
    }

    /// Learns what became of a stanza; changes nothing.
    pub fn outcome<T: Send + Sync + 'static>(
        &mut self,
        state: &Arc<T>,
        observe: impl Fn(&T, &Stanza, &Outcome<'_>, &Server) + Send + Sync + 'static,
    ) -> &mut Self {
        let state = state.clone();
        let run = Arc::new(move |stanza: &Stanza, outcome: &Outcome<'_>, server: &Server| {
            observe(&state, stanza, outcome, server);
        });
        self.hooks.observers.0.push(Hook { by: self.by, run });
        self
    }
}
