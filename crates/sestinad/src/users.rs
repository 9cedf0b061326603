//! `sestinad user`: through the running server if there is one, else straight in the store.

#[cfg(unix)]
use std::sync::Arc;

#[cfg(unix)]
use sestina::net::Network;
use sestina::{
    core::{AccountError, Host, Server},
    stanza::Jid,
};

use crate::{
    assemble::Unattended,
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
        let opened = Unattended::open(config).await?;
        let reply = carry_out(&opened.servers, config.domain(), request).await;
        opened.close().await?;
        Ok(reply)
    })
}

/// Carries out a request about accounts.
///
/// A name without a domain is one at `home`.
pub(crate) async fn carry_out(servers: &[Server], home: &str, request: Request) -> Reply {
    let (account, result) = match request {
        Request::AddUser { account, password } => match address(servers, home, &account) {
            Ok((server, jid)) => {
                (account, server.accounts().create(&jid, password.reveal()).await.map(|()| jid))
            }
            Err(why) => return Reply::Failed(why),
        },
        Request::SetPassword { account, password } => match address(servers, home, &account) {
            Ok((server, jid)) => (
                account,
                server.accounts().set_password(&jid, password.reveal()).await.map(|()| jid),
            ),
            Err(why) => return Reply::Failed(why),
        },
        Request::DisableUser { account } => match address(servers, home, &account) {
            Ok((server, jid)) => {
                (account, server.accounts().set_disabled(&jid, true).await.map(|()| jid))
            }
            Err(why) => return Reply::Failed(why),
        },
        Request::EnableUser { account } => match address(servers, home, &account) {
            Ok((server, jid)) => {
                (account, server.accounts().set_disabled(&jid, false).await.map(|()| jid))
            }
            Err(why) => return Reply::Failed(why),
        },
        Request::RemoveUser { account } => match address(servers, home, &account) {
            Ok((server, jid)) => (account, server.accounts().remove(&jid).await.map(|()| jid)),
            Err(why) => return Reply::Failed(why),
        },
        Request::ListUsers => {
            return match listed(servers).await {
                Ok(users) => Reply::Users(users),
                Err(error) => Reply::Failed(format!("the accounts cannot be read: {error}")),
            };
        }
        Request::ListCommands { host } => {
            return match at(servers, host.as_deref().unwrap_or(home)) {
                Ok(server) => commands::list(server),
                Err(why) => Reply::Failed(why),
            };
        }
        Request::RunCommand { host, node, fields } => {
            let home = host.as_deref().unwrap_or(home);
            return match at(servers, home) {
                Ok(server) => commands::carry_out(server, home, &node, fields).await,
                Err(why) => Reply::Failed(why),
            };
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
async fn listed(servers: &[Server]) -> Result<Vec<String>, AccountError> {
    let mut users = Vec::new();
    for server in servers {
        let accounts = server.accounts();
        for account in accounts.list().await? {
            match accounts.is_disabled(&account).await {
                Ok(true) => users.push(format!("{account} (disabled)")),
                Ok(false) => users.push(account.to_string()),
                // Removed meanwhile.
                Err(AccountError::Unknown) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(users)
}

/// The server of a domain.
fn at<'a>(servers: &'a [Server], domain: &str) -> Result<&'a Server, String> {
    let serving = servers.iter().find(|server| server.serves(domain));
    serving.ok_or_else(|| {
        let domains = servers.iter().flat_map(Server::domains).map(ToString::to_string);
        let served = domains.collect::<Vec<_>>().join(", ");
        format!("{domain} is not served here, only {served}; see --domain")
    })
}

/// The address that somebody means, and whose it is.
pub(crate) fn address<'a>(
    servers: &'a [Server],
    home: &str,
    account: &str,
) -> Result<(&'a Server, Jid), String> {
    let full = if account.contains('@') { account.to_owned() } else { format!("{account}@{home}") };
    let jid = Jid::new(&full).map_err(|error| format!("{full:?} is no address: {error}"))?;
    if !jid.is_bare() {
        return Err(format!("{jid} is the address of a session: leave out what follows the /"));
    }
    Ok((at(servers, jid.domain())?, jid))
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
    network: Arc<Network>,
    listeners: Arc<Listeners>,
    daemon: Arc<Daemon>,
) -> CarryOut {
    let home: Arc<str> = config.domain().into();
    Arc::new(move |request, beside| {
        let (servers, home) = (network.servers(), home.clone());
        let (listeners, daemon) = (listeners.clone(), daemon.clone());
        Box::pin(async move {
            match request {
                Request::Listeners => Reply::Listeners(listeners.list()),
                Request::Reload => match daemon.reload().await {
                    Ok(changed) => Reply::Reloaded(changed.iter().map(reload::line).collect()),
                    Err(error) => Reply::Failed(error.to_string()),
                },
                Request::Export { .. } | Request::Import { .. } => {
                    moving::carry_out(&servers, &home, request, beside).await
                }
                request => carry_out(&servers, &home, request).await,
            }
        })
    })
}
