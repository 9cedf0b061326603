//! A `sestinad` of our own for the time of a command: free ports, a data folder that goes again.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::program::{Failure, Outcome, Stopwatch, cargo, quietly, target, within};

/// The domain it serves.
pub(crate) const DOMAIN: &str = "localhost";

/// How long it may take to listen.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to end once it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// How long one `sestinad user add` may take.
const ADD_LIMIT: Duration = Duration::from_secs(30);

/// Where servers keep what they keep; it outlives each of them.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// An empty one of that name, below the target folder.
    ///
    /// # Errors
    /// The folder cannot be made, or not emptied.
    pub(crate) fn fresh(name: &str) -> Outcome<Self> {
        let folder = target().join("servers").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    data: PathBuf,
    child: Child,
    /// Where it takes clients that begin in the clear.
    pub(crate) starttls: SocketAddr,
    /// Where it takes clients that begin with TLS.
    pub(crate) tls: SocketAddr,
    /// Where it takes HTTP.
    pub(crate) web: SocketAddr,
    /// Where its console is.
    pub(crate) console: SocketAddr,
}

/// Builds `sestinad` in the profile named and returns where it is.
///
/// # Errors
/// It does not compile.
pub(crate) fn build(profile: &str) -> Outcome<PathBuf> {
    let profile_flag = format!("--profile={profile}");
    quietly(&mut cargo(["build", "--quiet", "--package=sestinad", &profile_flag]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target().join(folder).join("sestinad"))
}

impl Server {
    /// Starts `program` and waits until it listens.
    ///
    /// # Errors
    /// It ends, or does not listen in time; the failure holds what it printed last.
    pub(crate) fn start(program: &Path, home: &Home) -> Outcome<Self> {
        Self::start_with(program, home, &[])
    }

    /// The same with settings, as variables of its environment.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn start_with(
        program: &Path,
        home: &Home,
        settings: &[(&str, &str)],
    ) -> Outcome<Self> {
        let data = home.0.clone();
        let (starttls, tls) = (free_port()?, free_port()?);
        let (web, console) = (free_port()?, free_port()?);
        let log = File::create(data.join("sestinad.log"))?;
        let child = Command::new(program)
            .args(["--data", &data.display().to_string(), "--domain", DOMAIN])
            .args(["--c2s", &starttls.to_string(), "--c2s-tls", &tls.to_string()])
            .args(["--web", &web.to_string(), "--console", &console.to_string()])
            .envs(settings.iter().copied())
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|e| {
                Failure::new(format!("{} could not be started: {e}", program.display()))
            })?;
        let program = program.to_owned();
        let mut server = Self { program, data, child, starttls, tls, web, console };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self) -> Outcome {
        let watch = Stopwatch::start();
        for address in [self.starttls, self.tls, self.web, self.console] {
            while TcpStream::connect(address).is_err() {
                if let Some(status) = self.child.try_wait()? {
                    return Err(self.failed(&format!("ended with {status} instead of listening")));
                }
                if watch.elapsed() > START_LIMIT {
                    return Err(self.failed(&format!("does not listen on {address}")));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes an account while the server runs.
    ///
    /// # Errors
    /// `sestinad user add` refuses it.
    pub(crate) fn add_user(&self, name: &str, password: &str) -> Outcome {
        let mut add = Command::new(&self.program);
        add.args(["--data", &self.data.display().to_string(), "user", "add"])
            .args([&format!("{name}@{DOMAIN}"), "--password-stdin"])
            .current_dir(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = add.spawn()?;
        let mut stdin = child.stdin.take().expect("the input was asked for as a pipe");
        stdin.write_all(format!("{password}\n").as_bytes())?;
        drop(stdin);
        let ended = within(&mut child, ADD_LIMIT)?;
        if ended.is_some_and(|status| status.success()) {
            return Ok(());
        }
        let said = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        Err(self.failed(&format!("refuses the account {name}: {}", said.trim())))
    }

    /// The certificate it made itself, among the files of its data folder.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn certificate(&self) -> Outcome<PathBuf> {
        find_certificate(&self.data)?.ok_or_else(|| self.failed("made no certificate"))
    }

    /// Asks the server to end and waits for it.
    ///
    /// # Errors
    /// It does not end in time, or ends with an error.
    pub(crate) fn stop(mut self) -> Outcome {
        quietly(Command::new("kill").args(["-TERM", &self.pid().to_string()]))?;
        match within(&mut self.child, STOP_LIMIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failed(&format!("ended with {status} when asked to stop"))),
            None => Err(self.failed("did not end when asked to stop")),
        }
    }

    /// The end of what it has logged.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.data.join("sestinad.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn failed(&self, how: &str) -> Failure {
        Failure::new(format!("sestinad {how}\n{}", self.log()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that was stopped is gone already, and then this has nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address nobody listens on; that it stays free until the server takes it is likely, not sure.
fn free_port() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn find_certificate(folder: &Path) -> Outcome<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find_certificate(&path)? {
                return Ok(Some(found));
            }
        } else if path.extension().is_some_and(|extension| extension == "crt") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_at_once_says_why() {
        let script = target().join("not-a-server.sh");
        fs::create_dir_all(target()).unwrap();
        fs::write(&script, "#!/bin/sh\necho the port is taken >&2\nexit 7\n").unwrap();
        quietly(Command::new("chmod").arg("+x").arg(&script)).unwrap();
        let failure =
            Server::start(&script, &Home::fresh("ends-at-once").unwrap()).unwrap_err().to_string();
        assert!(failure.contains("ended with exit status: 7"), "{failure}");
        assert!(failure.ends_with("the port is taken"), "{failure}");
    }
}
