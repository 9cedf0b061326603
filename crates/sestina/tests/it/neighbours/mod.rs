//! Two servers of one process, to whom RFC 6121 is what it is to two servers anywhere.

use sestina::plugins::{
    blocking::Blocking, disco::Discovery, offline::OfflineMessages, roster::Roster, vcard::Vcards,
};
use sestina::{
    core::Attached,
    stanza::{PresenceType, Stanza},
    store::ErrorKind,
};
use sestina_testkit::{Calls, Scene, faulty_store, perform, transcripts};

fn house(domain: &str) -> Scene {
    let scene = Scene::new(domain).plugin(Blocking::default()).plugin(Discovery::default());
    let scene = scene.plugin(OfflineMessages::default()).plugin(Roster::default());
    scene.plugin(Vcards::default())
}

fn houses() -> Scene {
    house("capulet.example").beside(house("montague.example"))
}

transcripts! { houses in "neighbours":
    becoming_contacts, blocking, messages, presence, requests, requests_wait, shown_in_particular
}

/// Everything that waits for a session, as text.
async fn heard(session: &mut Attached) -> Vec<String> {
    let mut heard = Vec::new();
    while session.session().queued() > 0 {
        heard.push(session.receive().await.unwrap().to_string());
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn contacts_of_a_server_that_goes_see_them_go_and_come_again() {
    let store = sestina::store::memory();
    let montague = house("montague.example").store(store.clone());
    let stage = house("capulet.example").beside(montague).build().await.unwrap();
    let befriend = "
[client] romeo: romeo@montague.example/orchard
[client] juliet: juliet@capulet.example/balcony
romeo sends: <presence type='subscribe' to='juliet@capulet.example'/>
juliet sends: <presence type='subscribed' to='romeo@montague.example'/><presence type='subscribe' to='romeo@montague.example'/>
juliet receives nothing
romeo sends: <presence type='subscribed' to='juliet@capulet.example'/>
romeo receives nothing
";
    perform(&stage, befriend).await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    juliet.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    let romeo = stage.attach("romeo@montague.example/orchard").await;
    romeo.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    heard(&mut juliet).await;

    let (gone, ()) = tokio::join!(stage.network().remove("montague.example"), async {
        stage.settle().await;
        romeo.close().await;
    });
    drop(gone);
    let [unavailable] = &*heard(&mut juliet).await else { panic!("she hears something else") };
    assert!(unavailable.contains("unavailable"), "{unavailable}");
    // Nothing is asked or told of who cannot be reached.
    juliet.send(Stanza::presence(PresenceType::Unavailable).build()).await.unwrap();
    juliet.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    let own = heard(&mut juliet).await;
    assert!(own.iter().all(|it| it.contains("from='juliet@")), "{own:?}");

    let board = stage.server().switchboard().clone();
    let again = house("montague.example").store(store);
    let again = again.settings(move |settings| settings.switchboard = board).build().await.unwrap();
    let mut romeo = again.attach("romeo@montague.example/orchard").await;
    romeo.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    let seen = |heard: &[String], who: &str| heard.iter().any(|it| it.contains(who));
    assert!(seen(&heard(&mut romeo).await, "from='juliet@capulet.example/balcony'"));
    assert!(seen(&heard(&mut juliet).await, "from='romeo@montague.example/orchard'"));
}

/// What fails at one house is told by the other as what fails anywhere, and stops nobody else there.
#[tokio::test(start_paused = true)]
async fn a_neighbour_whose_disk_is_full_says_so() {
    let (store, faults) = faulty_store();
    let capulet = house("capulet.example").store(store).account("juliet@capulet.example");
    let stage = capulet.beside(house("montague.example")).build().await.unwrap();
    faults.on(Calls::Writes).within("offline").fail(ErrorKind::Full);
    let told = "
[client] romeo: romeo@montague.example/orchard
[client] paris: paris@montague.example/street
romeo sends: <message id='1' to='juliet@capulet.example'><body>Hark!</body></message>
romeo receives: <message type='error' id='1' from='juliet@capulet.example'><body>Hark!</body>{any}</message>
romeo sends: <message id='3' to='paris@montague.example/street'/>
paris receives: <message id='3' from='romeo@montague.example/orchard'/>
";
    perform(&stage, told).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_that_hangs_holds_up_who_writes_there_and_nobody_else() {
    let (store, faults) = faulty_store();
    let capulet = house("capulet.example").store(store).account("juliet@capulet.example");
    let stage = capulet.beside(house("montague.example")).build().await.unwrap();
    let mut romeo = stage.login("romeo@montague.example/orchard").await;
    let mut paris = stage.login("paris@montague.example/street").await;
    faults.on(Calls::Reads).within("vcard").block();
    let card = "<vCard xmlns='vcard-temp'/>";
    romeo.send(format!("<iq type='get' id='1' to='juliet@capulet.example'>{card}</iq>")).await;
    romeo.send("<message id='2' to='paris@montague.example/street'/>").await;
    assert!(paris.next_if_any().await.is_none(), "what one sends is handled in its order");
    paris.send("<message id='3' to='paris@montague.example/street'/>").await;
    assert_eq!(paris.receive().await.attr("id"), Some("3"));
    faults.mend();
    assert_eq!(paris.receive().await.attr("id"), Some("2"));
    assert_eq!(romeo.receive().await.attr("id"), Some("1"));
    assert!(romeo.next_if_any().await.is_none());
}
