//! The console's own pages: static, and the same for everybody. What they show, they ask the API.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// A file that is served.
struct File {
    path: &'static str,
    kind: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($path:literal $kind:ident $file:literal;)*) => {
        &[$(File {
            path: $path,
            kind: $kind,
            content: include_str!(concat!("../pages/", $file)),
        },)*]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const FILES: &[File] = files! {
    "/" HTML "index.html";
    "/console/console.css" CSS "console.css";
    "/console/console.js" JS "console.js";
    "/console/api.js" JS "api.js";
    "/console/dom.js" JS "dom.js";
    "/console/commands.js" JS "commands.js";
    "/console/inspector.js" JS "inspector.js";
    "/console/live.js" JS "live.js";
    "/console/overview.js" JS "overview.js";
    "/console/people.js" JS "people.js";
    "/console/plot.js" JS "plot.js";
    "/console/mark.svg" SVG "mark.svg";
};

pub(crate) fn router() -> Router {
    FILES.iter().fold(Router::new(), |router, file| router.route(file.path, get(|| serve(file))))
}

async fn serve(file: &'static File) -> Response {
    let mut response = file.content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    // Another version of the server has other pages.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
