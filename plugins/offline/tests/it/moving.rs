//! Messages that move with their account.

use sestina_core::ImportError;
use sestina_stanza::Stanza;
use sestina_testkit::Stage;
use sestina_xml::{Element, Limits};

use crate::{keeping, scene};

const JULIET: &str = "juliet@capulet.example";

async fn written(stage: &Stage) -> Vec<Element> {
    let mut elements = stage.export(JULIET).await;
    elements.retain(|element| element.name() == "offline-messages");
    elements
}

fn messages(content: &str) -> String {
    format!("<offline-messages>{content}</offline-messages>")
}

fn message(attributes: &str, content: &str) -> String {
    format!("<message xmlns='jabber:client' {attributes}>{content}</message>")
}

#[tokio::test(start_paused = true)]
async fn messages_arrive_in_order_and_with_their_times() {
    let verona = scene().account(JULIET).build().await.unwrap();
    assert!(written(&verona).await.is_empty());
    let romeo = verona.attach("romeo@capulet.example/orchard").await;
    for number in 0..70 {
        let body = format!("<body xml:lang='it'>{number} &lt;</body><x xmlns='urn:x'/>");
        let message = message("to='juliet@capulet.example' type='chat'", &body);
        let message = Element::parse(message, &Limits::default()).unwrap();
        romeo.send(Stanza::read(message).unwrap()).await.unwrap();
        tokio::time::advance(std::time::Duration::from_millis(1500)).await;
    }
    verona.settle().await;
    let left = written(&verona).await;
    assert_eq!(left[0].children().count(), 70);
    let bodies =
        left[0].children().map(|it| it.child_text("body", "jabber:client").unwrap().into_owned());
    assert!(bodies.eq((0..70).map(|number| format!("{number} <"))));
    let mantua = scene().start("2030-02-03T20:00:00Z").build().await.unwrap();
    mantua.import(JULIET, &left).await.unwrap();
    assert_eq!(written(&mantua).await, left);
    let mut juliet = mantua.attach("juliet@capulet.example/balcony").await;
    let here = Element::parse("<presence xmlns='jabber:client'/>", &Limits::default()).unwrap();
    juliet.send(Stanza::read(here).unwrap()).await.unwrap();
    for number in 0..70 {
        let body = loop {
            if let Some(body) = juliet.receive().await.unwrap().body() {
                break body.into_owned();
            }
        };
        assert_eq!(body, format!("{number} <"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_nobody_or_somebody_else_is_refused() {
    let stage = scene().build().await.unwrap();
    let good = message("from='a@b' type='chat'", "<body>Hark</body>");
    for wrong in [
        messages(&message("from='a@b' to='romeo@capulet.example'", "<body>Hark</body>")),
        messages(&message("to='juliet@capulet.example'", "<body>Hark</body>")),
        messages(&message("from='@'", "<body>Hark</body>")),
        messages(&good.repeat(101)),
    ] {
        let refused = stage.import_xml(JULIET, &wrong).await;
        assert!(matches!(refused, Err(ImportError::Element { .. })), "{wrong}: {refused:?}");
        assert!(!stage.server().accounts().exists(&JULIET.parse().unwrap()).await);
    }
    // What would not wait here is not kept either, and what has no time has come now.
    let room = message("from='a@b' type='groupchat'", "<body>Hark</body>");
    stage.import_xml(JULIET, &messages(&format!("{room}{good}"))).await.unwrap();
    let now = written(&stage).await;
    assert_eq!(now[0].children().count(), 1);
    assert!(now[0].to_string().contains("stamp='2030-02-03T04:05:0"), "{now:?}");
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_that_of_the_server_it_comes_to() {
    let stage =
        sestina_testkit::Scene::new("capulet.example").plugin(keeping(1)).build().await.unwrap();
    let one = message("from='a@b' type='chat'", "<body>Hark</body>");
    stage.import_xml(JULIET, &messages(&one)).await.unwrap();
    let two = stage.import_xml(JULIET, &messages(&one.repeat(2))).await.unwrap_err();
    assert!(two.to_string().contains("too many messages"), "{two}");
    assert_eq!(written(&stage).await[0].children().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_stored_behind_a_removal() {
    let (store, faults) = sestina_testkit::faulty_store();
    let stage = scene().store(store.clone()).account(JULIET).build().await.unwrap();
    let server = stage.server();
    let romeo = stage.attach("romeo@capulet.example/orchard").await;
    faults.on(sestina_testkit::Calls::Reads).within("accounts").after(1).times(1).block();
    let sent = async {
        let message = message("to='juliet@capulet.example' type='chat'", "<body>Hark</body>");
        let message = Element::parse(message, &Limits::default()).unwrap();
        romeo.send(Stanza::read(message).unwrap()).await.unwrap();
    };
    let removed = async {
        stage.settle().await;
        let account = JULIET.parse().unwrap();
        let removal = server.accounts().remove(&account);
        let mend = async {
            stage.settle().await;
            faults.mend();
        };
        tokio::join!(removal, mend).0.unwrap();
    };
    tokio::join!(sent, removed);
    stage.settle().await;
    assert!(store.space("offline").owners(None, 1).await.unwrap().is_empty());
}
