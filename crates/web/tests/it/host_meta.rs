//! Where a domain says that it is reached.

use sestina_net::Bounds;
use sestina_web::{Arrival, HostMeta, Origin};
use tower::ServiceExt;

use crate::{
    client::{ask, head, status},
    stage::Stage,
};

const TLS: (&str, &str) = ("x-forwarded-proto", "https");

#[tokio::test]
async fn the_host_that_is_asked_is_named() {
    let stage = Stage::new(Bounds::default()).await;
    let answer = ask(stage.address, &head("GET", "/.well-known/host-meta", &[TLS])).await;
    assert_eq!(status(&answer), 200);
    for part in [
        "content-type: application/xrd+xml",
        "access-control-allow-origin: *",
        "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>",
        "<Link rel='urn:xmpp:alt-connections:websocket' \
         href='wss://capulet.example/xmpp-websocket'/>",
        "<Link rel='urn:xmpp:alt-connections:xbosh' href='https://capulet.example/http-bind'/>",
    ] {
        assert!(answer.contains(part), "{part} is missing in {answer}");
    }
    let answer = ask(stage.address, &head("GET", "/.well-known/host-meta.json", &[TLS])).await;
    assert!(answer.contains("content-type: application/json"), "{answer}");
    let json = answer.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(
        json,
        "{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\",\
         \"href\":\"wss://capulet.example/xmpp-websocket\"},\
         {\"rel\":\"urn:xmpp:alt-connections:xbosh\",\
         \"href\":\"https://capulet.example/http-bind\"}]}\n"
    );
}

#[tokio::test]
async fn nothing_is_said_of_other_hosts_nor_where_anybody_listens() {
    let stage = Stage::new(Bounds::default()).await;
    let path = "/.well-known/host-meta";
    // In the clear, from elsewhere.
    assert_eq!(status(&ask(stage.address, &head("GET", path, &[])).await), 404);
    for host in ["montague.example", "capulet.example:x", "capulet.example.", "\"capulet.example"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nx-forwarded-proto: https\r\n\
             connection: close\r\n\r\n"
        );
        assert_eq!(status(&ask(stage.address, &request).await), 404, "{host}");
    }
    for path in ["/.well-known", "/.well-known/", "/.well-known/host-meta/x", "/.well-known/acme"] {
        assert_eq!(status(&ask(stage.address, &head("GET", path, &[TLS])).await), 404, "{path}");
    }
    assert_eq!(status(&ask(stage.address, &head("POST", path, &[TLS])).await), 405);
}

#[tokio::test]
async fn a_public_site_is_named_and_this_machine_needs_no_tls() {
    let stage = Stage::new(Bounds::default()).await;
    let meta = HostMeta::new(stage.network.door()).websocket("/ws");
    let get = || {
        http::Request::get("/.well-known/host-meta.json")
            .header("host", "Capulet.example:5280")
            .extension(Arrival::in_the_clear("[::1]:9".parse().unwrap()))
            .body(())
            .unwrap()
    };
    let text = |answer: http::Response<sestina_web::Content>| async {
        use http_body_util::BodyExt;
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    };
    let near = text(meta.clone().oneshot(get()).await.unwrap()).await;
    assert!(near.contains("\"ws://Capulet.example:5280/ws\""), "{near}");
    let public = meta.public(Origin::new("https://chat.example").unwrap());
    let far = text(public.oneshot(get()).await.unwrap()).await;
    assert!(far.contains("\"wss://chat.example/ws\""), "{far}");
}
