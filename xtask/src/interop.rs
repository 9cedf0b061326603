//! Clients that others wrote, against the real server over real sockets.
//!
//! Each client is a program in a folder of `interop/`, named after the library it is written on or after
//! where the client is from. It is told where the server is by the environment, does what its users do,
//! and ends with an exit status.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

mod packages;

use crate::flags::Flags;
use crate::program::{Failure, Outcome, Stopwatch, cargo, exists, quietly, root, target, within};
use crate::server::{self, DOMAIN, Home, Server};

/// How long one client may take for all it does.
const CLIENT_LIMIT: Duration = Duration::from_secs(120);

/// The users, and a password that a careless reader of lines or of XML gets wrong.
const USERS: [&str; 2] = ["romeo", "juliet"];
const ADMINISTRATOR: &str = "nurse";
const PASSWORD: &str = "wherefore <art> & 'thou' pässword";

/// A client: what it needs on the machine, the program, and how that is made ready to run.
struct Client {
    name: &'static str,
    needs: &'static [&'static str],
    /// The packages of Debian without which it is skipped.
    packages: &'static [&'static str],
    program: &'static str,
    prepare: fn(&Path) -> Outcome<Command>,
}

impl Client {
    /// A client that needs nothing but these programs.
    const fn new(
        name: &'static str,
        needs: &'static [&'static str],
        program: &'static str,
        prepare: fn(&Path) -> Outcome<Command>,
    ) -> Self {
        Self { name, needs, packages: &[], program, prepare }
    }

    /// A client of Debian's, which a program in Python lets talk to somebody on slixmpp.
    const fn debian(
        name: &'static str,
        packages: &'static [&'static str],
        program: &'static str,
    ) -> Self {
        Self { name, needs: &["python3"], packages, program, prepare: slixmpp }
    }
}

const CLIENTS: &[Client] = &[
    Client::new("tokio-xmpp", &["cargo"], "tokio-xmpp/src/main.rs", tokio_xmpp),
    Client::new("slixmpp", &["python3"], "slixmpp/client.py", slixmpp),
    Client::new("psi", &["python3"], "slixmpp/psi.py", slixmpp),
    Client::new("bytestream", &["python3"], "slixmpp/bytestream.py", slixmpp),
    Client::new("xmppjs", &["node", "npm"], "xmppjs/client.mjs", node),
    Client::new("pidgin", &["node", "npm"], "xmppjs/pidgin.mjs", node),
    Client::new("strophe", &["node", "npm"], "strophe/client.mjs", node),
    Client {
        packages: &["chromium"],
        ..Client::new("browser", &["node", "npm"], "browser/client.mjs", node)
    },
    Client {
        packages: &["chromium"],
        ..Client::new("console", &["node", "npm"], "browser/console.mjs", node)
    },
    Client::debian("libpurple", &["libpurple0"], "debian/libpurple.py"),
    Client::debian("mcabber", &["mcabber"], "debian/mcabber.py"),
    Client::debian("net-xmpp", &["libnet-xmpp-perl"], "debian/net-xmpp.py"),
    Client::debian("profanity", &["profanity"], "debian/profanity.py"),
    Client::debian("sendxmpp", &["sendxmpp"], "debian/sendxmpp.py"),
];

/// What clients need that is not there by itself.
const SETTINGS: &[(&str, &str)] = &[
    ("SESTINA_ADMINS", "nurse@localhost"),
    ("SESTINA_PLUGINS_PROXY65_ENABLED", "true"),
    ("SESTINA_PLUGINS_PROXY65_LISTEN", "127.0.0.1:0"),
    ("SESTINA_PLUGINS_PROXY65_HOST", "127.0.0.1"),
];

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let server = flags.option::<PathBuf>("--server")?;
    let only = flags.positional::<String>("client")?;
    flags.finish()?;
    check(only.as_deref(), server)
}

/// Runs each client, or `only` that one, against `program` or the `sestinad` of this workspace.
pub(crate) fn check(only: Option<&str>, program: Option<PathBuf>) -> Outcome {
    let chosen: Vec<_> =
        CLIENTS.iter().filter(|client| only.is_none_or(|only| only == client.name)).collect();
    if chosen.is_empty() {
        return Err(Failure::new("there is no such client"));
    }
    let program = match program {
        Some(program) => program,
        None => server::build("dev")?,
    };
    packages::install(chosen.iter().flat_map(|client| client.packages))?;
    let mut table = Table::default();
    for client in chosen {
        let watch = Stopwatch::start();
        let ending = client.run(&program);
        table.rows.push((client.name, ending, watch.elapsed()));
    }
    print!("{table}");
    match table.count(|ending| matches!(ending, Ending::Failed(_))) {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} failed"))),
    }
}

impl Client {
    fn run(&self, program: &Path) -> Ending {
        if let Some(missing) = self.needs.iter().find(|program| !exists(program)) {
            return Ending::Skipped(format!("{missing} is not on this machine"));
        }
        if let Some(missing) = self.packages.iter().find(|package| !packages::has(package)) {
            return Ending::Skipped(format!("Debian's package {missing} is not on this machine"));
        }
        match self.play(program) {
            Ok(()) => Ending::Passed,
            Err(failure) => Ending::Failed(failure.to_string()),
        }
    }

    /// Lets the client play against a server of its own, so that its wrong passwords slow down
    /// nobody else, and sees the server end well.
    fn play(&self, program: &Path) -> Outcome {
        let mut command = (self.prepare)(&root().join("interop").join(self.program))?;
        let server = Server::start_with(program, &Home::fresh(self.name)?, SETTINGS)?;
        for user in USERS.into_iter().chain([ADMINISTRATOR]) {
            server.add_user(user, PASSWORD)?;
        }
        // The certificate the server made itself is trusted and so checked, as one that an
        // authority signed would be; each library looks elsewhere for it.
        let certificate = server.certificate()?;
        let mut child = command
            .env("XMPP_CERTIFICATE", &certificate)
            .env("SSL_CERT_FILE", &certificate)
            .env("NODE_EXTRA_CA_CERTS", &certificate)
            .env("NODE_NO_WARNINGS", "1")
            .env("XMPP_DOMAIN", DOMAIN)
            .env("XMPP_HOST", server.starttls.ip().to_string())
            .env("XMPP_PORT", server.starttls.port().to_string())
            .env("XMPP_TLS_PORT", server.tls.port().to_string())
            .env("XMPP_WEB", server.web.to_string())
            .env("XMPP_CHAT", format!("http://localhost:{}/chat", server.web.port()))
            .env("XMPP_CONSOLE", format!("http://localhost:{}/", server.console.port()))
            .env("XMPP_ADMIN", ADMINISTRATOR)
            .env("XMPP_SCREENSHOTS", target().join("interop/screenshots"))
            .env("XMPP_USERS", USERS.join(" "))
            .env("XMPP_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .spawn()?;
        let how = match within(&mut child, CLIENT_LIMIT)? {
            Some(status) if status.success() => return server.stop(),
            Some(status) => status.to_string(),
            None => "did not end in time".to_owned(),
        };
        Err(Failure::new(format!("{how}\n{}", server.log())))
    }
}

/// A crate of its own outside the workspace, so that the workspace's tests stay light.
fn tokio_xmpp(program: &Path) -> Outcome<Command> {
    let built = target().join("interop");
    let mut build = cargo(["build", "--quiet", "--locked"]);
    quietly(build.current_dir(folder(program)).env("CARGO_TARGET_DIR", &built))?;
    Ok(Command::new(built.join("debug/interop-tokio-xmpp")))
}

fn slixmpp(program: &Path) -> Outcome<Command> {
    let venv = target().join("interop/venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&venv);
        quietly(&mut make)?;
    }
    let requirements = root().join("interop/slixmpp/requirements.txt");
    quietly(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(requirements),
    )?;
    let mut command = Command::new(python);
    // The tree stays as it is.
    command.arg("-B").arg(program);
    Ok(command)
}

/// The packages are installed beside a copy of the programs, so that the tree stays as it is.
fn node(program: &Path) -> Outcome<Command> {
    let folder = folder(program);
    let copy = target().join("interop").join(folder.file_name().expect("a folder has a name"));
    fs::create_dir_all(&copy)?;
    for file in fs::read_dir(folder)? {
        let file = file?;
        if file.file_type()?.is_file() {
            fs::copy(file.path(), copy.join(file.file_name()))?;
        }
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]);
    quietly(install.current_dir(&copy))?;
    let mut command = Command::new("node");
    command.arg(copy.join(program.file_name().expect("a program has a name")));
    Ok(command)
}

fn folder(program: &Path) -> &Path {
    program.parent().expect("a program lies in a folder")
}

/// How a client's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Failed(String),
    Passed,
    Skipped(String),
}

/// What the person at the terminal sees at the end.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<(&'static str, Ending, Duration)>,
}

impl Table {
    fn count(&self, is: impl Fn(&Ending) -> bool) -> usize {
        self.rows.iter().filter(|(_, ending, _)| is(ending)).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, ending, took) in &self.rows {
            let took = took.as_secs_f32();
            match ending {
                Ending::Failed(why) => writeln!(f, "{name:<12} FAILED   {took:5.1} s  {why}")?,
                Ending::Passed => writeln!(f, "{name:<12} passed   {took:5.1} s")?,
                Ending::Skipped(why) => writeln!(f, "{name:<12} SKIPPED           {why}")?,
            }
        }
        let passed = self.count(|ending| *ending == Ending::Passed);
        let failed = self.count(|ending| matches!(ending, Ending::Failed(_)));
        let skipped = self.count(|ending| matches!(ending, Ending::Skipped(_)));
        writeln!(f, "interop: {passed} passed, {failed} failed, {skipped} SKIPPED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_loud_about_what_did_not_run() {
        let second = Duration::from_secs(1);
        let rows = vec![
            ("one", Ending::Passed, second),
            ("two", Ending::Skipped("npm is not on this machine".to_owned()), second),
            ("three", Ending::Failed("exit status: 1".to_owned()), second),
        ];
        assert_eq!(
            Table { rows }.to_string(),
            "one          passed     1.0 s\n\
             two          SKIPPED           npm is not on this machine\n\
             three        FAILED     1.0 s  exit status: 1\n\
             interop: 1 passed, 1 failed, 1 SKIPPED\n"
        );
    }

    #[test]
    fn every_client_is_there() {
        for client in CLIENTS {
            assert!(root().join("interop").join(client.program).is_file(), "{}", client.name);
        }
    }
}
