//! Looking at a server.

use axum::http::StatusCode;
use sestina_console::{Access, Console, Figure, Peer};
use sestina_stanza::{PresenceType, Stanza};

use crate::cast::{Desk, stage};

#[tokio::test(start_paused = true)]
async fn a_server_tells_what_it_is_made_of() {
    let stage = stage().await;
    let told = Desk::trusting(stage.server()).get("/api/server", &[]).await.json();
    assert_eq!(told["domains"], serde_json::json!(["capulet.example"]));
    assert_eq!(told["plugins"][0]["name"], "feasts");
    assert_eq!(told["plugins"][0]["specs"][0]["name"], "XEP-0133");
    let bounds = told["bounds"].as_array().unwrap();
    assert!(bounds.iter().any(|it| it["name"] == "followers" && it["value"] == 8));
    let of = |kind: usize, when: &str| told["features"][kind][when].to_string();
    assert!(of(0, "before").contains("starttls") && !of(0, "before").contains("PLAIN"));
    assert!(of(2, "before").contains("PLAIN") && !of(2, "before").contains("starttls"));
    assert!(of(2, "after").contains("xmpp-bind") && !of(2, "after").contains("PLAIN"));
}

#[tokio::test(start_paused = true)]
async fn sessions_come_page_by_page() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    let mut sessions = Vec::new();
    for name in ["e", "b", "d", "a", "c"] {
        sessions.push(stage.attach(&format!("juliet@capulet.example/{name}")).await);
    }
    sessions[0].send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/sessions?limit=2&after={after}");
        let page = desk.get(&path, &[]).await.json();
        assert_eq!(page["total"], 5);
        for session in page["sessions"].as_array().unwrap() {
            seen.push(session["resource"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    let found = desk.get("/api/sessions?search=/E", &[]).await.json();
    assert_eq!((&found["total"], &found["sessions"][0]["available"]), (&1.into(), &true.into()));
    let one = desk.get("/api/sessions/juliet%40capulet.example%2Fe", &[]).await.json();
    assert_eq!((&one["priority"], &one["guest"]), (&0.into(), &false.into()));
    let all = desk.get("/api/sessions/juliet@capulet.example", &[]).await.json();
    assert_eq!(all["sessions"].as_array().unwrap().len(), 5);
    assert_eq!(all["disabled"], false);
    for (path, status) in [
        ("/api/sessions/juliet@capulet.example%2Fnowhere", StatusCode::NOT_FOUND),
        ("/api/sessions/nobody@capulet.example", StatusCode::NOT_FOUND),
        ("/api/sessions/nobody@verona.example", StatusCode::NOT_FOUND),
        ("/api/sessions/%40", StatusCode::BAD_REQUEST),
        ("/api/sessions?limit=many", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(desk.get(path, &[]).await.status, status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn figures_are_told() {
    let stage = stage().await;
    let _juliet = stage.attach("juliet@capulet.example/balcony").await;
    let told = Desk::trusting(stage.server()).get("/api/live", &[]).await.json();
    assert_eq!(
        (&told["figures"][0]["name"], &told["figures"][0]["value"]),
        (&"sessions".into(), &1.0.into())
    );
    let measured = || {
        let stanzas = Figure::total("stanzas", "Stanzas", "stanzas", 7.0);
        vec![stanzas, Figure::mean("time", "Time of a request", "s", 1.5, 3.0)]
    };
    let access = Access { loopback: sestina_console::Loopback::Trusted, ..Access::default() };
    let console = Console::new(stage.server().clone()).access(access);
    let here = Peer { address: Some("127.0.0.1:9".parse().unwrap()), secure: false };
    let router = console.figures(std::sync::Arc::new(measured)).peers(move |_| here).into_router();
    let request = axum::http::Request::get("/api/live").header("host", "localhost");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(told["figures"][3]["kind"], "total");
    assert!(told["figures"][3].get("of").is_none());
    let mean = &told["figures"][4];
    assert_eq!(
        (&mean["kind"], &mean["value"], &mean["of"]),
        (&"mean".into(), &1.5.into(), &3.0.into())
    );
}
