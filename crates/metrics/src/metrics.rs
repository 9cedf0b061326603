//! The handle: what a host program has of its figures.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use prometheus_client::{encoding::text::encode, metrics::info::Info, registry::Registry};
use sestina_core::{Observer, Server};
use tokio::time::timeout;

use crate::{Pages, Snapshot, recorder::Recorder};

/// How long the store has to answer before a server is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Figures of servers, and whether they are ready. Cloning is cheap, and nothing of it is global.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

type Servers = Box<dyn Fn() -> Vec<Server> + Send>;

struct Inner {
    recorder: Arc<Recorder>,
    registry: Registry,
    servers: Mutex<Servers>,
    listening: AtomicBool,
}

impl Metrics {
    /// Figures that are all zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sestina");
        let recorder = Arc::new(Recorder::new(&mut registry));
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", version);
        Self(Arc::new(Inner {
            recorder,
            registry,
            servers: Mutex::new(Box::new(Vec::new)),
            listening: AtomicBool::new(false),
        }))
    }

    /// What is set as [`Settings::observer`](sestina_core::Settings::observer) of each server.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observer> {
        self.0.recorder.clone()
    }

    /// Also looks at these servers themselves whenever somebody asks: at who is online and what waits,
    /// and whether they are ready.
    pub fn look_at(&self, servers: impl Fn() -> Vec<Server> + Send + 'static) {
        *self.0.servers.lock() = Box::new(servers);
    }

    /// Notes that everything that is to be listened on is listened on, or is no more. Before that,
    /// nobody is told that a server is ready.
    pub fn listening(&self, listening: bool) {
        self.0.listening.store(listening, Ordering::Release);
    }

    /// Figures at this moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.recorder.snapshot()
    }

    /// All figures, in the text form of OpenMetrics.
    ///
    /// # Errors
    ///
    /// None that is known: they are written to a string.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let (mut online, mut waiting, mut longest) = (0, 0, 0);
        for server in self.servers() {
            online += server.online_count();
            for session in server.all_sessions() {
                let queued = session.queued();
                waiting += queued;
                longest = longest.max(queued);
            }
        }
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let recorder = &self.0.recorder;
        recorder.online.set(whole(online));
        recorder.waiting.set(whole(waiting));
        recorder.longest.set(whole(longest));
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    /// Whether clients can be served: everything is listened on, no server shuts down, and each
    /// store answers.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from it, a sentence each.
    pub async fn ready(&self) -> Result<(), Vec<String>> {
        let mut why = Vec::new();
        if !self.0.listening.load(Ordering::Acquire) {
            why.push("nothing is listened on".to_owned());
        }
        let servers = self.servers();
        if servers.is_empty() {
            why.push("there is no server".to_owned());
        }
        for server in servers {
            let name = server.domains().next().map(ToString::to_string).unwrap_or_default();
            if server.is_shutting_down() {
                why.push(format!("{name} shuts down"));
                continue;
            }
            match timeout(PATIENCE, server.store().spaces()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => why.push(format!("the store of {name} fails: {error}")),
                Err(_) => why.push(format!("the store of {name} does not answer")),
            }
        }
        if why.is_empty() { Ok(()) } else { Err(why) }
    }

    /// `/metrics`, `/health` and `/ready`, to be mounted where only those reach it who may see it.
    #[must_use]
    pub fn pages(&self) -> Pages {
        Pages::new(self.clone())
    }

    fn servers(&self) -> Vec<Server> {
        (self.0.servers.lock())()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metrics").field(&self.snapshot()).finish()
    }
}
