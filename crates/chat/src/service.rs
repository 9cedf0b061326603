//! The page over HTTP: who asks for what, and what the browser is told to refuse.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header,
};
use http_body_util::Full;

use crate::assets::File;

/// What every answer says beside its own (Content Security Policy 3, Trusted Types, Fetch).
///
/// The page runs its own modules, talks to its own host, and is in nobody's frame. A string becomes
/// markup nowhere: the one policy there is feeds the parser of XML.
const GUARDS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types xml",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];

/// The page and its files as a service, to be mounted at its path and below.
///
/// Made by [`Chat::page`](crate::Chat::page). It sees whole paths, so a router in front of it must
/// strip none.
#[derive(Clone)]
pub struct Page {
    path: Arc<str>,
    files: Arc<Vec<File>>,
    shown: Arc<dyn Fn(&Extensions) -> bool + Send + Sync>,
}

impl Page {
    pub(crate) fn new(path: String, files: Vec<File>) -> Self {
        Self { path: path.into(), files: Arc::new(files), shown: Arc::new(|_| true) }
    }

    /// Shows it only for requests of which this is true; for others it is not there. What a request
    /// has come by is in its extensions, if the server in front puts it there.
    #[must_use]
    pub fn where_true(
        mut self,
        shown: impl Fn(&Extensions) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.shown = Arc::new(shown);
        self
    }

    /// Where the page is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let mut answer = match path.strip_prefix(&*self.path) {
            // What the page names, it names beside itself.
            Some("") => self.beside(),
            Some(below) => match below.strip_prefix('/').and_then(|name| self.find(name)) {
                Some(file) if *method == Method::GET => serve(file, headers, file.content.clone()),
                Some(file) if *method == Method::HEAD => serve(file, headers, Bytes::new()),
                Some(_) => refusal(StatusCode::METHOD_NOT_ALLOWED),
                None => refusal(StatusCode::NOT_FOUND),
            },
            None => refusal(StatusCode::NOT_FOUND),
        };
        answer.headers_mut().extend(GUARDS);
        answer
    }

    fn find(&self, name: &str) -> Option<&File> {
        let name = if name.is_empty() { "index.html" } else { name };
        self.files.iter().find(|file| file.name == name)
    }

    fn beside(&self) -> Response<Full<Bytes>> {
        let mut answer = refusal(StatusCode::PERMANENT_REDIRECT);
        if let Ok(to) = HeaderValue::try_from(format!("{}/", self.path)) {
            answer.headers_mut().insert(header::LOCATION, to);
        }
        answer
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<B> tower::Service<Request<B>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !(self.shown)(request.extensions()) {
            return ready(Ok(refusal(StatusCode::NOT_FOUND)));
        }
        ready(Ok(self.answer(request.method(), request.uri().path(), request.headers())))
    }
}

/// RFC 9110 §13.1.2: the file, or that it is still what the browser has.
fn serve(file: &File, asked: &HeaderMap, content: Bytes) -> Response<Full<Bytes>> {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| names(tags, &file.tag));
    let mut answer = Response::new(Full::default());
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, file.tag.clone());
    // Kept, and asked about each time: so a newer server is met with its own page, at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    headers.insert(header::CONTENT_TYPE, file.kind.clone());
    headers.insert(header::CONTENT_LENGTH, file.content.len().into());
    *answer.body_mut() = Full::new(content);
    answer
}

/// Whether a list of tags names this one, weakly or not.
fn names(tags: &HeaderValue, tag: &HeaderValue) -> bool {
    let Ok(tags) = tags.to_str() else { return false };
    tags.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == *tag)
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::Chat;

    async fn ask(method: Method, path: &str, tag: Option<&str>) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let page = Chat::new(["capulet.example"]).page();
        let answer = page.oneshot(request.body(()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_is_served_with_its_guards() {
        let (status, headers, body) = ask(Method::GET, "/chat/", None).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string());
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert!(body.starts_with("<!doctype html>"));
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[tokio::test]
    async fn every_answer_has_the_guards() {
        for (method, path) in
            [(Method::GET, "/chat"), (Method::GET, "/chat/nothing"), (Method::PUT, "/chat/")]
        {
            let (_, headers, _) = ask(method, path, None).await;
            for (name, value) in GUARDS {
                assert_eq!(headers[&name], value, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn files_have_their_types() {
        for (path, kind) in [
            ("/chat/index.html", "text/html; charset=utf-8"),
            ("/chat/main.js", "text/javascript; charset=utf-8"),
            ("/chat/style.css", "text/css; charset=utf-8"),
            ("/chat/icon.svg", "image/svg+xml"),
            ("/chat/settings.json", "application/json"),
        ] {
            let (status, headers, _) = ask(Method::GET, path, None).await;
            assert_eq!(
                (status, headers[header::CONTENT_TYPE].to_str().unwrap()),
                (StatusCode::OK, kind)
            );
        }
    }

    #[tokio::test]
    async fn the_path_alone_leads_to_the_page() {
        let (status, headers, _) = ask(Method::GET, "/chat?x", None).await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(headers[header::LOCATION], "/chat/");
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        for path in
            ["/", "/chatter", "/chat/x.js", "/chat//", "/chat/../src/lib.rs", "/chat/main.js/"]
        {
            assert_eq!(ask(Method::GET, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn it_is_only_read() {
        let (status, headers, _) = ask(Method::POST, "/chat/", None).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(headers[header::ALLOW], "GET, HEAD");
        let (status, headers, body) = ask(Method::HEAD, "/chat/", None).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
        assert_ne!(headers[header::CONTENT_LENGTH], "0");
    }

    #[tokio::test]
    async fn what_the_browser_has_is_not_sent_again() {
        let (_, headers, _) = ask(Method::GET, "/chat/main.js", None).await;
        let tag = headers[header::ETAG].to_str().unwrap();
        for tags in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let (status, headers, body) = ask(Method::GET, "/chat/main.js", Some(&tags)).await;
            assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{tags}");
            assert_eq!(headers[header::ETAG], tag);
        }
        for tags in ["\"x\"", "x", tag.trim_matches('"')] {
            assert_eq!(
                ask(Method::GET, "/chat/main.js", Some(tags)).await.0,
                StatusCode::OK,
                "{tags}"
            );
        }
        assert_ne!(ask(Method::GET, "/chat/view.js", None).await.1[header::ETAG], tag);
    }

    #[tokio::test]
    async fn it_is_there_for_those_it_is_shown_to() {
        let page = Chat::new(["capulet.example"]).page();
        let page = page.where_true(|extensions| extensions.get::<u8>().is_some());
        for (shown, status) in [(true, StatusCode::OK), (false, StatusCode::NOT_FOUND)] {
            let mut request = Request::get("/chat/").body(()).unwrap();
            if shown {
                request.extensions_mut().insert(7_u8);
            }
            assert_eq!(page.clone().oneshot(request).await.unwrap().status(), status);
        }
    }

    #[tokio::test]
    async fn the_page_is_told_where_it_is() {
        let page = Chat::new(["a.example", "b\"c"]).at("talk/").over("/ws").page();
        assert_eq!(page.path(), "/talk");
        let request = Request::get("/talk/settings.json").body(()).unwrap();
        let body = page.oneshot(request).await.unwrap().into_body();
        let body = body.collect().await.unwrap().to_bytes();
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            told,
            serde_json::json!({ "domains": ["a.example", "b\"c"], "websocket": "/ws" })
        );
    }
}
