//! `<query xmlns='jabber:iq:roster'/>`, read and written.

use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Content, Element, ElementRef, Name};

use crate::list::{Item, List};

/// A request of a client's (RFC 6121 §2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The version that the client knows; empty if it knows of versions and has none.
    pub(crate) ver: Option<String>,
    pub(crate) items: Vec<Wish>,
}

/// What a client wants a contact to be. Whatever else it says of the contact is not its to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// As it was written.
    pub(crate) jid: String,
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    /// To be no contact any more.
    pub(crate) remove: bool,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::ROSTER;

    fn read(query: ElementRef<'_>) -> Result<Self, Invalid> {
        let items = query.children().filter(|child| child.is("item", ns::ROSTER));
        Ok(Self {
            ver: query.attr("ver").map(Into::into),
            items: items.map(Wish::read).collect::<Result<_, _>>()?,
        })
    }

    fn write(&self) -> Element {
        let items = self.items.iter().map(|wish| {
            let groups = wish.groups.iter();
            Element::builder("item", ns::ROSTER)
                .attr("jid", &wish.jid)
                .attr_opt("name", Some(&wish.name).filter(|name| !name.is_empty()))
                .attr_opt("subscription", wish.remove.then_some("remove"))
                .children(groups.map(|group| Element::builder("group", ns::ROSTER).text(group)))
        });
        Self::builder().attr_opt("ver", self.ver.as_ref()).children(items).build()
    }
}

impl Wish {
    pub(crate) fn read(item: ElementRef<'_>) -> Result<Self, Invalid> {
        let groups = item.children().filter(|child| child.is("group", ns::ROSTER));
        Ok(Self {
            jid: item.attr("jid").ok_or_else(|| Invalid::attribute("jid"))?.into(),
            name: item.attr("name").unwrap_or_default().into(),
            groups: groups.map(|group| group.text().into_owned()).collect(),
            // RFC 6121 §2.1.2.5: any other value is the server's to say.
            remove: item.attr("subscription") == Some("remove"),
        })
    }
}

/// The whole list, with its version for those who have asked for one.
pub(crate) fn whole(list: &List, versioned: bool) -> Element {
    let version = versioned.then(|| list.version());
    query(version.as_deref(), |out| {
        out.reserve(list.written_bytes());
        list.listed().for_each(|item| write_item(out, &item));
    })
}

/// How things stand with one contact.
pub(crate) fn shown(item: &Item<'_>, version: &str) -> Element {
    query(Some(version), |out| write_item(out, item))
}

/// Somebody is no contact any more.
pub(crate) fn removed(jid: &str, version: &str) -> Element {
    let attributes = [(JID, Some(jid)), (SUBSCRIPTION, Some("remove"))];
    query(Some(version), |out| out.element(ITEM, attributes, |_| ()))
}

const ITEM: Name = Name::new("item");
const GROUP: Name = Name::new("group");
const JID: Name = Name::new("jid");
const NAME: Name = Name::new("name");
const APPROVED: Name = Name::new("approved");
const ASK: Name = Name::new("ask");
const SUBSCRIPTION: Name = Name::new("subscription");

/// Lists are long and read often, so they are written without anything between.
fn query(version: Option<&str>, items: impl FnOnce(&mut Content<'_>)) -> Element {
    Query::builder().attr_opt("ver", version).contents(items).build()
}

fn write_item(out: &mut Content<'_>, item: &Item<'_>) {
    let standing = item.standing();
    let attributes = [
        (JID, Some(item.jid())),
        (NAME, Some(item.name()).filter(|name| !name.is_empty())),
        // RFC 6121 §2.1.2.1: nobody is told of an approval that has had its effect.
        (APPROVED, standing.approved.then_some("true")),
        (ASK, standing.state.is_asking().then_some("subscribe")),
        (SUBSCRIPTION, Some(item.subscription().name())),
    ];
    out.element(ITEM, attributes, |out| {
        for group in item.groups() {
            out.element(GROUP, [], |out| out.text(group));
        }
    });
}
