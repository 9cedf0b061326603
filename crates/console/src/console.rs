//! The console, and what its parts share.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::Bytes,
    extract::Request,
    http::{Extensions, HeaderName, HeaderValue, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::Response,
    routing::{get, post},
};
use sestina_core::{Caller, Server};

use crate::{
    Access, Figures, Peer, api,
    gate::{self, Visitor},
    logins::{Logins, Token},
    pages,
    problem::Problem,
};

/// A console in the making.
///
/// ```
/// use sestina_console::{Access, Console, Peer};
/// # use sestina_core::{Assembly, Settings};
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// # let settings = Settings::new("capulet.example".parse()?, sestina_store::memory());
/// # let server = Assembly::new(settings).build().await?;
/// let console: axum::Router = Console::new(server).access(Access::default()).into_router();
/// # Ok(())
/// # }
/// ```
#[must_use = "a console is nothing until it is a router"]
pub struct Console {
    servers: Servers,
    access: Access,
    figures: Option<Arc<dyn Figures>>,
    peers: Peers,
}

type Servers = Box<dyn Fn() -> Vec<Server> + Send + Sync>;
type Peers = Box<dyn Fn(&Extensions) -> Peer + Send + Sync>;

impl Console {
    /// A console for one server.
    pub fn new(server: Server) -> Self {
        Self::over(move || vec![server.clone()])
    }

    /// A console for the servers that there are when somebody asks.
    pub fn over(servers: impl Fn() -> Vec<Server> + Send + Sync + 'static) -> Self {
        Self {
            servers: Box::new(servers),
            access: Access::default(),
            figures: None,
            peers: Box::new(|extensions| extensions.get().copied().unwrap_or_default()),
        }
    }

    /// Says who may use it.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Shows what is measured beside what the servers themselves can tell.
    pub fn figures(mut self, figures: Arc<dyn Figures>) -> Self {
        self.figures = Some(figures);
        self
    }

    /// Says how to tell from what comes with a request where it comes from; otherwise whoever serves
    /// the console adds a [`Peer`] to the extensions of each.
    pub fn peers(mut self, peers: impl Fn(&Extensions) -> Peer + Send + Sync + 'static) -> Self {
        self.peers = Box::new(peers);
        self
    }

    /// The console as a service.
    pub fn into_router(self) -> Router {
        let Self { servers, access, figures, peers } = self;
        let logins = Logins::new(&access);
        let operator = OnceLock::new();
        let shared = Arc::new(Shared { servers, access, logins, figures, peers, operator });
        let known = Router::new()
            .route("/api/logout", post(api::login::logout))
            .route("/api/commands", get(api::commands::list))
            .route("/api/commands/{name}", get(api::commands::show).post(api::commands::run))
            .route("/api/openapi.json", get(api::describe))
            .route("/api/server", get(api::server::show))
            .route("/api/sessions", get(api::sessions::list))
            .route("/api/sessions/{jid}", get(api::sessions::show))
            .route("/api/follow/{jid}", get(api::follow::follow))
            .route("/api/live", get(api::live::show))
            .route_layer(from_fn_with_state(shared.clone(), gate::guard));
        let unknown = Router::new()
            .route("/api/session", get(api::login::session))
            .route("/api/login", post(api::login::login))
            .route_layer(from_fn(gate::is_own));
        let api = known.merge(unknown).with_state(shared);
        api.merge(pages::router()).fallback(api::nothing).layer(map_response(protect))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("access", &self.access).finish_non_exhaustive()
    }
}

/// What the parts of a console share.
pub(crate) struct Shared {
    servers: Servers,
    pub(crate) access: Access,
    pub(crate) logins: Logins,
    pub(crate) figures: Option<Arc<dyn Figures>>,
    peers: Peers,
    /// What pages of whoever sits at the machine must know.
    operator: OnceLock<Token>,
}

impl Shared {
    pub(crate) fn servers(&self) -> Vec<Server> {
        (self.servers)()
    }

    /// Where a request comes from.
    pub(crate) fn peer(&self, extensions: &Extensions) -> Peer {
        (self.peers)(extensions)
    }

    pub(crate) fn operator_token(&self) -> Result<Token, Problem> {
        let servers = self.servers();
        let server = servers.first().ok_or_else(Problem::unavailable)?;
        Ok(self.operator.get_or_init(|| Token::draw(server)).clone())
    }

    /// The servers that somebody administers.
    pub(crate) fn of(&self, caller: &Caller) -> Vec<Server> {
        let mut servers = self.servers();
        servers.retain(|server| caller.administers(server));
        servers
    }

    /// The server that somebody means: that of a domain, else their own, else the first.
    pub(crate) fn meant(&self, visitor: &Visitor, domain: Option<&str>) -> Result<Server, Problem> {
        let servers = self.of(&visitor.caller);
        let home = visitor.caller.jid().map(|jid| jid.domain());
        let of = |domain: &str| servers.iter().find(|server| server.serves(domain)).cloned();
        match domain {
            Some(domain) => {
                of(domain).ok_or_else(|| Problem::not_found("No such domain is served"))
            }
            None => home
                .and_then(of)
                .or_else(|| servers.first().cloned())
                .ok_or_else(Problem::unavailable),
        }
    }

    /// Reads a body that is to be JSON.
    pub(crate) async fn body(&self, request: Request) -> Result<Bytes, Problem> {
        use axum::http::StatusCode;
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            // A form of somebody else's page cannot say so.
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "A request's body is application/json"));
        }
        axum::body::to_bytes(request.into_body(), self.access.body).await.map_err(|_| {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The request's body is too large")
        })
    }
}

/// What browsers may do with anything that comes from here: load its own scripts and styles, and
/// nothing of anybody else's; be in no frame; guess no type; keep nothing.
async fn protect(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
