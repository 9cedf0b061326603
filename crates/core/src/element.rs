//! What is said on a stream with a session beside stanzas, such as acknowledgements.

use std::{collections::HashMap, fmt, sync::Arc};

use sestina_stanza::{Stanza, StreamCondition, StreamError, ns};
use sestina_xml::Element;

use crate::{
    Server, contain::Joint, error::AssemblyError, server::Handling, session::Session,
    tap::Direction,
};

/// Something that waits for a session's peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outgoing {
    /// A stanza.
    Stanza(Stanza),
    /// A stanza that is for this session only: where it is not read, it is routed to nobody else.
    Copy(Stanza),
    /// The answer to an element that is none.
    Element(Box<Element>),
}

impl Outgoing {
    /// The stanza, if it is one.
    #[must_use]
    pub fn stanza(&self) -> Option<&Stanza> {
        match self {
            Self::Stanza(stanza) | Self::Copy(stanza) => Some(stanza),
            Self::Element(_) => None,
        }
    }

    /// What somebody else may read, if nobody has read it here.
    pub(crate) fn into_stanza(self) -> Option<Stanza> {
        match self {
            Self::Stanza(stanza) => Some(stanza),
            Self::Copy(_) | Self::Element(_) => None,
        }
    }

    /// Writes it as it stands on a client's stream.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Stanza(stanza) | Self::Copy(stanza) => stanza.write(out),
            Self::Element(element) => element.write_to(out, ns::CLIENT),
        }
    }

    /// Writes it so that it can stand alone, as in a message of its own (RFC 7395 §3.3).
    pub fn write_standalone(&self, out: &mut Vec<u8>) {
        match self {
            Self::Stanza(stanza) | Self::Copy(stanza) => stanza.write_standalone(out, ns::CLIENT),
            Self::Element(element) => element.write_to(out, ""),
        }
    }

    /// What it is counted as while it waits.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Stanza(stanza) | Self::Copy(stanza) => stanza.element().as_bytes().len(),
            Self::Element(element) => element.as_bytes().len(),
        }
    }
}

impl From<Stanza> for Outgoing {
    fn from(stanza: Stanza) -> Self {
        Self::Stanza(stanza)
    }
}

impl From<Element> for Outgoing {
    fn from(element: Element) -> Self {
        Self::Element(Box::new(element))
    }
}

type Taker = Arc<
    dyn Fn(&Element, &Arc<Session>, &Server) -> Result<Option<Element>, StreamError> + Send + Sync,
>;

/// Who takes which elements, by their namespace.
#[derive(Default)]
pub(crate) struct Elements(HashMap<&'static str, (&'static str, Taker)>);

impl Elements {
    pub(crate) fn claim(
        &mut self,
        by: &'static str,
        namespace: &'static str,
        taker: Taker,
    ) -> Result<(), AssemblyError> {
        match self.0.insert(namespace, (by, taker)) {
            None => Ok(()),
            Some((first, _)) => Err(AssemblyError::ClaimedTwice {
                what: format!("the elements in {namespace}"),
                first,
                second: by,
            }),
        }
    }
}

impl Server {
    /// Takes an element that the peer of a session sent, and that is no stanza. What was sent before
    /// it has been handled; an answer waits its turn behind what is queued.
    pub fn receive_element(&self, session: &Arc<Session>, element: &Element) -> Handling {
        if session.is_ending() {
            return Handling::Done;
        }
        // RFC 6120 §4.9.3.24
        let Some((by, taker)) = self.elements().0.get(element.namespace()) else {
            return Handling::Close(StreamCondition::UnsupportedStanzaType.into());
        };
        if self.taps().any() {
            self.glimpsed(session, Direction::In, &element.clone().into());
        }
        match self.contain(by, Joint::Element, || taker(element, session, self)) {
            Ok(Ok(Some(answer))) => {
                self.offer(session, answer);
                Handling::Done
            }
            // There is no error that answers an element, but for one that ends the stream.
            Ok(Ok(None)) | Err(_) => Handling::Done,
            Ok(Err(error)) => Handling::Close(error),
        }
    }
}

impl fmt::Debug for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(namespace, (by, _))| (namespace, by))).finish()
    }
}
