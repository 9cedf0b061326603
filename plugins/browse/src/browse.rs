//! XEP-0011 over the wire.

use std::collections::BTreeSet;

use sestina_core::Identity;
use sestina_stanza::{Invalid, Jid, Payload};
use sestina_xml::{Builder, Element, ElementRef};

/// `<query xmlns='jabber:iq:browse'/>`, empty where it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browse {
    /// Who was asked, and what is below.
    pub entity: Option<Entry>,
}

/// An entity as browsing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its address.
    pub jid: Jid,
    /// What it is.
    pub what: Option<JidType>,
    /// For people.
    pub name: Option<String>,
    /// What it speaks, sorted.
    pub namespaces: BTreeSet<String>,
    /// What is below it.
    pub children: Vec<Self>,
}

/// The role of an address (XEP-0011 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JidType {
    /// Such as `service`.
    pub category: String,
    /// Such as `jabber`.
    pub kind: Option<String>,
}

impl Browse {
    /// The answer about an entity.
    #[must_use]
    pub fn of(entity: Entry) -> Self {
        Self { entity: Some(entity) }
    }
}

impl Entry {
    /// An address of which nothing is known.
    #[must_use]
    pub fn at(jid: Jid) -> Self {
        Self { jid, what: None, name: None, namespaces: BTreeSet::new(), children: Vec::new() }
    }

    fn read(element: ElementRef<'_>, depth: usize) -> Result<Self, Invalid> {
        let own = |name| element.attr(name).map(ToOwned::to_owned);
        let jid = element.attr("jid").and_then(|jid| jid.parse().ok());
        let mut entry = Self::at(jid.ok_or_else(|| Invalid::attribute("jid"))?);
        entry.what = own("category").map(|category| JidType { category, kind: own("type") });
        entry.name = own("name");
        for child in element.children() {
            match (child.name(), child.namespace()) {
                ("ns", Browse::NAMESPACE) => {
                    entry.namespaces.insert(child.text().trim().to_owned());
                }
                ("item", Browse::NAMESPACE) if depth < DEEPEST => {
                    entry.children.push(Self::read(child, depth + 1)?);
                }
                _ => {}
            }
        }
        Ok(entry)
    }

    fn fill(&self, to: Builder) -> Builder {
        let what = self.what.as_ref();
        let namespaces =
            self.namespaces.iter().map(|it| Element::builder("ns", Browse::NAMESPACE).text(it));
        let children = self
            .children
            .iter()
            .map(|child| child.fill(Element::builder("item", Browse::NAMESPACE)));
        to.attr("jid", self.jid.as_str())
            .attr_opt("category", what.map(|what| &what.category))
            .attr_opt("type", what.and_then(|what| what.kind.as_ref()))
            .attr_opt("name", self.name.as_deref())
            .children(namespaces)
            .children(children)
    }
}

/// Children and their children: nobody tells more.
const DEEPEST: usize = 2;

impl JidType {
    /// A role.
    pub fn new(category: impl Into<String>, kind: Option<&str>) -> Self {
        Self { category: category.into(), kind: kind.map(ToOwned::to_owned) }
    }

    /// What service discovery calls by another name.
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        match (&*identity.category, &*identity.kind) {
            ("server", _) => Self::new("service", Some("jabber")),
            ("directory", "user") => Self::new("service", Some("jud")),
            ("gateway", network) => Self::new("service", Some(network)),
            ("conference", "irc") => Self::new("conference", Some("irc")),
            ("conference", _) => Self::new("conference", Some("public")),
            ("headline", kind) => Self::new("headline", Some(kind)),
            // XEP-0011 §2: names of one's own are marked.
            (category, kind) => Self::new(format!("x-{category}"), Some(&format!("x-{kind}"))),
        }
    }
}

impl Payload for Browse {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "jabber:iq:browse";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let entity = element.attr("jid").map(|_| Entry::read(element, 0)).transpose()?;
        Ok(Self { entity })
    }

    fn write(&self) -> Element {
        match &self.entity {
            None => Self::builder().build(),
            Some(entity) => entity.fill(Self::builder()).build(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_was_written() {
        let entry = |jid: &str, children| Entry {
            what: Some(JidType::new("service", Some("jud"))),
            name: Some("Who is who".into()),
            namespaces: ["jabber:iq:search".to_owned(), "vcard-temp".to_owned()].into(),
            children,
            ..Entry::at(jid.parse().expect(jid))
        };
        for browse in [
            Browse::default(),
            Browse::of(entry("capulet.example", vec![entry("users.capulet.example", vec![])])),
        ] {
            assert_eq!(Browse::read(browse.write().root()), Ok(browse));
        }
    }

    #[test]
    fn roles_have_their_old_names() {
        for (identity, category, kind) in [
            (("server", "im"), "service", "jabber"),
            (("directory", "user"), "service", "jud"),
            (("gateway", "sms"), "service", "sms"),
            (("conference", "text"), "conference", "public"),
            (("conference", "irc"), "conference", "irc"),
            (("headline", "rss"), "headline", "rss"),
            (("proxy", "bytestreams"), "x-proxy", "x-bytestreams"),
        ] {
            let read = JidType::of(&Identity::new(identity.0, identity.1));
            assert_eq!(read, JidType::new(category, Some(kind)));
        }
    }
}
