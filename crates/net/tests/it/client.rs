//! A client of a few lines, and a server to connect it to.

use sestina_core::{Assembly, Server, Settings};
use sestina_net::{Bounds, Kind, Network};
use sestina_sasl::encode_base64;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Two accounts on a network of their own.
pub(crate) struct Stage {
    pub(crate) network: Network,
    pub(crate) address: std::net::SocketAddr,
}

impl Stage {
    pub(crate) async fn new(bounds: Bounds) -> Self {
        let settings = Settings::new("capulet.example".parse().unwrap(), sestina_store::memory());
        let server: Server = Assembly::new(settings).build().await.unwrap();
        for name in ["juliet", "romeo"] {
            let account = format!("{name}@capulet.example").parse().unwrap();
            server.accounts().create(&account, name).await.unwrap();
        }
        let network = Network::new(server, None, bounds).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = network.listen(listener, Kind::StartTls).unwrap();
        Self { network, address }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client { io: TcpStream::connect(self.address).await.unwrap(), read: String::new() }
    }

    pub(crate) async fn login(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.login(name).await;
        client
    }
}

pub(crate) const HEADER: &str = "<?xml version='1.0'?><stream:stream to='capulet.example' \
    version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

pub(crate) struct Client {
    io: TcpStream,
    read: String,
}

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `end` has come, and hands back everything up to there.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.read.find(end) {
                let rest = self.read.split_off(at + end.len());
                return std::mem::replace(&mut self.read, rest);
            }
            assert!(self.fill().await, "closed before {end}: {}", self.read);
        }
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await {}
        std::mem::take(&mut self.read)
    }

    async fn fill(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.io.read(&mut buffer).await.unwrap_or(0) {
            0 => false,
            n => {
                self.read.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
                true
            }
        }
    }

    pub(crate) async fn login(&mut self, name: &str) {
        self.send(HEADER).await;
        self.until("</stream:features>").await;
        let token = encode_base64(format!("\0{name}\0{name}").as_bytes());
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
        ))
        .await;
        self.until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
        self.send(HEADER).await;
        self.until("</stream:features>").await;
        self.send(
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>r</resource></bind></iq>",
        )
        .await;
        self.until("</iq>").await;
    }
}
