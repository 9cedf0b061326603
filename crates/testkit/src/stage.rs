//! A server that was set up, and those who play on it.

use std::{net::SocketAddr, time::Duration};

use sestina_core::{AccountError, Attached, ImportError, Server};
use sestina_net::{Io, Network};
use sestina_stanza::Jid;
use sestina_xml::{Element, Limits};
use tokio::io::{DuplexStream, duplex};

use crate::{Client, scene::jid};

/// After so long on a paused clock, everybody has done what there was to do: such a clock moves
/// only while all wait.
pub const SETTLED: Duration = Duration::from_millis(1);

/// Bytes that a connection in this process holds in each direction.
const PIPE: usize = 64 << 10;

/// A running server, made by [`Scene::build`](crate::Scene::build).
#[derive(Debug)]
pub struct Stage {
    domain: Jid,
    network: Network,
    /// Whether plugins are meant to panic.
    breaks: bool,
}

impl Stage {
    pub(crate) fn new(domain: Jid, network: Network, breaks: bool) -> Self {
        Self { domain, network, breaks }
    }

    /// The server; of several, the first one. The others are their [network](Self::network)'s.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.network.server()
    }

    /// Its network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Its domain.
    #[must_use]
    pub fn domain(&self) -> &Jid {
        &self.domain
    }

    /// The server that an address is at; the first one where it is at none.
    fn serving(&self, address: &Jid) -> Server {
        let serving = self.network.serving(address.domain());
        serving.unwrap_or_else(|| self.server().clone())
    }

    /// Makes an account, with its localpart as password, unless there is one, or accounts are
    /// [kept elsewhere](sestina_core::AccountSource).
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub async fn account(&self, account: &Jid) {
        let password = account.local().unwrap_or_default();
        match self.serving(account).accounts().create(&account.to_bare(), password).await {
            Ok(()) | Err(AccountError::Exists | AccountError::Elsewhere) => {}
            Err(error) => panic!("{account} cannot be made: {error}"),
        }
    }

    /// Writes an account down as it would be for another server (XEP-0227).
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn export(&self, account: &str) -> Vec<Element> {
        let written = async {
            let mut export = self.server().accounts().export(&jid(account)).await?;
            let mut elements = Vec::new();
            while let Some(element) = export.next().await? {
                elements.push(element);
            }
            Ok::<_, AccountError>(elements)
        };
        match written.await {
            Ok(elements) => elements,
            Err(error) => panic!("{account} cannot be exported: {error}"),
        }
    }

    /// Makes an account of what was written down, or puts it in place of the one that is there. What
    /// nobody knows is passed over.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub async fn import(&self, account: &str, elements: &[Element]) -> Result<(), ImportError> {
        let mut import = self.server().accounts().import(&jid(account), true).await?;
        for element in elements {
            import.take(element).await?;
        }
        import.finish().await
    }

    /// The same, of elements as they stand in a file.
    ///
    /// # Errors
    ///
    /// When that fails.
    ///
    /// # Panics
    ///
    /// When this is not well-formed.
    pub async fn import_xml(&self, account: &str, content: &str) -> Result<(), ImportError> {
        let user = format!("<user xmlns='urn:xmpp:pie:0'>{content}</user>");
        match Element::parse(&user, &Limits::default()) {
            Ok(user) => {
                let elements: Vec<_> = user.children().map(|it| it.to_element()).collect();
                self.import(account, &elements).await
            }
            Err(error) => panic!("{content} cannot be read: {error}"),
        }
    }

    /// Connects a client from within this process, as trusted as by TLS.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::new(self.wire(None), self.domain.as_str())
    }

    /// Connects a client that seems to come from an address, in the clear.
    #[must_use]
    pub fn connect_from(&self, peer: SocketAddr) -> Client {
        Client::new(self.wire(Some(peer)), self.domain.as_str())
    }

    /// Connects a client through whatever `between` puts at the server's end of the connection,
    /// such as a [`FaultyIo`](crate::FaultyIo).
    #[must_use]
    pub fn connect_through<I: Io>(&self, between: impl FnOnce(DuplexStream) -> I) -> Client {
        let (ours, theirs) = duplex(PIPE);
        self.network.serve(between(theirs), None);
        Client::new(ours, self.domain.as_str())
    }

    /// Connects bytes; the other end is the caller's.
    #[must_use]
    pub fn wire(&self, peer: Option<SocketAddr>) -> DuplexStream {
        let (ours, theirs) = duplex(PIPE);
        self.network.serve(theirs, peer);
        ours
    }

    /// Connects a client and logs it in with a full JID, whose account is made if it must be.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn login(&self, full: &str) -> Client {
        let full = jid(full);
        self.account(&full).await;
        let mut client = self.connect();
        client.login(&full).await;
        client
    }

    /// Attaches a session for which there is no stream; its account need not exist.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn attach(&self, full: &str) -> Attached {
        let full = jid(full);
        match self.serving(&full).attach(full.clone()).await {
            Ok(attached) => attached,
            Err(error) => panic!("{full} cannot be attached: {error}"),
        }
    }

    /// Waits until everybody has done what there was to do.
    ///
    /// Under a paused clock this is exact, and takes [`SETTLED`] of its time; under another it is a
    /// short sleep and promises nothing.
    pub async fn settle(&self) {
        tokio::time::sleep(SETTLED).await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let panics: u64 = self.network.servers().iter().map(Server::panics).sum();
        assert!(
            self.breaks || panics == 0 || std::thread::panicking(),
            "plugins have panicked, {panics} times"
        );
    }
}
