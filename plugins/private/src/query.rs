//! What goes over the wire.

use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What is kept, as it was written, or the name of what is asked for.
    pub elements: Vec<Element>,
}

impl Query {
    /// The element, if it is the only one.
    pub(crate) fn only(&self) -> Option<&Element> {
        match &*self.elements {
            [element] => Some(element),
            _ => None,
        }
    }
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::PRIVATE;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        // Nobody asks for more than one and gets it, so no more are copied than show that.
        Ok(Self { elements: element.children().take(2).map(|it| it.to_element()).collect() })
    }

    fn write(&self) -> Element {
        Self::builder().children(&self.elements).build()
    }
}
