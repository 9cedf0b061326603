//! Logging in and out.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::json;
use crate::{
    console::Shared,
    gate::{self, Visitor},
    problem::Problem,
};

/// What somebody logs in with.
#[derive(Deserialize)]
struct Given {
    account: String,
    password: Zeroizing<String>,
    /// Whether a program asks, which sends its token in each request's head, and no cookie.
    #[serde(default)]
    bearer: bool,
}

/// `POST /api/login`
pub(crate) async fn login(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let peer = shared.peer(request.extensions());
    let headers = request.headers().clone();
    let body = Zeroizing::new(shared.body(request).await?.to_vec());
    let given: Given = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad("A login has an account and a password"))?;
    let (proof, home) =
        gate::prove(&shared, &given.account, &given.password, peer, &headers).await?;
    let account = proof.account().clone();
    let (token, csrf) = shared.logins.begin(proof, &home);
    tracing::info!(%account, address = ?peer.ip(), "logged in to the console");
    if given.bearer {
        return Ok(json(&json!({ "account": account.as_str(), "bearer": token.reveal() })));
    }
    let mut response = json(&json!({ "account": account.as_str(), "token": csrf.reveal() }));
    set_cookie(&mut response, &gate::set_cookie(&token, peer));
    Ok(response)
}

/// `POST /api/logout`
pub(crate) async fn logout(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    if let Some(token) = &visitor.login {
        shared.logins.end(token);
        tracing::info!(account = %visitor.caller, "logged out of the console");
    }
    let mut response = json(&json!({}));
    let peer = shared.peer(request.extensions());
    set_cookie(&mut response, &gate::clear_cookie(peer));
    response
}

/// `GET /api/session`: who asks, and what their pages must know. It answers those who are not logged
/// in as well.
pub(crate) async fn session(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let visitor = match gate::admit(&shared, &parts).await {
        Ok(visitor) => visitor,
        Err(problem) if problem.is_login() => {
            return Ok(json(&json!({ "account": null, "operator": false, "domains": [] })));
        }
        Err(problem) => return Err(problem),
    };
    let servers = shared.of(&visitor.caller);
    let domains = servers.iter().flat_map(|server| server.domains().map(ToString::to_string));
    Ok(json(&json!({
        "account": visitor.caller.jid().map(ToString::to_string),
        "operator": visitor.caller.jid().is_none(),
        "domains": domains.collect::<Vec<_>>(),
        "token": visitor.csrf.as_ref().map(|token| token.reveal()),
    })))
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}
