//! What is below an entity.

use sestina_core::Item;
use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='http://jabber.org/protocol/disco#items'/>` (XEP-0030 §4): asked or answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// The node that is asked.
    pub node: Option<String>,
    /// What is below.
    pub items: Vec<Item>,
}

impl Payload for Items {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::DISCO_ITEMS;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let items = element.children().filter(|child| child.is("item", ns::DISCO_ITEMS));
        let items = items.map(|item| {
            let jid = item.attr("jid").and_then(|jid| jid.parse().ok());
            let jid = jid.ok_or_else(|| Invalid::attribute("jid"))?;
            let own = |name| item.attr(name).map(ToOwned::to_owned);
            Ok(Item { jid, node: own("node"), name: own("name") })
        });
        let node = element.attr("node").map(ToOwned::to_owned);
        Ok(Self { node, items: items.collect::<Result<_, Invalid>>()? })
    }

    fn write(&self) -> Element {
        let items = self.items.iter().map(|item| {
            Element::builder("item", ns::DISCO_ITEMS)
                .attr("jid", item.jid.as_str())
                .attr_opt("node", item.node.as_deref())
                .attr_opt("name", item.name.as_deref())
        });
        Self::builder().attr_opt("node", self.node.as_deref()).children(items).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_as_they_were_written() {
        let item = |jid: &str, node: Option<&str>| Item {
            jid: jid.parse().expect(jid),
            node: node.map(ToOwned::to_owned),
            name: Some("A hall".into()),
        };
        let items =
            Items { node: None, items: vec![item("rooms.a", None), item("b@a/c", Some("n"))] };
        assert_eq!(Items::read(items.write().root()), Ok(items));
    }
}
