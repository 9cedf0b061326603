//! The bare contract against ordered maps.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};

use super::{Fixture, Open, block_on};
use crate::{Direction, Entry, Measure, Outcome, Run, Scan, Store, Transaction};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Commit { space: u8, requires: Vec<(Vec<u8>, Expect)>, writes: Vec<Change> },
    DropSpace(u8),
    Get(u8, Vec<u8>),
    Measure { space: u8, start: Vec<u8>, end: Option<Vec<u8>> },
    Reopen,
    Scan { space: u8, start: Vec<u8>, end: Option<Vec<u8>>, limit: usize, backward: bool },
}

/// What a transaction writes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    RemoveRun(Vec<u8>, Option<Vec<u8>>),
}

/// What a requirement asks for.
#[derive(Clone, Debug)]
pub(crate) enum Expect {
    Absent,
    /// What the model holds, so that it is met.
    Current,
    Other(Vec<u8>),
}

pub(crate) const SPACES: [&str; 4] = ["a", "a'; drop table a;--", "ä\0b", ""];

pub fn backend_agrees_with_a_model(open: impl Open) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(32),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let open = std::sync::Arc::new(open);
    let run = |ops: Vec<Op>| {
        let open = std::sync::Arc::clone(&open);
        let fixture = Fixture::new(move |folder: &std::path::Path| open(folder));
        block_on(agree(ops, async |store: Option<Store>| match store {
            // A store that does not outlive its closing is not closed.
            Some(store) => {
                if std::fs::read_dir(fixture.folder.path())
                    .is_ok_and(|mut dir| dir.next().is_none())
                {
                    return store;
                }
                store.close().await.expect("the store closes");
                fixture.open()
            }
            None => fixture.open(),
        }));
        Ok(())
    };
    TestRunner::new(config).run(&vec(op(), 1..60), run).unwrap_or_else(|failure| {
        panic!("{failure}");
    });
}

fn op() -> impl Strategy<Value = Op> {
    let space = || 0..SPACES.len() as u8;
    let expect = prop_oneof![
        1 => Just(Expect::Absent),
        4 => Just(Expect::Current),
        1 => value().prop_map(Expect::Other),
    ];
    let requires = vec((key(), expect), 0..3);
    let run = || (key(), proptest::option::of(key()));
    let change = prop_oneof![
        6 => (key(), value()).prop_map(|(key, value)| Change::Put(key, value)),
        2 => key().prop_map(Change::Remove),
        1 => run().prop_map(|(start, end)| Change::RemoveRun(start, end)),
    ];
    let writes = vec(change, 0..6);
    prop_oneof![
        8 => (space(), requires, writes)
            .prop_map(|(space, requires, writes)| Op::Commit { space, requires, writes }),
        1 => space().prop_map(Op::DropSpace),
        4 => (space(), key()).prop_map(|(space, key)| Op::Get(space, key)),
        2 => (space(), run()).prop_map(|(space, (start, end))| Op::Measure { space, start, end }),
        1 => Just(Op::Reopen),
        4 => (space(), key(), proptest::option::of(key()), 0..12usize, any::<bool>()).prop_map(
            |(space, start, end, limit, backward)| Op::Scan { space, start, end, limit, backward }
        ),
    ]
}

/// Few enough keys to meet again, odd enough to matter.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(select(vec![0u8, 1, b'a', b'\'', 0xFF]), 0..4),
        1 => (0..3u8).prop_map(|byte| vec![byte; 2000]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..20),
        1 => (any::<u8>(), 1000..60_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

type Model = BTreeMap<&'static str, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Does the same to a store and to maps, and compares after every step.
pub(crate) async fn agree(ops: Vec<Op>, open: impl AsyncFn(Option<Store>) -> Store) {
    let mut store = open(None).await;
    let mut model = Model::new();
    for op in ops {
        let backend = &store.shared().backend;
        match op {
            Op::Commit { space, requires, writes } => {
                let space = SPACES[usize::from(space)];
                let (transaction, expected) = step(&mut model, space, requires, writes);
                let receipt = backend.commit(transaction).await.expect("a place in the order");
                assert_eq!(receipt.await.expect("an outcome"), expected);
            }
            Op::DropSpace(space) => {
                let space = SPACES[usize::from(space)];
                backend.drop_space(space).await.expect("a dropped space");
                model.remove(space);
            }
            Op::Get(space, key) => {
                let space = SPACES[usize::from(space)];
                let value = backend.get(space, &key).await.expect("a value or none");
                let expected = model.get(space).and_then(|space| space.get(&key));
                assert_eq!(value.as_deref(), expected.map(|value| &value[..]));
            }
            Op::Measure { space, start, end } => {
                let space = SPACES[usize::from(space)];
                let run = Run::new(start, end.map(Bytes::from));
                let scan = Scan::new(run.start.clone(), run.end.clone(), usize::MAX);
                let mut expected = Measure::default();
                for entry in expected_run(&model, space, &scan, false) {
                    expected.add(entry.value.len());
                }
                assert_eq!(backend.measure(space, run).await.expect("a measure"), expected);
            }
            Op::Reopen => store = open(Some(store)).await,
            Op::Scan { space, start, end, limit, backward } => {
                let space = SPACES[usize::from(space)];
                let scan = Scan::new(start, end.map(Bytes::from), limit);
                let direction = if backward { Direction::Backward } else { Direction::Forward };
                let expected = expected_run(&model, space, &scan, backward);
                let entries = backend.scan(space, scan.direction(direction)).await;
                assert_eq!(entries.expect("a run of entries"), expected);
            }
        }
        let backend = &store.shared().backend;
        let spaces: BTreeSet<_> = backend.spaces().await.expect("names").into_iter().collect();
        assert_eq!(spaces, model.keys().map(|name| (*name).to_owned()).collect());
    }
    store.close().await.expect("the store closes");
}

fn step(
    model: &mut Model,
    space: &'static str,
    requires: Vec<(Vec<u8>, Expect)>,
    writes: Vec<Change>,
) -> (Transaction, Outcome) {
    let mut transaction = Transaction::new(space);
    let mut expected = Outcome::Committed;
    for (key, expect) in requires {
        let current = model.get(space).and_then(|space| space.get(&key)).cloned();
        let value = match expect {
            Expect::Absent => None,
            Expect::Current => current.clone(),
            Expect::Other(value) => Some(value),
        };
        if value != current {
            expected = Outcome::Conflict;
        }
        transaction = transaction.require(key, value.map(Bytes::from));
    }
    for change in writes {
        if expected == Outcome::Committed {
            match &change {
                Change::Put(key, value) => {
                    model.entry(space).or_default().insert(key.clone(), value.clone());
                }
                Change::Remove(key) => {
                    model.get_mut(space).map(|space| space.remove(key));
                }
                Change::RemoveRun(start, end) => {
                    let kept =
                        |key: &Vec<u8>| key < start || end.as_ref().is_some_and(|end| key >= end);
                    if let Some(space) = model.get_mut(space) {
                        space.retain(|key, _| kept(key));
                    }
                }
            }
        }
        transaction = match change {
            Change::Put(key, value) => transaction.put(key, value),
            Change::Remove(key) => transaction.remove(key),
            Change::RemoveRun(start, end) => {
                transaction.remove_run(Run::new(start, end.map(Bytes::from)))
            }
        };
    }
    (transaction, expected)
}

fn expected_run(model: &Model, space: &str, scan: &Scan, backward: bool) -> Vec<Entry> {
    let mut entries: Vec<_> = model
        .get(space)
        .into_iter()
        .flatten()
        .filter(|(key, _)| {
            scan.start[..] <= key[..] && scan.end.as_ref().is_none_or(|end| key[..] < end[..])
        })
        .map(|(key, value)| Entry { key: key.clone().into(), value: value.clone().into() })
        .collect();
    if backward {
        entries.reverse();
    }
    entries.truncate(scan.limit);
    entries
}
