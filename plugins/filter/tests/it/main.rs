//! Rules as clients write them, and what becomes of what comes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behind;
mod neighbours;

use sestina_filter::Filter;
use sestina_stanza::{MessageType, Stanza};
use sestina_testkit::{Scene, transcripts};

use self::neighbours::{Cellar, Friends};

/// Within narrow bounds, beside somebody who knows contacts and somebody who keeps messages.
fn scene() -> Scene {
    with(narrow())
}

fn narrow() -> Filter {
    Filter { rules: 4, bytes: 900, forwards: 2, hops: 2, ..Filter::default() }
}

fn with(filter: Filter) -> Scene {
    Scene::new("capulet.example").plugin(filter).plugin(Friends).plugin(Cellar::default())
}

transcripts! {
    scene:
    acts,
    asks,
    defects,
    errors,
    exchange,
    loops,
    mixed,
    requests,
}

/// Moves as clients write it, within the bounds of the server it comes to.
#[tokio::test(start_paused = true)]
async fn rules_move_with_their_account() {
    let verona = scene().account("juliet@capulet.example").build().await.unwrap();
    let mut juliet = verona.login("juliet@capulet.example/balcony").await;
    let rules = "<query xmlns='jabber:iq:filter'><rule><from>tybalt@capulet.example</from>\
                 <reply>Good night</reply></rule></query>";
    juliet.send(format!("<iq type='set' id='1'>{rules}</iq>")).await;
    assert_eq!(juliet.receive().await.attr("type"), Some("result"));
    let left = verona.export("juliet@capulet.example").await;
    assert_eq!(left.last().unwrap().to_string(), rules);

    let mantua = scene().build().await.unwrap();
    // What was in memory of the account that is replaced is of no use any more.
    let mut before = mantua.login("juliet@capulet.example/balcony").await;
    before.send("<iq type='get' id='1'><query xmlns='jabber:iq:filter'/></iq>").await;
    before.receive().await;
    mantua.import("juliet@capulet.example", &left).await.unwrap();
    assert_eq!(mantua.export("juliet@capulet.example").await, left);
    let mut tybalt = mantua.attach("tybalt@capulet.example/street").await;
    let message = Stanza::message(MessageType::Chat).to("juliet@capulet.example".parse().unwrap());
    let _juliet = mantua.attach("juliet@capulet.example/chamber").await;
    tybalt.send(message.body("Thou!").build()).await.unwrap();
    assert_eq!(tybalt.receive().await.unwrap().body().as_deref(), Some("Good night"));

    let rule = "<rule><from>tybalt@capulet.example</from></rule>";
    for (content, taken) in [
        (rule.repeat(4), true),
        (rule.repeat(5), false),
        ("<rule><from/></rule>".to_owned(), false),
        ("<rule><forward>romeo@capulet.example</forward></rule>".to_owned(), false),
    ] {
        let content = format!("<query xmlns='jabber:iq:filter'>{content}</query>");
        let imported = mantua.import_xml("romeo@capulet.example", &content).await;
        assert_eq!(imported.is_ok(), taken, "{content}: {imported:?}");
    }
    mantua.import_xml("nurse@capulet.example", "<query xmlns='jabber:iq:filter'/>").await.unwrap();
    let left = mantua.export("nurse@capulet.example").await;
    assert_eq!(left.len(), 1, "no rules are none: {left:?}");
}
