//! Which service answers at which path.

use std::{convert::Infallible, fmt};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::body::{Body, BoxError, Content};

type Route = BoxCloneSyncService<Request<Body>, Response<Content>, Infallible>;

/// Services by the path they answer at.
///
/// A service is any `tower` service of requests that never fails, such as an axum router or one of
/// this crate. It sees the request as it came, its whole path included.
#[derive(Default)]
#[must_use = "routes are for a site to serve"]
pub struct Routes {
    /// With whether whatever is below the path belongs to it, too.
    routes: Vec<(String, bool, Route)>,
}

impl Routes {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a service answer at one path, such as `/http-bind`.
    pub fn at<S, B>(self, path: impl Into<String>, service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.add(path.into(), false, service)
    }

    /// Has a service answer at a path and whatever is below it; `/` is for all that no other
    /// answers. The longest path wins.
    pub fn below<S, B>(self, path: impl Into<String>, service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let path: String = path.into();
        self.add(path.trim_end_matches('/').to_owned(), true, service)
    }

    /// Whether there is nothing to serve.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The paths that something answers at.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|(path, ..)| if path.is_empty() { "/" } else { path.as_str() })
    }

    fn add<S, B>(mut self, path: String, below: bool, service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let boxed = service
            .map_response(|answer| answer.map(|body| body.map_err(Into::into).boxed_unsync()));
        self.routes.push((path, below, BoxCloneSyncService::new(boxed)));
        // The first that fits is then the longest.
        self.routes.sort_by_key(|(path, below, _)| (std::cmp::Reverse(path.len()), *below));
        self
    }

    pub(crate) fn find(&self, path: &str) -> Option<Route> {
        if !is_straight(path) {
            return None;
        }
        let found =
            self.routes.iter().find(|(route, below, _)| match path.strip_prefix(&**route) {
                Some("") => true,
                Some(rest) => *below && rest.starts_with('/'),
                None => false,
            });
        found.map(|(.., service)| service.clone())
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.paths()).finish()
    }
}

/// Whether a path leads where it seems to, however it is read: no segment is empty, `.` or `..`, be
/// it percent-encoded, and no byte is one that texts end with.
fn is_straight(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    if path.contains("//") || path.starts_with('/') || path.contains('\\') {
        return false;
    }
    let Some(decoded) = decode(path) else { return false };
    !decoded.contains(&0)
        && decoded.split(|byte| matches!(byte, b'/' | b'\\')).all(|it| !matches!(it, b"." | b".."))
}

/// Undoes percent-encoding; None where it is none.
fn decode(path: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|&byte| char::from(byte).to_digit(16));
        decoded.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crooked_paths_are_nobodys() {
        for path in [
            "",
            "*",
            "x",
            "//",
            "//x",
            "/x//y",
            "/..",
            "/x/../y",
            "/x/.",
            "/./x",
            "/%2e%2E/x",
            "/x/%2e./y",
            "/x%2f..%2fy",
            "/x%5c..%5cy",
            "/x\\..",
            "/x%00",
            "/%",
            "/%2",
            "/%zz",
        ] {
            assert!(!is_straight(path), "{path}");
        }
        for path in
            ["/", "/x", "/x/", "/.well-known/host-meta", "/a..b", "/juliet%40x%2Fy", "/%C3%A9"]
        {
            assert!(is_straight(path), "{path}");
        }
    }

    #[test]
    fn the_longest_path_wins() {
        let named = |name: &'static str| {
            tower::service_fn(move |_: Request<Body>| async move {
                Ok::<_, Infallible>(Response::new(crate::body::full(name)))
            })
        };
        let routes = Routes::new()
            .below("/", named("rest"))
            .below("/api", named("api"))
            .at("/api", named("exactly"))
            .at("/api/x", named("x"));
        assert_eq!(routes.paths().collect::<Vec<_>>(), ["/api/x", "/api", "/api", "/"]);
        assert!(routes.find("/anything").is_some() && routes.find("/").is_some());
        let alone = Routes::new().below("/api", named("api")).at("/x", named("x"));
        assert!(alone.find("/api").is_some() && alone.find("/api/y").is_some());
        for path in ["/", "/apiary", "/x/", "/x/y", "/api//y"] {
            assert!(alone.find(path).is_none(), "{path}");
        }
    }
}
