//! Guests, and what they may do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{net::SocketAddr, sync::Arc};

use sestina_anonymous::{Anonymous, Bounds, Reach};
use sestina_core::{
    Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Set, Settings, Spec, answer,
};
use sestina_stanza::{Invalid, Jid, Payload, Stanza, ns};
use sestina_store::{ErrorKind, Owner};
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store};
use sestina_xml::{Element, ElementRef};

const BIND: &str = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";

/// Keeps what accounts write, answers requests to its service, and has a roster of one word.
struct Desk;

#[derive(Clone, Debug)]
struct Note;

impl Payload for Note {
    const NAME: &'static str = "note";
    const NAMESPACE: &'static str = "urn:example:desk";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

#[derive(Clone, Debug)]
struct Roster;

impl Payload for Roster {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::ROSTER;

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

impl Plugin for Desk {
    const NAME: &'static str = "desk";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let desk = Arc::new(self);
        to.iq(Scope::Own, answer(&desk, Self::write))?;
        to.iq(Scope::Own, answer(&desk, Self::list))?;
        to.iq(Scope::Server, answer(&desk, Self::read))?;
        to.iq(Scope::Account, answer(&desk, Self::read))?;
        to.iq(Scope::Service("rooms"), answer(&desk, Self::read))?;
        to.service("rooms", &desk, Self::hear)
    }
}

impl Desk {
    async fn write(&self, ask: Set<Note>, server: &Server) -> Result<(), Refusal> {
        let notes = server.store().space("desk").collection::<(), ()>("notes");
        Ok(notes.put(&Owner::account(ask.origin.to.bare_str()), &(), &()).await?)
    }

    async fn read(&self, _: Get<Note>, _: &Server) -> Result<Note, Refusal> {
        Ok(Note)
    }

    async fn list(&self, _: Set<Roster>, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }

    async fn hear(&self, _: Stanza, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

fn with(plugin: Anonymous) -> Scene {
    Scene::new("capulet.example").plugin(plugin).plugin(Desk).account("juliet@capulet.example")
}

async fn stage(plugin: Anonymous) -> Stage {
    with(plugin).build().await.unwrap()
}

/// A guest who has not bound a resource.
async fn knock(mut client: Client) -> Client {
    client.open().await;
    client.send(format!("<auth xmlns='{}' mechanism='ANONYMOUS'>=</auth>", ns::SASL)).await;
    assert_eq!(client.receive().await.name(), "success");
    client.open().await;
    client
}

async fn guest(stage: &Stage) -> Client {
    let mut client = knock(stage.connect()).await;
    client.bind(None).await;
    client
}

/// The condition of the answer, or its type.
async fn ask(client: &mut Client, stanza: &str) -> String {
    client.send(stanza).await;
    told(&client.receive().await)
}

fn told(answer: &Element) -> String {
    let error = answer.child("error", ns::CLIENT);
    let condition = error.and_then(|error| Some(error.children().next()?.name().to_owned()));
    condition.unwrap_or_else(|| answer.attr("type").unwrap_or_default().to_owned())
}

fn note(kind: &str, to: &str) -> String {
    let to = if to.is_empty() { String::new() } else { format!(" to='{to}'") };
    format!("<iq type='{kind}' id='1'{to}><note xmlns='urn:example:desk'/></iq>")
}

#[tokio::test(start_paused = true)]
async fn a_guest_has_an_address_that_nobody_can_guess() {
    let stage = stage(Anonymous::default()).await;
    let (one, two) = (guest(&stage).await, guest(&stage).await);
    let [one, two] = [&one, &two].map(|guest| guest.jid().unwrap().clone());
    assert!(!one.same_bare(&two) && one.local().unwrap().len() == 20);
    for full in [&one, &two] {
        assert!(stage.server().session(full).unwrap().is_guest());
    }
}

#[tokio::test(start_paused = true)]
async fn whom_a_guest_reaches_is_set() {
    for (reach, service, account) in [
        (Reach::Nobody, "forbidden", "forbidden"),
        (Reach::Services, "result", "forbidden"),
        (Reach::Accounts, "result", "result"),
    ] {
        let stage = stage(Anonymous { reach, ..Anonymous::default() }).await;
        let mut tybalt = guest(&stage).await;
        assert_eq!(ask(&mut tybalt, &note("get", "capulet.example")).await, "result");
        assert_eq!(ask(&mut tybalt, &note("get", "rooms.capulet.example")).await, service);
        assert_eq!(ask(&mut tybalt, &note("get", "juliet@capulet.example")).await, account);
        // Nobody learns who is there.
        let nobody = ask(&mut tybalt, &note("get", "rosaline@capulet.example")).await;
        assert_eq!(nobody == "forbidden", account == "forbidden");
        // Other servers are out of reach in any case.
        let remote = note("get", "romeo@montague.example");
        assert_eq!(ask(&mut tybalt, &remote).await, "forbidden");
        let mut juliet = stage.login("juliet@capulet.example/balcony").await;
        for stanza in [
            "<message id='2' to='juliet@capulet.example/balcony'><body>Ho!</body></message>",
            "<presence id='2' to='juliet@capulet.example/balcony'/>",
        ] {
            tybalt.send(stanza).await;
            if account == "forbidden" {
                assert_eq!(told(&tybalt.receive().await), "forbidden", "{stanza}");
                assert!(juliet.next_if_any().await.is_none());
            } else {
                assert_eq!(juliet.receive().await.attr("id"), Some("2"));
            }
        }
        // Others may turn to guests, and are answered.
        let full = tybalt.jid().unwrap().clone();
        juliet.send(note("get", full.as_str())).await;
        assert_eq!(tybalt.receive().await.attr("type"), Some("get"));
        tybalt.send("<iq type='result' id='1' to='juliet@capulet.example/balcony'/>").await;
        assert_eq!(told(&juliet.receive().await), "result");
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_has_no_contacts() {
    let open = Anonymous { reach: Reach::Accounts, keep: true, ..Anonymous::default() };
    let stage = stage(open).await;
    let mut tybalt = guest(&stage).await;
    let roster = "<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>";
    assert_eq!(ask(&mut tybalt, roster).await, "forbidden");
    for kind in ["subscribe", "subscribed", "unsubscribe", "unsubscribed"] {
        let presence = format!("<presence type='{kind}' to='juliet@capulet.example'/>");
        assert_eq!(ask(&mut tybalt, &presence).await, "forbidden", "{kind}");
    }
    // What has no addressee is told to nobody, and refused by nobody.
    tybalt.send("<presence/>").await;
    stage.settle().await;
    assert!(stage.server().session(tybalt.jid().unwrap()).unwrap().is_available());
    // Those who have an account may do all of that.
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, roster).await, "result");
}

#[tokio::test(start_paused = true)]
async fn what_a_guest_keeps_goes_when_it_goes() {
    let stage = stage(Anonymous::default()).await;
    let mut tybalt = guest(&stage).await;
    assert_eq!(ask(&mut tybalt, &note("set", "")).await, "forbidden");
    let own = tybalt.jid().unwrap().bare_str().to_owned();
    assert_eq!(ask(&mut tybalt, &note("set", &own)).await, "forbidden");
    let session =
        "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>";
    assert_eq!(ask(&mut tybalt, session).await, "result");

    let stage = self::stage(Anonymous { keep: true, ..Anonymous::default() }).await;
    let mut tybalt = guest(&stage).await;
    assert_eq!(ask(&mut tybalt, &note("set", "")).await, "result");
    let kept =
        async |space: &str| stage.server().store().space(space).owners(None, 9).await.unwrap();
    let owner = Owner::account(tybalt.jid().unwrap().bare_str());
    assert_eq!(kept("desk").await, std::slice::from_ref(&owner));
    assert_eq!(kept("anonymous").await, [owner]);
    drop(tybalt);
    stage.settle().await;
    assert!(kept("desk").await.is_empty() && kept("anonymous").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_left_of_guests_goes_at_the_next_start() {
    let store = sestina_store::memory();
    let guest = Owner::account("gone@capulet.example");
    let juliet = Owner::account("juliet@capulet.example");
    let note = |space: &str| store.space(space).collection::<(), ()>("guests");
    for owner in [&guest, &juliet] {
        note("anonymous").put(owner, &(), &()).await.unwrap();
        note("desk").put(owner, &(), &()).await.unwrap();
    }
    drop(
        Scene::new("capulet.example")
            .store(store.clone())
            .account("juliet@capulet.example")
            .build()
            .await,
    );
    drop(with(Anonymous::default()).store(store.clone()).build().await.unwrap());
    assert_eq!(note("desk").get(&guest, &()).await.unwrap(), None);
    // Whoever has an account is no guest, whatever the book says.
    assert_eq!(note("desk").get(&juliet, &()).await.unwrap(), Some(()));
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_guests() {
    let bounds = Bounds { guests: 3, per_address: 1 };
    let scene = with(Anonymous { bounds, ..Anonymous::default() });
    let open = scene.settings(|settings| settings.authentication.allow_plaintext = true);
    let stage = open.build().await.unwrap();
    let from = |peer: &str| stage.connect_from(peer.parse::<SocketAddr>().unwrap());
    let mut first = knock(from("192.0.2.7:40001")).await;
    assert_eq!(ask(&mut first, BIND).await, "result");
    let mut second = knock(from("192.0.2.7:40002")).await;
    assert_eq!(ask(&mut second, BIND).await, "resource-constraint");
    let mut others = Vec::new();
    for peer in ["127.0.0.1:40001", "127.0.0.1:40002"] {
        let mut other = knock(from(peer)).await;
        assert_eq!(ask(&mut other, BIND).await, "result");
        others.push(other);
    }
    let mut more = knock(stage.connect()).await;
    assert_eq!(ask(&mut more, BIND).await, "resource-constraint");
    drop(first);
    stage.settle().await;
    // Who was refused may ask again.
    assert_eq!(ask(&mut second, BIND).await, "result");
    assert_eq!(stage.server().session_count(), 3);
    // Those who have an account are not counted.
    stage.login("juliet@capulet.example/balcony").await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_who_could_not_be_noted_down() {
    let (store, faults) = faulty_store();
    let stage = with(Anonymous::default()).store(store).build().await.unwrap();
    faults.on(Calls::Writes).within("anonymous").fail(ErrorKind::Full);
    let mut tybalt = knock(stage.connect()).await;
    let refused = ask(&mut tybalt, BIND).await;
    assert!(["resource-constraint", "internal-server-error"].contains(&&*refused), "{refused}");
    assert_eq!(stage.server().session_count(), 0);
    faults.mend();
    assert_eq!(ask(&mut tybalt, BIND).await, "result");
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_there_are_no_guests() {
    let without = Scene::new("capulet.example").build().await.unwrap();
    let mut client = without.connect();
    assert!(!client.open().await.to_string().contains("ANONYMOUS"));
    client.send(format!("<auth xmlns='{}' mechanism='ANONYMOUS'/>", ns::SASL)).await;
    assert_eq!(client.receive().await.first_child().unwrap().name(), "invalid-mechanism");
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "anonymous"), "{spaces:?}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let is = Bounds::default();
    for (bounds, named) in [
        (Bounds { guests: 0, ..is }, "bounds.guests"),
        (Bounds { per_address: 0, ..is }, "bounds.per_address"),
    ] {
        let domain = "capulet.example".parse::<Jid>().unwrap();
        let mut assembly = Assembly::new(Settings::new(domain, sestina_store::memory()));
        let plugin = Anonymous { bounds, ..Anonymous::default() };
        let refused = assembly.plugin(plugin).map(|_| ()).unwrap_err();
        assert!(matches!(refused, AssemblyError::Setting { name, .. } if name == named));
    }
}
