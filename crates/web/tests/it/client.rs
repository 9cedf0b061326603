//! Peers that write requests byte by byte.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use sestina_web::{Arrival, Body, Bounds, Routes, Site};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Listens on a port of this machine.
pub(crate) async fn listen(site: &Site) -> SocketAddr {
    site.listen(TcpListener::bind("127.0.0.1:0").await.unwrap(), None).unwrap()
}

/// A site whose `/echo` answers with the body it got, and `/who` with where a request came from.
pub(crate) async fn echo(bounds: Bounds) -> (Site, SocketAddr) {
    let echo = tower::service_fn(|request: Request<Body>| async {
        let mut answer = Response::new(Full::new(Bytes::new()));
        match request.into_body().collect().await {
            Ok(body) => *answer.body_mut() = Full::new(body.to_bytes()),
            Err(_) => *answer.status_mut() = StatusCode::BAD_REQUEST,
        }
        Ok::<_, Infallible>(answer)
    });
    let who = tower::service_fn(|request: Request<Body>| async move {
        let arrival = request.extensions().get::<Arrival>().unwrap();
        let text = format!("{} {}", arrival.peer().unwrap().ip(), arrival.is_secure());
        Ok::<_, Infallible>(Response::new(text))
    });
    let routes = Routes::new().at("/echo", echo).at("/who", who);
    let site = Site::new(routes, bounds, ["127.0.0.1".parse().unwrap()]).unwrap();
    let address = listen(&site).await;
    (site, address)
}

/// Everything that comes until the end.
pub(crate) async fn rest(io: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let _as_far_as_it_goes = io.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}

/// Sends this, and reads to the end.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> String {
    let mut io = TcpStream::connect(address).await.unwrap();
    // Whoever turns a request away may not read it to its end.
    let _sent = io.write_all(request.as_bytes()).await;
    rest(&mut io).await
}

/// The head of a request that is the last on its connection.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: capulet.example\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| *name == "connection") {
        head.push_str("connection: close\r\n");
    }
    head.push_str("\r\n");
    head
}

#[track_caller]
pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}
