//! The built-in client, over HTTP.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::daemon::Daemon;

/// The whole answer to a request.
fn asked(address: SocketAddr, path: &str) -> String {
    asked_with(address, path, "")
}

/// The same with further headers.
fn asked_with(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_is_there_from_the_start() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path());
    let web = daemon.address("web");
    let page = asked(web, "/chat/");
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none';"), "{page}");
    let settings = asked(web, "/chat/settings.json");
    assert!(
        settings.ends_with(r#"{"domains":["localhost"],"websocket":"/xmpp-websocket"}"#),
        "{settings}"
    );
    // Where the page connects to, something answers, if only that this is no WebSocket.
    let socket = asked(web, "/xmpp-websocket");
    assert!(!socket.starts_with("HTTP/1.1 404 "), "{socket}");
}

#[test]
fn it_is_not_there_through_a_proxy_that_nobody_trusts() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path());
    let from_elsewhere = "X-Forwarded-For: 192.0.2.7\r\n";
    let page = asked_with(daemon.address("web"), "/chat/", from_elsewhere);
    assert!(page.starts_with("HTTP/1.1 404 "), "{page}");
}

#[test]
fn it_is_there_for_everybody_if_that_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    std::fs::write(&file, "[web]\nchat = \"everybody\"\n").unwrap();
    let daemon = Daemon::start_with(data.path(), &["--config", file.to_str().unwrap()]);
    let from_elsewhere = "X-Forwarded-For: 192.0.2.7\r\n";
    let page = asked_with(daemon.address("web"), "/chat/", from_elsewhere);
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
}

#[test]
fn it_is_not_there_where_nobody_is_shown_it() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    std::fs::write(&file, "[web]\nchat = \"nobody\"\n").unwrap();
    let daemon = Daemon::start_with(data.path(), &["--config", file.to_str().unwrap()]);
    let page = asked(daemon.address("web"), "/chat/");
    assert!(page.starts_with("HTTP/1.1 404 "), "{page}");
}
