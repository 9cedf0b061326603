//! What a server is made of.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use serde_json::{Value, json};
use sestina_core::{Installed, Series, Server};
use sestina_sasl::Protection;
use sestina_stanza::{Jid, ns};
use sestina_stream::Connection;

use super::{Asked, At, json};
use crate::{console::Shared, gate::Visitor, problem::Problem};

/// `GET /api/server`
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Asked(at): Asked<At>,
) -> Result<Response, Problem> {
    let server = shared.meant(&visitor, at.domain.as_deref())?;
    let domains: Vec<_> = server.domains().map(ToString::to_string).collect();
    let asked = at.domain.as_deref().and_then(|domain| Jid::new(domain).ok());
    let domain = asked.or_else(|| server.domains().next().cloned());
    let domain = domain.ok_or_else(Problem::unavailable)?;
    let weaknesses = server.weaknesses().iter();
    let weaknesses: Vec<_> =
        weaknesses.map(|it| json!({ "plugin": it.plugin, "why": it.why })).collect();
    Ok(json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": server.now().to_string(),
        "uptime": server.elapsed().as_secs(),
        "domains": domains,
        "services": server.services(),
        "plugins": server.plugins().iter().map(plugin).collect::<Vec<_>>(),
        "weaknesses": weaknesses,
        "bounds": bounds(&server),
        "features": features(&server, &domain),
    })))
}

fn plugin(plugin: &Installed) -> Value {
    let specs = plugin.specs.iter().map(|spec| {
        let series = match spec.series {
            Series::Rfc => "rfc",
            Series::Xep => "xep",
            _ => "other",
        };
        json!({
            "name": spec.to_string(),
            "series": series,
            "number": spec.number,
            "version": spec.version,
        })
    });
    json!({ "name": plugin.name, "specs": specs.collect::<Vec<_>>() })
}

/// Bounds of the core, by their names in [`Bounds`](sestina_core::Bounds).
fn bounds(server: &Server) -> Value {
    let bounds = server.bounds();
    let bound = |name: &str, value: u128, unit: &str| json!({ "name": name, "value": u64::try_from(value).unwrap_or(u64::MAX), "unit": unit });
    json!([
        bound("sessions_per_account", bounds.sessions_per_account as u128, "sessions"),
        bound("queue.stanzas", bounds.queue.stanzas as u128, "stanzas"),
        bound("queue.bytes", bounds.queue.bytes as u128, "bytes"),
        bound("drain", bounds.drain.as_millis(), "ms"),
        bound("followers", bounds.followers as u128, "sessions"),
    ])
}

/// What a client is offered on its stream, by how it comes and how far it is.
fn features(server: &Server, domain: &Jid) -> Value {
    // Somebody with an account here, whoever that is.
    let account = Jid::from_parts(Some("somebody"), domain.domain(), None).ok();
    let kinds = [
        ("in the clear", Protection::Clear),
        ("on this machine", Protection::Loopback),
        ("over TLS", Protection::Tls),
    ];
    let offered = kinds.into_iter().map(|(kind, protection)| {
        let connection = Connection::new(protection);
        let at = |account: Option<&Jid>| {
            let features = server.stream_features(domain, &connection, account);
            let texts = features.iter().map(|feature| {
                let mut text = Vec::new();
                feature.write_to(&mut text, ns::CLIENT);
                json!({
                    "name": feature.name(),
                    "namespace": feature.namespace(),
                    "xml": String::from_utf8_lossy(&text),
                })
            });
            texts.collect::<Vec<_>>()
        };
        let logged_in = account.as_ref().map(|account| at(Some(account))).unwrap_or_default();
        json!({ "connection": kind, "before": at(None), "after": logged_in })
    });
    offered.collect()
}
