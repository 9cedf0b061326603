//! XMPP over WebSocket (RFC 7395): the handshake, after which it is a connection like any other.

mod framing;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{
        CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sestina_net::{Crowded, Door, Place};
use sestina_stream::Connection;
use sha1::{Digest, Sha1};
use tokio::time::timeout;

use self::framing::WebSocketFraming;
use crate::{
    answer::{plain, wrong_method},
    arrival::Arrival,
    body::{Content, full},
    origin::{Origins, Verdict},
    stream::Patient,
};

/// Takes up WebSocket connections and hands them to a network: a `tower` service of `GET` requests
/// with `Upgrade: websocket` and the subprotocol `xmpp`.
///
/// What follows is what follows on any connection: the same login, bounds, queues and goodbyes.
#[derive(Clone, Debug)]
pub struct WebSocket {
    door: Door,
    origins: Arc<Origins>,
}

/// The subprotocol (RFC 7395 §3.1).
const PROTOCOL: &str = "xmpp";

/// How long a connection may take to become a WebSocket once that was agreed on.
const UPGRADE_PATIENCE: Duration = Duration::from_secs(10);

impl WebSocket {
    /// Hands connections in at this door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        Self { door, origins: Arc::default() }
    }

    /// Lets these pages connect.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = Arc::new(origins);
        self
    }

    fn answer<B>(&self, mut request: Request<B>) -> Response<Content> {
        let accept = match self.judge(&request) {
            Ok(accept) => accept,
            Err(refusal) => return *refusal,
        };
        let connection = Arrival::of(request.extensions()).connection().clone();
        let place = match self.door.take_place(&connection) {
            Ok(place) => place,
            Err(crowded) => return crowd(crowded),
        };
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(serve(self.door.clone(), upgrade, connection, place));
        let mut answer = Response::new(full(""));
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        answer
    }

    /// What the request's key is answered with, or why it is refused (RFC 6455 §4.2.1).
    fn judge<B>(&self, request: &Request<B>) -> Result<HeaderValue, Box<Response<Content>>> {
        let headers = request.headers();
        let refuse = |status, words| Err(Box::new(plain(status, words)));
        if request.method() != Method::GET {
            return Err(Box::new(wrong_method("GET")));
        }
        if self.origins.judge(headers) == Verdict::Foreign {
            return refuse(StatusCode::FORBIDDEN, "Pages of other sites may not connect.");
        }
        let upgrades = names(headers, &UPGRADE, "websocket")
            && names(headers, &CONNECTION, "upgrade")
            && request.version() == Version::HTTP_11;
        if !upgrades {
            let mut answer =
                plain(StatusCode::UPGRADE_REQUIRED, "XMPP is spoken by WebSocket here.");
            answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
            return Err(Box::new(answer));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            let mut answer = plain(StatusCode::UPGRADE_REQUIRED, "WebSocket has version 13 here.");
            let version = HeaderValue::from_static("13");
            answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
            return Err(Box::new(answer));
        }
        // RFC 7395 §3.1
        if !names(headers, &SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
            return refuse(StatusCode::BAD_REQUEST, "The subprotocol xmpp is spoken here.");
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return refuse(StatusCode::BAD_REQUEST, "A WebSocket has one key.");
        };
        if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
            return refuse(StatusCode::BAD_REQUEST, "A WebSocket's key has 16 bytes.");
        }
        if request.extensions().get::<OnUpgrade>().is_none() {
            let words = "This connection cannot become a WebSocket.";
            return refuse(StatusCode::NOT_IMPLEMENTED, words);
        }
        Ok(accept(key))
    }
}

impl<B> tower::Service<Request<B>> for WebSocket {
    type Response = Response<Content>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}

/// Waits until the connection is one, and hands it over.
async fn serve(door: Door, upgrade: OnUpgrade, connection: Connection, place: Place) {
    let upgraded = match timeout(UPGRADE_PATIENCE, upgrade).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => return tracing::debug!(%error, "no WebSocket came about"),
        Err(_) => return tracing::debug!("no WebSocket came about in time"),
    };
    let framing = WebSocketFraming::default();
    match upgraded.downcast::<TokioIo<Patient>>() {
        // Of a site of ours: the socket itself, without what HTTP needed around it.
        Ok(parts) => {
            let io = parts.io.into_inner().into_socket().into_io();
            door.serve(place, io, framing, connection, &parts.read_buf);
        }
        Err(upgraded) => {
            door.serve(place, TokioIo::<Upgraded>::new(upgraded), framing, connection, &[]);
        }
    }
}

/// Whether a header's list has an item, whatever its case.
fn names(headers: &HeaderMap, name: &HeaderName, item: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|it| it.trim().eq_ignore_ascii_case(item))
}

/// Proves that the key was read (RFC 6455 §4.2.2).
fn accept(key: &HeaderValue) -> HeaderValue {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    HeaderValue::try_from(STANDARD.encode(hash.finalize())).expect("Base64 is a header's value")
}

/// What somebody is told for whom there is no room.
pub(crate) fn crowd(crowded: Crowded) -> Response<Content> {
    let mut answer = match crowded {
        Crowded::Address => {
            plain(StatusCode::TOO_MANY_REQUESTS, "There are too many connections of yours.")
        }
        Crowded::Server => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "There are too many connections.")
        }
    };
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
    answer
}
