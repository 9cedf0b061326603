//! Lists that move with their accounts.

use std::collections::BTreeMap;

use proptest::{collection::btree_map, prelude::*, sample::select};
use sestina_core::ImportError;
use sestina_roster::Roster;
use sestina_testkit::{Scene, Stage, perform};
use sestina_xml::Element;

use crate::scene;

const JULIET: &str = "juliet@capulet.example";

/// What is written about her contacts.
async fn written(stage: &Stage) -> Vec<Element> {
    let mut elements = stage.export(JULIET).await;
    elements.retain(|element| !element.namespace().starts_with("urn:"));
    elements
}

fn list(items: &str) -> String {
    format!("<query xmlns='jabber:iq:roster'>{items}</query>")
}

#[tokio::test(start_paused = true)]
async fn a_list_and_its_requests_arrive_as_they_left() {
    let verona = scene().account(JULIET).build().await.unwrap();
    perform(
        &verona,
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
[client] paris: paris@capulet.example/hall
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:roster'>
    <item jid='romeo@capulet.example' name='R &amp; J'><group>Verona</group></item></query></iq>
juliet receives: <iq type='result' id='1'/>
juliet sends: <presence to='romeo@capulet.example' type='subscribe'/>
paris sends: <presence to='juliet@capulet.example' type='subscribe' id='p'/>
",
    )
    .await
    .unwrap();
    verona.settle().await;
    let left = written(&verona).await;
    let text: Vec<_> = left.iter().map(ToString::to_string).collect();
    assert!(text[0].contains("ask='subscribe'") && text[0].contains("R &amp; J"), "{text:?}");
    assert!(text[1].starts_with("<presence") && text[1].contains("paris"), "{text:?}");
    assert_eq!(text.len(), 2);
    let mantua = scene().build().await.unwrap();
    mantua.import(JULIET, &left).await.unwrap();
    assert_eq!(written(&mantua).await, left);
    // Whatever order they come in.
    let other = scene().build().await.unwrap();
    let turned: Vec<_> = left.iter().rev().cloned().collect();
    other.import(JULIET, &turned).await.unwrap();
    assert_eq!(written(&other).await, left);
    // The request is still to be answered.
    mantua.server().accounts().set_password(&JULIET.parse().unwrap(), "juliet").await.unwrap();
    let mut juliet = mantua.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    let (first, second) = (juliet.receive().await, juliet.receive().await);
    let asks = |it: &Element| it.attr("type") == Some("subscribe");
    assert!(asks(&first) != asks(&second), "{first} {second}");
}

#[tokio::test(start_paused = true)]
async fn what_was_in_memory_is_forgotten() {
    let stage = scene().account(JULIET).build().await.unwrap();
    let (one, other) = (list("<item jid='a@b'/>"), list("<item jid='c@d' subscription='both'/>"));
    stage.import_xml(JULIET, &one).await.unwrap();
    stage.server().accounts().set_password(&JULIET.parse().unwrap(), "juliet").await.unwrap();
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>
juliet receives:
  <iq type='result' id='1'><query xmlns='jabber:iq:roster'>
    <item jid='a@b' subscription='none'/></query></iq>
",
    )
    .await
    .unwrap();
    stage.import_xml(JULIET, &other).await.unwrap();
    let now = written(&stage).await;
    assert!(now[0].to_string().contains("c@d") && !now[0].to_string().contains("a@b"), "{now:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_no_client_could_write_is_refused() {
    let stage = scene().build().await.unwrap();
    let many: String = (0..6).map(|it| format!("<item jid='a{it}@b'/>")).collect();
    for wrong in [
        list("<item/>"),
        list("<item jid='@'/>"),
        list("<item jid='a@b' subscription='maybe'/>"),
        list("<item jid='a@b' ask='unsubscribe'/>"),
        list("<item jid='a@b'/><item jid='A@b/c'/>"),
        list(&format!("<item jid='a@b' name='{}'/>", "x".repeat(21))),
        list("<item jid='a@b'><group/></item>"),
        list(&many),
        "<presence xmlns='jabber:client' from='a@b'/>".to_owned(),
        "<presence xmlns='jabber:client' type='subscribe'/>".to_owned(),
        "<presence xmlns='jabber:client' type='subscribe' from='juliet@capulet.example'/>"
            .to_owned(),
        "<presence xmlns='jabber:client' type='subscribe' from='a@b' to='c@d'/>".to_owned(),
        (0..3)
            .map(|it| format!("<presence xmlns='jabber:client' type='subscribe' from='a{it}@b'/>"))
            .collect(),
    ] {
        let refused = stage.import_xml(JULIET, &wrong).await;
        assert!(matches!(refused, Err(ImportError::Element { .. })), "{wrong}: {refused:?}");
        assert!(!stage.server().accounts().exists(&JULIET.parse().unwrap()).await);
    }
    // What old servers wrote, and nobody reads any more.
    let old = list("<item jid='a@b' subscription='remove'/><item jid='c@d' server='yes'/>");
    stage.import_xml(JULIET, &old).await.unwrap();
    let now = written(&stage).await;
    assert_eq!(now[0].to_string(), list("<item jid='c@d' subscription='none'/>"));
}

/// Name, groups, subscription, whether they were asked, and whether they ask.
type Contact = (String, Vec<String>, &'static str, bool, bool);

fn contacts() -> impl Strategy<Value = BTreeMap<String, Contact>> {
    let subscription = select(vec!["none", "to", "from", "both"]);
    let groups = prop::collection::btree_set("[a-zé<]{1,8}", 0..3);
    let groups = groups.prop_map(|groups| groups.into_iter().collect::<Vec<_>>());
    let contact = ("[ -~é]{0,12}", groups, subscription, any::<bool>(), any::<bool>());
    btree_map("[a-z]{1,6}@[a-z]{2,6}\\.example", contact, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_list_arrives_as_it_left(contacts in contacts()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true);
        runtime.build().unwrap().block_on(async {
            let scene = || Scene::new("capulet.example").plugin(Roster::default());
            let (mut items, mut requests) = (Element::builder("query", "jabber:iq:roster"), Vec::new());
            for (jid, (name, groups, subscription, asked, asks)) in &contacts {
                let group = |group| Element::builder("group", "jabber:iq:roster").text(group);
                items = items.child(
                    Element::builder("item", "jabber:iq:roster")
                        .attr("jid", jid)
                        .attr("name", name)
                        .attr("subscription", subscription)
                        .attr_opt("ask", asked.then_some("subscribe"))
                        .children(groups.iter().map(group)),
                );
                if *asks {
                    let request = Element::builder("presence", "jabber:client");
                    requests.push(request.attr("type", "subscribe").attr("from", jid).build());
                }
            }
            let verona = scene().build().await.unwrap();
            verona.import(JULIET, &[vec![items.build()], requests].concat()).await.unwrap();
            let left = written(&verona).await;
            let kept: Vec<_> = left.iter().filter(|it| it.name() == "query").flat_map(|it| it.children()).collect();
            assert_eq!(kept.len(), contacts.len());
            for item in kept {
                let (name, groups, subscription, asked, asks) = &contacts[item.attr("jid").unwrap()];
                assert_eq!(item.attr("name").unwrap_or_default(), name);
                assert_eq!(item.attr("subscription"), Some(*subscription));
                let to = matches!(*subscription, "to" | "both");
                assert_eq!(item.attr("ask").is_some(), *asked && !to);
                assert_eq!(item.children().map(|it| it.text().into_owned()).collect::<Vec<_>>(), *groups);
                let from = matches!(*subscription, "from" | "both");
                let request = |it: &&Element| it.attr("from") == item.attr("jid");
                assert_eq!(left.iter().any(|it| request(&it)), *asks && !from);
            }
            let mantua = scene().build().await.unwrap();
            mantua.import(JULIET, &left).await.unwrap();
            assert_eq!(written(&mantua).await, left);
        });
    }
}
