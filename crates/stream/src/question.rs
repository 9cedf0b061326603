//! What the machine asks its driver to find out, and the answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use sestina_sasl::{Query, Work};
use sestina_stanza::{Jid, Stanza, StanzaError, ns};
use sestina_xml::{Element, ElementRef};

use crate::feature::Outcome;

/// Something negotiation cannot go on without.
///
/// The driver reads nothing more from the client until it has handed in the [`Answer`].
#[non_exhaustive]
pub enum Question {
    /// A mechanism needs to know something: answered by [`Answer::Sasl`].
    Credential(Query),
    /// A mechanism has heavy arithmetic to do, off the threads that serve connections: answered by
    /// [`Answer::Sasl`] with what [`Work::run`] returned.
    Work(Work),
    /// A resource is to be bound: answered by [`Answer::Bind`].
    Bind(BindRequest),
    /// A client that has not authenticated sends an IQ request, such as for registration:
    /// answered by [`Answer::Iq`].
    Iq(Stanza),
    /// A feature waits: answered by [`Answer::Feature`] with what the future returned.
    Feature(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(query) => f.debug_tuple("Credential").field(query).finish(),
            Self::Work(work) => f.debug_tuple("Work").field(work).finish(),
            Self::Bind(request) => f.debug_tuple("Bind").field(request).finish(),
            Self::Iq(_) => f.write_str("Iq"),
            Self::Feature(_) => f.write_str("Feature"),
        }
    }
}

/// What the driver found out. Each belongs to the [`Question`] of the same name.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Credential`] and [`Question::Work`].
    Sasl(sestina_sasl::Answer),
    /// To [`Question::Bind`]: the session, or what the client is told.
    Bind(Result<Bound, StanzaError>),
    /// To [`Question::Iq`].
    Iq(IqAnswer),
    /// To [`Question::Feature`].
    Feature(Outcome),
}

/// A client's wish for a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BindRequest {
    /// The bare JID the client has authenticated as.
    pub account: Jid,
    /// The full JID to bind. Whoever binds may settle on another.
    pub jid: Jid,
    /// Whether the client chose the resource itself, so that another session may have it: what
    /// happens then is the policy of whoever binds (RFC 6120 §7.7.2.2).
    pub chosen: bool,
    /// Whether the client is a guest (XEP-0175), whose account is nobody's before and after.
    pub anonymous: bool,
    /// What the client said about itself. A session of the same `id` gives way to this one
    /// (XEP-0386 §3.2).
    pub user_agent: Option<UserAgent>,
    /// Elements for features of [`Slot::Binding`](crate::Slot::Binding), which take effect with the
    /// binding. Empty unless the client binds by Bind 2.
    pub inline: Vec<Element>,
    /// Whether the client binds by Bind 2, and so fetches messages that came meanwhile from the
    /// archive (XEP-0386 §3.2).
    pub bind2: bool,
}

/// A bound resource.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The full JID.
    pub jid: Jid,
    /// What features of [`Slot::Binding`](crate::Slot::Binding) reply, for `<bound/>`.
    pub inline: Vec<Element>,
}

impl From<Jid> for Bound {
    fn from(jid: Jid) -> Self {
        Self { jid, inline: Vec::new() }
    }
}

/// What became of an IQ request from a client that has not authenticated.
#[derive(Debug)]
#[non_exhaustive]
pub enum IqAnswer {
    /// Nobody takes it: the stream ends with `not-authorized` (RFC 6120 §4.9.3.12).
    Refused,
    /// This is the reply.
    Reply(Stanza),
    /// This is the reply, and the client has failed to authenticate once more.
    Failed(Stanza),
    /// This is the reply, and the client has authenticated and bound a resource with it, as only
    /// the authentication before SASL does (XEP-0078 §2).
    Bound {
        /// The reply.
        reply: Stanza,
        /// The full JID.
        jid: Jid,
    },
}

/// What a client says about itself in `<authenticate/>` (XEP-0388 §2.3). For its owner's eyes only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserAgent {
    /// The installation, a UUID in lower case.
    pub id: Option<String>,
    /// The software's name.
    pub software: Option<String>,
    /// The device's name.
    pub device: Option<String>,
}

impl UserAgent {
    /// Reads `<user-agent/>`, each text no longer than `longest`. An id that is none is left out.
    pub(crate) fn read(element: ElementRef<'_>, longest: usize) -> Self {
        let text = |name| {
            let child = element.child(name, ns::SASL2)?;
            let text = child.text();
            let mut ends = (0..=longest.min(text.len())).rev();
            let cut = text.get(..ends.find(|&end| text.is_char_boundary(end))?)?.trim();
            (!cut.is_empty()).then(|| cut.to_owned())
        };
        Self {
            id: element.attr("id").filter(|id| is_uuid(id)).map(str::to_ascii_lowercase),
            software: text("software"),
            device: text("device"),
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
