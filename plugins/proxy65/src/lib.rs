#![doc = include_str!("../README.md")]

#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod lobby;
mod query;
mod relay;

use std::{sync::Arc, time::Duration};

use sestina_core::{
    Assembly, AssemblyError, Duplex, Get, Identity, Incoming, Origin, Plugin, Refusal, Scope,
    Server, Session, Set, Spec, answer,
};
use sestina_stanza::{Condition, Invalid, Jid, Stanza};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

pub use self::query::{BYTESTREAMS, Query, StreamHost};
use self::{
    handshake::{Address, Handshake, Refused, Step},
    lobby::{Given, Go, Lobby, Waiting},
};

/// The name of its port: see [`Assembly::port`].
pub const PORT: &str = "proxy65";

/// The domain of the service begins with it.
pub const LABEL: &str = "proxy";

/// The longest id of a bytestream in bytes.
pub const LONGEST: usize = 1024;

/// Bytes that a connection may send before its bytestream is activated; they are lost.
const EARLY: usize = 64 << 10;

/// Carries bytes between clients that cannot reach each other.
#[derive(Clone, Debug, Default)]
pub struct Proxy65 {
    /// The host that clients are told to connect to; by default the domain of the server.
    pub host: Option<String>,
    /// The port that they are told; by default the one that is listened on.
    pub port: Option<u16>,
    /// What it carries at most.
    pub bounds: Bounds,
}

/// What a proxy carries at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at a time, waiting or not, two to a bytestream; the default is 1,000.
    pub connections: usize,
    /// Bytestreams that one account has activated at a time; the default is 10.
    pub streams: usize,
    /// How long a connection may take to say what it wants; the default is 10 s.
    pub handshake: Duration,
    /// How long it waits then for its bytestream to be activated; the default is 60 s.
    pub waiting: Duration,
    /// After so long without a byte in either direction a bytestream is cut off; the default is 5 min.
    pub idle: Duration,
    /// Bytes a second in each direction of a bytestream; the default is 1 MiB, and 0 is no bound.
    pub rate: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 1000,
            streams: 10,
            handshake: Duration::from_secs(10),
            waiting: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            rate: 1 << 20,
        }
    }
}

impl Plugin for Proxy65 {
    const NAME: &'static str = "proxy65";
    const SPECS: &'static [Spec] = &[Spec::xep(65, "1.8.2")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let Bounds { connections, streams, handshake, waiting, idle, .. } = self.bounds;
        if connections < 2 {
            return Err(to.bad_setting("bounds.connections", "at least 2"));
        }
        if streams == 0 {
            return Err(to.bad_setting("bounds.streams", "at least 1"));
        }
        for (name, time) in
            [("bounds.handshake", handshake), ("bounds.waiting", waiting), ("bounds.idle", idle)]
        {
            if time.is_zero() {
                return Err(to.bad_setting(name, "more than no time"));
            }
        }
        if self.host.as_ref().is_some_and(String::is_empty) {
            return Err(to.bad_setting("host", "a name or an address"));
        }
        let proxy = Arc::new(Proxy { settings: self, lobby: Lobby::default() });
        let scope = Scope::Service(LABEL);
        to.service(LABEL, &proxy, Proxy::take)?;
        to.iq(scope.clone(), answer(&proxy, Proxy::tell))?;
        to.iq(scope.clone(), answer(&proxy, Proxy::activate))?;
        to.identity(scope, Identity::new("proxy", "bytestreams").named("File transfer"));
        to.port(PORT, &proxy, Proxy::serve)
    }
}

struct Proxy {
    settings: Proxy65,
    lobby: Lobby,
}

impl Proxy {
    /// XEP-0065 §4: where the proxy is.
    async fn tell(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        member(&ask.origin)?;
        let jid = ask.origin.to.clone();
        let listening = server.port_address(PORT).map(|address| address.port());
        // Nobody could connect.
        let port = listening.map(|listening| self.settings.port.unwrap_or(listening));
        let port = port.ok_or(Condition::NotAllowed)?;
        let domain = jid.domain().strip_prefix(LABEL).and_then(|it| it.strip_prefix('.'));
        let host =
            self.settings.host.as_deref().or(domain).unwrap_or_else(|| jid.domain()).to_owned();
        Ok(Query {
            sid: ask.payload.sid,
            host: Some(StreamHost { jid, host, port }),
            ..Query::default()
        })
    }

    /// XEP-0065 §6.3.5: from here on the two hear each other. Who else knows the address cannot ask
    /// for it, since it is made of who asks.
    async fn activate(&self, ask: Set<Query>, _: &Server) -> Result<(), Refusal> {
        let session = member(&ask.origin)?;
        let target = ask.activate.as_deref().ok_or_else(|| Invalid::child("activate"))?;
        if target.parse::<Jid>().is_err() {
            return Err(Invalid::child("activate").into());
        }
        let sid = ask.sid.as_deref().filter(|sid| !sid.is_empty() && sid.len() <= LONGEST);
        let sid = sid.ok_or_else(|| Invalid::attribute("sid"))?;
        let address = query::address(sid, session.jid(), target);
        let account = session.account();
        let stream = self.lobby.stream(account.clone(), self.settings.bounds.streams);
        let stream = stream.ok_or(Condition::ResourceConstraint)?;
        let paired = self.lobby.pair(&address, stream)?;
        // One of them may have gone this very moment.
        paired.await.map_err(|_| Condition::NotAllowed)?;
        tracing::debug!(%account, %address, "a bytestream was activated");
        Ok(())
    }

    /// Serves a connection from its first byte to its last.
    async fn serve(&self, incoming: Incoming, _: &Server) {
        let bounds = &self.settings.bounds;
        let Some(_place) = self.lobby.place(bounds.connections) else { return };
        let mut io = incoming.io;
        let shaken = timeout(bounds.handshake, self.shake(&mut io)).await;
        let Ok(Some(mut waiting)) = shaken else { return };
        let went = timeout(bounds.waiting, wait(&mut io, &mut waiting)).await;
        drop(waiting);
        match went {
            Ok(Some(Go::Give(to))) => {
                let (over, mut done) = tokio::sync::oneshot::channel();
                if to.send(Given { io, over }).is_ok() {
                    let _when_dropped = (&mut done).await;
                }
            }
            Ok(Some(Go::Take { from, ready, stream })) => {
                let Ok(Given { io: other, over }) = from.await else { return };
                if ready.send(()).is_ok() {
                    let bytes = relay::relay(io, other, bounds.rate, bounds.idle).await;
                    tracing::debug!(bytes, "a bytestream has ended");
                }
                drop((over, stream));
            }
            Ok(None) | Err(_) => {}
        }
    }

    /// Hears what a peer wants, and has it wait for that.
    async fn shake(&self, io: &mut Box<dyn Duplex>) -> Option<Waiting<'_>> {
        let (mut handshake, mut buffer) = (Handshake::default(), [0; 262]);
        loop {
            let wants = handshake.wants().min(buffer.len());
            let n = io.read(buffer.get_mut(..wants)?).await.ok().filter(|n| *n > 0)?;
            let mut out = Vec::new();
            let mut entered = None;
            let step = handshake.take(buffer.get(..n)?, &mut out);
            if let Step::Asked(address) = step {
                entered = self.enter(address, &mut out);
            }
            io.write_all(&out).await.ok()?;
            io.flush().await.ok()?;
            if step != Step::Read {
                return entered;
            }
        }
    }

    fn enter(&self, address: Address, out: &mut Vec<u8>) -> Option<Waiting<'_>> {
        let entered = self.lobby.enter(address);
        match &entered {
            Some(_) => handshake::accept(&address, out),
            None => handshake::refuse(Refused::Address, out),
        }
        entered
    }

    /// Nobody here reads messages.
    async fn take(&self, _: Stanza, _: &Server) -> Result<(), Refusal> {
        Err(Condition::ServiceUnavailable.into())
    }
}

/// Waits for the activation; nothing if the peer goes before. What it says until then is for nobody
/// (XEP-0065 §9.1).
async fn wait(io: &mut Box<dyn Duplex>, waiting: &mut Waiting<'_>) -> Option<Go> {
    let (mut early, mut buffer) = (0, [0; 512]);
    loop {
        tokio::select! {
            biased;
            go = &mut waiting.go => return go.ok(),
            read = io.read(&mut buffer) => match read {
                Ok(n) if n > 0 && early + n <= EARLY => early += n,
                _ => return None,
            },
        }
    }
}

/// The session of an account of this server that asks the proxy itself. Guests have none.
fn member(asked: &Origin) -> Result<&Arc<Session>, Refusal> {
    if !asked.to.is_domain() {
        return Err(Condition::ItemNotFound.into());
    }
    let session = asked.session.as_ref().filter(|session| !session.is_guest());
    session.ok_or_else(|| Condition::Forbidden.into())
}
