//! The way for the operator's commands into a running server: `control.sock` in its data directory.
//!
//! A request is one line of JSON, and so is its reply. Whoever may open the socket may give
//! commands, so only its owner may: the mode of the file says so, and the peer's user is looked at
//! as well.

#[cfg(unix)]
mod call;
#[cfg(unix)]
mod serve;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[cfg(unix)]
pub(crate) use self::{
    call::{call, converse},
    serve::{CarryOut, Control},
};
use crate::{commands::Listed, password::Password};

/// The socket's name in the data directory.
pub(crate) const SOCKET: &str = "control.sock";

/// A command for the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Makes an account.
    AddUser { account: String, password: Password },
    /// Gives an account another password.
    SetPassword { account: String, password: Password },
    /// Keeps an account from logging in.
    DisableUser { account: String },
    /// Lets an account log in again.
    EnableUser { account: String },
    /// Removes an account.
    RemoveUser { account: String },
    /// Lists the accounts.
    ListUsers,
    /// Lists the commands of plugins, at a host or at the first domain.
    ListCommands { host: Option<String> },
    /// Runs one of them; what it is told may be a password.
    RunCommand { host: Option<String>, node: String, fields: Vec<(String, Password)> },
    /// Lists the addresses that are listened on.
    Listeners,
    /// Reads the configuration again.
    Reload,
    /// Writes accounts down, in [pieces](Reply::Piece) that come before the reply; all of them if
    /// none are named.
    Export { accounts: Vec<String> },
    /// Takes the accounts of the document that follows, [telling](Reply::Note) what becomes of each.
    Import { replace: bool, dry_run: bool },
}

/// What comes and goes beside a request and its reply.
#[derive(Debug)]
pub(crate) struct Beside {
    /// What follows the request, until it ends.
    pub(crate) input: mpsc::Receiver<Vec<u8>>,
    /// What is said before the reply. Nobody may be listening any more.
    pub(crate) said: mpsc::Sender<Reply>,
}

impl Beside {
    /// The two ends of what comes and goes.
    pub(crate) fn new() -> (Self, mpsc::Sender<Vec<u8>>, mpsc::Receiver<Reply>) {
        let ((put, input), (said, heard)) = (mpsc::channel(4), mpsc::channel(4));
        (Self { input, said }, put, heard)
    }
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// The account it was done for.
    Done(String),
    /// The accounts there are.
    Users(Vec<String>),
    /// The commands there are.
    Commands(Vec<Listed>),
    /// What a command has told, and whether something of it was not done.
    Told { text: String, failed: bool },
    /// The addresses that are listened on.
    Listeners(Vec<Listening>),
    /// What has changed, a line each.
    Reloaded(Vec<String>),
    /// A piece of a document.
    Piece(String),
    /// What became of an account on its way in.
    Note(String),
    /// So many accounts were written down.
    Exported(u64),
    /// The document was read to its end; how many accounts came of it, and whether none failed.
    Imported { sums: String, good: bool },
    /// It was not done, and why.
    Failed(String),
}

/// An address that is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) kind: ListenerKind,
}

/// For what kind of connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ListenerKind {
    /// That begins in the clear.
    C2s,
    /// With TLS from the start.
    C2sTls,
    /// HTTP.
    Web,
    /// HTTP over TLS.
    WebTls,
    /// SOCKS5 for bytestreams.
    Proxy65,
    /// The console.
    Console,
    /// The console over TLS.
    ConsoleTls,
}

impl ListenerKind {
    /// The name of the flag for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::C2s => "c2s",
            Self::C2sTls => "c2s-tls",
            Self::Web => "web",
            Self::WebTls => "web-tls",
            Self::Proxy65 => "proxy65",
            Self::Console => "console",
            Self::ConsoleTls => "console-tls",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_lines_of_json() {
        let line = r#"{"command":"add-user","account":"a@b","password":"c"}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        assert!(matches!(&request, Request::AddUser { account, password }
            if account == "a@b" && password.reveal() == "c"));
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
        assert!(!format!("{request:?}").contains("\"c\""), "a password does not show itself");
        let list = serde_json::from_str::<Request>(r#"{"command":"list-users"}"#).unwrap();
        assert!(matches!(list, Request::ListUsers));
        assert!(serde_json::from_str::<Request>(r#"{"command":"dance"}"#).is_err());
    }

    #[test]
    fn replies_are_lines_of_json() {
        let address = "[::1]:5222".parse().unwrap();
        let reply = Reply::Listeners(vec![Listening { address, kind: ListenerKind::C2sTls }]);
        let line = serde_json::to_string(&reply).unwrap();
        assert_eq!(line, r#"{"listeners":[{"address":"[::1]:5222","kind":"c2s-tls"}]}"#);
        assert_eq!(serde_json::from_str::<Reply>(&line).unwrap(), reply);
    }
}
