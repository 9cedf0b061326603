//! What is left when an account goes, and where the plugin is not assembled.

use sestina_core::AccountError;
use sestina_roster::Roster;
use sestina_stanza::Jid;
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store, perform};

use crate::scene;

const BEFORE: &str = "
[client] romeo: romeo@capulet.example/orchard
[client] juliet: juliet@capulet.example/balcony
[client] paris: paris@capulet.example/street
romeo sends: <presence/><presence type='subscribed' to='juliet@capulet.example'/>
romeo receives: <presence from='romeo@capulet.example/orchard' to='romeo@capulet.example'/>
juliet sends:
  <presence type='subscribed' to='romeo@capulet.example'/>
  <presence type='subscribe' to='romeo@capulet.example'/>
  <presence/>
juliet receives:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
  <presence from='romeo@capulet.example/orchard'/>
romeo sends:
  <presence type='subscribe' to='juliet@capulet.example'/>
  <iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>
romeo receives:
  <presence from='juliet@capulet.example/balcony' to='romeo@capulet.example'/>
  <iq type='result' id='1'>
    <query xmlns='jabber:iq:roster'><item jid='juliet@capulet.example' subscription='both'/></query>
  </iq>
paris sends:
  <presence type='subscribe' to='juliet@capulet.example'/>
  <iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>
juliet receives: <presence type='subscribe' from='paris@capulet.example' to='juliet@capulet.example'/>
paris receives:
  <iq type='result' id='1'>
    <query xmlns='jabber:iq:roster'>
      <item jid='juliet@capulet.example' ask='subscribe' subscription='none'/>
    </query>
  </iq>
";

const AFTER: &str = "
romeo receives:
  <presence type='unavailable' from='juliet@capulet.example/balcony' to='romeo@capulet.example'/>
  <presence type='unsubscribe' from='juliet@capulet.example' to='romeo@capulet.example'/>
  <iq type='set' id='{any}'>
    <query xmlns='jabber:iq:roster' ver='{any}'>
      <item jid='juliet@capulet.example' subscription='to'/>
    </query>
  </iq>
  <presence type='unsubscribed' from='juliet@capulet.example' to='romeo@capulet.example'/>
  <iq type='set' id='{any}'>
    <query xmlns='jabber:iq:roster' ver='{any}'>
      <item jid='juliet@capulet.example' subscription='none'/>
    </query>
  </iq>
paris receives:
  <presence type='unsubscribed' from='juliet@capulet.example' to='paris@capulet.example'/>
  <iq type='set' id='{any}'>
    <query xmlns='jabber:iq:roster' ver='{any}'>
      <item jid='juliet@capulet.example' subscription='none'/>
    </query>
  </iq>
";

/// Plays what was before, removes an account, and plays what comes after.
async fn remove(stage: &Stage, account: &str) -> Result<(), AccountError> {
    let account: Jid = account.parse().unwrap();
    let removal = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        stage.server().accounts().remove(&account).await
    };
    let transcript = format!("{BEFORE}\n1 s pass\n{AFTER}");
    let (played, removed) = tokio::join!(perform(stage, &transcript), removal);
    played.unwrap();
    removed
}

#[tokio::test(start_paused = true)]
async fn a_removed_account_ends_all_that_it_had_with_others() {
    let stage = scene().build().await.unwrap();
    remove(&stage, "juliet@capulet.example").await.unwrap();
    let space = stage.server().store().space("roster");
    let owners = space.owners(None, 8).await.unwrap();
    let owners: Vec<_> = owners.iter().filter_map(|owner| owner.as_account()).collect();
    assert_eq!(owners, ["paris@capulet.example", "romeo@capulet.example"]);

    // Whoever has the name next begins anew.
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><query xmlns='jabber:iq:roster' ver=''/></iq><presence/>
juliet receives:
  <iq type='result' id='1'><query xmlns='jabber:iq:roster' ver='0-0'/></iq>
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
juliet receives nothing
",
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_list_cannot_be_read_is_not_removed() {
    let (store, faults) = faulty_store();
    let stage = Scene::new("capulet.example")
        .store(store)
        .plugin(Roster::default())
        .account("juliet@capulet.example")
        .build()
        .await
        .unwrap();
    let juliet: Jid = "juliet@capulet.example".parse().unwrap();
    faults.on(Calls::Reads).within("roster").fail(ErrorKind::Io);
    let held = stage.server().accounts().remove(&juliet).await;
    assert!(matches!(held, Err(AccountError::Held(_))), "{held:?}");
    faults.mend();
    stage.server().accounts().remove(&juliet).await.unwrap();
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let mut stranger = stage.connect();
    assert!(!stranger.open().await.to_string().contains("rosterver"));
    perform(
        &stage,
        "
[client] romeo: romeo@capulet.example/orchard
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>
  <iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='a@b.example'/></query></iq>
  <presence/>
juliet receives:
  <iq type='error' id='1'>
    <query xmlns='jabber:iq:roster'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    </error>
  </iq>
  <iq type='error' id='2'>
    <query xmlns='jabber:iq:roster'><item jid='a@b.example'/></query>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
    </error>
  </iq>
romeo sends:
  <presence type='subscribe' to='juliet@capulet.example'/>
  <presence to='juliet@capulet.example'/>
juliet receives: <presence from='romeo@capulet.example/orchard' to='juliet@capulet.example'/>
romeo vanishes
juliet receives nothing
",
    )
    .await
    .unwrap();
    let spaces = stage.server().store().spaces().await.unwrap();
    assert!(!spaces.contains(&"roster".to_owned()), "{spaces:?}");
}
