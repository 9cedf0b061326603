//! A client that speaks real bytes, and says everything the caller wants it to.

use std::{fmt, time::Duration};

use bytes::{Buf, BytesMut};
use sestina_net::Io;
use sestina_sasl::encode_base64;
use sestina_stanza::{Jid, ns};
use sestina_xml::{Element, Frame, Limits, StreamHeader, StreamParser};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{SETTLED, escape};

/// A client at its end of a connection, whatever that is made of.
///
/// It answers nothing on its own. What it expects and does not get is a panic that says what came
/// instead. Dropped, it vanishes without a word.
pub struct Client {
    io: Box<dyn Io>,
    parser: StreamParser,
    input: BytesMut,
    domain: String,
    jid: Option<Jid>,
}

/// What a client finds on its stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Received {
    /// The server has opened its side.
    Open(StreamHeader),
    /// A stanza, or part of the negotiation.
    Element(Element),
    /// The server has closed its side.
    Close,
    /// The connection has ended.
    End,
}

impl Client {
    /// How long the clock may run until [`receive`](Self::receive) gives up: a test that would
    /// hang fails.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// A client of a domain, over a connection to a server.
    pub fn new(io: impl Io, domain: &str) -> Self {
        Self {
            io: Box::new(io),
            parser: StreamParser::new(Limits::trusted()),
            input: BytesMut::new(),
            domain: domain.to_owned(),
            jid: None,
        }
    }

    /// The full JID, once it has been bound.
    #[must_use]
    pub fn jid(&self) -> Option<&Jid> {
        self.jid.as_ref()
    }

    /// Sends bytes as they are.
    ///
    /// A connection that has ended takes them as well: what a client says after that is lost, as
    /// in life.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        if self.io.write_all(bytes.as_ref()).await.is_ok() {
            let _as_far_as_it_goes = self.io.flush().await;
        }
    }

    /// Waits for what comes next.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped has taken nothing.
    ///
    /// # Panics
    ///
    /// When the server sends what is not XMPP.
    pub async fn next(&mut self) -> Received {
        loop {
            let mut unparsed = &self.input[..];
            let frame = self.parser.next(&mut unparsed);
            let parsed = self.input.len() - unparsed.len();
            match frame {
                Ok(None) => {}
                Ok(Some(frame)) => {
                    self.input.advance(parsed);
                    return match frame {
                        Frame::Open(header) => Received::Open(header),
                        Frame::Element(element) => Received::Element(element),
                        Frame::Close => Received::Close,
                    };
                }
                Err(error) => panic!(
                    "the server has sent what is no stream ({error}): {}",
                    String::from_utf8_lossy(&self.input)
                ),
            }
            self.input.advance(parsed);
            match self.io.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Received::End,
                Ok(_) => {}
            }
        }
    }

    /// What comes before everybody waits for somebody else; see [`Stage::settle`](crate::Stage::settle).
    pub async fn next_if_any(&mut self) -> Option<Received> {
        timeout(SETTLED, self.next()).await.ok()
    }

    /// Waits for the next stanza or part of the negotiation.
    ///
    /// # Panics
    ///
    /// When the stream ends instead, or nothing comes for [`Client::PATIENCE`].
    pub async fn receive(&mut self) -> Element {
        match timeout(Self::PATIENCE, self.next()).await {
            Ok(Received::Element(element)) => element,
            Ok(other) => panic!("expected an element, received {other:?}"),
            Err(_) => panic!("expected an element, received nothing"),
        }
    }

    /// Opens a stream, or opens it anew, and waits for the features.
    ///
    /// # Panics
    ///
    /// When the server answers with something else.
    pub async fn open(&mut self) -> Element {
        let header = self.header();
        self.restart();
        self.send(header).await;
        match self.next().await {
            Received::Open(_) => {}
            other => panic!("expected a stream, received {other:?}"),
        }
        let features = self.receive().await;
        assert!(features.is("features", ns::STREAM), "expected features, received {features}");
        features
    }

    /// Expects the server to open its side of the stream anew: for who sends headers of its own.
    pub fn restart(&mut self) {
        self.parser.restart();
    }

    /// What opens a stream to the client's domain.
    #[must_use]
    pub fn header(&self) -> String {
        format!(
            "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='{}' \
             xmlns:stream='{}'>",
            escape::attribute(&self.domain),
            ns::CLIENT,
            ns::STREAM
        )
    }

    /// Opens a stream to the domain of the JID, authenticates by PLAIN with the localpart as password, and binds a resource.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn login(&mut self, full: &Jid) {
        full.domain().clone_into(&mut self.domain);
        self.open().await;
        let name = full.local().unwrap_or_default();
        self.authenticate(name, name).await;
        self.open().await;
        self.bind(full.resource()).await;
    }

    /// Authenticates by PLAIN.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn authenticate(&mut self, username: &str, password: &str) {
        let token = encode_base64(format!("\0{username}\0{password}").as_bytes());
        self.send(format!("<auth xmlns='{}' mechanism='PLAIN'>{token}</auth>", ns::SASL)).await;
        let answer = self.receive().await;
        assert!(answer.is("success", ns::SASL), "{username} cannot log in: {answer}");
    }

    /// Binds a resource, the server's choice where none is named.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn bind(&mut self, resource: Option<&str>) {
        let mut bind = Element::builder("bind", ns::BIND);
        if let Some(resource) = resource {
            bind = bind.child(Element::builder("resource", ns::BIND).text(resource));
        }
        let iq = Element::builder("iq", ns::CLIENT).attr("type", "set").attr("id", "bind");
        let mut out = Vec::new();
        iq.child(bind).write_to(&mut out, ns::CLIENT);
        self.send(out).await;
        let answer = self.receive().await;
        let bound = answer
            .child("bind", ns::BIND)
            .and_then(|bind| bind.child_text("jid", ns::BIND))
            .and_then(|jid| jid.parse().ok());
        assert!(bound.is_some(), "{resource:?} cannot be bound: {answer}");
        self.jid = bound;
    }

    /// Gives up the stream for what it runs over, to put TLS on top.
    ///
    /// # Panics
    ///
    /// When something was received that nobody has asked for.
    #[must_use]
    pub fn into_io(self) -> Box<dyn Io> {
        assert!(self.input.is_empty(), "unread: {}", String::from_utf8_lossy(&self.input));
        self.io
    }

    /// Closes this side of the stream, and waits for the server to close its own; what comes until
    /// then is handed back.
    ///
    /// # Panics
    ///
    /// When the server does not close it within [`Client::PATIENCE`].
    pub async fn close(mut self) -> Vec<Element> {
        self.send("</stream:stream>").await;
        match timeout(Self::PATIENCE, self.rest()).await {
            Ok(last) => last,
            Err(_) => panic!("the server does not close its side of the stream"),
        }
    }

    async fn rest(&mut self) -> Vec<Element> {
        let mut last = Vec::new();
        loop {
            match self.next().await {
                Received::Element(element) => last.push(element),
                Received::Open(_) => {}
                Received::Close => {
                    let _best_effort = self.io.shutdown().await;
                }
                Received::End => return last,
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("jid", &self.jid)
            .field("unread", &String::from_utf8_lossy(&self.input))
            .finish_non_exhaustive()
    }
}
