//! Answers that are a status and a line of text, and the headers that all answers have.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::body::{Content, full};

/// A status, and a line that says it in words.
pub(crate) fn plain(status: StatusCode, words: &str) -> Response<Content> {
    let mut answer = Response::new(full(format!("{words}\n")));
    *answer.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, text);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

pub(crate) fn not_found() -> Response<Content> {
    plain(StatusCode::NOT_FOUND, "There is nothing here.")
}

pub(crate) fn wrong_method(allowed: &'static str) -> Response<Content> {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "Not in this way.");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// Adds what keeps browsers from doing more with an answer than they are asked to. A service that
/// has its own mind about one of these has set it.
pub(crate) fn protect(headers: &mut HeaderMap) {
    let mut default = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(REFERRER_POLICY, "no-referrer");
    // A page says itself what it is made of; nothing else is made of anything.
    default(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
}
