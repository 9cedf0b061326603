//! Following a session.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use http_body_util::BodyExt;
use sestina_console::Access;
use sestina_stanza::{MessageType, Stanza};

use crate::cast::{Desk, jid, stage, with};

async fn next(body: &mut Body) -> Option<String> {
    loop {
        let frame = body.frame().await?.unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        if !text.starts_with(':') {
            return Some(text);
        }
    }
}

fn message(body: &str) -> Stanza {
    let to = jid("juliet@capulet.example/balcony");
    Stanza::message(MessageType::Chat).to(to).body(body).build()
}

#[tokio::test(start_paused = true)]
async fn stanzas_come_as_events_without_what_people_write() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    for (path, shows) in [
        ("/api/follow/juliet@capulet.example%2Fbalcony", false),
        ("/api/follow/juliet@capulet.example?texts=true", true),
    ] {
        let response = desk.open(desk.request(Method::GET, path, "")).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = response.into_body();
        juliet.send(message("<b>Hark</b>\n\nnow")).await.unwrap();
        let event = next(&mut body).await.unwrap();
        let data = event.strip_prefix("event: stanza\ndata: ").unwrap();
        assert_eq!(data.matches('\n').count(), 2, "one event is one line: {data}");
        let seen: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!((&seen["direction"], &seen["name"]), (&"in".into(), &"message".into()));
        assert_eq!(seen["xml"].as_str().unwrap().contains("Hark"), shows, "{seen}");
        assert!(!seen["xml"].as_str().unwrap().contains("<b>"), "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_follow_and_those_who_leave_make_room() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let path = "/api/follow/juliet@capulet.example";
    let mut followers = Vec::new();
    for _ in 0..8 {
        followers.push(desk.open(desk.request(Method::GET, path, "")).await);
    }
    assert_eq!(desk.get(path, &[]).await.status, StatusCode::TOO_MANY_REQUESTS);
    followers.clear();
    stage.settle().await;
    let again = desk.open(desk.request(Method::GET, path, "")).await;
    assert_eq!(again.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_any_more_sees_no_more() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default());
    let (cookie, _) = desk.login("nurse@capulet.example", "nurse").await;
    let request = desk.request(Method::GET, "/api/follow/juliet@capulet.example", "");
    let mut body = desk.open(with(request, &[("cookie", &cookie)])).await.into_body();
    stage.server().accounts().set_disabled(&jid("nurse@capulet.example"), true).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(60), next(&mut body)).await.unwrap();
    assert_eq!(end.as_deref(), Some("event: over\ndata: {}\n\n"));
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_address_is_not_followed() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    for (path, status) in [
        ("/api/follow/%40", StatusCode::BAD_REQUEST),
        ("/api/follow/juliet@verona.example", StatusCode::NOT_FOUND),
        ("/api/follow/juliet@capulet.example?texts=perhaps", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(desk.get(path, &[]).await.status, status, "{path}");
    }
}
