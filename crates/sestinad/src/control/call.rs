//! The operator's end of the socket.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use zeroize::Zeroizing;

use super::{Reply, Request, SOCKET};
use crate::failure::Failure;

/// How long a command may take: removing an account waits for every plugin.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest reply: some hundred thousand accounts.
const REPLY_BYTES: u64 = 64 << 20;

/// Has a running server carry out a command; `None` if none runs over this data directory.
pub(crate) fn call(data: &Path, request: &Request) -> Result<Option<Reply>, Failure> {
    let path = data.join(SOCKET);
    let socket = match UnixStream::connect(&path) {
        Ok(socket) => socket,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(Failure::because(path.display(), error)),
    };
    let answered = exchange(socket, request);
    answered.map(Some).map_err(|error| Failure::because("the server gave no answer", error))
}

/// The same for a command with something that follows it, which `feed` writes, and with something that
/// is said before its reply, which `hear` is given.
///
/// It may take as long as it takes.
pub(crate) fn converse(
    data: &Path,
    request: &Request,
    feed: impl FnOnce(&mut dyn Write) -> Result<(), Failure> + Send,
    mut hear: impl FnMut(Reply) -> Result<(), Failure>,
) -> Result<Option<Reply>, Failure> {
    let path = data.join(SOCKET);
    let socket = match UnixStream::connect(&path) {
        Ok(socket) => socket,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(Failure::because(path.display(), error)),
    };
    let broken = |error| Failure::because("the server gave no answer", error);
    let mut line = serde_json::to_vec(request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    (&socket).write_all(&line).map_err(broken)?;
    std::thread::scope(|scope| {
        let fed = scope.spawn(|| {
            let fed = feed(&mut &socket);
            // The server may be gone, which the reply that does not come says.
            let _gone = socket.shutdown(Shutdown::Write);
            fed
        });
        let mut input = BufReader::new(&socket);
        let heard = loop {
            let mut line = String::new();
            let read = input.by_ref().take(REPLY_BYTES).read_line(&mut line);
            let reply = match read {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => serde_json::from_str(&line).map_err(io::Error::from),
                Err(error) => Err(error),
            };
            match reply {
                Ok(reply @ (Reply::Piece(_) | Reply::Note(_))) => {
                    if let Err(failure) = hear(reply) {
                        break Err(failure);
                    }
                }
                Ok(reply) => break Ok(reply),
                Err(error) => break Err(broken(error)),
            }
        };
        // Whoever is still writing is told that nobody reads.
        let _gone = socket.shutdown(Shutdown::Both);
        let fed = fed.join().unwrap_or_else(|_| Err("the input was lost".to_owned().into()));
        match (heard, fed) {
            // What is wrong with the input says more than what came of it.
            (_, Err(failure)) if !matches!(failure, Failure::Unread) => Err(failure),
            (heard, _) => heard.map(Some),
        }
    })
}

/// Whether there is no socket, or one that a killed server has left.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn exchange(mut socket: UnixStream, request: &Request) -> io::Result<Reply> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    // It may hold a password.
    let mut line = Zeroizing::new(serde_json::to_vec(request)?);
    line.push(b'\n');
    socket.write_all(&line)?;
    let mut reply = String::new();
    BufReader::new(socket).take(REPLY_BYTES).read_line(&mut reply)?;
    if reply.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&reply)?)
}
