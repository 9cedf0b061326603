//! From an element to a stanza.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sestina_xml::Element;

use super::edit::plain_root;
use super::text::Text;
use super::{IqType, Kind, MessageType, PresenceType, Rest, Stanza};
use crate::{Condition, Jid, JidError, StanzaError, StreamCondition, ns};

impl Stanza {
    /// Reads an element as a stanza; its content is left alone, except that an IQ's is counted.
    ///
    /// # Errors
    ///
    /// [`ReadError::NotAStanza`] where it is another element or in another namespace, and
    /// [`ReadError::Malformed`] where its head breaks the rules, in which case the sender is
    /// answered.
    pub fn read(element: Element) -> Result<Self, ReadError> {
        Self::read_like(element, None)
    }

    /// Reads an element whose addresses are probably `known`, which is then shared.
    ///
    /// A stream passes the last addressee: most stanzas go where the one before them went.
    ///
    /// # Errors
    ///
    /// As [`Stanza::read`].
    pub fn read_like(element: Element, known: Option<&Jid>) -> Result<Self, ReadError> {
        let in_content = matches!(element.namespace(), ns::CLIENT | ns::SERVER)
            || element.namespace() == ns::COMPONENT_ACCEPT;
        let named = matches!(element.name(), "message" | "presence" | "iq");
        if !named || !in_content {
            return Err(ReadError::NotAStanza(Box::new(element)));
        }
        let element = plain_root(element);
        let mut head = Head::default();
        head.take(&element, known);
        let (kind, fault) = head.judge(&element);
        let Head { to, from, id, lang, extras, .. } = head;
        let rest = Rest { kind, from, id, lang, extras, element };
        let stanza = Self { to, rest: Arc::new(rest) };
        match fault {
            None => Ok(stanza),
            Some(error) => Err(ReadError::Malformed(Malformed { stanza, error })),
        }
    }
}

/// What the start tag says.
#[derive(Default)]
struct Head<'e> {
    to: Option<Jid>,
    from: Option<Jid>,
    id: Text,
    lang: Text,
    kind: Option<Cow<'e, str>>,
    address: Option<JidError>,
    extras: bool,
}

impl<'e> Head<'e> {
    fn take(&mut self, element: &'e Element, known: Option<&Jid>) {
        let raw = element.as_bytes();
        for attribute in element.start().attributes() {
            match attribute.source_name() {
                "to" => self.to = self.address(&attribute.value(), known),
                "from" => self.from = self.address(&attribute.value(), known),
                "id" => self.id = Text::of(raw, attribute.value()),
                "xml:lang" => self.lang = Text::of(raw, attribute.value()),
                "type" => self.kind = Some(attribute.value()),
                "xmlns" => {}
                _ => self.extras = true,
            }
        }
    }

    fn address(&mut self, text: &str, known: Option<&Jid>) -> Option<Jid> {
        Jid::new_like(text, known).inspect_err(|error| self.address = Some(*error)).ok()
    }

    /// The kind, and what is wrong with the head.
    fn judge(&self, element: &Element) -> (Kind, Option<StanzaError>) {
        let refuse = |words: &str| Some(StanzaError::new(Condition::BadRequest).with_text(words));
        let said = self.kind.as_deref();
        let (kind, mut fault) = match element.name() {
            // RFC 6121 §5.2.2: a type that is not known counts as normal.
            "message" => {
                let kind = said.and_then(MessageType::from_name).unwrap_or(MessageType::Normal);
                (kind.into(), None)
            }
            // The absence of a type is written by its absence only (RFC 6121 §4.7.1).
            "presence" => match said.map(PresenceType::from_name) {
                None => (PresenceType::Available.into(), None),
                Some(Some(kind)) if kind != PresenceType::Available => (kind.into(), None),
                Some(_) => {
                    (PresenceType::Available.into(), refuse("There is no presence of this type."))
                }
            },
            _ => match said.and_then(IqType::from_name) {
                Some(kind) => (kind.into(), None),
                // It asks for something, as far as anybody can tell.
                None => (IqType::Set.into(), refuse("There is no IQ of this type.")),
            },
        };
        if let (None, Kind::Iq(kind)) = (&fault, kind) {
            // RFC 6120 §8.2.3
            if matches!(self.id, Text::Absent) {
                fault = refuse("An IQ has an id.");
            } else if kind.is_request() && element.children().nth(1).is_some() {
                fault = refuse("A request has one payload, not more.");
            } else if kind.is_request() && element.first_child().is_none() {
                fault = refuse("A request has a payload.");
            }
        }
        match self.address {
            // RFC 6120 §8.3.3.8
            Some(error) => (kind, Some(StanzaError::from(error))),
            None => (kind, fault),
        }
    }
}

/// Why an element is not a stanza that can be routed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// Its head breaks the rules.
    Malformed(Malformed),
    /// It is neither message nor presence nor IQ, or in no namespace that has them.
    NotAStanza(Box<Element>),
}

impl ReadError {
    /// The stream error that the peer's stream ends with, where it does.
    ///
    /// RFC 6120 §4.9.3.24: an element that is no stanza ends the stream; a malformed stanza is
    /// answered and the stream goes on.
    pub const fn stream_condition(&self) -> Option<StreamCondition> {
        match self {
            Self::Malformed(_) => None,
            Self::NotAStanza(_) => Some(StreamCondition::UnsupportedStanzaType),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => write!(f, "malformed stanza: {}", malformed.error),
            Self::NotAStanza(element) => {
                write!(f, "<{}/> in '{}' is no stanza", element.name(), element.namespace())
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// A stanza whose head breaks the rules, as far as it could be read.
#[derive(Clone, Debug)]
pub struct Malformed {
    /// The stanza without what could not be read: an address, or a type that nobody knows.
    pub stanza: Stanza,
    /// What is wrong.
    pub error: StanzaError,
}

impl Malformed {
    /// The answer; none where a malformed answer would be answered, as it is dropped then.
    pub fn reply(&self) -> Option<Stanza> {
        self.stanza.error(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use sestina_xml::Limits;

    use super::*;

    fn read(xml: &str) -> Result<Stanza, ReadError> {
        let xml =
            xml.replacen("/>", " xmlns='jabber:client'/>", usize::from(!xml.contains("xmlns=")));
        Stanza::read(Element::parse(&xml, &Limits::default()).expect(&xml))
    }

    #[test]
    fn reads_the_head() {
        let stanza = read(
            "<iq xmlns='jabber:client' type='set' id='a&amp;b' xml:lang=\"de\" to='b' from='A@b/c'>\n\
             <q xmlns='x'/>\n</iq>",
        )
        .expect("well-formed");
        assert_eq!(stanza.kind(), Kind::Iq(IqType::Set));
        assert_eq!((stanza.id(), stanza.lang()), (Some("a&b"), Some("de")));
        assert_eq!(stanza.to().map(Jid::as_str), Some("b"));
        assert_eq!(stanza.from().map(Jid::as_str), Some("a@b/c"));
        assert!(stanza.payload().is_some_and(|payload| payload.is("q", "x")));
    }

    #[test]
    fn types_default_as_the_rfc_says() {
        let cases = [
            ("<message/>", Kind::Message(MessageType::Normal)),
            ("<message type='shout'/>", Kind::Message(MessageType::Normal)),
            ("<message type='groupchat'/>", Kind::Message(MessageType::Groupchat)),
            ("<presence/>", Kind::Presence(PresenceType::Available)),
            ("<presence type='probe'/>", Kind::Presence(PresenceType::Probe)),
            ("<iq type='result' id='1'/>", Kind::Iq(IqType::Result)),
        ];
        for (xml, kind) in cases {
            assert_eq!(read(xml).expect(xml).kind(), kind);
        }
    }

    #[test]
    fn malformed_stanzas_are_answered() {
        use Condition::{BadRequest, JidMalformed};
        let cases = [
            ("<message to='@'/>", JidMalformed),
            ("<message to=''/>", JidMalformed),
            ("<presence from='a@b@c'/>", JidMalformed),
            ("<presence type='available'/>", BadRequest),
            ("<presence type='here'/>", BadRequest),
            ("<iq id='1'/>", BadRequest),
            ("<iq type='ask' id='1'/>", BadRequest),
            ("<iq type='get' id='1'/>", BadRequest),
            ("<iq xmlns='jabber:client' type='get'><q/></iq>", BadRequest),
            ("<iq xmlns='jabber:client' type='set' id='1'><q/><q/></iq>", BadRequest),
        ];
        for (xml, condition) in cases {
            let Err(ReadError::Malformed(malformed)) = read(xml) else { panic!("{xml}") };
            assert_eq!(malformed.error.condition(), condition, "{xml}");
            let reply = malformed.reply().expect(xml);
            assert!(reply.kind().is_error());
            assert_eq!(reply.reported_error().expect("error").condition(), condition);
        }
    }

    #[test]
    fn malformed_answers_are_not_answered() {
        for xml in [
            "<iq type='result'/>",
            "<iq type='error'/>",
            "<iq type='result' id='1' to='@'/>",
            "<message type='error' to='@'/>",
            "<presence type='error' to='@'/>",
        ] {
            let Err(ReadError::Malformed(malformed)) = read(xml) else { panic!("{xml}") };
            assert!(malformed.reply().is_none(), "{xml}");
        }
    }

    #[test]
    fn other_elements_are_no_stanzas() {
        for xml in ["<message xmlns='x'/>", "<query/>", "<message xmlns=''/>"] {
            let error = read(xml).expect_err(xml);
            assert_eq!(error.stream_condition(), Some(StreamCondition::UnsupportedStanzaType));
        }
    }

    #[test]
    fn a_known_address_is_shared() {
        let known = Jid::new("a@b").expect("address");
        let element =
            Element::parse("<message xmlns='jabber:client' to='a@b'/>", &Limits::default());
        let stanza =
            Stanza::read_like(element.expect("well-formed"), Some(&known)).expect("stanza");
        assert!(std::ptr::eq(stanza.to().expect("address").as_str(), known.as_str()));
    }
}
