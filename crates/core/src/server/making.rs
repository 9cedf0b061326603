//! Putting a server together.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

use parking_lot::Mutex;
use sestina_sasl::{ServerSecret, Throttle};
use sestina_store::{Owner, StoreError};
use sestina_stream::Domain;

use super::{Inner, Server, domains::Domains};
use crate::{
    Scope,
    accounts::AccountTable,
    assembly::{Assembly, CORE},
    contain::Panics,
    directory::Directory,
    error::AssemblyError,
    event::Started,
    observe::StoreWatch,
    passwords::settle_keepers,
    settings::Settings,
};

impl Server {
    pub(crate) async fn assemble(assembly: Assembly) -> Result<Self, AssemblyError> {
        let Assembly {
            settings,
            plugins,
            mut capabilities,
            commands,
            elements,
            events,
            passwords,
            secrets,
            mut iqs,
            mut sender,
            mut recipient,
            edges,
            features,
            offers,
            legacy_streams,
            several,
            mut descriptions,
            services,
            ports,
            carriers,
            weaknesses,
            erase,
            rules,
            live,
            ..
        } = assembly;
        settings.check()?;
        // Nobody would hand them a password, and what they offer could not be done.
        if let (Some(_), Some(plugin)) = (&settings.accounts, passwords.first_keeper()) {
            return Err(AssemblyError::Elsewhere { plugin });
        }
        let guests = capabilities.optional(CORE);
        let beyond = capabilities.optional(CORE);
        capabilities.connect()?;
        let features = features.apart()?;
        for hooks in [&mut sender, &mut recipient] {
            hooks.order(&edges).map_err(|plugins| AssemblyError::Cycle { plugins })?;
        }
        crate::session_iq::install(&mut iqs, several)?;
        descriptions.identity(Scope::Server, crate::Identity::new("server", "im"));
        settle_keepers(&settings.store, &passwords, erase).await?;
        let asks = settings.accounts.as_ref().is_some_and(|source| source.passwords().is_some());
        let secret = match asks {
            true => None,
            false => Some(ServerSecret::new(secret(&settings).await?)),
        };
        let mut domains = Domains::new(secret, offers.together()?);
        for name in &settings.domains {
            let mut domain = Domain::new(name.clone(), Arc::default());
            domain.features = features.clone();
            domain.legacy_streams = legacy_streams.is_some();
            domains.add(domain);
        }
        domains.go_by(&settings.authentication);
        let Some(first) = settings.domains.into_iter().next() else {
            return Err(AssemblyError::NoDomain);
        };
        let services = services.at(domains.by_name())?;
        let names =
            domains.by_name().keys().cloned().chain(services.domains().into_iter().map(Box::from));
        let line = settings.switchboard.reserve(names.collect())?;
        if let Some(observer) = settings.observer.clone() {
            let watch = StoreWatch { clock: settings.clock.clone(), observer };
            // Servers that share a store need no more than one.
            let _seen = settings.store.watch(Arc::new(watch));
        }
        let mut key = [0; 32];
        settings.entropy.fill(&mut key);
        let server = Self(Arc::new(Inner {
            plugins,
            carriers,
            commands,
            weaknesses,
            services,
            ports,
            domains,
            first,
            accounts: AccountTable::new(&settings.store, settings.accounts),
            store: settings.store,
            clock: settings.clock,
            entropy: settings.entropy,
            rules,
            live,
            several,
            directory: Directory::default(),
            sender,
            recipient,
            iqs,
            elements,
            events,
            guests,
            beyond,
            line,
            passwords,
            secrets: secrets.into_iter().map(|(_, secrets)| secrets).collect(),
            descriptions,
            next_session: AtomicU64::new(1),
            stopping: AtomicBool::new(false),
            throttle: Mutex::new(Throttle::new(settings.authentication.throttle, key)),
            panics: Panics::default(),
            observer: settings.observer,
            taps: Arc::default(),
        }));
        let started = server.0.events.emit(&Started::new(), &server).await;
        started.map_err(|(plugin, refusal)| AssemblyError::NotStarted { plugin, refusal })?;
        server.accounts().resume_removals().await?;
        server.accounts().resume_arrivals().await?;
        server.0.line.connect(&server);
        let weak: Vec<_> = server.weaknesses().iter().map(ToString::to_string).collect();
        if !weak.is_empty() {
            tracing::warn!(?weak, "plugins for old clients make this server weaker");
        }
        Ok(server)
    }
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
