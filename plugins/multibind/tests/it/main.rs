//! Several resources on one stream, as clients see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_core::AssemblyError;
use sestina_multibind::Multibind;
use sestina_stanza::{Condition, Jid, ns};
use sestina_testkit::{Client, Received, Scene, Stage, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Multibind { resources: 3 })
}

transcripts! { scene: binds_and_unbinds, refuses }

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

fn count(stage: &Stage) -> usize {
    stage.server().sessions(&jid("juliet@capulet.example")).len()
}

fn bind(resource: &str) -> String {
    format!(
        "<iq type='set' id='{resource}' from='juliet@capulet.example/balcony'>\
         <bind xmlns='{}'><resource>{resource}</resource></bind></iq>",
        ns::BIND
    )
}

/// A client with the balcony, and these.
async fn with(stage: &Stage, resources: &[&str]) -> Client {
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    for resource in resources {
        juliet.send(bind(resource)).await;
        let answer = juliet.receive().await;
        assert_eq!(answer.attr("type"), Some("result"), "{answer}");
    }
    juliet
}

#[tokio::test(start_paused = true)]
async fn the_feature_is_shown_to_who_has_logged_in() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let mut juliet = stage.connect();
    assert!(juliet.open().await.child("unbind", ns::BIND).is_none());
    juliet.authenticate("juliet", "juliet").await;
    assert!(juliet.open().await.child("unbind", ns::BIND).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_follows_in_the_same_write_is_of_the_new_resource() {
    let stage = scene().build().await.unwrap();
    let mut juliet = with(&stage, &[]).await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let said = "<message from='juliet@capulet.example/chamber' \
                to='romeo@capulet.example/orchard'><body>Ay me</body></message>";
    juliet.send(bind("chamber") + said).await;
    let heard = romeo.receive().await;
    assert_eq!(heard.attr("from"), Some("juliet@capulet.example/chamber"));
}

#[tokio::test(start_paused = true)]
async fn all_sessions_end_with_the_stream() {
    let stage = scene().build().await.unwrap();
    let juliet = with(&stage, &["chamber", "stairs"]).await;
    assert_eq!(count(&stage), 3);
    juliet.close().await;
    stage.settle().await;
    assert_eq!(count(&stage), 0);
    // Also where nobody says goodbye.
    drop(with(&stage, &["chamber"]).await);
    stage.settle().await;
    assert_eq!(count(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_replaced_goes_alone() {
    let stage = scene().build().await.unwrap();
    for taken in ["juliet@capulet.example/chamber", "juliet@capulet.example/balcony"] {
        let mut juliet = with(&stage, &["chamber", "stairs"]).await;
        let rival = stage.login(taken).await;
        stage.settle().await;
        assert_eq!(count(&stage), 3, "{taken}: two, and the one who took it");
        let left = "juliet@capulet.example/stairs";
        juliet
            .send(format!("<iq from='{left}' type='get' id='p'><p xmlns='urn:example'/></iq>"))
            .await;
        assert_eq!(juliet.receive().await.attr("to"), Some(left));
        juliet
            .send(format!("<iq from='{taken}' type='get' id='q'><p xmlns='urn:example'/></iq>"))
            .await;
        let told = juliet.receive().await.child("error", ns::CLIENT).unwrap().to_element();
        assert!(told.child("unknown-sender", "urn:xmpp:errors").is_some(), "{told}");
        drop((juliet, rival));
        stage.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_resource_has_not_read_is_for_the_others() {
    let stage = scene().build().await.unwrap();
    let mut juliet = with(&stage, &["chamber"]).await;
    juliet
        .send("<presence from='juliet@capulet.example/balcony'/><presence from='juliet@capulet.example/chamber'/>")
        .await;
    stage.settle().await;
    let sessions = stage.server().sessions(&jid("juliet@capulet.example"));
    assert!(sessions.iter().all(|session| session.is_available()));
    let unbind = format!(
        "<iq type='set' id='u' from='juliet@capulet.example/balcony'><unbind xmlns='{}'>\
         <resource>chamber</resource></unbind></iq>",
        ns::BIND
    );
    juliet.send(unbind).await;
    assert_eq!(juliet.receive().await.attr("type"), Some("result"));
    // It has gone when that is said.
    assert!(stage.server().session(&jid("juliet@capulet.example/chamber")).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_goes_takes_all_its_sessions_along() {
    let stage = scene().build().await.unwrap();
    let mut juliet = with(&stage, &["chamber"]).await;
    let asking = stage.server().session(&jid("juliet@capulet.example/balcony")).unwrap();
    stage.server().accounts().set_disabled(asking.account(), true).await.unwrap();
    let error = juliet.receive().await;
    assert_eq!(error.first_child().unwrap().name(), "not-authorized");
    assert_eq!(juliet.next().await, Received::Close);
    stage.settle().await;
    assert_eq!(count(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_told_once() {
    let stage = scene().build().await.unwrap();
    let mut juliet = with(&stage, &["chamber", "stairs"]).await;
    stage.server().shut_down().await;
    let error = juliet.receive().await;
    assert_eq!(error.first_child().unwrap().name(), "system-shutdown");
    assert_eq!(juliet.next().await, Received::Close);
    assert_eq!(count(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn the_account_has_its_bound_on_sessions_as_well() {
    let stage = scene().settings(|it| it.bounds.sessions_per_account = 2).build().await.unwrap();
    let mut juliet = with(&stage, &["chamber"]).await;
    juliet.send(bind("stairs")).await;
    let refused = juliet.receive().await.child("error", ns::CLIENT).unwrap().to_element();
    assert!(refused.child("resource-constraint", ns::STANZAS).is_some(), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn sessions_of_the_host_program_have_one_resource() {
    let stage = scene().build().await.unwrap();
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    let refused = stage.server().bind_beside(juliet.session(), Some("chamber"), 3).await;
    assert_eq!(refused.unwrap_err().condition(), Condition::NotAllowed);
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").account("juliet@capulet.example");
    let stage = stage.build().await.unwrap();
    let mut juliet = stage.connect();
    juliet.open().await;
    juliet.authenticate("juliet", "juliet").await;
    assert!(juliet.open().await.child("unbind", ns::BIND).is_none());
    juliet.bind(Some("balcony")).await;
    for (asked, condition) in [
        (bind("chamber"), "not-allowed"),
        (bind("chamber").replace("bind", "unbind"), "service-unavailable"),
    ] {
        let asked = asked.replace("xmpp-unbind", "xmpp-bind");
        juliet.send(asked).await;
        let refused = juliet.receive().await.child("error", ns::CLIENT).unwrap().to_element();
        assert!(refused.child(condition, ns::STANZAS).is_some(), "{refused}");
    }
}

#[tokio::test]
async fn one_resource_is_not_several() {
    let refused = Scene::new("capulet.example").plugin(Multibind { resources: 1 }).build().await;
    assert!(matches!(refused, Err(AssemblyError::Setting { name: "resources", .. })));
}
