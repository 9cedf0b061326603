//! A store that fails: nobody is told of what has not happened.

use sestina_roster::Roster;
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, StoreFaults, faulty_store, perform};

/// Plays on a stage whose store has this fault from half a second on for a second.
async fn play_with(fault: impl Fn(&StoreFaults), transcript: &str) {
    let (store, faults) = faulty_store();
    let stage =
        Scene::new("capulet.example").store(store).plugin(Roster::default()).build().await.unwrap();
    let trouble = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        fault(&faults);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        faults.mend();
    };
    let (played, ()) = tokio::join!(perform(&stage, transcript), trouble);
    played.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_disk() {
    play_with(
        |faults| faults.on(Calls::Writes).within("roster").fail(ErrorKind::Full),
        "
[client] romeo: romeo@capulet.example/orchard
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><query xmlns='jabber:iq:roster' ver=''/></iq><presence/>
juliet receives:
  <iq type='result' id='1'><query xmlns='jabber:iq:roster' ver='{before}'/></iq>
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
600 ms pass
juliet sends:
  <iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='a@b.example'/></query></iq>
  <presence type='subscribe' id='3' to='romeo@capulet.example'/>
juliet receives:
  <iq type='error' id='2'>
    <query xmlns='jabber:iq:roster'><item jid='a@b.example'/></query>
    <error type='wait' code='500'>
      <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    </error>
  </iq>
  <presence type='error' id='3' from='romeo@capulet.example'>
    <error type='wait' code='500'>
      <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    </error>
  </presence>
juliet sends: <iq type='get' id='4'><query xmlns='jabber:iq:roster' ver='{before}'/></iq>
juliet receives: <iq type='result' id='4'/>
1 s pass
juliet sends:
  <iq type='set' id='5'><query xmlns='jabber:iq:roster'><item jid='a@b.example'/></query></iq>
juliet receives:
  <iq type='set' id='{any}'>
    <query xmlns='jabber:iq:roster' ver='{any}'><item jid='a@b.example' subscription='none'/></query>
  </iq>
  <iq type='result' id='5'/>
",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_list() {
    play_with(
        |faults| faults.on(Calls::Reads).within("roster").fail(ErrorKind::Corrupt),
        "
[client] juliet: juliet@capulet.example/balcony
600 ms pass
juliet sends: <iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq><presence/>
juliet receives:
  <iq type='error' id='1'>
    <query xmlns='jabber:iq:roster'/>
    <error type='cancel' code='500'>
      <internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    </error>
  </iq>
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
1 s pass
juliet sends: <iq type='get' id='2'><query xmlns='jabber:iq:roster'/></iq>
juliet receives: <iq type='result' id='2'><query xmlns='jabber:iq:roster'/></iq>
",
    )
    .await;
}

/// Whoever is gone before the store has answered has still said what they have said.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_wait() {
    play_with(
        |faults| faults.on(Calls::Writes).within("roster").block(),
        "
[client] romeo: romeo@capulet.example/orchard
[client] juliet: juliet@capulet.example/balcony
juliet sends: <presence/>
juliet receives: <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
600 ms pass
romeo sends: <presence type='subscribe' to='juliet@capulet.example'/>
romeo vanishes
juliet receives nothing
1 s pass
juliet receives: <presence type='subscribe' from='romeo@capulet.example' to='juliet@capulet.example'/>
",
    )
    .await;
}
