#![doc = include_str!("../README.md")]

mod desk;
mod users;
mod web;

use std::{error::Error, net::SocketAddr};

use sestina::{
    Kind, Server,
    plugins::{disco::Discovery, offline::OfflineMessages, roster::Roster},
    web::WebSocket,
};
use tokio::net::TcpListener;

pub use self::{
    desk::Desk,
    users::{SignUpError, Users},
};

/// The domain of everybody's address.
pub const DOMAIN: &str = "localhost";

/// Runs the application on these sockets, until it is asked to end.
///
/// # Errors
///
/// When one of the two cannot start, or not end.
pub async fn run(
    http: TcpListener,
    xmpp: TcpListener,
    asked_to_end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let (users, desk) = (Users::default(), Desk::default());
    let server = Server::builder(DOMAIN)
        .accounts(users.clone())
        .plugin(Discovery::default())
        .plugin(OfflineMessages::default())
        .plugin(Roster::default())
        .plugin(desk.clone())
        .listener(xmpp, Kind::StartTls)
        .start()
        .await?;
    let chat = WebSocket::new(server.network().door());
    let routes = web::routes(web::App { server: server.core().clone(), users, desk }, chat);
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    // First nobody asks for anything any more; then everybody is told goodbye.
    axum::serve(http, routes).with_graceful_shutdown(asked_to_end).await?;
    server.shut_down().await?;
    Ok(())
}
