//! Listening sockets.

use std::{io, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
#[cfg(feature = "web")]
use sestina::net::Tls;
use sestina::net::{Kind, Network};
use tokio::net::{TcpListener, TcpSocket};

use crate::{
    config::Config,
    control::{ListenerKind, Listening, Reply, Request},
    failure::Failure,
};

/// Connections that may wait to be accepted; the system has a bound of its own (`somaxconn`).
const BACKLOG: u32 = 4_096;

/// What is asked for: an address, for what kind of connections, and whether anybody has asked.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    address: SocketAddr,
    kind: ListenerKind,
    /// Otherwise it is a default, and may be missing.
    asked: bool,
}

/// A socket that listens, and what it was asked for as.
#[derive(Debug)]
pub(crate) struct Opened {
    wanted: Wanted,
    /// None where this machine has no such address, or somebody else has what nobody asked for.
    socket: Option<TcpListener>,
}

/// Who serves those that connect.
#[derive(Debug)]
pub(crate) struct Hosts {
    pub(crate) network: Arc<Network>,
    #[cfg(feature = "web")]
    pub(crate) tls: Tls,
    #[cfg(feature = "web")]
    pub(crate) sites: crate::web::Sites,
}

/// What is listened on, which can change.
#[derive(Debug)]
pub(crate) struct Listeners {
    hosts: Hosts,
    open: Mutex<Vec<Open>>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    wanted: Wanted,
    address: Option<SocketAddr>,
}

impl Wanted {
    fn is(&self, other: &Self) -> bool {
        (self.address, self.kind) == (other.address, other.kind)
    }
}

/// Everything that is configured, in its order.
fn wanted(config: &Config) -> Vec<Wanted> {
    let of = |addresses: &[SocketAddr], kind, asked| -> Vec<_> {
        addresses.iter().map(|&address| Wanted { address, kind, asked }).collect()
    };
    let listen = &config.listen;
    let all: Vec<Vec<Wanted>> = Vec::from([
        of(&listen.c2s, ListenerKind::C2s, true),
        of(&listen.c2s_tls, ListenerKind::C2sTls, true),
        #[cfg(feature = "web")]
        of(&listen.web.value, ListenerKind::Web, listen.web.asked),
        #[cfg(feature = "web")]
        of(&listen.web_tls, ListenerKind::WebTls, true),
        #[cfg(feature = "proxy65")]
        of(config.plugins.proxy65_listen(), ListenerKind::Proxy65, true),
        #[cfg(feature = "console")]
        of(&listen.console, ListenerKind::Console, true),
        #[cfg(feature = "console")]
        of(&listen.console_tls, ListenerKind::ConsoleTls, true),
    ]);
    all.concat()
}

/// Opens everything that is configured. What this machine has no address for is left out, as long
/// as something is left, and so is what somebody else has and nobody has asked for.
pub(crate) fn open(config: &Config) -> Result<Vec<Opened>, Failure> {
    let mut opened = Vec::new();
    let mut missing = None;
    for wanted in wanted(config) {
        let Wanted { address, kind, asked } = wanted;
        let socket = match listen(address) {
            Ok(socket) => Some(socket),
            Err(error) if address.is_ipv6() && is_absence(&error) => {
                tracing::warn!(%address, "not listened on: this machine has no such address");
                missing = Some(explain(address, kind, error));
                None
            }
            Err(error) if !asked => {
                do_without(&wanted, &error);
                None
            }
            Err(error) => return Err(explain(address, kind, error)),
        };
        opened.push(Opened { wanted, socket });
    }
    match missing {
        Some(failure) if opened.iter().all(|it| it.socket.is_none()) => Err(failure),
        _ => Ok(opened),
    }
}

fn do_without(wanted: &Wanted, error: &io::Error) {
    let (address, name) = (wanted.address, wanted.kind.name());
    tracing::warn!(%address, %error, "not listened on for {name}, which is a default");
}

impl Hosts {
    fn listen(&self, socket: TcpListener, kind: ListenerKind) -> io::Result<SocketAddr> {
        match kind {
            ListenerKind::C2s => self.network.listen(socket, Kind::StartTls),
            ListenerKind::C2sTls => self.network.listen(socket, Kind::DirectTls),
            #[cfg(feature = "web")]
            ListenerKind::Web => self.sites.public.listen(socket, None),
            #[cfg(feature = "web")]
            ListenerKind::WebTls => self.sites.public.listen(socket, Some(self.tls.clone())),
            #[cfg(not(feature = "web"))]
            ListenerKind::Web | ListenerKind::WebTls => Err(io::ErrorKind::Unsupported.into()),
            #[cfg(feature = "console")]
            ListenerKind::Console => self.sites.private.listen(socket, None),
            #[cfg(feature = "console")]
            ListenerKind::ConsoleTls => self.sites.private.listen(socket, Some(self.tls.clone())),
            #[cfg(not(feature = "console"))]
            ListenerKind::Console | ListenerKind::ConsoleTls => {
                Err(io::ErrorKind::Unsupported.into())
            }
            ListenerKind::Proxy65 => {
                let home = self.network.server().domains().next();
                let home = home.map_or("", |domain| domain.as_str());
                self.network.listen_port(socket, home, kind.name())
            }
        }
    }

    async fn stop_listening(&self, address: SocketAddr) {
        let stopped = self.network.stop_listening(address).await;
        #[cfg(feature = "web")]
        let stopped = stopped || self.sites.public.stop_listening(address).await;
        #[cfg(feature = "console")]
        let stopped = stopped || self.sites.private.stop_listening(address).await;
        if !stopped {
            tracing::debug!(%address, "was not listened on any more");
        }
    }
}

impl Listeners {
    /// Serves at what was opened.
    pub(crate) fn serve(hosts: Hosts, opened: Vec<Opened>) -> Result<Self, Failure> {
        let listeners = Self { hosts, open: Mutex::default() };
        opened.into_iter().try_for_each(|opened| listeners.add(opened))?;
        Ok(listeners)
    }

    /// The addresses, and for what kind of connections.
    pub(crate) fn list(&self) -> Vec<Listening> {
        let open = self.open.lock();
        let listening = |it: &Open| Some(Listening { address: it.address?, kind: it.wanted.kind });
        open.iter().filter_map(listening).collect()
    }

    /// Ends everything that came of them.
    pub(crate) async fn shut_down(&self) {
        #[cfg(feature = "web")]
        tokio::join!(self.hosts.network.shut_down(), self.hosts.sites.shut_down());
        #[cfg(not(feature = "web"))]
        self.hosts.network.shut_down().await;
    }

    fn add(&self, Opened { wanted, socket }: Opened) -> Result<(), Failure> {
        let address = match socket {
            None => None,
            Some(socket) => {
                let address = self.hosts.listen(socket, wanted.kind);
                let address = address.map_err(|error| Failure::because("cannot listen", error))?;
                tracing::info!(%address, kind = wanted.kind.name(), "listening");
                Some(address)
            }
        };
        self.open.lock().push(Open { wanted, address });
        Ok(())
    }

    /// Listens on what is configured now, and nowhere else; whoever is connected stays so. When
    /// something cannot be listened on, everything is as before.
    pub(crate) async fn change(&self, config: &Config) -> Result<(), Failure> {
        let all = wanted(config);
        let before = self.open.lock().clone();
        let stays = |open: &Open| all.iter().any(|wanted| wanted.is(&open.wanted));
        let gone: Vec<_> = before.iter().copied().filter(|open| !stays(open)).collect();
        let fresh = all.iter().filter(|it| !before.iter().any(|open| open.wanted.is(it)));
        let mut opened = Vec::new();
        let mut taken = Vec::new();
        for &wanted in fresh {
            let Wanted { address, kind, asked } = wanted;
            // What is to go may be in the way: another address, the same port.
            let makes_room =
                |open: &Open| open.address.is_some_and(|it| it.port() == address.port());
            match listen(address) {
                Ok(socket) => opened.push(Opened { wanted, socket: Some(socket) }),
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && gone.iter().any(makes_room) =>
                {
                    taken.push(wanted);
                }
                Err(error) if !asked => {
                    do_without(&wanted, &error);
                    opened.push(Opened { wanted, socket: None });
                }
                Err(error) => return Err(explain(address, kind, error)),
            }
        }
        for address in gone.iter().filter_map(|open| open.address) {
            self.hosts.stop_listening(address).await;
        }
        for wanted in taken {
            match listen(wanted.address) {
                Ok(socket) => opened.push(Opened { wanted, socket: Some(socket) }),
                Err(error) => {
                    drop(opened);
                    self.restore(&gone);
                    return Err(explain(wanted.address, wanted.kind, error));
                }
            }
        }
        for Open { address, wanted } in &gone {
            if let Some(address) = address {
                tracing::info!(%address, kind = wanted.kind.name(), "listening no more");
            }
        }
        self.open.lock().retain(stays);
        opened.into_iter().try_for_each(|opened| self.add(opened))
    }

    /// Listens again where it was just stopped.
    fn restore(&self, gone: &[Open]) {
        for Open { address, wanted } in gone {
            let Some(address) = address else { continue };
            let again = listen(*address).and_then(|socket| self.hosts.listen(socket, wanted.kind));
            if let Err(error) = again {
                tracing::error!(%address, %error, "not listened on any more");
            }
        }
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

    fn sockets(opened: &[Opened]) -> usize {
        opened.iter().filter(|it| it.socket.is_some()).count()
    }

    #[cfg(feature = "web")]
    #[tokio::test]
    async fn what_nobody_has_asked_for_may_be_in_use() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = config(&["127.0.0.1:0"]);
        config.listen.web.value = vec![held.local_addr().unwrap()];
        assert_eq!(sockets(&open(&config).unwrap()), 1);
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
        assert_eq!(sockets(&listeners), 1);
        let told = open(&config(&["[2001:db8::1]:0"])).unwrap_err().to_string();
        assert!(told.contains("2001:db8::1"), "{told}");
        let told = open(&config(&["127.0.0.1:0", "192.0.2.1:0"])).unwrap_err().to_string();
        assert!(told.contains("192.0.2.1"), "{told}");
    }
}
