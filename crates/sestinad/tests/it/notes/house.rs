//! Where the sessions are played: `sestinad`, over a socket.

use std::{cell::RefCell, collections::HashSet, net::SocketAddr, time::Duration};

use rustls::pki_types::ServerName;
use sestina::Jid;
use sestina_testkit::{Client, Venue};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    chopped::{Chopped, Cut},
    proofs,
};
use crate::{
    client::trusting,
    daemon::{Daemon, PATIENCE, add},
};

/// A server with a preset, and how clients write to it.
pub(super) struct House {
    domain: String,
    address: SocketAddr,
    cut: Cut,
    shown: bool,
    data: TempDir,
    accounts: RefCell<HashSet<Jid>>,
    _daemon: Daemon,
}

impl House {
    pub(super) fn open(preset: &str, domain: &str, cut: Cut, shown: bool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let arguments = ["--preset", preset, "--domain", domain];
        let daemon = Daemon::start_with(data.path(), &arguments);
        let address = daemon.address("c2s");
        let domain = domain.to_owned();
        Self { domain, address, cut, shown, data, accounts: RefCell::default(), _daemon: daemon }
    }
}

impl Venue for House {
    async fn account(&self, account: &Jid) {
        let account = account.to_bare();
        if self.accounts.borrow_mut().insert(account.clone()) {
            add(self.data.path(), account.as_str(), account.local().unwrap_or_default());
        }
    }

    async fn connect(&self) -> Client {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Client::new(Chopped::new(tcp, self.cut), &self.domain)
    }

    async fn secure(&self, client: Client) -> Result<Client, String> {
        let trusted = self.data.path().join("tls/self-made.crt");
        let name = ServerName::try_from(self.domain.clone()).map_err(|it| it.to_string())?;
        let tls = TlsConnector::from(trusting(&trusted)).connect(name, client.into_io()).await;
        let tls = tls.map_err(|error| error.to_string())?;
        Ok(Client::new(Chopped::new(tls, self.cut), &self.domain))
    }

    fn work_out(&self, what: &str, of: &[String]) -> Option<String> {
        let of: Vec<_> = of.iter().map(String::as_str).collect();
        proofs::work_out(what, &of, &self.domain)
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn sent(&self, who: &str, text: &str) {
        if self.shown {
            println!("\n{who} sends:\n{}", indented(text));
        }
    }

    fn received(&self, who: &str, text: &str) {
        if self.shown {
            println!("{who} receives:\n{text}");
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}", line.trim_start())).collect::<Vec<_>>().join("\n")
}
