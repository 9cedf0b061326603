//! The way in: who a request is from, and whether they may have sent it.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sestina_core::{Caller, Proof, Server, Unproven};
use sestina_stanza::Jid;
use zeroize::Zeroizing;

use crate::{Peer, console::Shared, logins::Token, origin, problem::Problem};

/// The header by which the console's own pages are known where something is changed.
pub(crate) const CSRF: &str = "x-sestina-token";

/// The cookie of a login over TLS: browsers take it from this very host alone, and over TLS alone.
const SECURE_COOKIE: &str = "__Host-sestina-console";

/// The cookie of a login without TLS.
const CLEAR_COOKIE: &str = "sestina-console";

/// What comes by itself, and keeps no login alive.
const BY_ITSELF: &[&str] = &["/api/live", "/api/session"];

/// Somebody who may use the console.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// What their pages must know to change something; none for programs, which no page can make
    /// send anything.
    pub(crate) csrf: Option<Token>,
    /// The token of their login, if there is one.
    pub(crate) login: Option<Token>,
}

/// Lets nobody through to the API who may not use it.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&shared, &parts).await {
        Ok(visitor) => {
            parts.extensions.insert(visitor);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Lets nobody through who comes from a page of somebody else's, to where nobody has to be known.
pub(crate) async fn is_own(request: Request, next: Next) -> Response {
    if origin::is_own(request.headers(), request.uri()) {
        next.run(request).await
    } else {
        Problem::foreign().into_response()
    }
}

pub(crate) async fn admit(shared: &Shared, parts: &Parts) -> Result<Visitor, Problem> {
    if !origin::is_own(&parts.headers, &parts.uri) {
        return Err(Problem::foreign());
    }
    let visitor = identify(shared, parts).await?;
    let changes = !matches!(parts.method, Method::GET | Method::HEAD);
    if let (true, Some(csrf)) = (changes, &visitor.csrf) {
        let given = parts.headers.get(CSRF).and_then(|value| value.to_str().ok());
        if !given.is_some_and(|given| csrf.is(given)) {
            return Err(Problem::foreign().detail(format!("The header {CSRF} is missing or wrong")));
        }
    }
    Ok(visitor)
}

/// Who somebody is, by what they bring.
async fn identify(shared: &Shared, parts: &Parts) -> Result<Visitor, Problem> {
    let headers = &parts.headers;
    let peer = shared.peer(&parts.extensions);
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let text = authorization.to_str().map_err(|_| Problem::login())?;
        return by_authorization(shared, text, peer, headers).await;
    }
    let used = !BY_ITSELF.contains(&parts.uri.path());
    if let Some(token) = cookie(headers, peer)
        && let Some(visitor) = by_login(shared, &token, used).await?
    {
        return Ok(visitor);
    }
    if shared.access.trusts(peer, headers, &parts.uri) {
        let csrf = Some(shared.operator_token()?);
        return Ok(Visitor { caller: Caller::Operator, csrf, login: None });
    }
    Err(Problem::login())
}

/// By what programs send.
async fn by_authorization(
    shared: &Shared,
    authorization: &str,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<Visitor, Problem> {
    let (scheme, rest) = authorization.split_once(' ').ok_or_else(Problem::login)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        let visitor = by_login(shared, &Token::brought(rest.trim()), true).await?;
        return visitor.map(|it| Visitor { csrf: None, ..it }).ok_or_else(Problem::login);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Problem::login());
    }
    let decoded = sestina_sasl::decode_base64(rest.trim()).map_err(|_| Problem::login())?;
    let decoded = Zeroizing::new(String::from_utf8(decoded).map_err(|_| Problem::login())?);
    let (account, password) = decoded.split_once(':').ok_or_else(Problem::login)?;
    let (proof, _) = prove(shared, account, password, peer, headers).await?;
    Ok(Visitor { caller: Caller::Account(proof.account().clone()), csrf: None, login: None })
}

async fn by_login(shared: &Shared, token: &Token, used: bool) -> Result<Option<Visitor>, Problem> {
    let Some(login) = shared.logins.find(token, used) else { return Ok(None) };
    let account = login.proof.account();
    if !still(shared, &login.proof).await? {
        tracing::info!(%account, "a login to the console is void");
        shared.logins.end(token);
        return Ok(None);
    }
    Ok(Some(Visitor {
        caller: Caller::Account(account.clone()),
        csrf: Some(login.csrf),
        login: Some(token.clone()),
    }))
}

/// Whether somebody is still who they have proved to be, and still administers anything.
async fn still(shared: &Shared, proof: &Proof) -> Result<bool, Problem> {
    let servers = shared.servers();
    let account = proof.account();
    let Some(home) = servers.iter().find(|server| server.serves(account.domain())) else {
        return Ok(false);
    };
    if !servers.iter().any(|server| server.is_administrator(account)) {
        return Ok(false);
    }
    proof.holds(home).await.map_err(|error| {
        tracing::warn!(%account, %error, "a login to the console could not be looked up");
        Problem::unavailable()
    })
}

/// Whether a visitor would be let in again; what goes on for long asks now and then.
pub(crate) async fn is_still_welcome(shared: &Shared, visitor: &Visitor) -> bool {
    match (&visitor.login, &visitor.caller) {
        (Some(token), _) => matches!(by_login(shared, token, false).await, Ok(Some(_))),
        (None, caller) => shared.servers().iter().any(|server| caller.administers(server)),
    }
}

/// Has somebody prove to be an administrator.
pub(crate) async fn prove(
    shared: &Shared,
    account: &str,
    password: &str,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<(Proof, Server), Problem> {
    if !shared.access.takes_passwords(peer, headers) {
        let status = axum::http::StatusCode::FORBIDDEN;
        return Err(Problem::new(status, "No password is taken from another machine without TLS"));
    }
    let servers = shared.servers();
    let account = Jid::new(account).ok().filter(Jid::is_bare).ok_or(Unproven::Wrong)?;
    let home = servers.iter().find(|server| server.serves(account.domain()));
    let home = home.ok_or(Unproven::Wrong)?;
    let proof = home.prove(&account, password, peer.ip()).await?;
    // Asked last, and refused in the same words: nobody learns who administers what.
    if !servers.iter().any(|server| server.is_administrator(&account)) {
        tracing::info!(%account, address = ?peer.ip(), "no administrator was at the console");
        return Err(Unproven::Wrong.into());
    }
    Ok((proof, home.clone()))
}

/// The token in a request's cookie.
fn cookie(headers: &HeaderMap, peer: Peer) -> Option<Token> {
    let wanted = cookie_name(peer);
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut named = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, value)| Token::brought(value));
    named.next()
}

/// The cookie that makes a login known, for as long as the browser is open.
pub(crate) fn set_cookie(token: &Token, peer: Peer) -> String {
    let secure = if peer.secure { "; Secure" } else { "" };
    let (name, value) = (cookie_name(peer), token.reveal());
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// Has the browser forget it.
pub(crate) fn clear_cookie(peer: Peer) -> String {
    let secure = if peer.secure { "; Secure" } else { "" };
    format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}", cookie_name(peer))
}

fn cookie_name(peer: Peer) -> &'static str {
    if peer.secure { SECURE_COOKIE } else { CLEAR_COOKIE }
}
