//! How it goes, as figures.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use serde_json::json;

use super::json;
use crate::{Figure, console::Shared, gate::Visitor, problem::Problem};

/// `GET /api/live`: what the servers can tell, and what is measured.
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let servers = shared.of(&visitor.caller);
    let first = servers.first().ok_or_else(Problem::unavailable)?;
    let count =
        |of: &dyn Fn(&sestina_core::Server) -> usize| servers.iter().map(of).sum::<usize>() as f64;
    let queued = |server: &sestina_core::Server| {
        server.all_sessions().iter().map(|session| session.queued()).sum()
    };
    let mut figures = vec![
        Figure::level("sessions", "Sessions", "", count(&|server| server.session_count())),
        Figure::level("online", "Accounts online", "", count(&|server| server.online_count())),
        Figure::level("queued", "Waiting in queues", "stanzas", count(&queued)),
    ];
    if let Some(measured) = &shared.figures {
        figures.extend(measured.figures());
    }
    Ok(json(&json!({
        "at": first.now().to_string(),
        "uptime": first.elapsed().as_secs_f64(),
        "figures": figures,
    })))
}
