//! What is kept while the server dies, an account goes, or somebody falls out of favour.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use sestina_core::{
    Assembly, AssemblyError, Guarded, Plan, Planned, Plugin, Refusal, Server, Spec,
};
use sestina_stanza::{Condition, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, faulty_store};
use tokio::sync::Notify;

use crate::{
    handover::{all, come, jid, leave, numbered, stored},
    scene,
};

/// What a plugin of the recipient's says to what arrives, and what holds its messages up.
#[derive(Clone, Debug, Default)]
struct Porter {
    mood: Arc<AtomicU8>,
    slow: bool,
    go_on: Arc<Notify>,
}

const WELCOMING: u8 = 0;
const REFUSING: u8 = 1;
const DISCARDING: u8 = 2;
const CONFUSED: u8 = 3;

impl Plugin for Porter {
    const NAME: &'static str = "porter";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let porter = Arc::new(self);
        to.recipient().guard(&porter, Self::arriving).plan(&porter, Self::plan);
        Ok(())
    }
}

impl Porter {
    fn arriving(&self, _: &Stanza, _: &Server) -> Guarded {
        match self.mood.load(Ordering::Relaxed) {
            WELCOMING => Guarded::Pass,
            REFUSING => Guarded::Wait(Box::pin(async {
                Guarded::Refuse(Condition::ServiceUnavailable.into())
            })),
            DISCARDING => Guarded::Discard,
            _ => Guarded::Refuse(Refusal::internal("it cannot tell")),
        }
    }

    fn plan(&self, plan: &mut Plan, _: &Server) -> Planned {
        if !self.slow || !plan.targets().is_empty() {
            return Planned::Done;
        }
        let go_on = self.go_on.clone();
        Planned::Wait(Box::pin(async move {
            go_on.notified().await;
            let nothing: sestina_core::Amendment = Box::new(|_| {});
            nothing
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn whenever_the_server_dies_in_mid_handover_nothing_is_lost_and_order_is_kept() {
    let mut doubled = 0;
    for step in 0.. {
        let (store, faults) = faulty_store();
        let stage =
            scene().store(store.clone()).account("juliet@capulet.example").build().await.unwrap();
        leave(&stage, 90).await;
        // From here on, nothing reaches the store any more.
        let before = faults.calls();
        faults.on(Calls::All).after(step).fail(ErrorKind::Io);
        let mut juliet = come(&stage, "balcony").await;
        let first = all(&mut juliet).await;
        let survived = faults.calls() - before <= step;
        drop(juliet);
        drop(stage);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        faults.mend();

        let stage = scene().store(store).build().await.unwrap();
        let left = stored(stage.server()).await;
        let mut juliet = come(&stage, "balcony").await;
        let second = all(&mut juliet).await;
        assert_eq!(first, (0..first.len()).collect::<Vec<_>>(), "step {step}");
        assert_eq!(second, (90 - left..90).collect::<Vec<_>>(), "step {step}");
        assert!(90 - left <= first.len(), "step {step}: something was lost");
        // What comes twice was taken after the store had last heard of it: at most a page.
        assert!(first.len() - (90 - left) <= 64, "step {step}");
        doubled += first.len() - (90 - left);
        assert_eq!(stored(stage.server()).await, 0);
        if survived {
            assert_eq!((first.len(), second.len()), (90, 0));
            assert!(step > 3 && doubled > 0, "no step was between taking and removing");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_is_not_handed_over_once_its_sender_is_not_welcome() {
    for mood in [REFUSING, DISCARDING] {
        let porter = Porter::default();
        let scene = scene().plugin(porter.clone()).account("juliet@capulet.example");
        let stage = scene.build().await.unwrap();
        leave(&stage, 3).await;
        porter.mood.store(mood, Ordering::Relaxed);
        let mut romeo = stage.attach("romeo@capulet.example/orchard").await;
        let mut juliet = come(&stage, "balcony").await;
        assert!(all(&mut juliet).await.is_empty());
        assert!(all(&mut romeo).await.is_empty(), "he does not learn that she has come");
        assert_eq!(stored(stage.server()).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_cannot_tell_keeps_what_waits() {
    let porter = Porter::default();
    let scene = scene().plugin(porter.clone()).account("juliet@capulet.example");
    let stage = scene.build().await.unwrap();
    leave(&stage, 3).await;
    porter.mood.store(CONFUSED, Ordering::Relaxed);
    let mut juliet = come(&stage, "balcony").await;
    assert!(all(&mut juliet).await.is_empty());
    assert_eq!(stored(stage.server()).await, 3);
    porter.mood.store(WELCOMING, Ordering::Relaxed);
    juliet.close().await;
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_an_account_that_went_meanwhile() {
    let porter = Porter { slow: true, ..Porter::default() };
    let scene = scene().plugin(porter.clone()).account("juliet@capulet.example");
    let stage = scene.build().await.unwrap();
    let mut romeo = stage.attach("romeo@capulet.example/orchard").await;
    // It has been looked up that she is there.
    let sent = async {
        romeo.send(numbered(1)).await.unwrap();
    };
    let removed = async {
        stage.settle().await;
        stage.server().accounts().remove(&jid("juliet@capulet.example")).await.unwrap();
        porter.go_on.notify_one();
    };
    tokio::join!(sent, removed);
    let error = romeo.receive().await.unwrap().reported_error().unwrap();
    assert_eq!(error.condition(), Condition::ServiceUnavailable);
    let kept = stage.server().store().space("offline");
    assert!(kept.owners(None, 2).await.unwrap().is_empty());
}
