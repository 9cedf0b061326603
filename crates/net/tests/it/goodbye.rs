//! The end of a server, as its clients see it.

use std::time::Duration;

use sestina_net::Bounds;
use sestina_testkit::{Received, Scene, Stage};
use tokio::{io::AsyncReadExt, time::Instant};

const ROMEO: &str = "romeo@capulet.example/orchard";

async fn stage() -> Stage {
    Scene::new("capulet.example").build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_tells_those_who_negotiate_and_those_who_have_sessions() {
    let stage = stage().await;
    let mut silent = stage.wire(None);
    let mut negotiating = stage.connect();
    negotiating.open().await;
    let mut romeo = stage.login(ROMEO).await;
    romeo.send("<message to='romeo@capulet.example/orchard' id='last'/>").await;
    stage.settle().await;
    let goodbyes = async {
        assert_eq!(romeo.receive().await.attr("id"), Some("last"));
        for client in [&mut negotiating, &mut romeo] {
            let error = client.receive().await;
            assert_eq!(error.first_child().unwrap().name(), "system-shutdown");
            assert_eq!(client.next().await, Received::Close);
            client.send("</stream:stream>").await;
        }
        drop((negotiating, romeo));
        let mut said = String::new();
        silent.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("<?xml version='1.0'?><stream:stream "), "{said}");
        assert!(said.contains("<system-shutdown"), "{said}");
        drop(silent);
    };
    let start = Instant::now();
    tokio::join!(stage.network().shut_down(), goodbyes);
    assert_eq!(stage.server().session_count(), 0);
    assert!(start.elapsed() < Bounds::default().closing, "{:?}", start.elapsed());
    // Whoever comes now is told as well.
    let mut late = String::new();
    stage.wire(None).read_to_string(&mut late).await.unwrap();
    assert!(late.contains("<system-shutdown"), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_those_who_do_not_listen() {
    let stage = stage().await;
    let _deaf = stage.login(ROMEO).await;
    let start = Instant::now();
    stage.network().shut_down().await;
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_dropped_ends_its_connections() {
    let stage = stage().await;
    let server = stage.server().clone();
    let mut romeo = stage.login(ROMEO).await;
    drop(stage);
    assert_eq!(romeo.next().await, Received::End);
    assert_eq!(server.session_count(), 0);
}
