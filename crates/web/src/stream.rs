//! A site's side of a connection.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use sestina_net::Io;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};
use tokio_rustls::server::TlsStream;

/// A socket, with TLS or without.
pub(crate) enum Socket {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// What it is, for whoever carries something else over it.
    pub(crate) fn into_io(self) -> Box<dyn Io> {
        match self {
            Self::Clear(io) => Box::new(io),
            Self::Tls(io) => io,
        }
    }

    fn pin(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Clear(io) => Pin::new(io),
            Self::Tls(io) => Pin::new(&mut **io),
        }
    }
}

/// A socket whose peer has only so long to take what is written to it.
pub(crate) struct Patient {
    socket: Socket,
    patience: Duration,
    /// Runs while the peer takes nothing.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(crate) fn new(socket: Socket, patience: Duration) -> Self {
        Self { socket, patience, timer: None }
    }

    pub(crate) fn into_socket(self) -> Socket {
        self.socket
    }

    /// Ends the waiting where it has taken too long.
    fn wait<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.timer = None;
            return done;
        }
        let patience = self.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.socket.pin().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = self.socket.pin().poll_write(cx, bytes);
        self.wait(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = self.socket.pin().poll_write_vectored(cx, slices);
        self.wait(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Clear(io) => io.is_write_vectored(),
            Socket::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = self.socket.pin().poll_flush(cx);
        self.wait(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = self.socket.pin().poll_shutdown(cx);
        self.wait(cx, done)
    }
}
