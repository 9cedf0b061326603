//! A connection that drips, breaks or freezes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A byte stream around another, with the faults of real ones.
///
/// ```
/// use sestina_testkit::{FaultyIo, Scene};
///
/// # let mut runtime = tokio::runtime::Builder::new_current_thread();
/// # runtime.enable_time().start_paused(true).build()?.block_on(async {
/// let stage = Scene::new("capulet.example").account("romeo@capulet.example").build().await?;
/// let mut romeo = stage.connect_through(|io| FaultyIo::new(io).byte_by_byte());
/// romeo.login(&"romeo@capulet.example/orchard".parse()?).await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FaultyIo<T> {
    inner: T,
    at_once: usize,
    /// Bytes that are still read, or taken, before the connection is gone.
    readable: usize,
    writable: usize,
    frozen: bool,
}

impl<T> FaultyIo<T> {
    /// A stream without faults.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            at_once: usize::MAX,
            readable: usize::MAX,
            writable: usize::MAX,
            frozen: false,
        }
    }

    /// Reads and writes one byte at a time.
    #[must_use]
    pub fn byte_by_byte(mut self) -> Self {
        self.at_once = 1;
        self
    }

    /// Is reset by the peer after so many bytes were read.
    #[must_use]
    pub fn reset_after_reading(mut self, bytes: usize) -> Self {
        self.readable = bytes;
        self
    }

    /// Is reset by the peer after so many bytes were written.
    #[must_use]
    pub fn reset_after_writing(mut self, bytes: usize) -> Self {
        self.writable = bytes;
        self
    }

    /// Freezes where it would be reset: it neither takes nor gives anything, and does not end.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        self.frozen = true;
        self
    }

    fn gone<R>(&self) -> Poll<io::Result<R>> {
        if self.frozen {
            Poll::Pending
        } else {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for FaultyIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining().min(self.at_once).min(self.readable);
        if room == 0 {
            return self.gone();
        }
        let mut part = buffer.take(room);
        let done = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        let read = part.filled().to_vec();
        buffer.put_slice(&read);
        self.readable -= read.len();
        done
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for FaultyIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = bytes.len().min(self.at_once).min(self.writable);
        if room == 0 && !bytes.is_empty() {
            return self.gone();
        }
        let done = Pin::new(&mut self.inner).poll_write(cx, &bytes[..room]);
        if let Poll::Ready(Ok(written)) = done {
            self.writable -= written;
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn drips_and_then_is_gone() {
        let (mut near, far) = duplex(64);
        let mut far =
            FaultyIo::new(far).byte_by_byte().reset_after_reading(3).reset_after_writing(2);
        near.write_all(b"abcd").await.unwrap();
        let mut buffer = [0; 8];
        for expected in b"abc" {
            assert_eq!(far.read(&mut buffer).await.unwrap(), 1);
            assert_eq!(buffer[0], *expected);
        }
        assert_eq!(far.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(far.write(b"xyz").await.unwrap(), 1);
        assert_eq!(far.write(b"yz").await.unwrap(), 1);
        assert_eq!(far.write(b"z").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
