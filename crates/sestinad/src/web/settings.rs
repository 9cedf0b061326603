//! The keys of `[web]`.

use std::{net::IpAddr, time::Duration};

use sestina::web::{Bounds, LEAST_HEAD_BYTES};

use crate::config::{Key, bounded, bytes, key};

/// What can be set about HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) bounds: Bounds,
}

pub(crate) fn keys() -> Vec<Key<Settings>> {
    type It = Settings;
    const LEAST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(86_400);
    vec![
        key(
            "trusted-proxies",
            "Addresses of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are \
             believed.",
            |it: &mut It| &mut it.trusted_proxies,
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
