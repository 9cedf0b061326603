//! The keys of `[web]`.

use std::{net::IpAddr, time::Duration};

use sestina::web::{Bounds, LEAST_HEAD_BYTES, Origin, Origins};

use crate::config::{Given, Key, Misread, Setting, bounded, bytes, key, quote};

/// What can be set about HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) pages: Vec<Page>,
    pub(crate) public_url: Option<Origin>,
    pub(crate) bounds: Bounds,
    #[cfg(feature = "chat")]
    pub(crate) chat: super::chat::ShownTo,
}

/// A site, or all of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Page {
    Of(Origin),
    Any,
}

impl Setting for Page {
    fn expected() -> String {
        "a site, such as \"https://chat.example.org\", or \"*\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        match given.as_text().ok_or(Misread::Kind)? {
            "*" => Ok(Self::Any),
            text => Origin::new(text).map(Self::Of).map_err(|_| Misread::Kind),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Of(origin) => quote(origin.as_str()),
            Self::Any => quote("*"),
        }
    }
}

/// What others see of the server, if that is another site.
impl Setting for Option<Origin> {
    fn expected() -> String {
        "a site, such as \"https://chat.example.org\", or \"\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        match given.as_text().ok_or(Misread::Kind)? {
            "" => Ok(None),
            text => Origin::new(text).map(Some).map_err(|_| Misread::Kind),
        }
    }

    fn show(&self) -> String {
        quote(self.as_ref().map_or("", Origin::as_str))
    }
}

impl Settings {
    /// Whose pages may connect.
    pub(crate) fn origins(&self) -> Origins {
        let mut these = Vec::new();
        for page in &self.pages {
            match page {
                Page::Any => return Origins::All,
                Page::Of(origin) => these.push(origin.clone()),
            }
        }
        if these.is_empty() { Origins::Own } else { Origins::These(these) }
    }
}

pub(crate) fn keys() -> Vec<Key<Settings>> {
    type It = Settings;
    const LEAST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(86_400);
    vec![
        #[cfg(feature = "chat")]
        key("chat", super::chat::ABOUT, |it: &mut It| &mut it.chat),
        key(
            "trusted-proxies",
            "Addresses of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are \
             believed.",
            |it: &mut It| &mut it.trusted_proxies,
        ),
        key(
            "origins",
            "Sites whose pages may connect, beside those that are served here; \"*\" is all.",
            |it: &mut It| &mut it.pages,
        ),
        key(
            "public-url",
            "The site that clients are told to connect to; \"\" is the one they ask.",
            |it: &mut It| &mut it.public_url,
        ),
        bounded(
            "head",
            "The time there is for a request's headers, and that a connection is kept without one.",
            |it: &mut It| &mut it.bounds.head,
            LEAST,
            MOST,
        ),
        bounded(
            "body",
            "The time there is for the rest of it.",
            |it: &mut It| &mut it.bounds.body,
            LEAST,
            MOST,
        ),
        bounded(
            "stalled",
            "Who takes nothing of an answer for so long is cut off.",
            |it: &mut It| &mut it.bounds.stalled,
            LEAST,
            MOST,
        ),
        bytes(
            "head-bytes",
            "The size of a request's headers.",
            |it: &mut It| &mut it.bounds.head_bytes,
            LEAST_HEAD_BYTES,
            1 << 20,
        ),
        bounded("headers", "Their number.", |it: &mut It| &mut it.bounds.headers, 16, 1_024),
        bytes(
            "body-bytes",
            "The size of what follows them.",
            |it: &mut It| &mut it.bounds.body_bytes,
            1_024,
            1 << 30,
        ),
        bounded(
            "total",
            "Connections in all.",
            |it: &mut It| &mut it.bounds.connections,
            1,
            1 << 24,
        ),
        bounded(
            "per-address",
            "Connections from one address, or one /64 network of IPv6; those from this machine \
             and from trusted proxies are not counted.",
            |it: &mut It| &mut it.bounds.per_address,
            1,
            1 << 24,
        ),
    ]
}
