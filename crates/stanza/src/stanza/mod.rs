//! Stanzas: what is routed.

mod answer;
mod builder;
mod edit;
mod kind;
mod read;
mod text;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sestina_xml::{Element, ElementRef};

use self::text::Text;
use crate::{Invalid, Jid, Payload, StanzaError};

pub use self::answer::Echo;
pub use self::builder::StanzaBuilder;
pub use self::kind::{IqType, Kind, MessageType, PresenceType};
pub use self::read::{Malformed, ReadError};

/// A message, presence or IQ.
///
/// It is the element that arrived, whose bytes are forwarded as they are, and a head of its own
/// (kind, addresses, id, language), which can change without touching them. A clone shares
/// everything, and a clone [for another addressee](Self::with_to) everything but the address, so
/// that a broadcast to a thousand costs a thousand pointers.
///
/// # Examples
///
/// ```
/// use sestina_stanza::{Jid, Kind, MessageType, Stanza};
/// use sestina_xml::{Element, Limits};
///
/// let element = Element::parse(
///     "<message xmlns='jabber:client' to='romeo@montague.example' type='chat' id='c1'>\
///      <body>Wherefore art thou, Romeo?</body></message>",
///     &Limits::default(),
/// )?;
/// let mut message = Stanza::read(element)?;
/// assert_eq!(message.kind(), Kind::Message(MessageType::Chat));
/// assert_eq!(message.body().as_deref(), Some("Wherefore art thou, Romeo?"));
///
/// message.set_from(Some(Jid::new("juliet@capulet.example/balcony")?));
/// let mut out = Vec::new();
/// message.write(&mut out);
/// assert_eq!(
///     String::from_utf8(out)?,
///     "<message to='romeo@montague.example' from='juliet@capulet.example/balcony' id='c1' \
///      type='chat'><body>Wherefore art thou, Romeo?</body></message>",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Stanza {
    /// Apart from the rest, since it is what differs between the copies of a broadcast.
    to: Option<Jid>,
    rest: Arc<Rest>,
}

#[derive(Clone)]
struct Rest {
    kind: Kind,
    from: Option<Jid>,
    id: Text,
    lang: Text,
    /// Whether the start tag holds attributes or declarations that the head does not.
    extras: bool,
    /// Its root has no prefix.
    element: Element,
}

impl Stanza {
    /// Which stanza it is.
    pub fn kind(&self) -> Kind {
        self.rest.kind
    }

    /// To whom it goes.
    pub const fn to(&self) -> Option<&Jid> {
        self.to.as_ref()
    }

    /// From whom it comes.
    pub fn from(&self) -> Option<&Jid> {
        self.rest.from.as_ref()
    }

    /// Its identifier, which means something to its sender only.
    pub fn id(&self) -> Option<&str> {
        self.rest.id.read(self.rest.element.as_bytes())
    }

    /// The language of its text, `xml:lang`.
    pub fn lang(&self) -> Option<&str> {
        self.rest.lang.read(self.rest.element.as_bytes())
    }

    /// The namespace of the stream it was made for, in which its own elements such as `<body/>` are.
    pub fn namespace(&self) -> &str {
        self.rest.element.namespace()
    }

    /// Changes the addressee; the content stays as it is.
    pub fn set_to(&mut self, to: Option<Jid>) {
        self.to = to;
    }

    /// Changes the sender; the content stays as it is.
    pub fn set_from(&mut self, from: Option<Jid>) {
        Arc::make_mut(&mut self.rest).from = from;
    }

    /// Changes the identifier; the content stays as it is.
    pub fn set_id(&mut self, id: Option<&str>) {
        Arc::make_mut(&mut self.rest).id = Text::own(id);
    }

    /// Changes the language; the content stays as it is.
    pub fn set_lang(&mut self, lang: Option<&str>) {
        Arc::make_mut(&mut self.rest).lang = Text::own(lang);
    }

    /// Changes the kind; the content stays as it is.
    pub fn set_kind(&mut self, kind: impl Into<Kind>) {
        Arc::make_mut(&mut self.rest).kind = kind.into();
    }

    /// The same stanza for another addressee, sharing all but the address.
    #[must_use]
    pub fn with_to(&self, to: Jid) -> Self {
        Self { to: Some(to), rest: Arc::clone(&self.rest) }
    }

    /// Iterates over the elements within.
    pub fn children(&self) -> impl Iterator<Item = ElementRef<'_>> {
        self.rest.element.children()
    }

    /// The first element of this name and namespace within.
    pub fn child(&self, name: &str, namespace: &str) -> Option<ElementRef<'_>> {
        self.rest.element.child(name, namespace)
    }

    /// The text of the first element of this name in the stanza's own namespace, such as `<body/>`.
    pub fn child_text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.child(name, self.namespace()).map(|child| child.text())
    }

    /// The text of the message in its first language.
    pub fn body(&self) -> Option<Cow<'_, str>> {
        self.child_text("body")
    }

    /// What an IQ asks or answers: its one element.
    pub fn payload(&self) -> Option<ElementRef<'_>> {
        match self.kind() {
            Kind::Iq(_) => self.rest.element.first_child(),
            Kind::Message(_) | Kind::Presence(_) => None,
        }
    }

    /// The first part of this type within, read; none where there is none.
    ///
    /// # Errors
    ///
    /// There is one, but it is not valid.
    pub fn find<P: Payload>(&self) -> Result<Option<P>, Invalid> {
        self.child(P::NAME, P::NAMESPACE).map(P::read).transpose()
    }

    /// The error that a stanza of type `error` reports.
    pub fn reported_error(&self) -> Option<StanzaError> {
        if !self.kind().is_error() {
            return None;
        }
        self.child("error", self.namespace()).map(StanzaError::read)
    }

    /// The element as it arrived, whose root may say something else than the head by now.
    pub fn element(&self) -> &Element {
        &self.rest.element
    }
}

/// Equal stanzas have equal heads and say the same within.
impl PartialEq for Stanza {
    fn eq(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.rest, &other.rest) {
            return self.to == other.to;
        }
        let head = |stanza: &Self| (stanza.kind(), stanza.to.clone(), stanza.rest.from.clone());
        head(self) == head(other)
            && (self.id(), self.lang()) == (other.id(), other.lang())
            && self.namespace() == other.namespace()
            && self.rest.element.nodes().eq(other.rest.element.nodes())
    }
}

impl Eq for Stanza {}

/// Writes the stanza so that it can stand alone.
impl fmt::Display for Stanza {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write_standalone(&mut out, self.namespace());
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Stanza {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stanza({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_small_and_travels() {
        const fn travels<T: Send + Sync + Clone>() {}
        travels::<Stanza>();
        assert_eq!(size_of::<Stanza>(), 32);
        assert!(size_of::<Text>() <= 24);
    }
}
