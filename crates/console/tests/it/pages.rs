//! The console's own pages.

use axum::http::{Method, StatusCode};
use sestina_console::Access;

use crate::cast::{Desk, THERE, stage};

const PAGES: &[&str] = &[
    "/",
    "/console/console.css",
    "/console/console.js",
    "/console/api.js",
    "/console/dom.js",
    "/console/commands.js",
    "/console/inspector.js",
    "/console/live.js",
    "/console/overview.js",
    "/console/people.js",
    "/console/plot.js",
    "/console/mark.svg",
];

#[tokio::test(start_paused = true)]
async fn everything_that_comes_says_what_browsers_may_do_with_it() {
    let stage = stage().await;
    let desk = Desk::new(stage.server(), Access::default()).from(THERE, false);
    let others = ["/api/server", "/api/session", "/nowhere", "/console/../api/server"];
    for path in PAGES.iter().chain(&others) {
        let answer = desk.get(path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(["no-store", "no-cache"].contains(&answer.header("cache-control")), "{path}");
        assert!(!answer.header("content-type").is_empty(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test(start_paused = true)]
async fn the_pages_are_there_and_nothing_beside_them() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    for path in PAGES {
        let answer = desk.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let post = desk.send(desk.request(Method::POST, path, "")).await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    for path in [
        "/console/",
        "/console/nothing.js",
        "/console/..%2fCargo.toml",
        "/console/%2e%2e/Cargo.toml",
        "/../../etc/passwd",
        "//",
        "/api",
        "/api/",
        "/api/nothing",
        "/index.html",
    ] {
        assert_eq!(desk.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// What people and stanzas say is text wherever it is shown: no page has a way to make it anything
/// else, nor a script or style that its policy would have to allow by name.
#[tokio::test(start_paused = true)]
async fn no_page_makes_markup_of_text() {
    let stage = stage().await;
    let desk = Desk::trusting(stage.server());
    for path in PAGES {
        let text = desk.get(path, &[]).await.text;
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "eval(",
            "new Function",
            "javascript:",
            "srcdoc",
        ] {
            assert!(!text.contains(way), "{path} has {way}");
        }
        if *path == "/" {
            assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains(" on"));
            assert_eq!(text.matches("<script").count(), 1);
            assert!(text.contains("<script type=\"module\" src="));
        }
        // Whatever is loaded is one of these.
        for named in text.split("\"/console/").skip(1) {
            let name = named.split('"').next().unwrap();
            assert!(PAGES.contains(&&*format!("/console/{name}")), "{path} names {name}");
        }
        for named in text.split("from \"./").skip(1) {
            let name = named.split('"').next().unwrap();
            assert!(PAGES.contains(&&*format!("/console/{name}")), "{path} names {name}");
        }
    }
}
