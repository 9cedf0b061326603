//! What is below an entity.

use sestina_core::Item;
use sestina_stanza::{Invalid, PageRequest, Payload, ResultSet, UnknownItem, ns};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='http://jabber.org/protocol/disco#items'/>` (XEP-0030 §4): asked or answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// The node that is asked.
    pub node: Option<String>,
    /// What is below.
    pub items: Vec<Item>,
    /// Which page is asked for, by those who do not want all of them (XEP-0059).
    pub page: Option<PageRequest>,
    /// Which page was answered.
    pub set: Option<ResultSet>,
}

impl Items {
    /// What was asked for of `items`.
    pub(crate) fn of(asked: &Self, items: Vec<Item>) -> Result<Self, UnknownItem> {
        let node = asked.node.clone();
        let Some(page) = &asked.page else { return Ok(Self { node, items, ..Self::default() }) };
        let items: Vec<_> = items.into_iter().map(|item| (id(&item), item)).collect();
        let page = page.page(&items, items.len(), |(id, _)| id)?;
        let items = page.items.iter().map(|(_, item)| item.clone()).collect();
        Ok(Self { node, items, set: Some(page.set), ..Self::default() })
    }
}

/// What an item is called between pages: address and node are its own together (XEP-0030 §4.1).
fn id(item: &Item) -> String {
    match &item.node {
        Some(node) => format!("{} {node}", item.jid),
        None => item.jid.to_string(),
    }
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
        let items = items.collect::<Result<_, Invalid>>()?;
        let node = element.attr("node").map(ToOwned::to_owned);
        // Whoever answers counts.
        let set = element.child("set", ns::RSM);
        let (page, set) = match set {
            Some(set) if set.child("count", ns::RSM).is_some() => {
                (None, Some(ResultSet::read(set)?))
            }
            Some(page) => (Some(PageRequest::read(page)?), None),
            None => (None, None),
        };
        Ok(Self { node, items, page, set })
    }

    fn write(&self) -> Element {
        let items = self.items.iter().map(|item| {
            Element::builder("item", ns::DISCO_ITEMS)
                .attr("jid", item.jid.as_str())
                .attr_opt("node", item.node.as_deref())
                .attr_opt("name", item.name.as_deref())
        });
        Self::builder()
            .attr_opt("node", self.node.as_deref())
            .children(items)
            .children(self.page.iter().map(Payload::write))
            .children(self.set.iter().map(Payload::write))
            .build()
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
        let both = vec![item("rooms.a", None), item("b@a/c", Some("n"))];
        let asked = Items { page: Some(PageRequest::first(1)), ..Items::default() };
        let answered = Items::of(&asked, both.clone()).expect("a page");
        assert_eq!(answered.items, both[..1]);
        let next = Items { page: Some(PageRequest::after("rooms.a")), ..Items::default() };
        assert_eq!(Items::of(&next, both.clone()).map(|next| next.items), Ok(both[1..].to_vec()));
        for items in [Items { items: both, ..Items::default() }, asked, answered] {
            assert_eq!(Items::read(items.write().root()), Ok(items));
        }
    }
}
