//! A server started from its binary.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

/// How long anything may take before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    data: PathBuf,
    log: Receiver<String>,
}

/// The stores on disk that the binary was built with.
pub(crate) const ON_DISK: &[&str] = &[
    #[cfg(feature = "redb")]
    "redb",
    #[cfg(feature = "sled")]
    "sled",
];

/// The binary, without whatever the environment of the tests would set.
pub(crate) fn sestinad(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sestinad"));
    for (name, _) in std::env::vars() {
        if name.starts_with("SESTINA_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.arg("--data").arg(data);
    command
}

/// Runs a command to its end, with a line on its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read its input may be gone already.
    let _read = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Makes an account, and says what was said.
pub(crate) fn add(data: &Path, account: &str, password: &str) -> String {
    let input = format!("{password}\n");
    printed(&run(sestinad(data).args(["user", "add", account, "--password-stdin"]), &input))
}

/// What a command printed, if it went well.
#[track_caller]
pub(crate) fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", complaint(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command complained of.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Daemon {
    /// Starts a server on free ports and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let ports = ["--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0"];
        let web = if cfg!(feature = "web") { &["--web", "127.0.0.1:0"][..] } else { &[] };
        Self::start_as_told(data, &[&ports, web, arguments].concat())
    }

    /// The same on ports that the arguments name.
    pub(crate) fn start_as_told(data: &Path, arguments: &[&str]) -> Self {
        Self::spawn(data, sestinad(data).args(arguments))
    }

    /// The same, telling a service manager.
    pub(crate) fn start_notifying(data: &Path, socket: &Path) -> Self {
        let ports = ["--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0"];
        Self::spawn(data, sestinad(data).args(ports).env("NOTIFY_SOCKET", socket))
    }

    fn spawn(data: &Path, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (told, log) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("{line}");
                if told.try_send(line).is_err() {
                    return;
                }
            }
        });
        let mut daemon = Self { child, data: data.to_owned(), log };
        daemon.wait_for("serving");
        daemon
    }

    /// Waits for a log line with these words.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the log never said {words:?}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The first address of a kind.
    pub(crate) fn address(&self, kind: &str) -> SocketAddr {
        let listeners = printed(&run(sestinad(&self.data).arg("listeners"), ""));
        let line = listeners.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// What the log goes on to say until the end.
    pub(crate) fn rest_of_log(&mut self) -> Vec<String> {
        self.log.iter().collect()
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
