//! XEP-0094 over the wire.

use sestina_stanza::{Invalid, Jid, Payload, ns};
use sestina_xml::{Element, ElementRef};

use crate::browse::{Entry, JidType};

/// `<query xmlns='jabber:iq:agents'/>`, empty where it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agents {
    /// The services.
    pub agents: Vec<Agent>,
}

/// A service as it was told before browsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its address.
    pub jid: Jid,
    /// For people.
    pub name: Option<String>,
    /// Which network, which kind of rooms, or `jud`.
    pub service: Option<String>,
    /// Whether it leads to another network.
    pub transport: bool,
    /// Whether it has rooms.
    pub groupchat: bool,
    /// Whether one can register with it.
    pub register: bool,
    /// Whether it can be searched.
    pub search: bool,
}

impl Agent {
    pub(crate) fn of(entry: Entry) -> Self {
        let Entry { jid, what, name, namespaces, .. } = entry;
        let JidType { category, kind } = what.unwrap_or_else(|| JidType::new("", None));
        let (rooms, service) = (category == "conference", category == "service");
        Self {
            jid,
            name,
            transport: service && !matches!(kind.as_deref(), Some("jud" | "jabber")),
            groupchat: rooms,
            service: kind.filter(|_| rooms || service),
            register: namespaces.contains(ns::REGISTER),
            search: namespaces.contains(SEARCH),
        }
    }
}

/// XEP-0055.
const SEARCH: &str = "jabber:iq:search";

impl Payload for Agents {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "jabber:iq:agents";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let agents = element.children().filter(|child| child.is("agent", Self::NAMESPACE));
        let agents = agents.map(|agent| {
            let jid = agent.attr("jid").and_then(|jid| jid.parse().ok());
            let text = |name| agent.child_text(name, Self::NAMESPACE).map(|it| it.into_owned());
            let has = |name| agent.child(name, Self::NAMESPACE).is_some();
            Ok(Agent {
                jid: jid.ok_or_else(|| Invalid::attribute("jid"))?,
                name: text("name"),
                service: text("service"),
                transport: has("transport"),
                groupchat: has("groupchat"),
                register: has("register"),
                search: has("search"),
            })
        });
        Ok(Self { agents: agents.collect::<Result<_, Invalid>>()? })
    }

    fn write(&self) -> Element {
        let agents = self.agents.iter().map(|agent| {
            let child = |name: &str| Element::builder(name, Self::NAMESPACE);
            let texts = [("name", &agent.name), ("service", &agent.service)];
            let texts = texts
                .into_iter()
                .filter_map(|(name, text)| text.as_ref().map(|text| child(name).text(text)));
            let marks = [
                ("transport", agent.transport),
                ("groupchat", agent.groupchat),
                ("register", agent.register),
                ("search", agent.search),
            ];
            let marks = marks.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| child(name));
            child("agent").attr("jid", agent.jid.as_str()).children(texts).children(marks)
        });
        Self::builder().children(agents).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(category: &str, kind: &str) -> Agent {
        let what = Some(JidType::new(category, Some(kind)));
        Agent::of(Entry { what, ..Entry::at("hall.capulet.example".parse().expect("a domain")) })
    }

    #[test]
    fn marks_follow_from_roles() {
        let marks = |agent: &Agent| (agent.service.clone(), agent.transport, agent.groupchat);
        assert_eq!(marks(&agent("service", "jud")), (Some("jud".into()), false, false));
        assert_eq!(marks(&agent("service", "sms")), (Some("sms".into()), true, false));
        assert_eq!(marks(&agent("conference", "public")), (Some("public".into()), false, true));
        assert_eq!(marks(&agent("x-proxy", "x-bytestreams")), (None, false, false));
    }

    #[test]
    fn they_read_as_they_were_written() {
        let full =
            Agent { name: Some("Who is who".into()), search: true, ..agent("service", "sms") };
        let agents = Agents { agents: vec![full, agent("conference", "irc")] };
        assert_eq!(Agents::read(agents.write().root()), Ok(agents));
    }
}
