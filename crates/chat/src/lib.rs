#![doc = include_str!("../README.md")]

mod assets;
mod service;

use bytes::Bytes;
use serde_json::json;

use crate::assets::File;
pub use crate::service::Page;

/// What the page is told: where it is, whom it logs in to, and by what.
///
/// ```
/// let page = sestina_chat::Chat::new(["capulet.example", "montague.example"]).at("/talk").page();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a page is for somebody to serve"]
pub struct Chat {
    path: String,
    websocket: String,
    domains: Vec<String>,
}

impl Chat {
    /// The page at `/chat`, for people of these domains, over the WebSocket at `/xmpp-websocket`.
    /// The first domain is the one that is meant where somebody types a name alone.
    pub fn new<D: Into<String>>(domains: impl IntoIterator<Item = D>) -> Self {
        Self {
            path: "/chat".to_owned(),
            websocket: "/xmpp-websocket".to_owned(),
            domains: domains.into_iter().map(Into::into).collect(),
        }
    }

    /// Puts the page at another path.
    pub fn at(mut self, path: impl AsRef<str>) -> Self {
        self.path = format!("/{}", path.as_ref().trim_matches('/'));
        self
    }

    /// Has the page connect to another path of the same host.
    pub fn over(mut self, websocket: impl Into<String>) -> Self {
        self.websocket = websocket.into();
        self
    }

    /// The service of the page and of all that belongs to it.
    #[must_use]
    pub fn page(self) -> Page {
        let told = json!({ "domains": self.domains, "websocket": self.websocket });
        let settings = File::new("settings.json", Bytes::from(told.to_string()));
        Page::new(self.path, assets::all().chain([settings]).collect())
    }
}
