//! From a configuration to a server without listeners.

use std::{fmt, sync::Arc};

use sestina::{
    core::{Assembly, AssemblyError, Host, Observer, Server, Settings, Switchboard},
    store::{ErrorKind, Store, StoreError},
};

use crate::{
    config::{Config, StoreKind},
    failure::Failure,
    files::make_private_directory,
};

/// Opens the store, making the data directory if need be.
pub(crate) fn open_store(config: &Config) -> Result<Store, Failure> {
    let opened = make_private_directory(&config.data);
    opened.map_err(|error| Failure::because(config.data.display(), error))?;
    let opened = match config.store {
        StoreKind::Memory => Ok(sestina::store::memory()),
        #[cfg(feature = "redb")]
        StoreKind::Redb => sestina::store_redb::Options::default()
            .cache_bytes(config.redb_cache)
            .threads(config.store_threads)
            .open(config.data.join("sestina.redb")),
        #[cfg(feature = "sled")]
        StoreKind::Sled => sestina::store_sled::Options::default()
            .cache_bytes(config.sled_cache)
            .threads(config.store_threads)
            .open(config.data.join("sestina.sled")),
        #[allow(unreachable_patterns, reason = "with all features there is no other kind")]
        kind => {
            let name = crate::config::Setting::show(&kind);
            return Err(format!("store: this binary was built without {name}").into());
        }
    };
    opened.map_err(|error| explain(config, &error))
}

fn explain(config: &Config, error: &StoreError) -> Failure {
    match error.kind() {
        ErrorKind::Locked => in_use(config),
        _ => Failure::because("the store cannot be opened", error),
    }
}

/// What to say where another server has the data directory.
pub(crate) fn in_use(config: &Config) -> Failure {
    let data = config.data.display();
    Failure::Other(format!(
        "{data} is in use by another process: stop it, or choose another directory with --data"
    ))
}

/// The servers of a configuration, which are to change a record or two and to serve nobody, and the
/// stores that they are over.
pub(crate) struct Unattended {
    /// The first is that of the configuration itself, the others those of its hosts.
    pub(crate) servers: Vec<Server>,
}

impl Unattended {
    /// Puts all of them together: what is done to an account concerns its neighbours, too.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let (around, mut servers) = (Around::default(), Vec::new());
        for config in std::iter::once(config).chain(&config.hosts) {
            let store = open_store(config)?;
            servers.push(assemble_for(config, store, false, None, around.clone()).await?);
        }
        Ok(Self { servers })
    }

    /// Closes their stores.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let mut closed = Ok(());
        for server in self.servers {
            closed = closed.and(server.store().close().await);
        }
        closed.map_err(|error| Failure::because("the store could not be closed", error))
    }
}

/// What is around a server: its neighbours, and who counts what happens.
#[derive(Clone, Default)]
pub(crate) struct Around {
    pub(crate) board: Switchboard,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("board", &self.board).finish_non_exhaustive()
    }
}

/// Puts a server together, beside others; `serves` says whether it is to have listeners, which have
/// certificates, and `host` is the program, if plugins may ask something of it.
pub(crate) async fn assemble_for(
    config: &Config,
    store: Store,
    serves: bool,
    host: Option<Arc<dyn Host>>,
    around: Around,
) -> Result<Server, Failure> {
    let server = put_together(config, store, serves, host, around).await?.map_err(wrong)?;
    if serves {
        shield(config, &server)?;
    }
    Ok(server)
}

/// The same, telling apart what plugins say.
pub(crate) async fn put_together(
    config: &Config,
    store: Store,
    serves: bool,
    host: Option<Arc<dyn Host>>,
    around: Around,
) -> Result<Result<Server, AssemblyError>, Failure> {
    let mut settings = settings(config, store, serves)?;
    settings.switchboard = around.board;
    settings.observer = around.observer;
    let mut assembly = Assembly::new(settings);
    let declared = host.map_or(Ok(()), |host| assembly.provide(host));
    if let Err(error) = declared.and_then(|()| config.plugins.install(&mut assembly)) {
        return Ok(Err(error));
    }
    if !serves {
        assembly.leave_absent();
    }
    Ok(assembly.build().await)
}

pub(crate) fn wrong(error: AssemblyError) -> Failure {
    Failure::because("the server cannot be put together", error)
}

/// Refuses to let other machines reach what is weak without TLS, unless that was asked for.
pub(crate) fn shield(config: &Config, server: &Server) -> Result<(), Failure> {
    #[cfg(feature = "console")]
    crate::web::console::shield(config)?;
    let beyond = config.listen.in_the_clear().find(|address| !address.ip().is_loopback());
    let weaknesses = server.weaknesses();
    let (Some(address), false) = (beyond, weaknesses.is_empty()) else { return Ok(()) };
    if config.authentication.require_tls || config.weak_without_tls {
        return Ok(());
    }
    let weak: Vec<_> = weaknesses.iter().map(ToString::to_string).collect();
    Err(Failure::Other(format!(
        "{address} can be reached from other machines without TLS, and plugins speak there what is \
         weak ({}): leave them out, set authentication.require-tls, or, knowing what that means, \
         authentication.weak-without-tls",
        weak.join("; ")
    )))
}

pub(crate) fn settings(config: &Config, store: Store, tls: bool) -> Result<Settings, Failure> {
    let Some(first) = config.domains.first() else {
        return Err("domains: expected at least one".to_owned().into());
    };
    let mut settings = Settings::new(first.0.clone(), store);
    settings.domains = config.domains.iter().map(|domain| domain.0.clone()).collect();
    settings.administrators = config.admins.iter().map(|admin| admin.0.clone()).collect();
    settings.authentication = config.authentication.clone();
    settings.authentication.tls = tls;
    let recipe = settings
        .authentication
        .recipe
        .with_hashes(config.scram.hashes.iter().copied())
        .and_then(|recipe| recipe.with_iterations(config.scram.iterations));
    settings.authentication.recipe =
        recipe.map_err(|error| Failure::because("authentication", error))?;
    settings.bounds = config.bounds;
    settings.overflow = config.overflow;
    settings.conflict = config.conflict;
    Ok(settings)
}
