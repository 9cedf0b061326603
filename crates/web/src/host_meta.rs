//! Where else a domain is reached (XEP-0156), for clients that cannot ask the DNS.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HOST},
};
use sestina_net::Door;
use sestina_sasl::Protection;
use sestina_xml::{TagWriter, write_end_tag};

use crate::{
    answer::{not_found, plain, wrong_method},
    arrival::Arrival,
    body::{Content, full},
    origin::Origin,
};

/// Answers at `/.well-known/host-meta` and `/.well-known/host-meta.json` with the URLs by which the
/// domains behind a door are reached: a `tower` service of `GET` requests.
///
/// Its answers are everybody's, pages of other sites included. They name the host that was asked,
/// if it is one of the domains, or the URL that is [public](Self::public); and nothing that is not
/// protected by TLS, but to whoever asks on the same machine.
#[derive(Clone, Debug)]
pub struct HostMeta {
    door: Door,
    public: Option<Origin>,
    links: Arc<Vec<Link>>,
}

/// A way to connect.
#[derive(Clone, Copy, Debug)]
struct Link {
    rel: &'static str,
    path: &'static str,
    /// The scheme with TLS and without.
    schemes: [&'static str; 2],
}

impl HostMeta {
    /// Tells nothing yet of how the domains behind this door are reached.
    #[must_use]
    pub fn new(door: Door) -> Self {
        Self { door, public: None, links: Arc::default() }
    }

    /// Has clients come to this site, whatever they have asked for.
    #[must_use]
    pub fn public(mut self, site: Origin) -> Self {
        self.public = Some(site);
        self
    }

    /// Tells where WebSockets are taken.
    #[must_use]
    pub fn websocket(self, path: &'static str) -> Self {
        self.link("urn:xmpp:alt-connections:websocket", path, ["wss", "ws"])
    }

    /// Tells where BOSH is.
    #[must_use]
    pub fn bosh(self, path: &'static str) -> Self {
        self.link("urn:xmpp:alt-connections:xbosh", path, ["https", "http"])
    }

    fn link(mut self, rel: &'static str, path: &'static str, schemes: [&'static str; 2]) -> Self {
        Arc::make_mut(&mut self.links).push(Link { rel, path, schemes });
        self
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Content> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return wrong_method("GET, HEAD");
        }
        let arrival = Arrival::of(request.extensions());
        let mut answer = match self.site(request.headers(), &arrival) {
            None => not_found(),
            Some(site) => {
                let links: Vec<_> =
                    self.links.iter().map(|link| (link.rel, link.url(&site))).collect();
                let (content, kind) = match request.uri().path() {
                    "/.well-known/host-meta" => (xrd(&links), "application/xrd+xml"),
                    "/.well-known/host-meta.json" => (jrd(&links), "application/json"),
                    _ => return not_found(),
                };
                let mut answer = plain(http::StatusCode::OK, "");
                *answer.body_mut() = full(content);
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                let day = HeaderValue::from_static("max-age=3600");
                answer.headers_mut().insert(CACHE_CONTROL, day);
                answer
            }
        };
        let everybody = HeaderValue::from_static("*");
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, everybody);
        answer
    }

    /// The site that clients come to, and whether by TLS.
    fn site(&self, headers: &HeaderMap, arrival: &Arrival) -> Option<Site> {
        let host = headers.get(HOST)?.to_str().ok()?;
        let (name, _) =
            host.rsplit_once(':').filter(|(_, port)| is_port(port)).unwrap_or((host, ""));
        if !self.door.serves(&name.to_ascii_lowercase()) {
            return None;
        }
        if let Some(public) = &self.public {
            let (scheme, authority) = public.as_str().split_once("://")?;
            return Some(Site { authority: authority.to_owned(), secure: scheme == "https" });
        }
        let secure = arrival.is_secure();
        let near = arrival.connection().protection() == Protection::Loopback;
        (secure || near).then(|| Site { authority: host.to_owned(), secure })
    }
}

struct Site {
    authority: String,
    secure: bool,
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Link {
    fn url(&self, site: &Site) -> String {
        let [secure, clear] = self.schemes;
        let scheme = if site.secure { secure } else { clear };
        format!("{scheme}://{}{}", site.authority, self.path)
    }
}

/// As RFC 6415 has it in XML.
fn xrd(links: &[(&str, String)]) -> Vec<u8> {
    let mut out = b"<?xml version='1.0' encoding='utf-8'?>\n".to_vec();
    let mut root = TagWriter::open(&mut out, "XRD");
    root.declare("", "http://docs.oasis-open.org/ns/xri/xrd-1.0");
    root.finish();
    for (rel, href) in links {
        out.extend_from_slice(b"\n  ");
        let mut link = TagWriter::open(&mut out, "Link");
        link.attr("rel", rel).attr("href", href);
        link.finish_empty();
    }
    out.push(b'\n');
    write_end_tag(&mut out, "XRD");
    out.push(b'\n');
    out
}

/// As RFC 6415 has it in JSON. Neither relations nor URLs hold what would have to be escaped: the
/// one are ours, and the other are made of a host that is served.
fn jrd(links: &[(&str, String)]) -> Vec<u8> {
    let links = links.iter().map(|(rel, href)| format!(r#"{{"rel":"{rel}","href":"{href}"}}"#));
    format!("{{\"links\":[{}]}}\n", links.collect::<Vec<_>>().join(",")).into_bytes()
}

impl<B> tower::Service<Request<B>> for HostMeta {
    type Response = Response<Content>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}
