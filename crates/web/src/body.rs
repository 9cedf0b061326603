//! Bodies of requests, within their bounds, and of answers.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

/// An error of whatever a service answers with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer, whatever it is made of.
pub type Content = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is there already.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Content {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// The body of a request that came to a [`Site`](crate::Site): it ends with an error where it is
/// too large or takes too long, which the peer is told whatever the service makes of it.
pub struct Body {
    incoming: Incoming,
    left: usize,
    patience: Duration,
    begun: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    excess: Excess,
}

/// What was wrong with a body, for whoever answers in the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Excess(Arc<AtomicU8>);

impl Excess {
    const LARGE: u8 = 1;
    const SLOW: u8 = 2;

    pub(crate) fn found(&self) -> Option<BodyError> {
        match self.0.load(Ordering::Relaxed) {
            Self::LARGE => Some(BodyError::TooLarge),
            Self::SLOW => Some(BodyError::TooSlow),
            _ => None,
        }
    }
}

/// Why a request's body was not read to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// It is larger than a body may be.
    TooLarge,
    /// It has taken too long.
    TooSlow,
    /// The peer went away, or what it sent is no body.
    Lost(hyper::Error),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the request's body is too large"),
            Self::TooSlow => f.write_str("the request's body took too long"),
            Self::Lost(error) => write!(f, "the request's body was not read: {error}"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lost(error) => Some(error),
            Self::TooLarge | Self::TooSlow => None,
        }
    }
}

impl Body {
    pub(crate) fn new(incoming: Incoming, most: usize, patience: Duration) -> (Self, Excess) {
        let excess = Excess::default();
        // Of tokio's timers, so that it is virtual where they are.
        let begun = Instant::now();
        let it =
            Self { incoming, left: most, patience, begun, timer: None, excess: excess.clone() };
        (it, excess)
    }

    fn fail(&self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let kind = match error {
            BodyError::TooLarge => Excess::LARGE,
            BodyError::TooSlow => Excess::SLOW,
            BodyError::Lost(_) => 0,
        };
        self.excess.0.store(kind, Ordering::Relaxed);
        Poll::Ready(Some(Err(error)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let until = self.begun + self.patience;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
            ready!(timer.as_mut().poll(cx));
            return self.fail(BodyError::TooSlow);
        };
        match frame {
            None => Poll::Ready(None),
            Some(Err(error)) => self.fail(BodyError::Lost(error)),
            Some(Ok(frame)) => {
                let size = frame.data_ref().map_or(0, Bytes::len);
                match self.left.checked_sub(size) {
                    Some(left) => {
                        self.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => self.fail(BodyError::TooLarge),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("left", &self.left).finish_non_exhaustive()
    }
}
