//! Putting a server together.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
};

use parking_lot::Mutex;
use sestina_sasl::{Clear, Mechanisms, Policy, ServerSecret, Throttle};
use sestina_store::{Owner, StoreError};
use sestina_stream::{Domain, TlsOffer};

use super::{Inner, Server};
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
    settings::{Authentication, Settings},
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
        let names = domains.keys().cloned().chain(services.domains().into_iter().map(Box::from));
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
            accounts: AccountTable::new(&settings.store, recipe, settings.accounts),
            store: settings.store,
            clock: settings.clock,
            entropy: settings.entropy,
            bounds: settings.bounds,
            overflow: settings.overflow,
            conflict: settings.conflict,
            several,
            administrators: settings.administrators,
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
            throttle: Mutex::new(Throttle::new(throttle, key)),
            panics: Panics::default(),
            observer: settings.observer,
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

/// The mechanisms to offer, but for those of plugins.
async fn mechanisms(settings: &Settings) -> Result<Mechanisms, StoreError> {
    let Authentication { allow_plaintext, recipe, .. } = &settings.authentication;
    let mut policy = Policy::default();
    if *allow_plaintext {
        policy.clear = Clear::Always;
        policy.clear_password = Clear::Always;
    }
    let mechanisms = match &settings.accounts {
        Some(source) if source.passwords().is_some() => Mechanisms::asking(),
        _ => Mechanisms::standard(recipe, ServerSecret::new(secret(settings).await?)),
    };
    Ok(mechanisms.with_policy(policy))
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
