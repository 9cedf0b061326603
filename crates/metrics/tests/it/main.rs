//! Figures of whole servers, as others read them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod openmetrics;

use std::{collections::BTreeSet, time::Duration};

use http::{Method, Request, Response, StatusCode};
use sestina_core::{Joint, Seen, Verdict};
use sestina_metrics::{Metrics, Pages};
use sestina_stanza::{Kind, MessageType};
use sestina_store::{ErrorKind, Operation};
use sestina_testkit::{Calls, Scene, Stage, faulty_store};
use tower::ServiceExt;

use crate::openmetrics::Text;

async fn verona(metrics: &Metrics) -> Stage {
    stage(metrics, Scene::new("capulet.example")).await
}

async fn stage(metrics: &Metrics, scene: Scene) -> Stage {
    let observer = metrics.observer();
    let stage =
        scene.settings(|settings| settings.observer = Some(observer)).build().await.unwrap();
    let server = stage.server().clone();
    metrics.look_at(move || vec![server.clone()]);
    metrics.listening(true);
    stage
}

fn read(metrics: &Metrics) -> Text {
    Text::read(&metrics.encode().unwrap())
}

async fn ask(pages: Pages, method: Method, path: &str) -> Response<String> {
    let request = Request::builder().method(method).uri(path).body(()).unwrap();
    pages.oneshot(request).await.unwrap()
}

async fn get(metrics: &Metrics, path: &str) -> (StatusCode, String) {
    let (head, body) = ask(metrics.pages(), Method::GET, path).await.into_parts();
    (head.status, body)
}

/// One of everything.
fn everything(metrics: &Metrics) {
    let (took, observer) = (Duration::from_millis(3), metrics.observer());
    let kind = Kind::Message(MessageType::Chat);
    for seen in [
        Seen::Connected { over: "starttls" },
        Seen::Disconnected { over: "starttls", why: "lost" },
        Seen::Handshake { took, done: false },
        Seen::LoggedIn { mechanism: "PLAIN", failure: Some("not-authorized") },
        Seen::LoggedIn { mechanism: "PLAIN", failure: None },
        Seen::PutOff,
        Seen::SessionBegan,
        Seen::SessionEnded,
        Seen::Received(kind),
        Seen::Queued(kind),
        Seen::Decided { kind, verdict: Verdict::Refused("privacy") },
        Seen::Decided { kind, verdict: Verdict::Discarded("core") },
        Seen::Requested { plugin: "roster", took, refused: true },
        Seen::Bounded { bound: "session.queue" },
        Seen::Stored { operation: Operation::Commit, took, failed: true },
        Seen::Panicked { plugin: "roster", joint: Joint::Guard },
    ] {
        observer.see(seen);
    }
}

#[tokio::test(start_paused = true)]
async fn figures_say_what_has_happened() {
    let metrics = Metrics::new();
    let stage = verona(&metrics).await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    romeo.send("<message to='juliet@capulet.example/balcony'><body>Hark!</body></message>").await;
    assert_eq!(juliet.receive().await.name(), "message");
    romeo.send("<message to='tybalt@capulet.example' id='1'/>").await;
    assert_eq!(romeo.receive().await.name(), "message");
    let attached = stage.attach("nurse@capulet.example/hall").await;
    romeo.send("<message to='nurse@capulet.example/hall'/>").await;
    stage.settle().await;
    let text = read(&metrics);
    for (series, value) in [
        ("sestina_connections{over=\"starttls\"}", 2.0),
        ("sestina_connections_opened_total{over=\"starttls\"}", 2.0),
        ("sestina_logins_total{mechanism=\"PLAIN\",outcome=\"success\"}", 2.0),
        ("sestina_sessions", 3.0),
        ("sestina_accounts_online", 1.0),
        ("sestina_stanzas_received_total{kind=\"message\"}", 3.0),
        ("sestina_stanzas_received_total{kind=\"presence\"}", 1.0),
        ("sestina_stanzas_queued_total{kind=\"message\"}", 3.0),
        ("sestina_stanzas_waiting", 1.0),
        ("sestina_stanzas_waiting_longest", 1.0),
        (
            "sestina_stanzas_decided_total{kind=\"message\",verdict=\"delivered\",plugin=\"core\"}",
            2.0,
        ),
        (
            "sestina_stanzas_decided_total{kind=\"message\",verdict=\"refused\",plugin=\"core\"}",
            1.0,
        ),
    ] {
        assert_eq!(text.of(series), Some(value), "{series}: {:#?}", text.samples);
    }
    assert!(text.of("sestina_store_seconds_count{operation=\"commit\"}").unwrap() >= 2.0);
    drop(attached);
    romeo.close().await;
    stage.settle().await;
    let text = read(&metrics);
    assert_eq!(text.of("sestina_sessions"), Some(1.0));
    let closed = "sestina_connections_closed_total{over=\"starttls\",why=\"closed\"}";
    assert_eq!(text.of(closed), Some(1.0));
    // No figure names anybody.
    let written = metrics.encode().unwrap();
    assert!(!["romeo", "juliet", "capulet"].iter().any(|name| written.contains(name)), "{written}");
}

#[test]
fn a_snapshot_sums_up() {
    let metrics = Metrics::new();
    everything(&metrics);
    everything(&metrics);
    let snapshot = metrics.snapshot();
    assert_eq!((snapshot.connections, snapshot.sessions), (0, 0));
    let counted = [
        snapshot.received,
        snapshot.messages,
        snapshot.queued,
        snapshot.refused,
        snapshot.discarded,
        snapshot.logins,
        snapshot.logins_failed,
        snapshot.logins_put_off,
        snapshot.requests,
        snapshot.bounds,
        snapshot.commits,
        snapshot.panics,
    ];
    assert_eq!(counted, [2; 12]);
}

/// Names of figures in a text, without what samples have behind them.
fn named(text: &str) -> BTreeSet<String> {
    let part = |char: char| char.is_ascii_lowercase() || char == '_';
    let words = text.split(|char| !part(char)).filter(|word| word.starts_with("sestina_"));
    let name = |word: &str| {
        let ends = ["_total", "_bucket", "_sum", "_count", "_info"];
        let end = ends.iter().find_map(|end| word.strip_suffix(end));
        end.unwrap_or(word).to_owned()
    };
    words.map(name).collect()
}

#[test]
fn the_readme_has_every_figure_and_no_other() {
    let metrics = Metrics::new();
    everything(&metrics);
    let there: BTreeSet<_> = read(&metrics).families.into_keys().collect();
    let readme = include_str!("../../README.md");
    let rows: String = readme.lines().filter(|line| line.starts_with("| `sestina_")).collect();
    let rows = rows.replace("`sestina_", " sestina_");
    assert_eq!(named(&rows), there);
}

#[test]
fn the_dashboard_draws_figures_that_are_there() {
    let metrics = Metrics::new();
    everything(&metrics);
    let there: BTreeSet<_> = read(&metrics).families.into_keys().collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/grafana/sestina.json");
    let board: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(expressions.len() > 10);
    for expression in expressions {
        let names = named(expression);
        assert!(!names.is_empty(), "{expression}");
        assert!(names.is_subset(&there), "{expression}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_pages_are_for_reading() {
    let metrics = Metrics::new();
    everything(&metrics);
    let page = ask(metrics.pages(), Method::GET, "/metrics").await;
    assert_eq!(page.status(), StatusCode::OK);
    let kind = page.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    Text::read(page.body());
    assert_eq!(get(&metrics, "/health").await.0, StatusCode::OK);
    assert_eq!(get(&metrics, "/").await.0, StatusCode::NOT_FOUND);
    let posted = ask(metrics.pages(), Method::POST, "/metrics").await;
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(posted.headers()["allow"], "GET, HEAD");
    assert_eq!(ask(metrics.pages(), Method::HEAD, "/health").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_ready_says_why() {
    let metrics = Metrics::new();
    let not_ready = async |what: &str| {
        let (status, why) = get(&metrics, "/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{why}");
        assert!(why.contains(what), "{why}");
    };
    not_ready("there is no server").await;
    let (store, faults) = faulty_store();
    let stage = stage(&metrics, Scene::new("capulet.example").store(store)).await;
    assert_eq!(get(&metrics, "/ready").await.0, StatusCode::OK);
    metrics.listening(false);
    not_ready("nothing is listened on").await;
    metrics.listening(true);
    faults.on(Calls::All).fail(ErrorKind::Io);
    not_ready("the store of capulet.example fails").await;
    faults.mend();
    assert_eq!(get(&metrics, "/ready").await.0, StatusCode::OK);
    faults.on(Calls::All).block();
    not_ready("the store of capulet.example does not answer").await;
    faults.mend();
    stage.server().shut_down().await;
    not_ready("capulet.example shuts down").await;
    // It is alive all the same.
    assert_eq!(get(&metrics, "/health").await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn all_servers_are_looked_at() {
    let metrics = Metrics::new();
    let first = verona(&metrics).await;
    let second = stage(&metrics, Scene::new("montague.example")).await;
    let servers = [first.server().clone(), second.server().clone()];
    metrics.look_at(move || servers.to_vec());
    assert_eq!(get(&metrics, "/ready").await.0, StatusCode::OK);
    first.server().shut_down().await;
    let (status, why) = get(&metrics, "/ready").await;
    assert_eq!(
        (status, why.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "capulet.example shuts down\n")
    );
}
