//! Every plugin of this binary alone, and all the others without it: what it brings, goes with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sestina::{
    core::{Assembly, AssemblyError, Attached, Effect, Host, Scope, Server, Settings},
    net::{Bounds, Network},
    sasl::{MIN_ITERATIONS, Recipe},
    stanza::{Condition, IqType, Jid, MessageType, PresenceType, Stanza},
    xml::{Element, Limits},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::Plugins;

/// A program that is never asked to stop.
struct Nobody;

impl Host for Nobody {
    fn stop(&self) {}
}

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

fn all() -> Plugins {
    let mut plugins = Plugins::default();
    for plugin in plugins.each_mut() {
        plugin.switch(|_| true);
    }
    plugins
}

fn names(plugins: &Plugins) -> Vec<&'static str> {
    plugins.each().iter().filter_map(|plugin| plugin.name()).collect()
}

fn without(plugins: &Plugins, name: &str) -> Plugins {
    let mut plugins = plugins.clone();
    for plugin in plugins.each_mut() {
        plugin.leave_out(name);
    }
    plugins
}

async fn assemble(plugins: &Plugins) -> Result<Server, AssemblyError> {
    let mut settings = Settings::new(jid("capulet.example"), sestina::store::memory());
    let cheap = Recipe::default().with_iterations(MIN_ITERATIONS);
    settings.authentication.recipe = cheap.unwrap();
    let mut assembly = Assembly::new(settings);
    assembly.provide::<dyn Host>(Arc::new(Nobody))?;
    plugins.install(&mut assembly)?;
    assembly.build().await
}

/// A server of these plugins, less those that cannot do without what is not there.
async fn whole(mut plugins: Plugins) -> (Plugins, Server) {
    loop {
        match assemble(&plugins).await {
            Ok(server) => return (plugins, server),
            Err(AssemblyError::Missing { plugin, .. }) if names(&plugins).contains(&plugin) => {
                plugins = without(&plugins, plugin);
            }
            Err(error) => panic!("{:?} do not go together: {error}", names(&plugins)),
        }
    }
}

/// A server of one plugin and as few others as it can do with.
async fn alone(name: &str) -> (Plugins, Server) {
    let mut plugins = all();
    for other in names(&plugins).into_iter().filter(|other| *other != name) {
        let (fewer, _) = whole(without(&plugins, other)).await;
        if names(&fewer).contains(&name) {
            plugins = fewer;
        }
    }
    whole(plugins).await
}

/// What a server says of itself in discovery and in stream features.
async fn said(server: &Server) -> BTreeSet<String> {
    let services = server.services();
    let hosted = services.iter().map(|label| Scope::Service(label));
    let scopes = [Scope::Account, Scope::Own, Scope::Server, Scope::Services];
    let mut said = BTreeSet::new();
    for scope in scopes.into_iter().chain(hosted) {
        let Some(described) = server.describe(&scope) else { continue };
        said.extend(described.features().map(|feature| format!("{scope:?} does {feature}")));
        said.extend(described.identities().map(|it| format!("{scope:?} is {it:?}")));
        let forms = described.forms(server);
        said.extend(forms.iter().map(|form| format!("{scope:?} tells {:?}", form.form_type())));
    }
    said.extend(services.iter().map(|label| format!("service {label}")));
    said.extend(server.commands().map(|command| format!("command {}", command.node())));
    said.extend(server.weaknesses().iter().map(|weakness| format!("weakness {weakness}")));
    said.extend(offered(server).await.into_iter().map(|feature| format!("stream {feature}")));
    said
}

/// The stream features before login and after it, each by its namespace and what is in it.
async fn offered(server: &Server) -> Vec<String> {
    server.accounts().create(&jid("nurse@capulet.example"), "angelica").await.unwrap();
    let network = Network::new(server.clone(), None, Bounds::default()).unwrap();
    let (mut client, io) = tokio::io::duplex(1 << 16);
    network.serve(io, None);
    let mut offered = features(&mut client, "before login").await;
    client.write_all(LOGIN).await.unwrap();
    read_through(&mut client, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    offered.extend(features(&mut client, "after login").await);
    offered
}

const LOGIN: &[u8] =
    b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AG51cnNlAGFuZ2VsaWNh</auth>";

/// Opens a stream.
async fn features(client: &mut DuplexStream, when: &str) -> Vec<String> {
    let header = b"<stream:stream to='capulet.example' version='1.0' xmlns='jabber:client' \
                   xmlns:stream='http://etherx.jabber.org/streams'>";
    client.write_all(header).await.unwrap();
    let text = read_through(client, "</stream:features>").await;
    let (_, features) = text.split_once("<stream:features>").unwrap();
    let features = Element::parse(format!("<all>{features}</all>"), &Limits::default()).unwrap();
    let each = features.root().children().flat_map(|feature| {
        let parts: Vec<_> = feature.children().map(|part| part.text().into_owned()).collect();
        let parts = if parts.is_empty() { vec![String::new()] } else { parts };
        parts.into_iter().map(move |part| format!("{} {part} {when}", feature.namespace()))
    });
    each.collect()
}

/// What comes before `end`.
async fn read_through(client: &mut DuplexStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        assert!(client.read_buf(&mut text).await.unwrap() > 0, "it has ended");
    }
    let text = String::from_utf8(text).unwrap();
    text.strip_suffix(end).unwrap().to_owned()
}

/// What an account does in its life, so that whoever keeps something of it does.
async fn live(server: &Server) {
    let account = jid("juliet@capulet.example");
    server.accounts().create(&account, "wherefore art thou").await.unwrap();
    let romeo = server.attach(jid("romeo@capulet.example/orchard")).await.unwrap();
    let message =
        |text: &str| Stanza::message(MessageType::Chat).to(account.clone()).body(text).build();
    romeo.send(message("Is she there?")).await.unwrap();
    let juliet = server.attach(jid("juliet@capulet.example/balcony")).await.unwrap();
    let here = Stanza::presence(PresenceType::Available);
    juliet.send(here.build()).await.unwrap();
    romeo
        .send(Stanza::presence(PresenceType::Subscribe).to(account.clone()).build())
        .await
        .unwrap();
    romeo.send(message("She is.")).await.unwrap();
    juliet.close().await;
    romeo.close().await;
}

/// What is answered to requests in a namespace, by the names that requests have.
async fn answers(asker: &mut Attached, to: Option<Jid>, namespace: &str) -> Vec<Option<Condition>> {
    let mut answers = Vec::new();
    for name in ["query", "ping", "time", "vCard", "blocklist", "command"] {
        let mut request = Stanza::iq(IqType::Get, "1").child(Element::builder(name, namespace));
        if let Some(to) = &to {
            request = request.to(to.clone());
        }
        asker.send(request.build()).await.unwrap();
        let answer = loop {
            let stanza = asker.receive().await.unwrap();
            if stanza.id() == Some("1") {
                break stanza;
            }
        };
        answers.push(answer.reported_error().map(|error| error.condition()));
    }
    answers
}

#[tokio::test]
async fn what_a_plugin_brings_goes_with_it() {
    let (everything, _) = whole(all()).await;
    assert_eq!(names(&everything), names(&all()), "some cannot be together");
    let nothing = said(&assemble(&none()).await.unwrap()).await;
    let mut brings = BTreeMap::new();
    for name in names(&everything) {
        let (plugins, server) = alone(name).await;
        assert!(names(&plugins).contains(&name), "{name} cannot be with as few as it needs");
        brings.insert(name, (names(&plugins), &said(&server).await - &nothing));
    }
    let mut answered = 0;
    for (name, (_, brought)) in &brings {
        let (rest, server) = whole(without(&everything, name)).await;
        assert!(server.plugins().iter().all(|plugin| plugin.name != *name));
        let left = names(&rest);
        // Alone, a plugin may bring what others of the rest bring as well.
        let others: BTreeSet<_> = left.iter().flat_map(|other| brings[other].1.clone()).collect();
        let own = brought - &others;
        let still: Vec<_> = own.intersection(&said(&server).await).cloned().collect();
        assert!(still.is_empty(), "without {name} there is still {still:?}");
        live(&server).await;
        let spaces = server.store().spaces().await.unwrap();
        assert!(!spaces.iter().any(|space| space == name), "without {name} there is {spaces:?}");
        let (_, with) = alone(name).await;
        for feature in &own {
            let Some((scope, namespace)) = feature.split_once(" does ") else { continue };
            let to = match scope {
                "Server" => Some(jid("capulet.example")),
                "Account" | "Own" => None,
                _ => continue,
            };
            let asker = jid("tybalt@capulet.example/street");
            let mut there = with.attach(asker.clone()).await.unwrap();
            let before = answers(&mut there, to.clone(), namespace).await;
            there.close().await;
            answered += before.iter().filter(|it| **it != UNAVAILABLE).count();
            let mut gone = server.attach(asker).await.unwrap();
            let after = answers(&mut gone, to, namespace).await;
            gone.close().await;
            assert!(after.iter().all(|it| *it == UNAVAILABLE), "{name}: {namespace}: {after:?}");
        }
    }
    assert_eq!(answered > 0, !brings.is_empty(), "nothing was ever there");
}

const UNAVAILABLE: Option<Condition> = Some(Condition::ServiceUnavailable);

fn none() -> Plugins {
    let mut plugins = all();
    plugins.disable();
    plugins
}

/// A plugin's keys say what is true of it: that it takes other settings while it runs, or does not.
#[tokio::test]
async fn keys_take_effect_when_they_say() {
    let everything = whole(all()).await;
    for part in everything.0.each() {
        let Some(name) = part.name() else { continue };
        let section = format!("{name}.");
        let own = Plugins::keys();
        let own = own.iter().filter(|key| key.path().starts_with(&section));
        let claims = own.filter(|key| key.effect() != Effect::AfterRestart).count() > 0;
        assert_eq!(part.change(&everything.1).unwrap(), claims, "{name}");
    }
}
