//! Services on listeners, within bounds, until they are shut down.

use std::{
    convert::Infallible,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use sestina_net::{Listeners, Place, Quota, Tls};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tower::ServiceExt;

use crate::{
    answer::{not_found, plain, protect, wrong_method},
    arrival::Arrival,
    body::{Body, BodyError, Content},
    bounds::{Bounds, BoundsError},
    routes::Routes,
    stream::{Patient, Socket},
};

/// Serves [`Routes`] by HTTP/1.1.
///
/// Dropped, it cuts every connection; [`shut_down`](Self::shut_down) lets answers come to their
/// end first. What a service has taken over, as a WebSocket is, is no longer the site's.
pub struct Site {
    shared: Arc<Shared>,
    listeners: Listeners,
}

/// What every connection needs.
struct Shared {
    routes: Routes,
    bounds: Bounds,
    proxies: Vec<IpAddr>,
    quota: Arc<Quota>,
    stopping: watch::Sender<bool>,
    connections: Mutex<JoinSet<()>>,
}

impl Site {
    /// A site without listeners. What `proxies` say of where a request comes from, by
    /// `X-Forwarded-For` and `X-Forwarded-Proto`, is believed.
    ///
    /// # Errors
    ///
    /// When nothing can be served within the bounds.
    pub fn new(
        routes: Routes,
        bounds: Bounds,
        proxies: impl IntoIterator<Item = IpAddr>,
    ) -> Result<Self, BoundsError> {
        bounds.check()?;
        let shared = Shared {
            routes,
            bounds,
            proxies: proxies.into_iter().map(|ip| ip.to_canonical()).collect(),
            quota: Arc::new(Quota::new(bounds.connections, bounds.per_address)),
            stopping: watch::Sender::new(false),
            connections: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), listeners: Listeners::default() })
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.quota.count()
    }

    /// Serves whoever connects, over TLS if there is any; hands back the address that is listened
    /// on.
    ///
    /// # Errors
    ///
    /// When the socket has no address.
    pub fn listen(&self, listener: TcpListener, tls: Option<Tls>) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let tls = tls.map(|tls| tls.speaking("http/1.1"));
        self.listeners.add(address, accept(self.shared.clone(), listener, tls));
        Ok(address)
    }

    /// Listens no more at an address; who has connected there stays. Says whether it was listened on.
    pub async fn stop_listening(&self, address: SocketAddr) -> bool {
        self.listeners.stop(address).await
    }

    /// Listens no more, and waits until answers that are on their way have been given or the
    /// bound is reached.
    pub async fn shut_down(&self) {
        self.listeners.stop_all();
        self.shared.stopping.send_replace(true);
        let mut connections = std::mem::take(&mut *self.shared.connections.lock());
        let closed = async { while connections.join_next().await.is_some() {} };
        let _as_far_as_it_goes = timeout(self.shared.bounds.closing, closed).await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.listeners.stop_all();
        self.shared.stopping.send_replace(true);
        self.shared.connections.lock().abort_all();
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("routes", &self.shared.routes)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

/// How long a listener rests after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for as long as there is a site.
async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<Tls>) {
    loop {
        let (tcp, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let place = if shared.proxies.contains(&peer.ip().to_canonical()) {
            shared.quota.take_unnamed()
        } else {
            shared.quota.take(peer.ip())
        };
        match place {
            Ok(place) => shared.spawn(tcp, peer, tls.clone(), place),
            Err(crowded) => {
                tracing::debug!(%peer, ?crowded, "turned away: too many connections");
                if tls.is_none() {
                    // What does not fit into a new socket's buffer is not worth waiting for.
                    let _sent = tcp.try_write(CROWDED);
                }
            }
        }
    }
}

const CROWDED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

impl Shared {
    fn spawn(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr, tls: Option<Tls>, place: Place) {
        let shared = self.clone();
        let task = async move {
            shared.serve(tcp, peer, tls).await;
            drop(place);
        };
        let mut connections = self.connections.lock();
        while let Some(ended) = connections.try_join_next() {
            if ended.is_err_and(|error| error.is_panic()) {
                tracing::error!("a connection ended in a panic");
            }
        }
        connections.spawn(task);
    }

    async fn serve(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr, tls: Option<Tls>) {
        let _best_effort = tcp.set_nodelay(true);
        let (socket, arrival) = match tls {
            None => (Socket::Clear(tcp), Arrival::in_the_clear(peer)),
            Some(tls) => match timeout(self.bounds.head, tls.accept(tcp, Some(peer))).await {
                Ok(Ok((io, connection))) => (Socket::Tls(Box::new(io)), Arrival::on(connection)),
                Ok(Err(error)) => return tracing::debug!(%peer, %error, "no TLS came about"),
                Err(_) => return tracing::debug!(%peer, "no TLS came about in time"),
            },
        };
        let io = TokioIo::new(Patient::new(socket, self.bounds.stalled));
        let service = service_fn(|request| self.answer(request, arrival.clone()));
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.bounds.head)
                .max_buf_size(self.bounds.head_bytes)
                .max_headers(self.bounds.headers)
                .serve_connection(io, service)
                .with_upgrades()
        );
        let mut stopping = self.stopping.subscribe();
        let stopped = async { stopping.wait_for(|stopping| *stopping).await.is_ok() };
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            _ = stopped => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        arrival: Arrival,
    ) -> Result<Response<Content>, Infallible> {
        let mut answer = match self.refusal(&request) {
            Some(refusal) => refusal,
            None => self.route(request, arrival).await,
        };
        protect(answer.headers_mut());
        Ok(answer)
    }

    /// What no service needs to see.
    fn refusal(&self, request: &Request<Incoming>) -> Option<Response<Content>> {
        let headers = request.headers();
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            return Some(wrong_method("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        // RFC 9112 §3.2
        let hosts = headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
            return Some(plain(StatusCode::BAD_REQUEST, "A request names one host."));
        }
        (length(headers) > self.bounds.body_bytes as u64).then(too_large)
    }

    async fn route(&self, request: Request<Incoming>, arrival: Arrival) -> Response<Content> {
        let Some(service) = self.routes.find(request.uri().path()) else { return not_found() };
        let (mut head, incoming) = request.into_parts();
        let (body, excess) = Body::new(incoming, self.bounds.body_bytes, self.bounds.body);
        head.extensions.insert(arrival.forwarded(&head.headers, &self.proxies));
        let Ok(answer) = service.oneshot(Request::from_parts(head, body)).await;
        match excess.found() {
            // Whatever the service has made of half a body.
            Some(BodyError::TooLarge) if !answer.status().is_success() => too_large(),
            Some(BodyError::TooSlow) if !answer.status().is_success() => {
                last(plain(StatusCode::REQUEST_TIMEOUT, "The request took too long."))
            }
            _ => answer,
        }
    }
}

fn length(headers: &HeaderMap) -> u64 {
    let value = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn too_large() -> Response<Content> {
    last(plain(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large."))
}

/// Ends the connection behind an answer, since the rest of the request is not read.
fn last(mut answer: Response<Content>) -> Response<Content> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
