//! Serving, from start to shutdown.

use std::{
    io::{self, Write},
    sync::Arc,
    time::{Duration, SystemTime},
};

use sestina::{core::ReloadError, net::Network};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
};

use crate::{
    assemble::{Around, assemble_for, in_use, open_store},
    config::{Config, Sources},
    failure::Failure,
    hosts::Hosts,
    identities,
    listeners::{self, Listeners},
    logging::{self, Level},
    notify::{self, State},
    reload::{Asked, Daemon, Running},
    signals::{Signal, Signals},
    welcome::welcome,
};

/// How often a certificate's end is looked at.
const RENEWAL: Duration = Duration::from_secs(86_400);

/// Serves until it is told to stop.
pub(crate) fn run(sources: Sources) -> Result<(), Failure> {
    let config = sources.load().map_err(Failure::Config)?;
    let level = logging::begin(&config.log)?;
    for name in sources.unread_variables() {
        tracing::warn!(name, "an environment variable looks like a setting and is none");
    }
    raise_descriptors();
    runtime(config.worker_threads())?.block_on(serve(sources, config, level))
}

/// A runtime with so many threads.
pub(crate) fn runtime(workers: usize) -> Result<Runtime, Failure> {
    let built = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    built.map_err(|error| Failure::because("the runtime cannot be started", error))
}

async fn serve(sources: Sources, config: Config, level: Level) -> Result<(), Failure> {
    let mut signals =
        Signals::listen().map_err(|error| Failure::because("no signals can be heard", error))?;
    let store = open_store(&config)?;
    let (tls, self_made) = identities::tls(&config, now())?;
    let (daemon, mut asked) = Daemon::new();
    #[cfg(feature = "metrics")]
    let figures = crate::web::Figures::of(&config);
    #[cfg(all(feature = "web", not(feature = "metrics")))]
    let figures = crate::web::Figures;
    let around = Around {
        #[cfg(feature = "metrics")]
        observer: figures.observer(),
        ..Around::default()
    };
    let (program, observer) = (Some(daemon.clone() as _), around.observer.clone());
    let server = assemble_for(&config, store.clone(), true, program, around).await?;
    let network = Network::new(server.clone(), Some(tls.clone()), config.connection);
    let network = network.map_err(|error| Failure::because("nothing can be served", error))?;
    let network = Arc::new(network);
    let hosts = Hosts::start(&config, network.clone(), now(), observer).await?;
    let serving = listeners::Hosts {
        #[cfg(feature = "web")]
        sites: crate::web::Sites::new(&config, &network, &figures)?,
        network: network.clone(),
        #[cfg(feature = "web")]
        tls: tls.clone(),
    };
    // Whoever finds a port open finds the way for commands open, too.
    #[cfg(unix)]
    let control =
        crate::control::Control::open(&config.data).map_err(|error| match error.kind() {
            // A store in memory keeps nobody else out.
            io::ErrorKind::AddrInUse => in_use(&config),
            _ => Failure::because(config.data.join(crate::control::SOCKET).display(), error),
        })?;
    // All are open before the first is served: a server that does not start greets nobody.
    let opened = listeners::open(&config)?;
    let listeners = Arc::new(Listeners::serve(serving, opened)?);
    #[cfg(feature = "metrics")]
    figures.listening();
    #[cfg(unix)]
    let control = control.serve(crate::users::commands(
        &config,
        network.clone(),
        listeners.clone(),
        daemon.clone(),
    ));
    let plugins: Vec<_> = server.plugins().iter().map(|plugin| plugin.name).collect();
    if !config.admins.is_empty() && server.commands().next().is_none() {
        tracing::warn!("administrators are named, and no plugin here has anything for them");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), ?plugins, "serving");
    // Nobody may be reading, and the server serves all the same.
    let _told = io::stdout()
        .write_all(welcome(&config, &listeners.list(), &plugins, self_made.as_deref()).as_bytes());

    let mut running = Running {
        sources,
        config,
        level,
        tls,
        server,
        network,
        listeners: listeners.clone(),
        hosts,
    };
    notify::tell(State::Ready);
    tokio::select! {
        () = until_stopped(&mut signals, &mut asked, &mut running) => {}
        () = daemon.stopped() => tracing::info!("an administrator stops the server"),
    }
    drop(asked);

    notify::tell(State::Stopping);
    tracing::info!("shutting down");
    #[cfg(unix)]
    drop(control);
    let farewell = async {
        listeners.shut_down().await;
        let closed = store.close().await;
        running.hosts.close().await?;
        closed.map_err(|error| Failure::because("the store could not be closed", error))
    };
    tokio::select! {
        closed = farewell => {
            closed?;
        }
        () = signals.stop() => return Err("told to stop twice: stopped at once".to_owned().into()),
    }
    tracing::info!("stopped");
    Ok(())
}

/// Carries out what signals and people ask for, until a signal asks to stop.
async fn until_stopped(
    signals: &mut Signals,
    asked: &mut mpsc::Receiver<Asked>,
    running: &mut Running,
) {
    let mut renewal = tokio::time::interval(RENEWAL);
    renewal.tick().await;
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => return,
                // The log says what came of it.
                Signal::Reload => drop(running.reload(now()).await),
            },
            Some(asked) = asked.recv() => {
                let reloaded = running.reload(now()).await;
                // Whoever asked may be gone.
                let _told = asked.send(reloaded.map_err(|it| ReloadError::new(it.to_string())));
            }
            _ = renewal.tick() => running.renew(now()),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "certificates live by the machine's clock")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Takes as many file descriptors as this process may have: each connection needs one.
fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, ..limit };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => tracing::debug!(descriptors = ?limit.maximum, "descriptors were raised"),
            Err(error) => tracing::warn!(%error, "file descriptors stay as few as they are"),
        }
    }
}
