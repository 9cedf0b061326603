//! The operator's end of the socket.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
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
