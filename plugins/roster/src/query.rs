//! `<query xmlns='jabber:iq:roster'/>`, read and written.

use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef, Limits, TagWriter, escape_text, write_end_tag};

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
    fn read(item: ElementRef<'_>) -> Result<Self, Invalid> {
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
    query(version.as_deref(), |out| list.listed().for_each(|item| write_item(out, &item)))
}

/// How things stand with one contact.
pub(crate) fn shown(item: &Item<'_>, version: &str) -> Element {
    query(Some(version), |out| write_item(out, item))
}

/// Somebody is no contact any more.
pub(crate) fn removed(jid: &str, version: &str) -> Element {
    query(Some(version), |out| {
        let mut tag = TagWriter::open(out, "item");
        tag.attr("jid", jid).attr("subscription", "remove");
        tag.finish_empty();
    })
}

/// Lists are long and read often, so they are written straight to bytes.
fn query(version: Option<&str>, items: impl FnOnce(&mut Vec<u8>)) -> Element {
    let mut out = Vec::with_capacity(256);
    let mut tag = TagWriter::open(&mut out, "query");
    tag.declare("", ns::ROSTER).attr_opt("ver", version);
    tag.finish();
    items(&mut out);
    write_end_tag(&mut out, "query");
    Element::parse(out, &Limits::trusted()).expect("what the writer has written is well-formed")
}

fn write_item(out: &mut Vec<u8>, item: &Item<'_>) {
    let standing = item.standing();
    let mut tag = TagWriter::open(out, "item");
    tag.attr("jid", item.jid());
    tag.attr_opt("name", Some(item.name()).filter(|name| !name.is_empty()));
    // RFC 6121 §2.1.2.1: nobody is told of an approval that has had its effect.
    tag.attr_opt("approved", standing.approved.then_some("true"));
    tag.attr_opt("ask", standing.state.is_asking().then_some("subscribe"));
    tag.attr("subscription", item.subscription().name());
    let mut groups = item.groups().peekable();
    if groups.peek().is_none() {
        tag.finish_empty();
        return;
    }
    tag.finish();
    for group in groups {
        out.extend_from_slice(b"<group>");
        escape_text(out, group);
        write_end_tag(out, "group");
    }
    write_end_tag(out, "item");
}
