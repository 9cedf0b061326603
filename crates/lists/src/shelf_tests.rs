//! The places of lists, and what is in them.

use proptest::prelude::*;
use sestina_testkit::Scene;
use tokio::runtime::Builder;

use super::*;

fn jid(number: usize) -> Jid {
    Jid::new(&format!("account{number}@capulet.example")).unwrap()
}

async fn block(shelf: &Shelf, account: &Jid, rules: usize) {
    let slot = shelf.slot(account);
    let mut turn = shelf.turn(&slot).await.unwrap();
    let (mut batch, mut list) = (turn.batch(), List::default());
    list.block(&(0..rules).map(jid).collect::<Vec<_>>());
    let mut index = Index { default: Some("a".into()), ..Index::default() };
    turn.put_list(&mut batch, &mut index, "a", &list);
    turn.commit(batch).await.unwrap();
}

fn remembered(shelf: &Shelf) -> usize {
    let recent = shelf.recent.lock();
    assert_eq!(recent.weight, recent.held.iter().map(|(_, weight)| weight).sum::<usize>());
    recent.held.len()
}

#[tokio::test]
async fn so_much_is_remembered_and_no_more() {
    let shelf = Shelf::new(sestina_store::memory().space("lists"));
    assert_eq!(shelf.recent.lock().most, REMEMBERED);
    shelf.recent.lock().most = 64;
    block(&shelf, &jid(0), 20).await;
    assert!(shelf.at_hand(jid(0).as_str()).is_none(), "nobody holds it");
    shelf.force(&jid(0)).await.unwrap();
    for number in 1..64 - 20 {
        shelf.force(&jid(number)).await.unwrap();
    }
    assert!(shelf.at_hand(jid(0).as_str()).is_some());
    assert_eq!((remembered(&shelf), shelf.slots.len()), (44, 44));
    // One more, and the first has to go, with all its rules.
    shelf.force(&jid(64)).await.unwrap();
    assert!(shelf.at_hand(jid(0).as_str()).is_none());
    assert_eq!((remembered(&shelf), shelf.slots.len()), (44, 44));
}

#[tokio::test]
async fn a_change_is_seen_by_whoever_remembers() {
    let shelf = Shelf::new(sestina_store::memory().space("lists"));
    assert!(shelf.force(&jid(0)).await.unwrap().is_empty());
    block(&shelf, &jid(0), 3).await;
    assert_eq!(shelf.force(&jid(0)).await.unwrap().default().unwrap().rules(), 3);
    block(&shelf, &jid(0), 0).await;
    assert!(shelf.force(&jid(0)).await.unwrap().is_empty());
    assert_eq!(shelf.index(&jid(0)).await.unwrap(), Index::default());
}

#[tokio::test]
async fn a_change_that_was_dropped_is_found_out_about() {
    let shelf = Shelf::new(sestina_store::memory().space("lists"));
    let slot = shelf.slot(&jid(0));
    let mut change = Box::pin(block(&shelf, &slot.account, 1));
    // Polled as often as it takes to begin, and no further.
    let _ = std::future::poll_fn(|cx| std::task::Poll::Ready(change.as_mut().poll(cx))).await;
    drop(change);
    let in_force = shelf.force(&jid(0)).await.unwrap().default().map_or(0, |it| it.rules());
    let stored = shelf.list(&jid(0), "a").await.unwrap();
    assert_eq!(in_force, stored.map_or(0, |list| list.rules().len()));
}

/// Something that happens to the lists of an account, by the numbers of lists and sessions.
#[derive(Clone, Debug)]
enum Act {
    /// A list of so many rules is written; none takes it away.
    Put(usize, usize),
    Default(Option<usize>),
    Activate(usize, Option<usize>),
    End(usize),
    Forget,
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const RESOURCES: [&str; 2] = ["balcony", "chamber"];

fn acts() -> impl Strategy<Value = Act> {
    let name = || 0..NAMES.len();
    let session = || 0..RESOURCES.len();
    prop_oneof![
        4 => (name(), 0_usize..4).prop_map(|(name, rules)| Act::Put(name, rules)),
        2 => prop::option::weighted(0.8, name()).prop_map(Act::Default),
        3 => (session(), prop::option::weighted(0.8, name()))
            .prop_map(|(session, name)| Act::Activate(session, name)),
        1 => session().prop_map(Act::End),
        1 => Just(Act::Forget),
    ]
}

/// What there should be: rules by list, and who goes by which.
#[derive(Debug, Default)]
struct Model {
    lists: [usize; NAMES.len()],
    default: Option<usize>,
    active: [Option<usize>; RESOURCES.len()],
}

impl Model {
    /// Whether it can happen; if so, it has.
    fn allows(&mut self, act: &Act) -> bool {
        match *act {
            Act::Put(name, rules) => {
                self.lists[name] = rules;
                let lists = &self.lists;
                for used in self.active.iter_mut().chain([&mut self.default]) {
                    used.take_if(|name| lists[*name] == 0);
                }
            }
            Act::Default(Some(name)) | Act::Activate(_, Some(name)) if self.lists[name] == 0 => {
                return false;
            }
            Act::Default(name) => self.default = name,
            Act::Activate(session, name) => self.active[session] = name,
            Act::End(session) => self.active[session] = None,
            Act::Forget => {}
        }
        true
    }

    fn rules(&self, session: usize) -> Option<usize> {
        self.active[session].or(self.default).map(|name| self.lists[name])
    }
}

async fn play(acts: Vec<Act>) {
    let account = Jid::new("juliet@capulet.example").unwrap();
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let mut sessions = Vec::new();
    for resource in RESOURCES {
        sessions.push(stage.attach(&format!("{account}/{resource}")).await);
    }
    let shelf = Shelf::new(sestina_store::memory().space("lists"));
    let slot = shelf.slot(&account);
    let mut model = Model::default();
    for act in acts {
        if !model.allows(&act) {
            continue;
        }
        match act {
            Act::Put(name, rules) => {
                let mut turn = shelf.turn(&slot).await.unwrap();
                let (mut batch, mut list) = (turn.batch(), List::default());
                list.block(&(0..rules).map(jid).collect::<Vec<_>>());
                let mut index = shelf.index(&account).await.unwrap();
                turn.put_list(&mut batch, &mut index, NAMES[name], &list);
                turn.commit(batch).await.unwrap();
            }
            Act::Default(name) => {
                let mut turn = shelf.turn(&slot).await.unwrap();
                let mut index = shelf.index(&account).await.unwrap();
                index.default = name.map(|name| NAMES[name].to_owned());
                let mut batch = turn.batch();
                turn.put_index(&mut batch, &index);
                turn.commit(batch).await.unwrap();
            }
            Act::Activate(session, name) => {
                let mut turn = shelf.turn(&slot).await.unwrap();
                let name = name.map(|name| NAMES[name]);
                turn.activate(sessions[session].session(), name).await.unwrap();
            }
            Act::End(session) => shelf.end(sessions[session].session()).await,
            Act::Forget => shelf.forget(&account).await,
        }
        let force = shelf.force(&account).await.unwrap();
        let rules = |rules: Option<&Arc<Matcher>>| rules.map(|rules| rules.rules());
        assert_eq!(rules(force.default()), model.default.map(|name| model.lists[name]));
        for (session, resource) in RESOURCES.into_iter().enumerate() {
            assert_eq!(rules(force.at(Some(resource))), model.rules(session));
            let active = model.active[session].map(|name| NAMES[name]);
            assert_eq!(force.active(resource), active);
        }
        let active = model.active.iter().flatten().count();
        assert_eq!((force.has_actives(), shelf.has_actives()), (active > 0, active > 0));
        assert_eq!(shelf.actives.load(Ordering::Acquire), active);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_in_force_is_what_was_said_last(acts in prop::collection::vec(acts(), 0..40)) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(play(acts));
    }
}
