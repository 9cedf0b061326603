//! Serving, from start to shutdown.

use std::{
    io::{self, Write},
    sync::Arc,
    time::{Duration, SystemTime},
};

use sestina::{
    core::Host,
    net::{Kind, Network, Tls},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

use crate::{
    assemble::{assemble_for, in_use, open_store},
    config::{Config, Sources},
    control::{ListenerKind, Listening},
    failure::Failure,
    identities, listeners,
    logging::{self, Level},
    reload,
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

async fn serve(sources: Sources, mut config: Config, level: Level) -> Result<(), Failure> {
    let mut signals =
        Signals::listen().map_err(|error| Failure::because("no signals can be heard", error))?;
    let store = open_store(&config)?;
    let (tls, self_made) = identities::tls(&config, now())?;
    let stop = Arc::new(Stop::default());
    let server = assemble_for(&config, store.clone(), true, Some(stop.clone())).await?;
    let network = Network::new(server.clone(), Some(tls.clone()), config.connection);
    let network = network.map_err(|error| Failure::because("nothing can be served", error))?;
    #[cfg(feature = "web")]
    let sites = crate::web::Sites::new(&config, &network)?;
    // All are open before the first is served: a server that does not start greets nobody.
    let opened = listeners::open(&config)?;
    let mut listening = Vec::with_capacity(opened.len());
    for (listener, kind) in opened {
        let address = match kind {
            ListenerKind::C2s => network.listen(listener, Kind::StartTls),
            ListenerKind::C2sTls => network.listen(listener, Kind::DirectTls),
            #[cfg(feature = "web")]
            ListenerKind::Web => sites.public.listen(listener, None),
            #[cfg(feature = "web")]
            ListenerKind::WebTls => sites.public.listen(listener, Some(tls.clone())),
            #[cfg(not(feature = "web"))]
            ListenerKind::Web | ListenerKind::WebTls => continue,
            ListenerKind::Proxy65 => {
                let home = server.domains().next().map_or("", |domain| domain.as_str());
                network.listen_port(listener, home, kind.name())
            }
        };
        let address = address.map_err(|error| Failure::because("cannot listen", error))?;
        listening.push(Listening { address, kind });
        tracing::info!(%address, kind = kind.name(), "listening");
    }
    #[cfg(unix)]
    let control = {
        let commands = crate::users::commands(&config, server.clone(), listening.clone());
        let opened = crate::control::Control::open(&config.data, commands);
        opened.map_err(|error| match error.kind() {
            // A store in memory keeps nobody else out.
            io::ErrorKind::AddrInUse => in_use(&config),
            _ => Failure::because(config.data.join(crate::control::SOCKET).display(), error),
        })?
    };
    let plugins: Vec<_> = server.plugins().iter().map(|plugin| plugin.name).collect();
    if !config.admins.is_empty() && server.commands().next().is_none() {
        tracing::warn!("administrators are named, and no plugin here has anything for them");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), ?plugins, "serving");
    // Nobody may be reading, and the server serves all the same.
    let _told = io::stdout()
        .write_all(welcome(&config, &listening, &plugins, self_made.as_deref()).as_bytes());

    tokio::select! {
        () = until_stopped(&mut signals, &sources, &mut config, &tls, &level) => {}
        () = stop.0.notified() => tracing::info!("an administrator stops the server"),
    }

    tracing::info!("shutting down");
    #[cfg(unix)]
    drop(control);
    let farewell = async {
        #[cfg(feature = "web")]
        tokio::join!(network.shut_down(), sites.shut_down());
        #[cfg(not(feature = "web"))]
        network.shut_down().await;
        store.close().await
    };
    tokio::select! {
        closed = farewell => {
            closed.map_err(|error| Failure::because("the store could not be closed", error))?;
        }
        () = signals.stop() => return Err("told to stop twice: stopped at once".to_owned().into()),
    }
    tracing::info!("stopped");
    Ok(())
}

/// How plugins ask for the end.
#[derive(Debug, Default)]
struct Stop(Notify);

impl Host for Stop {
    fn stop(&self) {
        self.0.notify_one();
    }
}

/// Carries out what signals ask for, until one asks to stop.
async fn until_stopped(
    signals: &mut Signals,
    sources: &Sources,
    config: &mut Config,
    tls: &Tls,
    level: &Level,
) {
    let mut renewal = tokio::time::interval(RENEWAL);
    renewal.tick().await;
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => return,
                Signal::Reload => reload::reload(sources, config, tls, level, now()),
            },
            _ = renewal.tick() => reload::renew(config, tls, now()),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "certificates live by the machine's clock")]
fn now() -> SystemTime {
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
