//! Uses the application by both its doors.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;

use sestina_testkit::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// Asks for something; says with which status and words it was answered.
async fn ask(http: SocketAddr, request: &str, content: &str) -> (u16, String) {
    let mut tcp = TcpStream::connect(http).await.unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        content.len()
    );
    tcp.write_all(format!("{head}{content}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), content.to_owned())
}

/// Whether a WebSocket is taken up, and a stream on it.
async fn opens_a_stream_by_websocket(web: SocketAddr) -> bool {
    let mut tcp = TcpStream::connect(web).await.unwrap();
    let ask = "GET /xmpp-websocket HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n\
               connection: upgrade\r\nsec-websocket-version: 13\r\n\
               sec-websocket-protocol: xmpp\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    tcp.write_all(ask.as_bytes()).await.unwrap();
    let open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>";
    // One frame of text, under a mask that changes nothing.
    let mut frame = vec![0x81, 0x80 | u8::try_from(open.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(open.as_bytes());
    let mut heard = Vec::new();
    while !heard.ends_with(b"</stream:features>") {
        if heard.ends_with(b"\r\n\r\n") {
            assert!(heard.starts_with(b"HTTP/1.1 101 "));
            tcp.write_all(&frame).await.unwrap();
        }
        if tcp.read_buf(&mut heard).await.unwrap() == 0 {
            return false;
        }
    }
    true
}

async fn log_in(xmpp: SocketAddr) -> Client {
    let mut client = Client::new(TcpStream::connect(xmpp).await.unwrap(), "localhost");
    client.open().await;
    client.authenticate("juliet", "capulet").await;
    client.open().await;
    client.bind(Some("balcony")).await;
    client
}

#[tokio::test]
async fn users_and_messages_go_through_both_doors() {
    let [http, xmpp] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0"));
    let (http, xmpp) = (http.await.unwrap(), xmpp.await.unwrap());
    let (web, chat) = (http.local_addr().unwrap(), xmpp.local_addr().unwrap());
    let (end, ended) = oneshot::channel::<()>();
    let app = tokio::spawn(async move {
        let asked_to_end = async { drop(ended.await) };
        embedded::run(http, xmpp, asked_to_end).await.map_err(|error| error.to_string())
    });

    assert_eq!(ask(web, "POST /users/juliet/messages", "too early").await.0, 404);
    let (status, said) = ask(web, "PUT /users/Juliet", "capulet").await;
    assert_eq!((status, &*said), (201, "juliet@localhost can log in\n"));
    assert_eq!(ask(web, "PUT /users/juliet", "romeo").await.0, 409);
    assert_eq!(ask(web, "PUT /users/a%40b", "romeo").await.0, 400);
    assert_eq!(ask(web, "PUT /users/romeo", "").await.0, 400);

    // Before she is there, a message waits; afterwards, it comes at once.
    assert_eq!(ask(web, "POST /users/juliet/messages", "Good morrow").await.0, 202);
    let mut juliet = log_in(chat).await;
    juliet.send("<presence/>").await;
    // Her own presence comes back as well.
    let waited = loop {
        let stanza = juliet.receive().await;
        if let Some(body) = stanza.child("body", "jabber:client") {
            assert_eq!(stanza.attr("from"), Some("desk.localhost"));
            break body.text().into_owned();
        }
    };
    assert_eq!(waited, "Good morrow");
    assert_eq!(ask(web, "GET /", "").await.1, "1 sessions at localhost\n");

    juliet
        .send("<message to='desk.localhost' type='chat'><body>Is anybody there?</body></message>")
        .await;
    let thanks = juliet.receive().await;
    assert_eq!(thanks.child("body", "jabber:client").unwrap().text(), "It lies on the desk.");
    assert_eq!(ask(web, "GET /desk", "").await.1, "juliet@localhost: Is anybody there?\n");

    // A page would come in by the same socket as everything else on the web.
    assert!(opens_a_stream_by_websocket(web).await);

    // Whoever is struck off is logged out, and does not come in again.
    assert_eq!(ask(web, "DELETE /users/juliet", "").await.0, 200);
    let end_of_stream = juliet.receive().await;
    assert!(end_of_stream.child("not-authorized", "urn:ietf:params:xml:ns:xmpp-streams").is_some());
    assert_eq!(ask(web, "DELETE /users/juliet", "").await.0, 404);

    // Both end together, and say goodbye.
    assert_eq!(ask(web, "PUT /users/juliet", "capulet").await.0, 201);
    let mut juliet = log_in(chat).await;
    end.send(()).unwrap();
    let goodbye = juliet.receive().await;
    assert!(goodbye.child("system-shutdown", "urn:ietf:params:xml:ns:xmpp-streams").is_some());
    drop(juliet);
    app.await.unwrap().unwrap();
    assert!(TcpStream::connect(web).await.is_err() && TcpStream::connect(chat).await.is_err());
}
