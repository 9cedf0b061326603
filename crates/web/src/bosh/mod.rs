//! XMPP over BOSH (XEP-0124, XEP-0206): a session made of requests that wait for their answers.
//!
//! [`window`] knows whose turn it is, [`session`] carries messages to and fro; what a stream is, the
//! network knows, to which a session is a connection that carries messages.

mod pipe;
mod session;
mod window;
mod wire;

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, VARY,
    },
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use parking_lot::Mutex;
use sestina_net::Door;
use sestina_stream::Connection;
use sestina_xml::Limits;
use tokio::sync::{mpsc, oneshot};

use self::{
    session::{Session, Terms},
    wire::{Ask, Condition, terminate},
};
use crate::{
    answer::{plain, wrong_method},
    arrival::Arrival,
    body::{BoxError, Content, full},
    origin::{Origins, Verdict},
    websocket::crowd,
};

/// Bounds of sessions. The size of what they carry is the network's to bound, as is their number.
#[derive(Clone, Copy, Debug)]
pub struct BoshBounds {
    /// The longest that a request waits for its answer; the default is 60 s.
    pub wait: Duration,
    /// How many requests of a session may wait; the default is 1.
    pub hold: usize,
    /// How long a client may keep away; the default is 30 s.
    pub inactivity: Duration,
    /// How soon a client that polls may do so again; the default is 5 s.
    pub polling: Duration,
    /// How long a client may be away if it says so; the default is 120 s.
    pub pause: Duration,
    /// Sessions at a time; the default is 10,000.
    pub sessions: usize,
    /// Bytes of a request; the default is 512 KiB.
    pub body_bytes: usize,
}

impl Default for BoshBounds {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(60),
            hold: 1,
            inactivity: Duration::from_secs(30),
            polling: Duration::from_secs(5),
            pause: Duration::from_secs(120),
            sessions: 10_000,
            body_bytes: 512 << 10,
        }
    }
}

/// Takes up sessions and hands them to a network: a `tower` service of `POST` requests.
#[derive(Clone)]
pub struct Bosh {
    door: Door,
    origins: Arc<Origins>,
    bounds: BoshBounds,
    sessions: Arc<Sessions>,
}

/// Where the requests of a session go, by its name.
#[derive(Default)]
struct Sessions(Mutex<HashMap<String, mpsc::Sender<session::Request>>>);

/// The room of the pipe between a session and the server.
const PIPE: usize = 8 << 10;

/// What a body may weigh beside what is in it.
const WRAPPING: usize = 4_096;

impl Bosh {
    /// Hands sessions in at this door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        let (bounds, sessions) = (BoshBounds::default(), Arc::default());
        Self { door, origins: Arc::default(), bounds, sessions }
    }

    /// Lets these pages connect.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = Arc::new(origins);
        self
    }

    /// Bounds sessions like this.
    #[must_use]
    pub fn bounds(mut self, bounds: BoshBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// How many sessions there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.0.lock().len()
    }

    async fn answer<B>(self, request: Request<B>) -> Response<Content>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BoxError>,
    {
        let verdict = self.origins.judge(request.headers());
        let mut answer = match (&verdict, request.method()) {
            (Verdict::Foreign, _) => {
                plain(StatusCode::FORBIDDEN, "Pages of other sites may not connect.")
            }
            (_, &Method::OPTIONS) => preflight(),
            (_, &Method::POST) => self.ask(request).await,
            _ => wrong_method("POST, OPTIONS"),
        };
        answer.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
        if let Verdict::Welcome(origin) = verdict {
            answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        answer
    }

    async fn ask<B>(self, request: Request<B>) -> Response<Content>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BoxError>,
    {
        let connection = Arrival::of(request.extensions()).connection().clone();
        let limited = Limited::new(request.into_body(), self.bounds.body_bytes);
        let body = match limited.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return plain(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.");
            }
            Err(_) => return plain(StatusCode::BAD_REQUEST, "The request was not read."),
        };
        let Some(ask) = Ask::read(&body, &self.limits()) else {
            return xml(terminate(Some(Condition::BadRequest), &[]));
        };
        // Nobody is known yet who makes a session, and little is to be said.
        let most = self.door.bounds().unauthenticated.element_bytes + WRAPPING;
        if ask.attr("sid").is_none() && body.len() > most {
            return xml(terminate(Some(Condition::PolicyViolation), &[]));
        }
        drop(body);
        let (reply, answered) = oneshot::channel();
        match ask.attr("sid").map(str::to_owned) {
            None => match self.begin(session::Request { ask, reply }, connection) {
                Ok(()) => {}
                Err(Refused::Crowded(answer)) => return *answer,
                Err(Refused::Because(condition)) => return xml(terminate(Some(condition), &[])),
            },
            Some(sid) => {
                let session = self.sessions.0.lock().get(&sid).cloned();
                let Some(session) = session else {
                    return xml(terminate(Some(Condition::ItemNotFound), &[]));
                };
                if let Err(full) = session.try_send(session::Request { ask, reply }) {
                    let condition = match full {
                        mpsc::error::TrySendError::Full(_) => Condition::PolicyViolation,
                        mpsc::error::TrySendError::Closed(_) => Condition::ItemNotFound,
                    };
                    return xml(terminate(Some(condition), &[]));
                }
            }
        }
        let gone = |_| terminate(Some(Condition::ItemNotFound), &[]);
        xml(answered.await.unwrap_or_else(gone))
    }

    /// What a body may hold: what a message may, and what is around it. What a stranger may send
    /// is for the network to say, message by message.
    fn limits(&self) -> Limits {
        let within = self.door.bounds().authenticated;
        Limits { element_bytes: self.bounds.body_bytes, depth: within.depth + 1, ..within }
    }

    /// Makes a session.
    fn begin(&self, first: session::Request, connection: Connection) -> Result<(), Refused> {
        let ask = &first.ask;
        let to = ask.attr("to").filter(|to| !to.is_empty());
        let to = to.ok_or(Refused::Because(Condition::ImproperAddressing))?.to_owned();
        if !self.door.serves(&to) {
            return Err(Refused::Because(Condition::HostUnknown));
        }
        let place = self.door.take_place(&connection);
        let place = place.map_err(|crowded| Refused::Crowded(Box::new(crowd(crowded))))?;
        let wait = ask.number("wait").map_or(self.bounds.wait, Duration::from_secs);
        let wait = wait.min(self.bounds.wait);
        let hold = ask.number("hold").map_or(1, |hold| usize::try_from(hold).unwrap_or(1));
        let server = self.door.server();
        let sid = server.random_name() + &server.random_name();
        let terms = Terms {
            sid: sid.clone(),
            to,
            lang: ask.lang().map(str::to_owned),
            // XEP-0124 §12: no wait is no hold.
            hold: if wait.is_zero() { 0 } else { hold.min(self.bounds.hold) },
            wait,
            bounds: self.bounds,
            version: version(ask.attr("ver")),
        };
        let (send, requests) = mpsc::channel(2 * (terms.requests() + 1));
        {
            let mut sessions = self.sessions.0.lock();
            if sessions.len() >= self.bounds.sessions {
                let crowded = crowd(sestina_net::Crowded::Server);
                return Err(Refused::Crowded(Box::new(crowded)));
            }
            sessions.insert(sid.clone(), send);
        }
        let (io, server) = tokio::io::duplex(PIPE);
        self.door.serve(place, server, pipe::Pipe::default(), connection, &[]);
        let session = Session::new(terms, first, requests);
        let leaving = Leaving { sessions: self.sessions.clone(), sid };
        tokio::spawn(async move {
            session.run(io).await;
            drop(leaving);
        });
        Ok(())
    }
}

enum Refused {
    Crowded(Box<Response<Content>>),
    Because(Condition),
}

/// Takes a session out of the list when it ends, however it does.
struct Leaving {
    sessions: Arc<Sessions>,
    sid: String,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.sessions.0.lock().remove(&self.sid);
    }
}

impl<B> tower::Service<Request<B>> for Bosh
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Content>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let bosh = self.clone();
        Box::pin(async move { Ok(bosh.answer(request).await) })
    }
}

impl fmt::Debug for Bosh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bosh").field("sessions", &self.sessions()).finish_non_exhaustive()
    }
}

/// The highest version that both sides know (XEP-0124 §7.2).
fn version(theirs: Option<&str>) -> String {
    const OURS: (u32, u32) = (1, 11);
    let theirs = theirs.and_then(|it| it.split_once('.'));
    let theirs = theirs.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let (major, minor) = theirs.unwrap_or(OURS).min(OURS);
    format!("{major}.{minor}")
}

fn xml(body: Bytes) -> Response<Content> {
    let mut answer = Response::new(full(body));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What a browser wants to know before a page may ask.
fn preflight() -> Response<Content> {
    let mut answer = Response::new(full(""));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    answer
}
