//! Listening sockets.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::{
    config::Config,
    control::{ListenerKind, Reply, Request},
    failure::Failure,
};

/// Connections that may wait to be accepted; the system has a bound of its own (`somaxconn`).
const BACKLOG: u32 = 4_096;

/// Opens everything that is configured. What this machine has no address for is left out, as long
/// as something is left.
pub(crate) fn open(config: &Config) -> Result<Vec<(TcpListener, ListenerKind)>, Failure> {
    let mut listeners = Vec::new();
    let mut missing = None;
    let asked = true;
    let addresses = [
        (&config.listen.c2s, ListenerKind::C2s, asked),
        (&config.listen.c2s_tls, ListenerKind::C2sTls, asked),
        #[cfg(feature = "web")]
        (&config.listen.web.value, ListenerKind::Web, config.listen.web.asked),
        #[cfg(feature = "web")]
        (&config.listen.web_tls, ListenerKind::WebTls, asked),
        #[cfg(feature = "proxy65")]
        (config.plugins.proxy65_listen(), ListenerKind::Proxy65, asked),
    ];
    for (addresses, kind, asked) in addresses {
        for address in addresses {
            match listen(*address) {
                Ok(listener) => listeners.push((listener, kind)),
                Err(error) if address.is_ipv6() && is_absence(&error) => {
                    tracing::warn!(%address, "not listened on: this machine has no such address");
                    missing = Some(explain(*address, kind, error));
                }
                Err(error) if !asked => {
                    let name = kind.name();
                    tracing::warn!(%address, %error, "not listened on for {name}, which is a default");
                }
                Err(error) => return Err(explain(*address, kind, error)),
            }
        }
    }
    match missing {
        Some(failure) if listeners.is_empty() => Err(failure),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that comes back at once finds connections of the last one in TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Whether [::] takes IPv4 too would otherwise be the system's to say.
    #[cfg(unix)]
    if address.is_ipv6() {
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Whether the machine has no such address, or no IPv6 at all.
fn is_absence(error: &io::Error) -> bool {
    if error.kind() == io::ErrorKind::AddrNotAvailable {
        return true;
    }
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) {
        return true;
    }
    false
}

fn explain(address: SocketAddr, kind: ListenerKind, error: io::Error) -> Failure {
    let name = kind.name();
    let setting = match kind {
        ListenerKind::Proxy65 => "plugins.proxy65.listen".to_owned(),
        _ => format!("--{name} or listen.{name}"),
    };
    let mend = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "something listens there already: stop it, or choose another address with {setting}"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("this user may not listen there: choose a port above 1023 with {setting}")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address: choose one of its own with {setting}")
        }
        _ => return Failure::because(format!("cannot listen on {address} ({name})"), error),
    };
    Failure::Other(format!("cannot listen on {address} ({name}): {mend}"))
}

/// Prints what a running server listens on.
pub(crate) fn print(config: &Config) -> Result<(), Failure> {
    #[cfg(unix)]
    let reply = crate::control::call(&config.data, &Request::Listeners)?;
    #[cfg(not(unix))]
    let reply: Option<Reply> = None;
    match reply {
        Some(Reply::Listeners(listening)) => {
            let lines = listening.iter().map(|it| format!("{} {}\n", it.kind.name(), it.address));
            crate::print(&lines.collect::<String>())
        }
        Some(Reply::Failed(why)) => Err(why.into()),
        Some(_) => Err("the server has answered something else".to_owned().into()),
        None => Err(format!("no server runs over {}", config.data.display()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(c2s: &[&str]) -> Config {
        let mut config = Config::default();
        config.listen.c2s = c2s.iter().map(|address| address.parse().unwrap()).collect();
        config.listen.c2s_tls = Vec::new();
        #[cfg(feature = "web")]
        config.listen.web.value.clear();
        config
    }

    #[cfg(feature = "web")]
    #[tokio::test]
    async fn what_nobody_has_asked_for_may_be_in_use() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = config(&["127.0.0.1:0"]);
        config.listen.web.value = vec![held.local_addr().unwrap()];
        assert_eq!(open(&config).unwrap().len(), 1);
        config.listen.web.asked = true;
        let told = open(&config).unwrap_err().to_string();
        assert!(told.contains("--web"), "{told}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_the_mend() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap().to_string();
        let told = open(&config(&[&address])).unwrap_err().to_string();
        assert!(told.contains(&address) && told.contains("--c2s"), "{told}");
    }

    #[tokio::test]
    async fn an_ipv6_address_that_is_missing_is_left_out() {
        // An address from the range for documentation is no machine's own.
        let listeners = open(&config(&["127.0.0.1:0", "[2001:db8::1]:0"])).unwrap();
        assert_eq!(listeners.len(), 1);
        let told = open(&config(&["[2001:db8::1]:0"])).unwrap_err().to_string();
        assert!(told.contains("2001:db8::1"), "{told}");
        let told = open(&config(&["127.0.0.1:0", "192.0.2.1:0"])).unwrap_err().to_string();
        assert!(told.contains("192.0.2.1"), "{told}");
    }
}
