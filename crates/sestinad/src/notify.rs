//! Telling a service manager how far the server is, as `sd_notify(3)` says: a datagram to the socket
//! that it has named.

use std::{env, io};

/// What the server has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It listens, and clients can come.
    Ready,
    /// It reads its configuration again; `Ready` follows.
    Reloading,
    /// It is about to end.
    Stopping,
}

impl State {
    fn message(self) -> &'static str {
        match self {
            Self::Ready => "READY=1",
            Self::Reloading => "RELOADING=1",
            Self::Stopping => "STOPPING=1",
        }
    }
}

/// Tells the service manager, if there is one that wants to know.
pub(crate) fn tell(state: State) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else {
        return;
    };
    if let Err(error) = send(socket.as_encoded_bytes(), state.message()) {
        tracing::warn!(%error, ?state, "the service manager was not told");
    }
}

#[cfg(unix)]
fn send(socket: &[u8], message: &str) -> io::Result<()> {
    use std::os::unix::{
        ffi::OsStrExt,
        net::{SocketAddr, UnixDatagram},
    };
    // RELOADING wants to know since when, by the clock that never goes back.
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let since = since.tv_sec * 1_000_000 + since.tv_nsec / 1_000;
    let message = format!("{message}\nMONOTONIC_USEC={since}\n");
    let address = match socket.strip_prefix(b"@") {
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(socket))?,
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)?
        }
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(io::ErrorKind::Unsupported.into()),
    };
    let socket = UnixDatagram::unbound()?;
    // Nobody waits for a service manager.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

#[cfg(not(unix))]
fn send(_: &[u8], _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn the_manager_hears_by_whatever_socket_it_has_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str().as_encoded_bytes(), State::Reloading.message()).unwrap();
        let mut heard = [0; 256];
        let length = manager.recv(&mut heard).unwrap();
        let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
        assert!(heard.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{heard}");
        assert!(send(b"/nonexistent/notify", "READY=1").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_may_have_a_name_and_no_file() {
        use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
        let name = format!("sestina-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        send(format!("@{name}").as_bytes(), State::Stopping.message()).unwrap();
        let mut heard = [0; 10];
        manager.recv(&mut heard).unwrap();
        assert_eq!(&heard, b"STOPPING=1");
    }
}
