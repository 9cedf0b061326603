//! What is asked for beside name and password.

use sestina_register::{Bounds, Detail, Registration};
use sestina_store::{ErrorKind, Owner};
use sestina_testkit::{Calls, Scene, faulty_store, perform};

#[tokio::test(start_paused = true)]
async fn details_are_kept_with_the_account_and_go_with_it() {
    let registration = Registration {
        details: vec![Detail::Email, Detail::Nick],
        bounds: Bounds { detail: 16, ..Bounds::default() },
        ..Registration::default()
    };
    let stage = Scene::new("capulet.example").plugin(registration).build().await.unwrap();
    perform(
        &stage,
        "
[stranger] juliet
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:register'>
    <username>juliet</username><password>juliet</password><nick>Jule</nick></query></iq>
juliet receives:
  <iq type='error' id='1'><error type='modify' code='406'>
    <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>'email' has to be filled in</text></error></iq>
juliet sends:
  <iq type='set' id='2'><query xmlns='jabber:iq:register'><username>juliet</username>
    <password>juliet</password><nick>a nick of seventeen</nick><email>j@c.example</email></query></iq>
juliet receives:
  <iq type='error' id='2'><error type='modify' code='406'>
    <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>'nick' is too long</text></error></iq>
juliet sends:
  <iq type='set' id='3'><query xmlns='jabber:iq:register'><username>juliet</username>
    <password>juliet</password><nick>Jule</nick><email>j@c.example</email></query></iq>
juliet receives: <iq type='result' id='3'/>

# Whoever asks for a name that is taken changes nothing that is on file.
[stranger] tybalt
tybalt sends:
  <iq type='set' id='4'><query xmlns='jabber:iq:register'><username>juliet</username>
    <password>mine</password><nick>Cat</nick><email>cat@c.example</email></query></iq>
tybalt receives:
  <iq type='error' id='4'><error type='cancel' code='409'>
    <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>

[client] home: juliet@capulet.example/balcony
home sends: <iq type='get' id='5'><query xmlns='jabber:iq:register'/></iq>
home receives:
  <iq type='result' id='5'><query xmlns='jabber:iq:register'>
    <registered/><instructions>{any}</instructions><username>juliet</username><password/>
    <email>j@c.example</email><nick>Jule</nick>
    <x xmlns='jabber:x:data' type='form'>{any}</x></query></iq>

# With a new password comes a new nick; the address stays.
home sends:
  <iq type='set' id='6'><query xmlns='jabber:iq:register'>
    <username>juliet</username><password>juliet</password><nick>Jules</nick></query></iq>
home receives: <iq type='result' id='6'/>
home sends: <iq type='get' id='7'><query xmlns='jabber:iq:register'/></iq>
home receives:
  <iq type='result' id='7'><query xmlns='jabber:iq:register'>
    <registered/><instructions>{any}</instructions><username>juliet</username><password/>
    <email>j@c.example</email><nick>Jules</nick>
    <x xmlns='jabber:x:data' type='form'>{any}</x></query></iq>
",
    )
    .await
    .unwrap();

    let space = stage.server().store().space("register");
    let owner = Owner::account("juliet@capulet.example");
    assert_eq!(space.owners(None, 8).await.unwrap(), [owner]);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(space.owners(None, 8).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_of_which_half_is_missing_is_none() {
    let (store, faults) = faulty_store();
    let registration = Registration { details: vec![Detail::Nick], ..Registration::default() };
    let scene = Scene::new("capulet.example").store(store).plugin(registration);
    let stage = scene.build().await.unwrap();
    faults.on(Calls::Writes).within("register").times(1).fail(ErrorKind::Full);
    perform(
        &stage,
        "
[stranger] juliet
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:register'>
    <username>juliet</username><password>juliet</password><nick>Jule</nick></query></iq>
juliet receives:
  <iq type='error' id='1'><error type='wait' code='500'>
    <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends:
  <iq type='set' id='2'><query xmlns='jabber:iq:register'>
    <username>juliet</username><password>juliet</password><nick>Jule</nick></query></iq>
juliet receives: <iq type='result' id='2'/>
",
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn details_move_with_their_account() {
    let registration = || Registration {
        bounds: Bounds { detail: 16, ..Bounds::default() },
        ..Registration::default()
    };
    let stage = Scene::new("capulet.example").plugin(registration()).build().await.unwrap();
    let came = "<query xmlns='jabber:iq:register'><registered/><username>juliet</username>\
                <email> j@c.example </email><name>Juliet</name><nick/><key>7</key></query>";
    stage.import_xml("juliet@capulet.example", came).await.unwrap();
    let left = stage.export("juliet@capulet.example").await;
    let kept =
        "<query xmlns='jabber:iq:register'><email>j@c.example</email><name>Juliet</name></query>";
    assert_eq!(left.last().unwrap().to_string(), kept);
    let mantua = Scene::new("capulet.example").plugin(registration()).build().await.unwrap();
    mantua.import("juliet@capulet.example", &left).await.unwrap();
    assert_eq!(mantua.export("juliet@capulet.example").await, left);
    // The bound is that of the server it comes to.
    for (name, taken) in [("x".repeat(16), true), ("x".repeat(17), false)] {
        let came = format!("<query xmlns='jabber:iq:register'><name>{name}</name></query>");
        assert_eq!(mantua.import_xml("romeo@capulet.example", &came).await.is_ok(), taken);
    }
    mantua
        .import_xml("nurse@capulet.example", "<query xmlns='jabber:iq:register'/>")
        .await
        .unwrap();
    assert_eq!(mantua.export("nurse@capulet.example").await.len(), 1);
}
