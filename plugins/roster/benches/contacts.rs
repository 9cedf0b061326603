//! What contacts cost, without sockets: presence to so many of them, a list of so many, a session of
//! somebody who has so many, a change to such a list.
//!
//! `cargo bench -p sestina-roster`

use divan::Bencher;
use sestina_core::{Assembly, Attached, Server, Settings};
use sestina_roster::Roster;
use sestina_sasl::{Hash, MIN_ITERATIONS, Recipe};
use sestina_stanza::{IqType, Jid, PresenceType, Stanza, ns};
use sestina_xml::Element;
use tokio::runtime::{Builder, Runtime};

const CONTACTS: [usize; 2] = [200, 1000];

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn jid(name: &str) -> Jid {
    Jid::from_parts(Some(name), "capulet.example", None).expect("a name of letters and digits")
}

async fn come(server: &Server, name: &str) -> Attached {
    server.accounts().create(&jid(name), "password").await.expect("an account");
    let full = jid(name).with_resource("1").expect("a resource");
    let session = server.attach(full).await.expect("a session");
    session.send(Stanza::presence(PresenceType::Available).build()).await.expect("presence");
    session
}

async fn drain(session: &mut Attached) {
    while session.session().queued() > 0 {
        session.receive().await.expect("what waits");
    }
}

/// Juliet, and those who see her.
async fn stage(contacts: usize) -> (Server, Attached, Vec<Attached>) {
    let mut settings = Settings::new(jid("juliet").to_domain(), sestina_store::memory());
    let recipe = Recipe::default().with_hashes([Hash::Sha1]).expect("a hash");
    settings.authentication.recipe =
        recipe.with_iterations(MIN_ITERATIONS).expect("as few as there may be");
    let mut assembly = Assembly::new(settings);
    assembly.plugin(Roster::default()).expect("one plugin");
    let server = assembly.build().await.expect("a server");
    let mut juliet = come(&server, "juliet").await;
    let mut others = Vec::new();
    for number in 0..contacts {
        let name = format!("contact{number}");
        let mut contact = come(&server, &name).await;
        let subscribed = Stanza::presence(PresenceType::Subscribed).to(jid(&name)).build();
        let subscribe = Stanza::presence(PresenceType::Subscribe).to(jid("juliet")).build();
        juliet.send(subscribed).await.expect("an approval");
        contact.send(subscribe).await.expect("a request");
        let subscribe = Stanza::presence(PresenceType::Subscribe).to(jid(&name)).build();
        juliet.send(subscribe).await.expect("a request");
        let subscribed = Stanza::presence(PresenceType::Subscribed).to(jid("juliet")).build();
        contact.send(subscribed).await.expect("an approval");
        rename(&mut juliet, &name, &format!("Contact {number}"), number % 8).await;
        drain(&mut contact).await;
        others.push(contact);
    }
    drain(&mut juliet).await;
    (server, juliet, others)
}

/// Calls a contact of Juliet's something.
async fn rename(juliet: &mut Attached, contact: &str, name: &str, group: usize) {
    let group = Element::builder("group", ns::ROSTER).text(format!("Group {group}"));
    let item = Element::builder("item", ns::ROSTER)
        .attr("jid", jid(contact))
        .attr("name", name)
        .child(group);
    let query = Element::builder("query", ns::ROSTER).child(item);
    juliet.send(Stanza::iq(IqType::Set, "1").child(query).build()).await.expect("a request");
    drain(juliet).await;
}

#[divan::bench(args = CONTACTS)]
fn presence_to_contacts(bencher: Bencher<'_, '_>, contacts: usize) {
    let runtime = runtime();
    let (_server, mut juliet, mut others) = runtime.block_on(stage(contacts));
    let presence = Stanza::presence(PresenceType::Available).text_child("show", "away").build();
    bencher.counter(contacts).bench_local(|| {
        runtime.block_on(async {
            juliet.send(presence.clone()).await.expect("presence");
            for session in others.iter_mut().chain([&mut juliet]) {
                drain(session).await;
            }
        });
    });
}

#[divan::bench(args = CONTACTS)]
fn list_is_read(bencher: Bencher<'_, '_>, contacts: usize) {
    let runtime = runtime();
    let (_server, mut juliet, _others) = runtime.block_on(stage(contacts));
    let ask = Stanza::iq(IqType::Get, "1").child(Element::builder("query", ns::ROSTER)).build();
    bencher.counter(contacts).bench_local(|| {
        runtime.block_on(async {
            juliet.send(ask.clone()).await.expect("a request");
            drain(&mut juliet).await;
        });
    });
}

/// Binds, asks for the list, is told who is there, and goes: what a login costs beside its stream.
#[divan::bench(args = CONTACTS)]
fn session_comes_and_goes(bencher: Bencher<'_, '_>, contacts: usize) {
    let runtime = runtime();
    let (server, mut juliet, mut others) = runtime.block_on(stage(contacts));
    let ask = Stanza::iq(IqType::Get, "1").child(Element::builder("query", ns::ROSTER)).build();
    let presence = Stanza::presence(PresenceType::Available).build();
    bencher.counter(contacts).bench_local(|| {
        runtime.block_on(async {
            let full = jid("juliet").with_resource("2").expect("a resource");
            let mut session = server.attach(full).await.expect("a session");
            session.send(ask.clone()).await.expect("a request");
            session.send(presence.clone()).await.expect("presence");
            drain(&mut session).await;
            session.close().await;
            for session in others.iter_mut().chain([&mut juliet]) {
                drain(session).await;
            }
        });
    });
}

#[divan::bench(args = CONTACTS)]
fn contact_is_renamed(bencher: Bencher<'_, '_>, contacts: usize) {
    let runtime = runtime();
    let (_server, mut juliet, _others) = runtime.block_on(stage(contacts));
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        runtime.block_on(rename(&mut juliet, "contact7", &format!("Name {number}"), 7));
    });
}
