//! What the driver tells the machine, and what the machine tells the driver.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use sestina_stanza::{Jid, StreamError};
use sestina_xml::{Frame, XmlError};

use crate::feature::Transform;
use crate::question::{Answer, Question, UserAgent};
use crate::{Connection, Domain};

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client sent this.
    Frame(Frame),
    /// The client sent something that is not XML as streams have it.
    Broken(XmlError),
    /// The connection is secured, after [`Step::StartTls`].
    Secured(Connection),
    /// What the last [`Step::Ask`] asked for.
    Answer(Answer),
    /// The client has taken too long.
    TimedOut,
    /// The server is about to stop.
    ShuttingDown,
    /// The driver cannot go on, for a reason the client is to be told.
    Failed(StreamError),
}

/// What to do next. What was appended to the output is sent first, whatever the step.
#[non_exhaustive]
#[must_use]
pub enum Step {
    /// Go on reading.
    Read,
    /// Flush, throw away whatever was received after the last frame (it was not protected, so it
    /// may not be the client's), do the TLS handshake, hand in [`Event::Secured`].
    StartTls,
    /// Restart the parser, which goes on with whatever was received after the last frame.
    Restart,
    /// Flush, let everything after the last frame pass through the transform, restart the parser.
    Transform(Box<dyn Transform>),
    /// Find this out and hand in [`Event::Answer`]. Nothing is read until then.
    Ask(Question),
    /// A session begins.
    Established(Box<Established>),
    /// Flush and close.
    Close,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("Read"),
            Self::StartTls => f.write_str("StartTls"),
            Self::Restart => f.write_str("Restart"),
            Self::Transform(_) => f.write_str("Transform"),
            Self::Ask(question) => f.debug_tuple("Ask").field(question).finish(),
            Self::Established(stream) => f.debug_tuple("Established").field(stream).finish(),
            Self::Close => f.write_str("Close"),
        }
    }
}

/// A stream on which a resource is bound.
#[non_exhaustive]
pub struct Established {
    /// The full JID of the client.
    pub jid: Jid,
    /// The domain it speaks to.
    pub domain: Arc<Domain>,
    /// The language of stanzas that name none, from the stream header (RFC 6120 §4.7.4).
    pub lang: Option<String>,
    /// Whether the client is a guest, whose account ends with the stream (XEP-0175).
    pub anonymous: bool,
    /// The mechanism it authenticated by; `None` if it did so by IQ.
    pub mechanism: Option<String>,
    /// What it said about itself.
    pub user_agent: Option<UserAgent>,
    /// The session the client has come back to, from
    /// [`Resumption::session`](crate::Resumption::session).
    pub resumed: Option<Box<dyn Any + Send>>,
    /// The id of the stream.
    pub stream_id: String,
    /// Whether the stream is older than XMPP 1.0.
    pub legacy: bool,
}

impl fmt::Debug for Established {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established")
            .field("jid", &self.jid)
            .field("lang", &self.lang)
            .field("anonymous", &self.anonymous)
            .field("mechanism", &self.mechanism)
            .field("resumed", &self.resumed.is_some())
            .field("legacy", &self.legacy)
            .finish_non_exhaustive()
    }
}
