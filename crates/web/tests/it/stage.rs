//! A server that is reached by HTTP, and clients that reach it by WebSocket.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use sestina_core::{Assembly, Settings};
use sestina_net::{Bounds, Network};
use sestina_sasl::{MIN_ITERATIONS, Recipe, encode_base64};
use sestina_web::{Bosh, HostMeta, Origins, Routes, Site, WebSocket};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::frame::{CloseFrame, coding::CloseCode},
    },
};

use crate::client::listen;

/// Two accounts on a network that has nothing but a site in front of it.
pub(crate) struct Stage {
    pub(crate) network: Network,
    pub(crate) site: Site,
    pub(crate) address: SocketAddr,
}

impl Stage {
    pub(crate) async fn new(bounds: Bounds) -> Self {
        Self::with(bounds, |_| {}).await
    }

    pub(crate) async fn with(bounds: Bounds, configure: impl FnOnce(&mut Settings)) -> Self {
        let mut settings =
            Settings::new("capulet.example".parse().unwrap(), sestina_store::memory());
        // What a guess costs is not what is tested.
        let recipe = Recipe::default().with_iterations(MIN_ITERATIONS);
        settings.authentication.recipe = recipe.unwrap();
        configure(&mut settings);
        let server = Assembly::new(settings).build().await.unwrap();
        for name in ["juliet", "romeo"] {
            let account = format!("{name}@capulet.example").parse().unwrap();
            server.accounts().create(&account, name).await.unwrap();
        }
        let network = Network::new(server, None, bounds).unwrap();
        let websocket = WebSocket::new(network.door()).origins(Origins::Own);
        let bosh = Bosh::new(network.door());
        let host_meta =
            HostMeta::new(network.door()).websocket("/xmpp-websocket").bosh("/http-bind");
        let routes = Routes::new()
            .at("/xmpp-websocket", websocket)
            .at("/http-bind", bosh)
            .below("/.well-known", host_meta);
        let proxies = ["127.0.0.1".parse().unwrap()];
        let site = Site::new(routes, sestina_web::Bounds::default(), proxies).unwrap();
        let address = listen(&site).await;
        Self { network, site, address }
    }

    /// Shakes hands, as whoever a proxy says.
    pub(crate) async fn connect_with(&self, headers: &[(&'static str, &str)]) -> Client {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let mut request =
            format!("ws://{}/xmpp-websocket", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "xmpp".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (io, answer) = client_async(request, tcp).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "xmpp");
        Client { io }
    }

    /// Shakes hands behind a proxy that has TLS.
    pub(crate) async fn connect(&self) -> Client {
        self.connect_with(&[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")]).await
    }

    pub(crate) async fn login(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.login(name).await;
        client
    }
}

pub(crate) const OPEN: &str =
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='capulet.example' version='1.0'/>";
pub(crate) const CLOSE: &str = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";

pub(crate) struct Client {
    pub(crate) io: WebSocketStream<TcpStream>,
}

impl Client {
    pub(crate) async fn send(&mut self, message: &str) {
        self.io.send(Message::text(message)).await.unwrap();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> String {
        match self.io.next().await.unwrap().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The error, the goodbye and the code that end it.
    pub(crate) async fn fails(&mut self) -> (String, u16) {
        let error = self.next().await;
        assert!(error.starts_with("<stream:error xmlns:stream="), "{error}");
        assert_eq!(self.next().await, CLOSE);
        (error, self.closed().await)
    }

    /// The code that ends the connection.
    pub(crate) async fn closed(&mut self) -> u16 {
        let code = match self.io.next().await.unwrap().unwrap() {
            Message::Close(Some(CloseFrame { code, .. })) => code,
            other => panic!("not closed: {other:?}"),
        };
        assert!(self.io.next().await.is_none_or(|rest| rest.is_err()));
        match code {
            CloseCode::Normal => 1_000,
            other => other.into(),
        }
    }

    pub(crate) async fn open(&mut self) -> String {
        self.send(OPEN).await;
        let open = self.next().await;
        assert!(
            open.starts_with("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='"),
            "{open}"
        );
        self.next().await
    }

    pub(crate) async fn login(&mut self, name: &str) {
        let features = self.open().await;
        assert!(features.contains("<mechanism>PLAIN</mechanism>"), "{features}");
        let token = encode_base64(format!("\0{name}\0{name}").as_bytes());
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
        ))
        .await;
        assert_eq!(self.next().await, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
        let features = self.open().await;
        assert!(features.contains("<bind "), "{features}");
        self.send(
            "<iq xmlns='jabber:client' type='set' id='b'>\
             <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>",
        )
        .await;
        let bound = self.next().await;
        assert!(bound.contains(&format!("<jid>{name}@capulet.example/r</jid>")), "{bound}");
    }
}
