//! HTTP, in the clear and over TLS.

use crate::{client::Client, daemon::Daemon};

/// What each of the services answers.
fn ask_everybody(connect: impl Fn() -> Client, scheme: &str) {
    let mut client = connect();
    client.send("GET /.well-known/host-meta HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.expect(&format!("href='{scheme}://localhost/xmpp-websocket'/>"));
    client.expect("</XRD>");

    let body = "<body xmlns='http://jabber.org/protocol/httpbind' to='localhost' rid='1'/>";
    let length = body.len();
    client.send(&format!(
        "POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    client.expect(" sid='");
    client.expect("<mechanism>PLAIN</mechanism>");

    let mut client = connect();
    client.send(
        "GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    client.expect("HTTP/1.1 101 ");
    client.expect("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn the_services_answer_with_tls_and_without() {
    let data = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start_with(data.path(), &["--web-tls", "127.0.0.1:0"]);
    let trusted = data.path().join("tls/self-made.crt");
    ask_everybody(|| Client::clear(daemon.address("web")), "ws");
    ask_everybody(|| Client::direct_tls(daemon.address("web-tls"), &trusted), "wss");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_default_that_is_taken_is_no_failure_and_a_wish_is() {
    let data = tempfile::tempdir().unwrap();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let output = crate::daemon::run(
        crate::daemon::sestinad(data.path()).args(["--c2s", "127.0.0.1:0", "--web", &address]),
        "",
    );
    assert!(!output.status.success());
    let told = crate::daemon::complaint(&output);
    assert!(told.contains(&address) && told.contains("--web"), "{told}");
}
