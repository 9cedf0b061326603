//! Figures: what counts, and who is told.

use std::{sync::Arc, time::Duration};

use http::{Request, Response, StatusCode};
use sestina::{
    console::Figure,
    core::Observer,
    metrics::{Metrics, Pages, Snapshot},
    net::Network,
    web::{Arrival, Routes},
};
use tower::ServiceExt;

use crate::config::{Config, choices};

/// Who is told without a login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ToldTo {
    All,
    #[default]
    ThisMachine,
}

choices!(ToldTo { "all" => All, "this-machine" => ThisMachine });

/// What is counted, if there is a listener at which it is told when the server starts.
#[derive(Debug)]
pub(crate) struct Figures(Option<Metrics>);

impl Figures {
    pub(crate) fn of(config: &Config) -> Self {
        let listen = &config.listen;
        let told = !(listen.console.is_empty() && listen.console_tls.is_empty());
        Self(told.then(Metrics::new))
    }

    /// Who counts.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        self.0.as_ref().map(Metrics::observer)
    }

    /// Everything that is to be listened on is listened on.
    pub(crate) fn listening(&self) {
        if let Some(metrics) = &self.0 {
            metrics.listening(true);
        }
    }

    /// What the console draws.
    pub(super) fn measured(&self) -> Option<Arc<dyn sestina::console::Figures>> {
        let metrics = self.0.clone()?;
        Some(Arc::new(move || drawn(&metrics.snapshot())))
    }

    pub(super) fn mount(&self, config: &Config, network: &Arc<Network>, routes: Routes) -> Routes {
        let Some(metrics) = &self.0 else { return routes };
        let network = network.clone();
        metrics.look_at(move || network.servers());
        let (pages, told_to) = (metrics.pages(), config.console.figures);
        let service = tower::service_fn(move |request: Request<sestina::web::Body>| {
            let told = told_to == ToldTo::All || is_here(&request);
            let pages = pages.clone();
            async move {
                match request.uri().path() {
                    "/metrics" if !told => Ok(bare(StatusCode::FORBIDDEN)),
                    "/ready" if !told => pages.oneshot(request).await.map(|it| bare(it.status())),
                    _ => pages.oneshot(request).await,
                }
            }
        });
        Pages::PATHS.into_iter().fold(routes, |routes, path| routes.at(path, service.clone()))
    }
}

/// What of all that is counted is worth a plot.
#[allow(clippy::cast_precision_loss, reason = "a plot has fewer digits")]
fn drawn(now: &Snapshot) -> Vec<Figure> {
    let total = |name, label, unit, count: u64| Figure::total(name, label, unit, count as f64);
    let mean = |name, label, took: Duration, count: u64| {
        Figure::mean(name, label, "s", took.as_secs_f64(), count as f64)
    };
    vec![
        Figure::level("connections", "Connections", "", now.connections as f64),
        total("received", "Stanzas received", "stanzas", now.received),
        total("messages", "Messages received", "messages", now.messages),
        total("delivered", "Stanzas put into queues", "stanzas", now.queued),
        total("refused", "Stanzas refused", "stanzas", now.refused),
        total("requests", "Requests", "requests", now.requests),
        mean("request_time", "Time of a request", now.request_time, now.requests),
        total("logins", "Logins", "logins", now.logins),
        total("logins_failed", "Failed logins", "logins", now.logins_failed),
        total("bounds", "Bounds met", "times", now.bounds),
        total("commits", "Changes of the store", "changes", now.commits),
        mean("commit_time", "Time until a change is durable", now.commit_time, now.commits),
    ]
}

/// Whether a request comes from this machine, and for nobody else.
fn is_here<B>(request: &Request<B>) -> bool {
    let peer = request.extensions().get::<Arrival>().and_then(Arrival::peer);
    let forwarded = ["forwarded", "via", "x-forwarded-for"];
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && !forwarded.iter().any(|name| request.headers().contains_key(*name))
}

fn bare(status: StatusCode) -> Response<String> {
    let mut bare = Response::new(String::new());
    *bare.status_mut() = status;
    bare
}
