//! Who is connected.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sestina_core::{Server, Session};
use sestina_stanza::Jid;

use super::{Asked, At, json};
use crate::{console::Shared, gate::Visitor, problem::Problem};

/// Sessions on a page unless told.
const PAGE: usize = 50;

/// The most sessions on a page.
const LONGEST_PAGE: usize = 500;

/// Which sessions are asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    domain: Option<String>,
    /// Those behind this address.
    after: Option<String>,
    /// How many at most.
    limit: Option<usize>,
    /// Those in whose address this occurs.
    search: Option<String>,
}

/// `GET /api/sessions`: by address, page by page.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let server = shared.meant(&visitor, wanted.domain.as_deref())?;
    let limit = wanted.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let search = wanted.search.unwrap_or_default().to_lowercase();
    let mut sessions = server.all_sessions();
    sessions.retain(|session| session.jid().as_str().to_lowercase().contains(&search));
    let total = sessions.len();
    sessions.sort_unstable_by(|one, other| one.jid().as_str().cmp(other.jid().as_str()));
    let from = wanted
        .after
        .as_deref()
        .map_or(0, |after| sessions.partition_point(|session| session.jid().as_str() <= after));
    let page: Vec<_> = sessions.iter().skip(from).take(limit).collect();
    let last = page.last().filter(|_| from + page.len() < total);
    Ok(json(&json!({
        "total": total,
        "sessions": page.iter().map(|session| describe(session)).collect::<Vec<_>>(),
        "next": last.map(|session| session.jid().as_str()),
    })))
}

/// `GET /api/sessions/{jid}`: one session, or all of an account.
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(jid): Path<String>,
    Asked(at): Asked<At>,
) -> Result<Response, Problem> {
    let jid = Jid::new(&jid).map_err(|_| Problem::bad("This is no address"))?;
    let server = shared.meant(&visitor, at.domain.as_deref().or_else(|| Some(jid.domain())))?;
    if jid.is_bare() {
        return account(&server, &jid).await;
    }
    let session = server.session(&jid);
    let session = session.ok_or_else(|| Problem::not_found("There is no such session"))?;
    Ok(json(&describe(&session)))
}

async fn account(server: &Server, account: &Jid) -> Result<Response, Problem> {
    let sessions = server.sessions(account);
    let disabled = server.accounts().is_disabled(account).await.ok();
    if sessions.is_empty() && disabled.is_none() {
        return Err(Problem::not_found("There is no such account, and no session of it"));
    }
    Ok(json(&json!({
        "account": account.as_str(),
        "disabled": disabled,
        "sessions": sessions.iter().map(|session| describe(session)).collect::<Vec<_>>(),
    })))
}

fn describe(session: &Session) -> Value {
    let presence = session.presence();
    let show = presence.as_ref().and_then(|presence| presence.child_text("show"));
    json!({
        "jid": session.jid().as_str(),
        "account": session.account().as_str(),
        "resource": session.jid().resource(),
        "id": session.id(),
        "available": session.is_available(),
        "priority": session.priority(),
        "show": show,
        "interested": session.is_interested(),
        "queued": session.queued(),
        "guest": session.is_guest(),
        "language": session.lang(),
        "ending": session.is_ending(),
    })
}
