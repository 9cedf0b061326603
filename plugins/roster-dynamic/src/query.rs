//! What goes over the wire.

use sestina_stanza::{Invalid, Jid, Payload};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='jabber:iq:roster-dynamic'><item jid='romeo@capulet.example'/></query>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The contacts, and what is known of them.
    pub items: Vec<Item>,
}

/// A contact and what is known of it, of whatever shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Whose.
    pub jid: Jid,
    /// The whole item, as it was written.
    pub element: Element,
}

impl Item {
    /// A contact of which nothing is known.
    #[must_use]
    pub fn empty(jid: Jid) -> Self {
        let element = Element::builder("item", Query::NAMESPACE).attr("jid", jid.as_str()).build();
        Self { jid, element }
    }

    /// Whether it says nothing but its address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.element.attrs().count() == 1
            && self.element.content().iter().all(u8::is_ascii_whitespace)
    }
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "jabber:iq:roster-dynamic";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let items = element.children().filter(|child| child.is("item", Self::NAMESPACE));
        let items = items.map(|item| {
            let jid = item.attr("jid").and_then(|jid| jid.parse().ok());
            let jid = jid.ok_or_else(|| Invalid::attribute("jid"))?;
            Ok(Item { jid, element: item.to_element() })
        });
        Ok(Self { items: items.collect::<Result<_, Invalid>>()? })
    }

    fn write(&self) -> Element {
        Self::builder().children(self.items.iter().map(|item| &item.element)).build()
    }
}
