//! Some people who come and go, and let each other see them or not, against a model of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use sestina_core::{Attached, Server};
use sestina_roster::Roster;
use sestina_stanza::{IqType, Jid, Kind, PresenceType, Stanza, ns};
use sestina_testkit::{Scene, Stage};
use sestina_xml::{Element, ElementRef};

const PEOPLE: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Deed {
    Come(usize),
    Go(usize),
    Say(usize, usize, PresenceType),
    Remove(usize, usize),
    Rename(usize, usize),
}

/// What one person thinks of another.
#[derive(Clone, Copy, Debug, Default)]
struct View {
    sees: bool,
    asks: bool,
    welcome: bool,
    listed: bool,
}

/// A client that believes what it is told.
struct Client {
    attached: Attached,
    visible: BTreeSet<usize>,
    list: BTreeMap<String, String>,
}

fn jid(who: usize) -> Jid {
    Jid::from_parts(Some(&format!("p{who}")), "capulet.example", None).unwrap()
}

fn number(jid: &Jid) -> usize {
    jid.local().unwrap().trim_start_matches('p').parse().unwrap()
}

fn query(item: Option<sestina_xml::Builder>) -> Element {
    Element::builder("query", ns::ROSTER).child_opt(item).build()
}

fn item(contact: usize) -> sestina_xml::Builder {
    Element::builder("item", ns::ROSTER).attr("jid", jid(contact).as_str())
}

impl Client {
    async fn come(server: &Server, who: usize) -> Self {
        let attached = server.attach(jid(who).with_resource("1").unwrap()).await.unwrap();
        let mut client = Self { attached, visible: BTreeSet::new(), list: BTreeMap::new() };
        client.send(Stanza::iq(IqType::Get, "get").child(query(None)).build()).await;
        client.send(Stanza::presence(PresenceType::Available).build()).await;
        client
    }

    async fn send(&mut self, stanza: Stanza) {
        self.attached.send(stanza).await.unwrap();
    }

    /// Takes what has come.
    async fn hear(&mut self) {
        while self.attached.session().queued() > 0 {
            let stanza = self.attached.receive().await.unwrap();
            match (stanza.kind(), stanza.from()) {
                (Kind::Iq(IqType::Result | IqType::Set), _) => {
                    for item in stanza.payload().iter().flat_map(|query| query.children()) {
                        self.note(item);
                    }
                }
                (Kind::Presence(PresenceType::Available), Some(from)) => {
                    self.visible.insert(number(from));
                }
                (Kind::Presence(PresenceType::Unavailable), Some(from)) => {
                    self.visible.remove(&number(from));
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, item: ElementRef<'_>) {
        let jid = item.attr("jid").unwrap().to_owned();
        match item.attr("subscription") {
            Some("remove") => self.list.remove(&jid),
            _ => self.list.insert(jid, item.to_element().to_string()),
        };
    }
}

struct World {
    stage: Stage,
    clients: Vec<Option<Client>>,
    views: [[View; PEOPLE]; PEOPLE],
}

impl World {
    async fn new() -> Self {
        let scene = (0..PEOPLE)
            .fold(Scene::new("capulet.example"), |scene, who| scene.account(jid(who).as_str()));
        let stage = scene.plugin(Roster::default()).build().await.unwrap();
        let clients = (0..PEOPLE).map(|_| None).collect();
        Self { stage, clients, views: Default::default() }
    }

    async fn happen(&mut self, deed: Deed) {
        match deed {
            Deed::Come(who) if self.clients[who].is_none() => {
                self.clients[who] = Some(Client::come(self.stage.server(), who).await);
            }
            Deed::Go(who) => {
                if let Some(client) = self.clients[who].take() {
                    client.attached.close().await;
                }
            }
            Deed::Say(who, whom, kind) if who != whom => {
                if let Some(client) = &mut self.clients[who] {
                    client.send(Stanza::presence(kind).to(jid(whom)).build()).await;
                    self.say(who, whom, kind);
                }
            }
            Deed::Remove(who, whom) if who != whom => {
                if let Some(client) = &mut self.clients[who] {
                    let item = item(whom).attr("subscription", "remove");
                    client
                        .send(Stanza::iq(IqType::Set, "1").child(query(Some(item))).build())
                        .await;
                    if self.views[who][whom].listed {
                        self.say(who, whom, PresenceType::Unsubscribe);
                        self.say(who, whom, PresenceType::Unsubscribed);
                        self.views[who][whom].listed = false;
                    }
                }
            }
            Deed::Rename(who, whom) if who != whom => {
                if let Some(client) = &mut self.clients[who] {
                    let item = item(whom).attr("name", "n");
                    client
                        .send(Stanza::iq(IqType::Set, "1").child(query(Some(item))).build())
                        .await;
                    self.views[who][whom].listed = true;
                }
            }
            _ => {}
        }
        for client in self.clients.iter_mut().flatten() {
            client.hear().await;
        }
    }

    fn say(&mut self, who: usize, whom: usize, kind: PresenceType) {
        match kind {
            PresenceType::Subscribe => {
                self.views[who][whom].listed = true;
                let view = &mut self.views[who][whom];
                if view.welcome {
                    (view.sees, view.asks, view.welcome) = (true, false, false);
                } else if !view.sees {
                    view.asks = true;
                }
            }
            PresenceType::Unsubscribe => {
                let view = &mut self.views[who][whom];
                (view.sees, view.asks) = (false, false);
            }
            PresenceType::Subscribed => {
                self.views[who][whom].listed = true;
                let view = &mut self.views[whom][who];
                if view.asks {
                    (view.sees, view.asks) = (true, false);
                } else if !view.sees {
                    view.welcome = true;
                }
            }
            _ => {
                let view = &mut self.views[whom][who];
                (view.sees, view.asks, view.welcome) = (false, false, false);
            }
        }
    }

    /// What a list must say of a contact.
    fn item(&self, who: usize, whom: usize) -> Option<(&'static str, bool, bool)> {
        let (own, other) = (self.views[who][whom], self.views[whom][who]);
        let subscription = match (own.sees, other.sees) {
            (false, false) => "none",
            (true, false) => "to",
            (false, true) => "from",
            (true, true) => "both",
        };
        own.listed.then_some((subscription, own.asks, other.welcome))
    }

    async fn check(&mut self) -> Result<(), TestCaseError> {
        let online: Vec<_> = self.clients.iter().map(Option::is_some).collect();
        for who in 0..PEOPLE {
            let expected: BTreeMap<_, _> =
                (0..PEOPLE).filter_map(|whom| Some((jid(whom), self.item(who, whom)?))).collect();
            let visible: BTreeSet<_> = (0..PEOPLE)
                .filter(|&whom| online[whom] && (whom == who || self.views[who][whom].sees))
                .collect();
            let Some(client) = &mut self.clients[who] else { continue };
            prop_assert_eq!(&client.visible, &visible, "whom {} sees", who);
            let believed = client.list.clone();
            client.list.clear();
            client.send(Stanza::iq(IqType::Get, "get").child(query(None)).build()).await;
            client.hear().await;
            prop_assert_eq!(&client.list, &believed, "what {} was pushed", who);
            let listed: BTreeMap<_, _> = believed
                .iter()
                .map(|(jid, item)| {
                    let item = Element::parse(item, &Default::default()).unwrap();
                    let subscription = item.attr("subscription").unwrap().to_owned();
                    let approved = item.attr("approved") == Some("true");
                    (Jid::new(jid).unwrap(), (subscription, item.attr("ask").is_some(), approved))
                })
                .collect();
            let expected: BTreeMap<_, _> = expected
                .into_iter()
                .map(|(jid, (subscription, asks, approved))| {
                    (jid, (subscription.to_owned(), asks, approved))
                })
                .collect();
            prop_assert_eq!(listed, expected, "the list of {}", who);
        }
        Ok(())
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let who = || 0..PEOPLE;
    const KINDS: [PresenceType; 4] = [
        PresenceType::Subscribe,
        PresenceType::Subscribed,
        PresenceType::Unsubscribe,
        PresenceType::Unsubscribed,
    ];
    let deed = prop_oneof![
        2 => who().prop_map(Deed::Come),
        1 => who().prop_map(Deed::Go),
        6 => (who(), who(), prop::sample::select(&KINDS))
            .prop_map(|(who, whom, kind)| Deed::Say(who, whom, kind)),
        1 => (who(), who()).prop_map(|(who, whom)| Deed::Remove(who, whom)),
        1 => (who(), who()).prop_map(|(who, whom)| Deed::Rename(who, whom)),
    ];
    vec(deed, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever they do, everybody sees whom they may see and nobody else, and believes of their
    /// list what the server does.
    #[test]
    fn everybody_sees_whom_they_may(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for who in 0..PEOPLE {
                world.happen(Deed::Come(who)).await;
            }
            for deed in deeds {
                world.happen(deed).await;
                world.check().await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
