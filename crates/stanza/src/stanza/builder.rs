//! Making stanzas.

use std::sync::Arc;

use sestina_xml::{Builder, Element};

use super::{IqType, Kind, MessageType, PresenceType, Rest, Stanza, Text};
use crate::{Jid, Payload, ns};

/// A stanza that is being made; begun by [`Stanza::message`], [`Stanza::presence`] and
/// [`Stanza::iq`].
///
/// # Examples
///
/// ```
/// use sestina_stanza::{Jid, MessageType, Stanza};
///
/// let message = Stanza::message(MessageType::Chat)
///     .to(Jid::new("romeo@montague.example")?)
///     .id("c1")
///     .body("Art thou not Romeo, & a Montague?")
///     .build();
/// assert_eq!(
///     message.to_string(),
///     "<message xmlns='jabber:client' to='romeo@montague.example' id='c1' type='chat'>\
///      <body>Art thou not Romeo, &amp; a Montague?</body></message>",
/// );
/// # Ok::<(), sestina_stanza::JidError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct StanzaBuilder {
    kind: Kind,
    to: Option<Jid>,
    from: Option<Jid>,
    id: Text,
    lang: Text,
    element: Builder,
}

impl Stanza {
    /// Begins a message.
    pub fn message(kind: MessageType) -> StanzaBuilder {
        Self::of(kind)
    }

    /// Begins a presence.
    pub fn presence(kind: PresenceType) -> StanzaBuilder {
        Self::of(kind)
    }

    /// Begins an IQ, which has an id always.
    pub fn iq(kind: IqType, id: impl AsRef<str>) -> StanzaBuilder {
        Self::of(kind).id(id)
    }

    /// Begins a stanza of any kind.
    pub fn of(kind: impl Into<Kind>) -> StanzaBuilder {
        let kind = kind.into();
        StanzaBuilder {
            kind,
            to: None,
            from: None,
            id: Text::Absent,
            lang: Text::Absent,
            element: Element::builder(kind.name(), ns::CLIENT),
        }
    }
}

impl StanzaBuilder {
    /// Says to whom it goes.
    pub fn to(mut self, to: Jid) -> Self {
        self.to = Some(to);
        self
    }

    /// Says from whom it comes.
    pub fn from(mut self, from: Jid) -> Self {
        self.from = Some(from);
        self
    }

    /// Says by which identifier answers find back.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.id = Text::own(Some(id.as_ref()));
        self
    }

    /// Says in which language its text is.
    pub fn lang(mut self, lang: &str) -> Self {
        self.lang = Text::own(Some(lang));
        self
    }

    /// Adds the text of a message.
    pub fn body(self, text: impl AsRef<str>) -> Self {
        self.text_child("body", text)
    }

    /// Adds an element of the stanza's own namespace that holds text, such as `<show/>`.
    pub fn text_child(mut self, name: &str, text: impl AsRef<str>) -> Self {
        self.element = self.element.child_with(name, |to| to.text(text));
        self
    }

    /// Adds an element.
    pub fn child(mut self, child: impl Into<Element>) -> Self {
        self.element = self.element.child(child.into());
        self
    }

    /// Adds a typed payload.
    pub fn payload(self, payload: &impl Payload) -> Self {
        self.child(payload.write())
    }

    /// Finishes the stanza.
    pub fn build(self) -> Stanza {
        let Self { kind, to, from, id, lang, element } = self;
        let rest = Rest { kind, from, id, lang, extras: false, element: element.build() };
        Stanza { to, rest: Arc::new(rest) }
    }
}

impl From<StanzaBuilder> for Stanza {
    fn from(builder: StanzaBuilder) -> Self {
        builder.build()
    }
}
