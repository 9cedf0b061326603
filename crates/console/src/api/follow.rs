//! Following a session, as an event stream.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body::Frame;
use serde::Deserialize;
use serde_json::json;
use sestina_core::{Direction, Glimpse, Tap};
use sestina_stanza::Jid;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::Asked;
use crate::{
    console::Shared,
    gate::{self, Visitor},
    problem::Problem,
};

/// How often it is looked whether whoever follows may still, and something is sent that tells
/// whether they are still there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Events on their way.
const EVENTS: usize = 16;

/// What is to be seen.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    domain: Option<String>,
    /// Whether what people write is to be seen as well.
    #[serde(default)]
    texts: bool,
}

/// `GET /api/follow/{jid}`: what the client of a session says and hears, or those of all sessions of
/// an account, as it happens.
pub(crate) async fn follow(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    Path(jid): Path<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let jid = Jid::new(&jid).map_err(|_| Problem::bad("This is no address"))?;
    let server = shared.meant(&visitor, wanted.domain.as_deref().or_else(|| Some(jid.domain())))?;
    let tap = server.follow(&jid, &visitor.caller)?;
    if wanted.texts {
        tracing::info!(whom = %jid, by = %visitor.caller, "what people write is shown as well");
    }
    // The tap keeps no server alive, and nor does whoever looks at it.
    drop(server);
    let (events, received) = mpsc::channel(EVENTS);
    tokio::spawn(send(tap, wanted.texts, shared, visitor, events));
    let mut response = Body::new(Events(received)).into_response();
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Sends what is seen until nobody listens any more, or may.
async fn send(
    mut tap: Tap,
    texts: bool,
    shared: Arc<Shared>,
    visitor: Visitor,
    events: mpsc::Sender<Bytes>,
) {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            glimpse = tap.next() => match glimpse {
                Some(glimpse) => seen(&glimpse, texts, tap.missed()),
                None => return,
            },
            _ = heartbeat.tick() => {
                if !gate::is_still_welcome(&shared, &visitor).await {
                    let _gone = events.try_send(Bytes::from_static(b"event: over\ndata: {}\n\n"));
                    return;
                }
                Bytes::from_static(b": still here\n\n")
            }
            () = events.closed() => return,
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

fn seen(glimpse: &Glimpse, texts: bool, missed: u64) -> Bytes {
    let direction = match glimpse.direction() {
        Direction::In => "in",
        Direction::Out => "out",
    };
    let data = json!({
        "at": glimpse.at().to_string(),
        "session": glimpse.session().as_str(),
        "direction": direction,
        "name": glimpse.name(),
        "xml": glimpse.show(texts),
        "missed": missed,
    });
    // JSON has no line breaks of its own.
    format!("event: stanza\ndata: {data}\n\n").into()
}

/// The body of an event stream.
struct Events(mpsc::Receiver<Bytes>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
