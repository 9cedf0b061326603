//! What goes over the wire (XEP-0191 §3).

use sestina_stanza::{Invalid, Jid, Payload, ns};
use sestina_xml::{Element, ElementRef};

macro_rules! lists {
    ($($(#[$about:meta])* $type:ident $name:literal)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $type {
            /// Who.
            pub items: Vec<Jid>,
        }

        impl Payload for $type {
            const NAME: &'static str = $name;
            const NAMESPACE: &'static str = ns::BLOCKING;

            fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
                Ok(Self { items: read(element)? })
            }

            fn write(&self) -> Element {
                let item = |jid| Element::builder("item", ns::BLOCKING).attr("jid", jid);
                Self::builder().children(self.items.iter().map(item)).build()
            }
        }
    )*};
}

lists! {
    /// `<blocklist/>`: everybody who is blocked.
    BlockList "blocklist"
    /// `<block/>`: these are blocked from now on.
    Block "block"
    /// `<unblock/>`: these are not any more; nobody is if none is named.
    Unblock "unblock"
}

fn read(element: ElementRef<'_>) -> Result<Vec<Jid>, Invalid> {
    let items = element.children().filter(|child| child.is("item", ns::BLOCKING));
    items
        .map(|item| item.attr("jid").and_then(|jid| Jid::new(jid).ok()))
        .map(|jid| jid.ok_or_else(|| Invalid::attribute("jid")))
        .collect()
}
