//! The server's end of the socket.

use std::{
    convert::Infallible,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sestina::core::BoxFuture;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    sync::{Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
};
use zeroize::Zeroizing;

use super::{Beside, Reply, Request, SOCKET};

/// The longest request.
const REQUEST_BYTES: u64 = 64 << 10;

/// How long a peer may take for its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a peer may leave a document where it is: somebody may be reading it.
const LONG_PATIENCE: Duration = Duration::from_secs(600);

/// The most bytes of a document that are read at once.
const PIECE: usize = 64 << 10;

/// Peers at the same time; others wait.
const CALLS: usize = 16;

/// Carries out commands.
pub(crate) type CarryOut = Arc<dyn Fn(Request, Beside) -> BoxFuture<'static, Reply> + Send + Sync>;

/// The socket in a data directory, opened. Whoever comes waits until it is [served](Self::serve).
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    listener: UnixListener,
}

/// The socket of a running server. Dropped, it goes, and the commands under way with it.
#[derive(Debug)]
pub(crate) struct Control {
    _file: File,
    task: JoinHandle<()>,
}

/// The socket's file, which goes with it.
#[derive(Debug)]
struct File(PathBuf);

impl Control {
    /// Opens the socket in a data directory.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if a server answers there already.
    pub(crate) fn open(data: &Path) -> io::Result<Opened> {
        let path = data.join(SOCKET);
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            // Left by a server that was killed.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(&path)?
            }
            Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        let file = File(path);
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o600))?;
        Ok(Opened { file, listener })
    }
}

impl Opened {
    /// Answers whoever comes, and whoever has come since it was opened.
    pub(crate) fn serve(self, carry_out: CarryOut) -> Control {
        Control { _file: self.file, task: tokio::spawn(accept(self.listener, carry_out)) }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // If it stays, the next server finds nobody behind it.
        let _gone = fs::remove_file(&self.0);
    }
}

async fn accept(listener: UnixListener, carry_out: CarryOut) {
    let mut calls = JoinSet::new();
    let places = Arc::new(Semaphore::new(CALLS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while calls.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((socket, _)) => {
                let carry_out = carry_out.clone();
                calls.spawn(async move {
                    if let Err(error) = serve(socket, &*carry_out).await {
                        tracing::debug!(%error, "a command at the control socket came to nothing");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket could not be answered");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(
    socket: UnixStream,
    carry_out: &(dyn Fn(Request, Beside) -> BoxFuture<'static, Reply> + Send + Sync),
) -> io::Result<()> {
    let (peer, own) = (socket.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    if peer != own && peer != 0 {
        tracing::warn!(peer, "another user was turned away from the control socket");
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (read, mut write) = socket.into_split();
    let mut line = Zeroizing::new(Vec::new());
    let mut input = BufReader::new(read.take(REQUEST_BYTES));
    tokio::time::timeout(PATIENCE, input.read_until(b'\n', &mut line)).await??;
    let reply = match serde_json::from_slice(&line) {
        Ok(request) => {
            let (beside, put, mut heard) = Beside::new();
            let work = carry_out(request, beside);
            let tell = async {
                let mut told = Ok(());
                while let (Ok(()), Some(said)) = (&told, heard.recv().await) {
                    told = say(&mut write, &said, LONG_PATIENCE).await;
                }
                // Whoever is at work hears that nobody listens.
                drop(heard);
                told
            };
            input.get_mut().set_limit(u64::MAX);
            tokio::select! {
                biased;
                (reply, told) = async { tokio::join!(work, tell) } => {
                    told?;
                    reply
                }
                // Reading ends with the work, and never by itself.
                never = feed(&mut input, put) => match never {},
            }
        }
        Err(error) => Reply::Failed(format!("no command: {error}")),
    };
    say(&mut write, &reply, PATIENCE).await
}

async fn say(write: &mut OwnedWriteHalf, reply: &Reply, patience: Duration) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    tokio::time::timeout(patience, write.write_all(&line)).await?
}

/// Hands on what follows a request.
async fn feed(input: &mut (impl AsyncRead + Unpin), put: mpsc::Sender<Vec<u8>>) -> Infallible {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = tokio::time::timeout(LONG_PATIENCE, input.read_buf(&mut piece)).await;
        if !matches!(read, Ok(Ok(1..))) || put.send(piece).await.is_err() {
            break;
        }
    }
    drop(put);
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixStream,
    };

    use super::{super::call, *};

    fn echo() -> CarryOut {
        Arc::new(|request, _| {
            Box::pin(async move {
                match request {
                    Request::RemoveUser { account } => Reply::Done(account),
                    _ => Reply::Failed("not that".to_owned()),
                }
            })
        })
    }

    async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    #[tokio::test]
    async fn a_command_is_carried_out_and_answered() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().to_owned();
        let control = Control::open(&path).unwrap().serve(echo());
        let mode = fs::metadata(path.join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let remove = Request::RemoveUser { account: "a@b".to_owned() };
        let there = path.clone();
        let ask = remove.clone();
        let reply = blocking(move || call(&there, &ask)).await.unwrap();
        assert_eq!(reply, Some(Reply::Done("a@b".to_owned())));
        assert_eq!(Control::open(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(control);
        assert_eq!(blocking(move || call(&path, &remove)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn whoever_comes_before_it_is_served_waits() {
        let data = tempfile::tempdir().unwrap();
        let opened = Control::open(data.path()).unwrap();
        let path = data.path().to_owned();
        let remove = Request::RemoveUser { account: "a@b".to_owned() };
        let early = tokio::task::spawn_blocking(move || call(&path, &remove));
        let _control = opened.serve(echo());
        assert_eq!(early.await.unwrap().unwrap(), Some(Reply::Done("a@b".to_owned())));
    }

    #[tokio::test]
    async fn what_a_killed_server_has_left_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        drop(std::os::unix::net::UnixListener::bind(data.path().join(SOCKET)).unwrap());
        assert!(call(data.path(), &Request::ListUsers).unwrap().is_none());
        Control::open(data.path()).unwrap();
    }

    #[tokio::test]
    async fn nonsense_and_endless_lines_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let _control = Control::open(data.path()).unwrap().serve(echo());
        for nonsense in [b"dance\n".to_vec(), vec![b'['; 70 << 10]] {
            let path = data.path().join(SOCKET);
            let answer = blocking(move || {
                let mut socket = UnixStream::connect(path).unwrap();
                // The server may stop reading before all is written.
                let _partly = socket.write_all(&nonsense);
                let mut answer = String::new();
                let _reset = socket.read_to_string(&mut answer);
                answer
            });
            assert!(answer.await.starts_with(r#"{"failed":"no command"#));
        }
    }
}
