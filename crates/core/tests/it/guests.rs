//! Guests are let in by a plugin, and leave nothing behind.

use std::{net::IpAddr, sync::Arc, time::Duration};

use sestina_core::{
    AccountError, AccountRemoved, Assembly, AssemblyError, BoxFuture, Guests, Plugin, Refusal,
    Server, Spec, Stay,
};
use sestina_sasl::AnonymousOffer;
use sestina_stanza::{Condition, Jid};
use sestina_store::Owner;
use sestina_testkit::{Client, Stage};

use crate::cast::{JULIET, Log, plugin, scene, stage};

/// Lets guests in, two at a time, once what `wait` guards is free.
#[derive(Debug, Default)]
struct Inn {
    rooms: Arc<()>,
    wait: Arc<tokio::sync::Mutex<()>>,
}

impl Plugin for Inn {
    const NAME: &'static str = "inn";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.mechanism(AnonymousOffer);
        to.provide::<dyn Guests>(Arc::new(self))
    }
}

impl Guests for Inn {
    fn admit<'a>(
        &'a self,
        guest: &'a Jid,
        from: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Stay, Refusal>> {
        assert!(guest.is_bare() && from.is_none_or(|from| from.is_loopback()));
        Box::pin(async {
            let _free = self.wait.lock().await;
            match Arc::strong_count(&self.rooms) {
                1 | 2 => Ok(Box::new(self.rooms.clone()) as Stay),
                _ => Err(Condition::ResourceConstraint.into()),
            }
        })
    }
}

/// A guest who has not bound a resource.
async fn guest(stage: &Stage) -> Client {
    let mut client = stage.connect();
    client.open().await;
    client
        .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>")
        .await;
    assert_eq!(client.receive().await.name(), "success");
    client.open().await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_let_in_or_not() {
    let inn = Inn::default();
    let (rooms, wait) = (inn.rooms.clone(), inn.wait.clone());
    let stage = stage(scene().plugin(inn)).await;
    let mut first = guest(&stage).await;
    first.bind(None).await;
    // The test holds one, too.
    let mut second = guest(&stage).await;
    let bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
    second.send(bind).await;
    let refused = second.receive().await.to_string();
    assert!(refused.contains("<resource-constraint "), "{refused}");
    assert_eq!(stage.server().session_count(), 1);
    first.close().await;
    stage.settle().await;
    assert_eq!(Arc::strong_count(&rooms), 2);
    second.bind(None).await;
    drop(second);
    stage.settle().await;
    // Who leaves while it is decided leaves nothing behind.
    let busy = wait.lock().await;
    let mut third = guest(&stage).await;
    third.send(bind).await;
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 1);
    drop(third);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.server().session_count(), 0);
    drop(busy);
    stage.settle().await;
    assert_eq!(Arc::strong_count(&rooms), 2);
}

#[tokio::test(start_paused = true)]
async fn no_account_is_forgotten_like_a_guest() {
    let stage = stage(scene()).await;
    let (server, juliet) = (stage.server(), JULIET.parse::<Jid>().unwrap().to_bare());
    let refused = server.accounts().forget_guest(&juliet).await.unwrap_err();
    assert!(matches!(refused, AccountError::Exists));
    assert!(server.accounts().exists(&juliet).await);
}

plugin!(Diary, "diary", |log, to| {
    to.on(&log, async |log: &Log, _: &AccountRemoved, _: &Server| {
        log.note("removed");
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_guest_leaves_nothing_behind() {
    let log = Log::default();
    let stage = stage(scene().plugin(Diary(log.clone())).plugin(Inn::default())).await;
    let mut client = guest(&stage).await;
    client.bind(None).await;
    let (server, full) = (stage.server(), client.jid().unwrap().clone());
    assert!(server.session(&full).unwrap().is_guest());
    let notes = server.store().space("diary").collection::<(), String>("notes");
    let owner = Owner::account(full.bare_str());
    notes.put(&owner, &(), &"dear diary".to_owned()).await.unwrap();
    let juliet = stage.login(JULIET).await;
    assert!(!server.session(juliet.jid().unwrap()).unwrap().is_guest());
    client.close().await;
    juliet.close().await;
    stage.settle().await;
    assert_eq!(log.take(), ["removed"]);
    assert_eq!(notes.get(&owner, &()).await.unwrap(), None);
}
