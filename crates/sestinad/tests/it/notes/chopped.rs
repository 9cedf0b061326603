//! A connection that writes little at a time.

use std::{
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

/// Writes at most so many bytes at once, and waits a moment between two such writes.
pub(super) struct Chopped<T> {
    inner: T,
    most: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<T> Chopped<T> {
    pub(super) fn new(inner: T, most: usize) -> Self {
        Self { inner, most, pause: None }
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
        let Self { inner, most, pause } = &mut *self;
        if let Some(waiting) = pause {
            ready!(waiting.as_mut().poll(cx));
            *pause = None;
        }
        // What TLS has encrypted leaves before more is given to it.
        ready!(Pin::new(&mut *inner).poll_flush(cx))?;
        // A record of TLS leaves whole: what it holds was cut before. No XML begins like one.
        let is_record = matches!(buf.first(), Some(0x14..=0x17));
        let end = if is_record { buf.len() } else { buf.len().min(*most) };
        let written = ready!(Pin::new(inner).poll_write(cx, &buf[..end]))?;
        if written < buf.len() {
            *pause = Some(Box::pin(sleep(PAUSE)));
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
