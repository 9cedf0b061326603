//! What is served over HTTP, and where.
//!
//! A service that is to be reached from outside is mounted in [`public`], one that is for whoever runs
//! the server in [`private`], one line each: any `tower` service of requests that never fails, axum's
//! routers among them.

#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "console")]
pub(crate) mod console;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
mod settings;

use std::sync::Arc;

use sestina::{
    net::Network,
    web::{Bosh, HostMeta, Routes, Site, WebSocket},
};

#[cfg(feature = "chat")]
pub(crate) use self::chat::chat_page;
pub(crate) use self::settings::{Settings, keys};
use crate::{config::Config, failure::Failure};

/// What is counted, if anything is.
#[cfg(feature = "metrics")]
pub(crate) use self::metrics::Figures;
/// Nothing is counted.
#[cfg(not(feature = "metrics"))]
#[derive(Debug, Default)]
pub(crate) struct Figures;

#[cfg(not(feature = "metrics"))]
impl Figures {
    #[cfg(feature = "console")]
    fn mount(&self, _: &Config, _: &Arc<Network>, routes: Routes) -> Routes {
        routes
    }
}

/// What is served over HTTP.
#[derive(Debug)]
pub(crate) struct Sites {
    /// On `listen.web` and `listen.web-tls`.
    pub(crate) public: Site,
    /// On `listen.console` and `listen.console-tls`.
    #[cfg(feature = "console")]
    pub(crate) private: Site,
}

impl Sites {
    pub(crate) fn new(
        config: &Config,
        network: &Arc<Network>,
        figures: &Figures,
    ) -> Result<Self, Failure> {
        // Without its feature there are none.
        let _ = figures;
        Ok(Self {
            public: site(config, public(config, network))?,
            #[cfg(feature = "console")]
            private: site(config, private(config, network, figures))?,
        })
    }

    /// Lets answers that are on their way come to their end.
    pub(crate) async fn shut_down(&self) {
        #[cfg(feature = "console")]
        tokio::join!(self.public.shut_down(), self.private.shut_down());
        #[cfg(not(feature = "console"))]
        self.public.shut_down().await;
    }
}

/// What everybody may reach.
fn public(config: &Config, network: &Network) -> Routes {
    let websocket = WebSocket::new(network.door()).origins(config.web.origins());
    let bosh = Bosh::new(network.door()).origins(config.web.origins());
    let mut host_meta =
        HostMeta::new(network.door()).websocket("/xmpp-websocket").bosh("/http-bind");
    if let Some(site) = &config.web.public_url {
        host_meta = host_meta.public(site.clone());
    }
    let routes = Routes::new()
        .at("/xmpp-websocket", websocket)
        .at("/http-bind", bosh)
        .at("/.well-known/host-meta", host_meta.clone())
        .at("/.well-known/host-meta.json", host_meta);
    #[cfg(feature = "chat")]
    let routes = chat::mount(config, routes);
    routes
}

/// What is for whoever runs the server.
#[cfg(feature = "console")]
fn private(config: &Config, network: &Arc<Network>, figures: &Figures) -> Routes {
    let routes = Routes::new().below("/", console::service(config, network, figures));
    figures.mount(config, network, routes)
}

fn site(config: &Config, routes: Routes) -> Result<Site, Failure> {
    let web = &config.web;
    Site::new(routes, web.bounds, web.trusted_proxies.iter().copied())
        .map_err(|error| Failure::because("nothing can be served over HTTP", error))
}
