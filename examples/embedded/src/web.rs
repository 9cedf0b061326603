//! What the application does on the web.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Path, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn},
    response::Response,
    routing::{get, post, put},
};
use sestina::{
    Stanza,
    core::Server,
    stanza::MessageType,
    web::{Arrival, WebSocket},
};

use crate::{DOMAIN, Desk, SignUpError, Users};

/// What every request can reach.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) server: Server,
    pub(crate) users: Users,
    pub(crate) desk: Desk,
}

pub(crate) fn routes(app: App, chat: WebSocket) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/users/{name}", put(sign_up).delete(strike_off))
        .route("/users/{name}/messages", post(write))
        .route("/desk", get(read))
        .route_service("/xmpp-websocket", chat)
        .layer(from_fn(note_arrival))
        .with_state(app)
}

/// Tells where a request came from, and that nothing protects it: the server trusts this machine more.
async fn note_arrival(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(Arrival::in_the_clear(peer));
    next.run(request).await
}

async fn front(State(app): State<App>) -> String {
    format!("{} sessions at {DOMAIN}\n", app.server.session_count())
}

async fn sign_up(
    State(app): State<App>,
    Path(name): Path<String>,
    password: String,
) -> (StatusCode, String) {
    match app.users.sign_up(&name, password).await {
        Ok(user) => (StatusCode::CREATED, format!("{user} can log in\n")),
        Err(SignUpError::Name) => (StatusCode::BAD_REQUEST, "this is no name\n".into()),
        Err(SignUpError::Password(error)) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
        Err(SignUpError::Taken) => (StatusCode::CONFLICT, "somebody has this name\n".into()),
    }
}

async fn strike_off(State(app): State<App>, Path(name): Path<String>) -> (StatusCode, String) {
    let Some(user) = app.users.remove(&name) else { return nobody() };
    // Sessions end, and whatever was kept for them goes.
    match app.server.accounts().forget(&user).await {
        Ok(()) => (StatusCode::OK, format!("{user} is gone\n")),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

async fn write(
    State(app): State<App>,
    Path(name): Path<String>,
    text: String,
) -> (StatusCode, String) {
    let Some(user) = app.users.find(&name) else { return nobody() };
    let Ok(desk) = format!("desk.{DOMAIN}").parse() else { return nobody() };
    let message = Stanza::message(MessageType::Chat).from(desk).to(user.clone()).body(&text);
    app.server.route(message.build()).await;
    (StatusCode::ACCEPTED, format!("{user} is told, or will be\n"))
}

async fn read(State(app): State<App>) -> String {
    app.desk.read().iter().map(|line| format!("{line}\n")).collect()
}

fn nobody() -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, "nobody has this name\n".into())
}
