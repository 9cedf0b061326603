//! What waits, whatever happens to it, against a model of it.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use sestina_stanza::Condition;
use sestina_store::Store;
use sestina_testkit::{Scene, Stage};
use tokio::time::{advance, timeout};

use crate::{
    handover::{all, come, jid, numbered},
    keeping,
};

const JULIET: &str = "juliet@capulet.example";
/// Messages that find room, and the hours that they are kept.
const ROOM: usize = 5;
const KEPT: u64 = 24;

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// So many messages come.
    Write(usize),
    /// Somebody comes for all of them.
    Read,
    /// Somebody comes, and leaves after so many.
    Glance(usize),
    /// So often some hours pass, and never a whole number of days.
    Wait(u64),
    /// The account goes, and is made again.
    Leave,
    /// The server stops, and starts again.
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1..4_usize).prop_map(Deed::Write),
        1 => Just(Deed::Read),
        2 => (0..4_usize).prop_map(Deed::Glance),
        2 => (1..4_u64).prop_map(Deed::Wait),
        1 => Just(Deed::Leave),
        1 => Just(Deed::Restart),
    ]
}

/// What waits: the numbers of messages, and the hour in which each came.
#[derive(Debug, Default)]
struct Model {
    hour: u64,
    waiting: Vec<(usize, u64)>,
}

impl Model {
    fn expire(&mut self) {
        let hour = self.hour;
        self.waiting.retain(|(_, came)| hour - came < KEPT);
    }

    /// Takes out the first of what waits.
    fn take(&mut self, most: usize) -> Vec<usize> {
        let most = most.min(self.waiting.len());
        self.waiting.drain(..most).map(|(number, _)| number).collect()
    }
}

async fn start(store: &Store, hour: u64) -> Stage {
    let start = format!("2030-02-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24);
    let scene = Scene::new("capulet.example").plugin(keeping(ROOM));
    scene.store(store.clone()).start(&start).build().await.unwrap()
}

async fn check(deeds: &[Deed]) {
    let store = sestina_store::memory();
    let mut stage = start(&store, 0).await;
    stage.account(&jid(JULIET)).await;
    let (mut model, mut next) = (Model::default(), 0);
    for deed in deeds {
        model.expire();
        match *deed {
            Deed::Write(messages) => {
                let mut romeo = stage.attach("romeo@capulet.example/orchard").await;
                for _ in 0..messages {
                    romeo.send(numbered(next)).await.unwrap();
                    let told = timeout(Duration::from_secs(1), romeo.receive()).await.ok();
                    let error = told.map(|told| told.unwrap().reported_error().unwrap());
                    let full = model.waiting.len() == ROOM;
                    let expected = full.then_some(Condition::ServiceUnavailable);
                    assert_eq!(error.map(|error| error.condition()), expected, "{deeds:?}");
                    if !full {
                        model.waiting.push((next, model.hour));
                    }
                    next += 1;
                }
                romeo.close().await;
            }
            Deed::Read => {
                let mut juliet = come(&stage, "balcony").await;
                assert_eq!(all(&mut juliet).await, model.take(ROOM), "{deeds:?}");
                juliet.close().await;
            }
            Deed::Glance(most) => {
                let mut juliet = come(&stage, "balcony").await;
                for number in model.take(most) {
                    let body = juliet.receive().await.unwrap().body().map(|it| it.into_owned());
                    assert_eq!(body, Some(number.to_string()), "{deeds:?}");
                }
                juliet.close().await;
            }
            Deed::Wait(times) => {
                advance(Duration::from_secs(times * 7 * 60 * 60)).await;
                model.hour += times * 7;
            }
            Deed::Leave => {
                stage.server().accounts().remove(&jid(JULIET)).await.unwrap();
                stage.account(&jid(JULIET)).await;
                model.waiting.clear();
            }
            Deed::Restart => {
                stage.server().shut_down().await;
                drop(stage);
                stage = start(&store, model.hour).await;
            }
        }
        stage.settle().await;
    }
    model.expire();
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, model.take(ROOM), "{deeds:?}");
    juliet.close().await;
    stage.settle().await;
    let mut juliet = come(&stage, "balcony").await;
    assert!(all(&mut juliet).await.is_empty(), "{deeds:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Everything that found room is read once, in order, unless it or its account went before.
    #[test]
    fn what_waits_is_what_the_model_says(deeds in vec(deed(), 0..16)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(check(&deeds));
    }
}
