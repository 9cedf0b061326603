//! `sestinad user`: through the running server if there is one, else straight in the store.

#[cfg(unix)]
use std::sync::Arc;

use sestina::{
    core::{AccountError, Host, Server},
    stanza::Jid,
};

use crate::{
    assemble::{assemble, open_store},
    cli::UserCommand,
    commands,
    config::{Config, StoreKind},
    control::{Reply, Request},
    failure::Failure,
    password::Password,
    print, run,
};
#[cfg(unix)]
use crate::{
    control::CarryOut,
    listeners::Listeners,
    moving,
    reload::{self, Daemon},
};

/// Carries out a command about accounts.
pub(crate) fn run(config: &Config, command: UserCommand) -> Result<(), Failure> {
    let password = |from_stdin, account: &str| {
        if from_stdin { Password::from_stdin() } else { Password::ask(account) }
    };
    let (request, done) = match command {
        UserCommand::Add(it) => {
            let password = password(it.password_stdin, &it.account)?;
            (Request::AddUser { account: it.account, password }, "was made")
        }
        UserCommand::Passwd(it) => {
            let password = password(it.password_stdin, &it.account)?;
            (Request::SetPassword { account: it.account, password }, "has another password")
        }
        UserCommand::Disable { account } => (Request::DisableUser { account }, "cannot log in"),
        UserCommand::Enable { account } => (Request::EnableUser { account }, "can log in"),
        UserCommand::Remove { account } => (Request::RemoveUser { account }, "was removed"),
        UserCommand::List => (Request::ListUsers, ""),
    };
    match ask(config, request)? {
        Reply::Done(account) => print(&format!("{account} {done}\n")),
        Reply::Users(users) => {
            print(&users.iter().map(|user| format!("{user}\n")).collect::<String>())
        }
        Reply::Failed(why) => Err(why.into()),
        _ => Err("the server has answered something else".to_owned().into()),
    }
}

/// Has the running server carry out a request if there is one, else carries it out over the store.
pub(crate) fn ask(config: &Config, request: Request) -> Result<Reply, Failure> {
    match through_server(config, &request)? {
        Some(reply) => Ok(reply),
        None => straight(config, request),
    }
}

#[cfg(unix)]
fn through_server(config: &Config, request: &Request) -> Result<Option<Reply>, Failure> {
    crate::control::call(&config.data, request)
}

#[cfg(not(unix))]
fn through_server(_: &Config, _: &Request) -> Result<Option<Reply>, Failure> {
    Ok(None)
}

/// Carries out a request over the store, with every plugin there, since removing an account
/// concerns them too.
fn straight(config: &Config, request: Request) -> Result<Reply, Failure> {
    if config.store == StoreKind::Memory {
        let why = "no server runs here, and accounts in memory are gone with it: start it first";
        return Err(why.to_owned().into());
    }
    run::runtime(1)?.block_on(async {
        let store = open_store(config)?;
        let server = assemble(config, store.clone(), false).await?;
        let reply = carry_out(&server, home(config), request).await;
        let closed = store.close().await;
        closed.map_err(|error| Failure::because("the store could not be closed", error))?;
        Ok(reply)
    })
}

/// Carries out a request about accounts.
///
/// A name without a domain is one at `home`.
pub(crate) async fn carry_out(server: &Server, home: &str, request: Request) -> Reply {
    let accounts = server.accounts();
    let (account, result) = match request {
        Request::AddUser { account, password } => match address(server, home, &account) {
            Ok(jid) => (account, accounts.create(&jid, password.reveal()).await.map(|()| jid)),
            Err(why) => return Reply::Failed(why),
        },
        Request::SetPassword { account, password } => match address(server, home, &account) {
            Ok(jid) => {
                (account, accounts.set_password(&jid, password.reveal()).await.map(|()| jid))
            }
            Err(why) => return Reply::Failed(why),
        },
        Request::DisableUser { account } => match address(server, home, &account) {
            Ok(jid) => (account, accounts.set_disabled(&jid, true).await.map(|()| jid)),
            Err(why) => return Reply::Failed(why),
        },
        Request::EnableUser { account } => match address(server, home, &account) {
            Ok(jid) => (account, accounts.set_disabled(&jid, false).await.map(|()| jid)),
            Err(why) => return Reply::Failed(why),
        },
        Request::RemoveUser { account } => match address(server, home, &account) {
            Ok(jid) => (account, accounts.remove(&jid).await.map(|()| jid)),
            Err(why) => return Reply::Failed(why),
        },
        Request::ListUsers => {
            return match listed(server).await {
                Ok(users) => Reply::Users(users),
                Err(error) => Reply::Failed(format!("the accounts cannot be read: {error}")),
            };
        }
        Request::ListCommands => return commands::list(server),
        Request::RunCommand { node, fields } => {
            return commands::carry_out(server, home, &node, fields).await;
        }
        Request::Listeners | Request::Reload | Request::Export { .. } | Request::Import { .. } => {
            return Reply::Failed("this does not change an account".to_owned());
        }
    };
    match result {
        Ok(jid) => Reply::Done(jid.to_string()),
        Err(error) => Reply::Failed(explain(&account, &error)),
    }
}

/// The accounts, and who of them cannot log in.
async fn listed(server: &Server) -> Result<Vec<String>, AccountError> {
    let accounts = server.accounts();
    let mut users = Vec::new();
    for account in accounts.list().await? {
        match accounts.is_disabled(&account).await {
            Ok(true) => users.push(format!("{account} (disabled)")),
            Ok(false) => users.push(account.to_string()),
            // Removed meanwhile.
            Err(AccountError::Unknown) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(users)
}

/// The domain of whoever is named without one.
pub(crate) fn home(config: &Config) -> &str {
    config.domains.first().map_or("localhost", |domain| domain.0.as_str())
}

/// The address that somebody means.
pub(crate) fn address(server: &Server, home: &str, account: &str) -> Result<Jid, String> {
    let full = if account.contains('@') { account.to_owned() } else { format!("{account}@{home}") };
    let jid = Jid::new(&full).map_err(|error| format!("{full:?} is no address: {error}"))?;
    if !jid.is_bare() {
        return Err(format!("{jid} is the address of a session: leave out what follows the /"));
    }
    if !server.serves(jid.domain()) {
        let domains: Vec<_> = server.domains().map(ToString::to_string).collect();
        let (named, served) = (jid.domain(), domains.join(", "));
        return Err(format!("{named} is not served here, only {served}; see --domain"));
    }
    Ok(jid)
}

pub(crate) fn explain(account: &str, error: &AccountError) -> String {
    match error {
        AccountError::Exists => {
            format!(
                "{account} exists already; `sestinad user passwd {account}` changes its password"
            )
        }
        AccountError::Unknown => {
            format!("there is no account {account}; `sestinad user list` tells which there are")
        }
        error => format!("{account}: {error}"),
    }
}

/// The commands that a server's control socket takes.
#[cfg(unix)]
pub(crate) fn commands(
    config: &Config,
    server: Server,
    listeners: Arc<Listeners>,
    daemon: Arc<Daemon>,
) -> CarryOut {
    let home: Arc<str> = home(config).into();
    Arc::new(move |request, beside| {
        let (server, home) = (server.clone(), home.clone());
        let (listeners, daemon) = (listeners.clone(), daemon.clone());
        Box::pin(async move {
            match request {
                Request::Listeners => Reply::Listeners(listeners.list()),
                Request::Reload => match daemon.reload().await {
                    Ok(changed) => Reply::Reloaded(changed.iter().map(reload::line).collect()),
                    Err(error) => Reply::Failed(error.to_string()),
                },
                Request::Export { .. } | Request::Import { .. } => {
                    moving::carry_out(&server, &home, request, beside).await
                }
                request => carry_out(&server, &home, request).await,
            }
        })
    })
}
