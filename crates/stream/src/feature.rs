//! The contract of a stream feature.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use sestina_sasl::Mechanism;
use sestina_stanza::{Jid, StreamError};
use sestina_xml::Element;

use crate::{Connection, Domain, UserAgent};

/// A stream feature that a plugin contributes.
///
/// Where it appears is its [`Slot`]. A feature that [claims](Self::claims) no element is only
/// advertised; one that does is handed the elements it claimed, for as long as it is advertised or
/// says that it [listens](Self::listens).
///
/// # Examples
///
/// A feature that clients only look at:
///
/// ```
/// use sestina_stream::{Feature, View};
/// use sestina_xml::Element;
///
/// struct RosterVersions;
///
/// impl Feature for RosterVersions {
///     fn advertise(&self, view: &View<'_>) -> Option<Element> {
///         // A stranger has no roster.
///         view.account()?;
///         Some(Element::builder("ver", "urn:xmpp:features:rosterver").build())
///     }
/// }
/// ```
pub trait Feature: Send + Sync {
    /// Where the feature is advertised and its element expected.
    fn slot(&self) -> Slot {
        Slot::Stream
    }

    /// The element to advertise on a stream that has got this far, or `None` to keep quiet.
    ///
    /// Asked anew whenever features are sent, so it should answer from what it has at hand.
    fn advertise(&self, view: &View<'_>) -> Option<Element>;

    /// The elements that begin or continue its negotiation: name and namespace of each.
    fn claims(&self) -> &[(&str, &str)] {
        &[]
    }

    /// Whether a claimed element of [`Slot::Stream`] is handed to it now, be it to be refused in its
    /// own words; otherwise the stream ends. Unless overridden, for as long as it is advertised.
    fn listens(&self, view: &View<'_>) -> bool {
        self.advertise(view).is_some()
    }

    /// Starts an authentication by a mechanism that comes with a claimed child of `<authenticate/>`
    /// and is offered in no other way, as tokens are (XEP-0484 §3.4). `random` fills a buffer with
    /// bytes nobody can guess.
    ///
    /// For [`Slot::Authentication`] alone. Once it has succeeded the element is
    /// [negotiated](Self::negotiate) like any other.
    fn mechanism(
        &self,
        name: &str,
        element: &Element,
        view: &View<'_>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Option<Box<dyn Mechanism>> {
        let _ = (name, element, view, random);
        None
    }

    /// Takes a claimed element.
    ///
    /// Not called for [`Slot::Binding`], whose elements travel in
    /// [`BindRequest::inline`](crate::BindRequest::inline) to whoever binds the resource, so that
    /// they take effect with it.
    fn negotiate(&self, element: &Element, view: &View<'_>) -> Negotiation {
        let _ = (element, view);
        Outcome::Replied(Vec::new()).into()
    }
}

/// Where a stream feature has its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slot {
    /// In `<stream:features/>`; its elements are top-level ones.
    #[default]
    Stream,
    /// In `<inline/>` of SASL2; its elements are children of `<authenticate/>`, taken once the
    /// client is authenticated, and its replies children of `<success/>` (XEP-0388 §2.6.1).
    Authentication,
    /// In `<inline/>` of Bind 2; its elements are children of `<bind/>`, and its replies of
    /// `<bound/>` (XEP-0386 §3.2).
    ///
    /// It is advertised as `<feature var='…'/>`, so [`advertise`](Feature::advertise) returns
    /// [`binding_feature`].
    Binding,
}

/// The element by which a feature of [`Slot::Binding`] is advertised (XEP-0386 §3.1).
pub fn binding_feature(var: &str) -> Element {
    Element::builder("feature", sestina_stanza::ns::BIND2).attr("var", var).build()
}

/// How far a stream has got, for a feature to look at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) domain: &'a Domain,
    pub(crate) id: &'a str,
    pub(crate) account: Option<&'a Jid>,
    pub(crate) bound: Option<&'a Jid>,
    pub(crate) transformed: bool,
    pub(crate) user_agent: Option<&'a UserAgent>,
}

impl<'a> View<'a> {
    /// The connection below.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// The domain the client speaks to.
    pub fn domain(&self) -> &'a Domain {
        self.domain
    }

    /// The id of the stream as it stands; each restart brings another.
    pub fn stream_id(&self) -> &'a str {
        self.id
    }

    /// The bare JID the client has authenticated as.
    pub fn account(&self) -> Option<&'a Jid> {
        self.account
    }

    /// Whether TLS protects the connection.
    pub fn is_secure(&self) -> bool {
        self.connection.is_secure()
    }

    /// Whether the client has authenticated.
    pub fn is_authenticated(&self) -> bool {
        self.account.is_some()
    }

    /// The full JID the client has bound, by Bind 2 or by coming back to a session: only when it is
    /// told the features of the stream as it stands afterwards (XEP-0388 §2.6.1).
    pub fn bound(&self) -> Option<&'a Jid> {
        self.bound
    }

    /// Whether the client has bound a resource.
    pub fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// Whether a [`Transform`], such as compression, is in force, or none can be because the stream
    /// is one of messages.
    pub fn is_transformed(&self) -> bool {
        self.transformed
    }

    /// What the client said about itself in `<authenticate/>`.
    pub fn user_agent(&self) -> Option<&'a UserAgent> {
        self.user_agent
    }
}

/// What a feature does with an element it claimed.
#[non_exhaustive]
pub enum Negotiation {
    /// It is decided.
    Now(Outcome),
    /// It has to wait for something; the driver awaits it, and nothing is read meanwhile.
    Later(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl Negotiation {
    /// Waits for a future.
    pub fn later(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl From<Outcome> for Negotiation {
    fn from(outcome: Outcome) -> Self {
        Self::Now(outcome)
    }
}

impl fmt::Debug for Negotiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(outcome) => f.debug_tuple("Now").field(outcome).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// What became of an element a feature claimed.
#[non_exhaustive]
pub enum Outcome {
    /// These elements are sent, in `<success/>` for [`Slot::Authentication`], and negotiation goes
    /// on. A feature that refuses says so in its own words, such as `<failed/>`.
    Replied(Vec<Element>),
    /// The reply is sent, and everything after it passes through the transform; the client opens
    /// the stream anew. For [`Slot::Stream`] alone.
    Transformed {
        /// The last element sent without the transform.
        reply: Element,
        /// What both directions pass through from then on.
        transform: Box<dyn Transform>,
    },
    /// The client goes on with a session that already exists, so that no resource is bound.
    Resumed(Resumption),
    /// The stream ends with this error.
    Failed(StreamError),
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replied(elements) => f.debug_tuple("Replied").field(elements).finish(),
            Self::Transformed { reply, .. } => {
                f.debug_struct("Transformed").field("reply", reply).finish_non_exhaustive()
            }
            Self::Resumed(resumption) => f.debug_tuple("Resumed").field(resumption).finish(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

/// An existing session that a client has come back to.
pub struct Resumption {
    /// The full JID of the session.
    pub jid: Jid,
    /// What tells the client, such as `<resumed/>`.
    pub reply: Element,
    /// The session itself, in the form its owner knows; handed on in
    /// [`Established::resumed`](crate::Established::resumed).
    pub session: Box<dyn Any + Send>,
}

impl fmt::Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumption")
            .field("jid", &self.jid)
            .field("reply", &self.reply)
            .finish_non_exhaustive()
    }
}

/// A transformation of the bytes of a stream, above TLS and below XML, such as compression.
pub trait Transform: Send {
    /// Turns bytes from the client into bytes of XML, appended to `out`.
    ///
    /// No more than `budget` bytes are appended in one call; with input left over it is called
    /// again, so a small input cannot fill the memory. Returns how much of `input` it took.
    ///
    /// # Errors
    ///
    /// When the bytes are not what they should be; the stream ends with the error.
    fn inbound(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<usize, StreamError>;

    /// Turns bytes of XML into bytes for the client, appended to `out` and complete: what was given
    /// can be read at the other end without waiting for more.
    fn outbound(&mut self, input: &[u8], out: &mut Vec<u8>);
}
