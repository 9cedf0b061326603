//! What a stream runs over.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use rustls::server::Acceptor;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::{
    scratch,
    tls::{Facts, Tls},
};

/// Any byte stream that can carry a connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A socket or what stands for one, with or without TLS.
pub(crate) enum Transport {
    Tcp(TcpStream),
    TlsTcp(Box<TlsStream<TcpStream>>),
    Other(Box<dyn Io>),
    TlsOther(Box<TlsStream<Box<dyn Io>>>),
}

macro_rules! delegate {
    ($self:ident, $io:ident => $call:expr) => {
        match $self {
            Self::Tcp($io) => $call,
            Self::TlsTcp($io) => $call,
            Self::Other($io) => $call,
            Self::TlsOther($io) => $call,
        }
    };
}

impl Transport {
    /// Reads into `buffer`; zero bytes are the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        let done = delegate!(self, io => Pin::new(io).poll_read(cx, &mut read));
        done.map_ok(|()| read.filled().len())
    }

    /// Writes some of `bytes`.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, io => Pin::new(io).poll_write(cx, bytes))
    }

    /// Sends what was written.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => Pin::new(io).poll_flush(cx))
    }

    /// Says that nothing more will be written.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => Pin::new(io).poll_shutdown(cx))
    }

    /// Puts TLS on top of what there is.
    pub(crate) async fn secure(self, tls: &Tls) -> io::Result<(Self, Facts)> {
        match self {
            Self::Tcp(io) => {
                let io = Box::new(tls.acceptor().accept(io).await?);
                let facts = tls.facts(io.get_ref().1);
                Ok((Self::TlsTcp(io), facts))
            }
            Self::Other(io) => {
                let io = Box::new(tls.acceptor().accept(io).await?);
                let facts = tls.facts(io.get_ref().1);
                Ok((Self::TlsOther(io), facts))
            }
            Self::TlsTcp(_) | Self::TlsOther(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// The same, with TLS as `choose` says for the name that the client asks it for.
    pub(crate) async fn secure_by(
        self,
        choose: impl FnOnce(Option<&str>) -> Option<Tls>,
    ) -> io::Result<(Self, Facts)> {
        match self {
            Self::Tcp(io) => {
                let (io, facts) = accept(io, choose).await?;
                Ok((Self::TlsTcp(Box::new(io)), facts))
            }
            Self::Other(io) => {
                let (io, facts) = accept(io, choose).await?;
                Ok((Self::TlsOther(Box::new(io)), facts))
            }
            Self::TlsTcp(_) | Self::TlsOther(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Closes this side, and reads until the peer has closed its own.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_shutdown(cx)).await?;
        poll_fn(|cx| {
            loop {
                match std::task::ready!(scratch::input(|buffer| self.poll_read(cx, buffer))) {
                    Ok(0) => return Poll::Ready(Ok(())),
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        })
        .await
    }

    /// Writes and sends all of `bytes`.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        while sent < bytes.len() {
            let more = poll_fn(|cx| self.poll_write(cx, bytes.get(sent..).unwrap_or(&[])));
            match more.await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => sent += n,
            }
        }
        poll_fn(|cx| self.poll_flush(cx)).await
    }
}

async fn accept<T: Io>(
    io: T,
    choose: impl FnOnce(Option<&str>) -> Option<Tls>,
) -> io::Result<(TlsStream<T>, Facts)> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
    let tls = choose(hello.client_hello().server_name())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no certificate for TLS"))?;
    let io = hello.into_stream(tls.acceptor().config().clone()).await?;
    let facts = tls.facts(io.get_ref().1);
    Ok((io, facts))
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::TlsTcp(_) => "TlsTcp",
            Self::Other(_) => "Other",
            Self::TlsOther(_) => "TlsOther",
        })
    }
}
