//! A connection that writes little at a time.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Long enough for a server that waits to read what has come, as a rule.
const PAUSE: Duration = Duration::from_micros(200);

/// Where what a client says at once is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nowhere.
    Nowhere,
    /// Behind so many bytes, and behind every so many from there on.
    Behind { first: usize, every: usize },
}

impl Cut {
    /// How many bytes are written at once, of those that follow behind so many.
    fn most(self, written: usize) -> usize {
        match self {
            Self::Nowhere => usize::MAX,
            Self::Behind { first, .. } if written < first => first - written,
            Self::Behind { first, every } => every - (written - first) % every,
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("as it stands"),
            Self::Behind { every: 1, .. } => f.write_str("cut between all bytes"),
            Self::Behind { first, every } => {
                write!(f, "cut behind bytes {first}, {}, {} …", first + every, first + 2 * every)
            }
        }
    }
}

/// Cuts what is written until it is flushed, and waits a moment at each cut.
pub(super) struct Chopped<T> {
    inner: T,
    cut: Cut,
    /// Since the last flush.
    written: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<T> Chopped<T> {
    pub(super) fn new(inner: T, cut: Cut) -> Self {
        Self { inner, cut, written: 0, pause: None }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Chopped<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Chopped<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, cut, written, pause } = &mut *self;
        if let Some(waiting) = pause {
            ready!(waiting.as_mut().poll(cx));
            *pause = None;
        }
        // What TLS has encrypted leaves before more is given to it.
        ready!(Pin::new(&mut *inner).poll_flush(cx))?;
        // A record of TLS leaves whole: what it holds was cut before. No XML begins like one.
        let is_record = matches!(buf.first(), Some(0x14..=0x17));
        let end = if is_record { buf.len() } else { buf.len().min(cut.most(*written)) };
        let taken = ready!(Pin::new(inner).poll_write(cx, &buf[..end]))?;
        *written += taken;
        if taken < buf.len() {
            *pause = Some(Box::pin(sleep(PAUSE)));
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.written = 0;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[test]
fn every_boundary_is_met_once() {
    let every = 4;
    let cuts = (1..=every).map(|first| Cut::Behind { first, every });
    let mut met: Vec<_> = cuts
        .flat_map(|cut| {
            let mut written = 0;
            std::iter::from_fn(move || {
                written += cut.most(written);
                (written < 10).then_some(written)
            })
        })
        .collect();
    met.sort_unstable();
    assert_eq!(met, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(Cut::Nowhere.most(5), usize::MAX);
}
