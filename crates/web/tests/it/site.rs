//! What a site refuses, and what it does not wait for.

use std::time::Duration;

use sestina_web::Bounds;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{ask, echo, head, rest, status};

#[tokio::test]
async fn a_request_is_answered_with_headers_that_protect() {
    let (_site, address) = echo(Bounds::default()).await;
    let answer = ask(address, &(head("POST", "/echo", &[("content-length", "5")]) + "hello")).await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    for header in [
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    ] {
        assert!(answer.contains(header), "{header} is missing in {answer}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_only_seems_to_be() {
    let (_site, address) = echo(Bounds::default()).await;
    for path in
        ["/", "/nowhere", "/echo/", "/echo/..", "//echo", "/x/../echo", "/x/%2e%2e/echo", "/%65cho"]
    {
        assert_eq!(status(&ask(address, &head("GET", path, &[])).await), 404, "{path}");
    }
    assert_eq!(status(&ask(address, &head("GET", "/echo?x=/..", &[])).await), 200);
    assert_eq!(status(&ask(address, &head("TRACE", "/echo", &[])).await), 405);
    assert_eq!(status(&ask(address, "GET /echo HTTP/1.1\r\nconnection: close\r\n\r\n").await), 400);
    let twice = head("GET", "/echo", &[("host", "montague.example")]);
    assert_eq!(status(&ask(address, &twice).await), 400);
    assert_eq!(status(&ask(address, "what?\r\n\r\n").await), 400);
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let bounds = Bounds { body_bytes: 10, ..Bounds::default() };
    let (_site, address) = echo(bounds).await;
    let declared = head("POST", "/echo", &[("content-length", "11")]) + "hello world";
    assert_eq!(status(&ask(address, &declared).await), 413);
    let chunks = head("POST", "/echo", &[("transfer-encoding", "chunked")])
        + "6\r\nhello \r\n6\r\nworld!\r\n0\r\n\r\n";
    assert_eq!(status(&ask(address, &chunks).await), 413);
    let fits = head("POST", "/echo", &[("transfer-encoding", "chunked")])
        + "6\r\nhello \r\n4\r\nworl\r\n0\r\n\r\n";
    assert_eq!(status(&ask(address, &fits).await), 200);
    let long = "x".repeat(Bounds::default().head_bytes);
    assert_eq!(status(&ask(address, &head("GET", "/echo", &[("x", &long)])).await), 431);
    let many: Vec<_> = (0..70).map(|_| ("x", "y")).collect();
    assert_eq!(status(&ask(address, &head("GET", "/echo", &many)).await), 431);
}

/// Time is virtual: it passes while nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn who_dawdles_is_not_waited_for() {
    let (site, address) = echo(Bounds::default()).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /echo HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert_eq!(rest(&mut slow).await, "");
    let mut body = TcpStream::connect(address).await.unwrap();
    body.write_all(head("POST", "/echo", &[("content-length", "5")]).as_bytes()).await.unwrap();
    body.write_all(b"hel").await.unwrap();
    assert_eq!(status(&rest(&mut body).await), 408);
    // One that was kept, and asks for nothing more.
    let mut kept = TcpStream::connect(address).await.unwrap();
    let request = head("GET", "/echo", &[("connection", "keep-alive")]);
    kept.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&rest(&mut kept).await), 200);
    while site.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_off() {
    let bounds = Bounds { body_bytes: 64 << 20, ..Bounds::default() };
    let (site, address) = echo(bounds).await;
    let mut deaf = TcpStream::connect(address).await.unwrap();
    let length = (32 << 20).to_string();
    deaf.write_all(head("POST", "/echo", &[("content-length", &length)]).as_bytes()).await.unwrap();
    deaf.write_all(&vec![b'x'; 32 << 20]).await.unwrap();
    while site.connections() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let bounds = Bounds { connections: 1, ..Bounds::default() };
    let (site, address) = echo(bounds).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first
        .write_all(head("GET", "/echo", &[("connection", "keep-alive")]).as_bytes())
        .await
        .unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    assert_eq!(status(&ask(address, "").await), 503);
    drop(first);
    while site.connections() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&ask(address, &head("GET", "/echo", &[])).await), 200);
}

#[tokio::test]
async fn a_trusted_proxy_is_seen_through() {
    let (_site, address) = echo(Bounds::default()).await;
    let forwarded = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")];
    let answer = ask(address, &head("GET", "/who", &forwarded)).await;
    assert!(answer.ends_with("192.0.2.7 true"), "{answer}");
}

#[tokio::test]
async fn a_shutdown_waits_for_answers_and_not_for_silence() {
    let (site, address) = echo(Bounds::default()).await;
    let mut asking = TcpStream::connect(address).await.unwrap();
    let request = head("POST", "/echo", &[("content-length", "2"), ("expect", "100-continue")]);
    asking.write_all(request.as_bytes()).await.unwrap();
    // The service has begun to read: the body is asked for.
    let mut go_on = [0; 25];
    asking.read_exact(&mut go_on).await.unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let (answer, ()) = tokio::join!(
        async {
            assert_eq!(rest(&mut silent).await, "");
            asking.write_all(b"ok").await.unwrap();
            rest(&mut asking).await
        },
        site.shut_down()
    );
    assert!(answer.ends_with("ok"), "{answer}");
    assert!(TcpStream::connect(address).await.is_err());
}
