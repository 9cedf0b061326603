//! The figures over HTTP.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};
use sestina_core::BoxFuture;
use tower::Service;

use crate::Metrics;

/// What Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// A service for three paths; made by [`Metrics::pages`].
///
/// | path | answer |
/// |---|---|
/// | `/metrics` | all figures, as OpenMetrics |
/// | `/health` | 200 for as long as anything answers |
/// | `/ready` | 200 if clients can be served, else 503 and why not, a line each |
#[derive(Clone, Debug)]
pub struct Pages(Metrics);

impl Pages {
    /// Where it answers.
    pub const PATHS: [&'static str; 3] = ["/metrics", "/health", "/ready"];

    pub(crate) fn new(metrics: Metrics) -> Self {
        Self(metrics)
    }

    async fn answer(self, method: Method, path: String) -> Response<String> {
        if !Self::PATHS.contains(&path.as_str()) {
            return page(StatusCode::NOT_FOUND, TEXT, "there is nothing here\n".to_owned());
        }
        if method != Method::GET && method != Method::HEAD {
            let only = "this is for reading\n".to_owned();
            let mut page = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, only);
            page.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return page;
        }
        match path.as_str() {
            "/health" => page(StatusCode::OK, TEXT, "alive\n".to_owned()),
            "/ready" => match self.0.ready().await {
                Ok(()) => page(StatusCode::OK, TEXT, "ready\n".to_owned()),
                Err(why) => {
                    let why: String = why.into_iter().map(|why| why + "\n").collect();
                    page(StatusCode::SERVICE_UNAVAILABLE, TEXT, why)
                }
            },
            _ => match self.0.encode() {
                Ok(text) => page(StatusCode::OK, OPEN_METRICS, text),
                Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
            },
        }
    }
}

fn page(status: StatusCode, kind: &'static str, text: String) -> Response<String> {
    let mut page = Response::new(text);
    *page.status_mut() = status;
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

impl<B> Service<Request<B>> for Pages {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (pages, method) = (self.clone(), request.method().clone());
        let path = request.uri().path().to_owned();
        Box::pin(async move { Ok(pages.answer(method, path).await) })
    }
}
