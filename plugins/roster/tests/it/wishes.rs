//! Wishes that are not granted (RFC 6121 §2.3.3).

use sestina_stanza::{Condition, ErrorType, Stanza};
use sestina_testkit::Client;

use crate::scene;

/// What the server makes of a set that holds this.
async fn set(juliet: &mut Client, items: &str) -> Option<(Condition, ErrorType)> {
    juliet
        .send(format!("<iq type='set' id='1'><query xmlns='jabber:iq:roster'>{items}</query></iq>"))
        .await;
    let answer = Stanza::read(juliet.receive().await).unwrap();
    assert_eq!(answer.id(), Some("1"));
    answer.reported_error().map(|error| (error.condition(), error.kind()))
}

#[tokio::test(start_paused = true)]
async fn what_no_contact_can_be() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let bad = Some((Condition::BadRequest, ErrorType::Modify));
    let malformed = Some((Condition::JidMalformed, ErrorType::Modify));
    let unacceptable = Some((Condition::NotAcceptable, ErrorType::Modify));
    let missing = Some((Condition::ItemNotFound, ErrorType::Cancel));
    let name = |name: &str| format!("<item jid='a@b.example' name='{name}'/>");
    let groups = |groups: &[&str]| {
        let groups: String = groups.iter().map(|group| format!("<group>{group}</group>")).collect();
        format!("<item jid='a@b.example'>{groups}</item>")
    };
    let cases = [
        (String::new(), bad),
        ("<item jid='a@b.example'/><item jid='c@d.example'/>".into(), bad),
        ("<item name='Nobody'/>".into(), bad),
        ("<item jid='[email protected]'/>".into(), malformed),
        ("<item jid=''/>".into(), malformed),
        ("<item jid='@b.example' subscription='remove'/>".into(), malformed),
        ("<item jid='a@b.example' subscription='remove'/>".into(), missing),
        (name(&"n".repeat(21)), unacceptable),
        (name(&"n".repeat(20)), None),
        (groups(&[""]), unacceptable),
        (groups(&["Friends", "Friends"]), bad),
        (groups(&[&"g".repeat(21)]), unacceptable),
        (groups(&[&"g".repeat(20)]), None),
        (groups(&["1", "2", "3", "4"]), unacceptable),
        (groups(&["1", "2", "3"]), None),
        ("<item xmlns='urn:example' jid='a@b.example'/>".into(), bad),
        ("<item jid='a@b.example/office' subscription='remove'/>".into(), None),
        ("<item jid='b.example'/>".into(), None),
    ];
    for (items, expected) in cases {
        assert_eq!(set(&mut juliet, &items).await, expected, "{items}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_no_account_has_no_list() {
    let stage = scene().build().await.unwrap();
    let mut guest = stage.attach("guest@capulet.example/1").await;
    for stanza in [
        "<iq xmlns='jabber:client' type='set' id='1'><query xmlns='jabber:iq:roster'>\
         <item jid='a@b.example'/></query></iq>",
        "<presence xmlns='jabber:client' type='subscribe' to='a@b.example'/>",
    ] {
        let element = sestina_xml::Element::parse(stanza, &sestina_xml::Limits::default());
        guest.send(Stanza::read(element.unwrap()).unwrap()).await.unwrap();
        let error = guest.receive().await.unwrap().reported_error().unwrap();
        assert_eq!(error.condition(), Condition::RegistrationRequired, "{stanza}");
    }
    assert!(!stage.server().store().spaces().await.unwrap().contains(&"roster".into()));
}
