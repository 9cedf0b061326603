//! Servers that are added to another, and removed.

use sestina::{Server, StartError, stanza::MessageType, stanza::Stanza, store::ErrorKind};

async fn capulet() -> Server {
    Server::builder("capulet.example").start().await.unwrap()
}

fn hark(to: &str) -> Stanza {
    Stanza::message(MessageType::Chat).to(to.parse().unwrap()).body("Hark!").build()
}

#[tokio::test]
async fn who_is_added_is_there_until_removed() {
    let server = capulet().await;
    let montague = server.add(Server::builder("montague.example")).await.unwrap();
    let store = montague.store().clone();
    drop(montague);
    let mut juliet =
        server.attach("juliet@capulet.example/balcony".parse().unwrap()).await.unwrap();
    let romeo = server.attach("romeo@montague.example/orchard".parse().unwrap()).await.unwrap();
    romeo.send(hark("juliet@capulet.example/balcony")).await.unwrap();
    assert_eq!(juliet.receive().await.unwrap().body().as_deref(), Some("Hark!"));
    romeo.close().await;

    assert!(server.remove("montague.example").await.unwrap());
    let closed = store.spaces().await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);
    assert!(!server.remove("montague.example").await.unwrap());
    assert!(!server.remove("capulet.example").await.unwrap());
    juliet.send(hark("romeo@montague.example/orchard")).await.unwrap();
    let error = juliet.receive().await.unwrap().reported_error().unwrap();
    assert_eq!(error.condition().name(), "remote-server-not-found");
    juliet.close().await;
    server.shut_down().await.unwrap();
}

#[tokio::test]
async fn all_of_them_are_shut_down_together() {
    let server = capulet().await;
    let montague = server.add(Server::builder("montague.example")).await.unwrap();
    let stores = [server.core().store().clone(), montague.store().clone()];
    server.shut_down().await.unwrap();
    for store in stores {
        assert_eq!(store.spaces().await.unwrap_err().kind(), ErrorKind::Closed);
    }
}

#[tokio::test]
async fn what_cannot_be_added_is_told_and_leaves_nothing() {
    let server = capulet().await;
    let taken = server.add(Server::builder("capulet.example")).await.unwrap_err();
    assert!(taken.to_string().contains("has capulet.example already"), "{taken}");
    let listening =
        Server::builder("montague.example").listen("127.0.0.1:0", sestina::Kind::StartTls);
    assert!(matches!(server.add(listening).await, Err(StartError::Listeners)));
    let none = sestina::net::Bounds { connections: 0, ..Default::default() };
    let bounded = Server::builder("montague.example").bounds(none);
    assert!(matches!(server.add(bounded).await, Err(StartError::Bounds(_))));
    // Servers that were started apart are nobody's neighbours.
    let apart = Server::builder("montague.example").start().await.unwrap();
    assert!(!server.core().reaches("montague.example"));
    server.add(Server::builder("montague.example")).await.unwrap();
    assert!(server.core().reaches("montague.example"));
    assert!(!apart.core().reaches("capulet.example"));
}
