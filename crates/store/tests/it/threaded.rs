//! The threads around a blocking engine, driven step by step by an engine that waits to be told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Waker},
};

use bytes::Bytes;
use parking_lot::Mutex;
use sestina_store::{
    Backend, Engine, Entry, ErrorKind, Fault, Measure, Outcome, Receipt, Run, Scan, Threaded,
    ThreadedBounds, Transaction, Write,
};

/// Commits a group when told what shall become of it.
struct Stage {
    verdicts: Mutex<mpsc::Receiver<Verdict>>,
    groups: Arc<Mutex<Vec<usize>>>,
    stored: Mutex<BTreeMap<Bytes, Bytes>>,
    closed: Arc<AtomicUsize>,
}

enum Verdict {
    Commit,
    Fail(ErrorKind),
    Panic,
    Shortchange,
}

impl Engine for Stage {
    fn get(&self, _: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        assert_ne!(key, b"poison", "a key that trips the engine");
        Ok(self.stored.lock().get(key).cloned())
    }

    fn scan(&self, _: &str, _: &Scan) -> Result<Vec<Entry>, Fault> {
        Ok(Vec::new())
    }

    fn measure(&self, _: &str, _: &Run) -> Result<Measure, Fault> {
        Ok(Measure::default())
    }

    fn commit(&self, group: &[Transaction]) -> Result<Vec<Outcome>, Fault> {
        let verdict = self.verdicts.lock().recv().expect("a verdict for each commit");
        self.groups.lock().push(group.len());
        match verdict {
            Verdict::Commit => {
                for write in group.iter().flat_map(|transaction| &transaction.writes) {
                    let Write::Put { key, value } = write.clone() else {
                        panic!("only puts in these tests");
                    };
                    self.stored.lock().insert(key, value);
                }
                Ok(vec![Outcome::Committed; group.len()])
            }
            Verdict::Fail(kind) => Err(kind.into()),
            Verdict::Panic => panic!("the engine gave up"),
            Verdict::Shortchange => Ok(Vec::new()),
        }
    }

    fn spaces(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn drop_space(&self, _: &str) -> Result<(), Fault> {
        self.groups.lock().push(0);
        Ok(())
    }

    fn close(&self) -> Result<(), Fault> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

struct Stand {
    backend: Threaded,
    verdicts: mpsc::Sender<Verdict>,
    groups: Arc<Mutex<Vec<usize>>>,
    closed: Arc<AtomicUsize>,
}

impl Stand {
    fn new(bounds: ThreadedBounds) -> Self {
        let (verdicts, receiver) = mpsc::channel();
        let (groups, closed) = <(Arc<Mutex<Vec<usize>>>, Arc<AtomicUsize>)>::default();
        let stage = Stage {
            verdicts: Mutex::new(receiver),
            groups: Arc::clone(&groups),
            stored: Mutex::default(),
            closed: Arc::clone(&closed),
        };
        let backend = Threaded::start("test", stage, bounds).expect("threads");
        Self { backend, verdicts, groups, closed }
    }

    async fn put(&self, key: &'static str) -> Receipt {
        self.backend.commit(Transaction::new("s").put(key, "value")).await.expect("a place")
    }

    fn tell(&self, verdicts: impl IntoIterator<Item = Verdict>) {
        for verdict in verdicts {
            self.verdicts.send(verdict).expect("a writer");
        }
    }
}

#[tokio::test]
async fn what_waits_is_committed_at_once_and_each_is_acknowledged() {
    let stand = Stand::new(ThreadedBounds::default());
    let first = stand.put("held").await;
    stand.tell([Verdict::Commit]);
    assert_eq!(first.await.unwrap(), Outcome::Committed);

    // The writer is idle or waits in its next commit; whatever queues up meanwhile is one group.
    let held = stand.put("held").await;
    let mut receipts = Vec::new();
    for key in ["a", "b", "c", "d", "e"] {
        receipts.push(stand.put(key).await);
    }
    stand.tell([Verdict::Commit, Verdict::Commit]);
    assert_eq!(held.await.unwrap(), Outcome::Committed);
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap(), Outcome::Committed);
    }
    let groups = stand.groups.lock().clone();
    assert!(groups.len() <= 3, "seven transactions in {groups:?}");
    assert_eq!(groups.iter().sum::<usize>(), 7);
}

#[tokio::test]
async fn no_acknowledgement_comes_before_the_commit() {
    let stand = Stand::new(ThreadedBounds::default());
    let mut receipt = Box::pin(stand.put("a").await);
    let mut context = Context::from_waker(Waker::noop());
    assert!(receipt.as_mut().poll(&mut context).is_pending());
    assert_eq!(stand.backend.get("s", b"a").await.unwrap(), None);
    stand.tell([Verdict::Commit]);
    assert_eq!(receipt.await.unwrap(), Outcome::Committed);
    assert!(stand.backend.get("s", b"a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_group_bound_splits_what_waits() {
    let stand = Stand::new(ThreadedBounds::default().group(2, usize::MAX));
    let mut receipts = vec![stand.put("held").await];
    for key in ["a", "b", "c", "d"] {
        receipts.push(stand.put(key).await);
    }
    stand.tell([Verdict::Commit, Verdict::Commit, Verdict::Commit, Verdict::Commit]);
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap(), Outcome::Committed);
    }
    assert!(stand.groups.lock().iter().all(|group| *group <= 2));
}

#[tokio::test]
async fn one_too_many_fails_alone() {
    let stand = Stand::new(ThreadedBounds::default().group(3, usize::MAX));
    // However the three are grouped, each that fails in company is tried alone.
    let receipts = [stand.put("a").await, stand.put("b").await, stand.put("c").await];
    let full = || Verdict::Fail(ErrorKind::Full);
    stand.tell([full(), full(), full(), full(), full(), full()]);
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap_err().kind(), ErrorKind::Full);
    }
    assert_eq!(stand.groups.lock().iter().filter(|group| **group == 1).count(), 3);
}

#[tokio::test]
async fn an_undecided_group_is_not_tried_again() {
    let stand = Stand::new(ThreadedBounds::default());
    let receipts = [stand.put("a").await, stand.put("b").await, stand.put("c").await];
    let io = || Verdict::Fail(ErrorKind::Io);
    stand.tell([io(), io(), io()]);
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap_err().kind(), ErrorKind::Io);
    }
    assert_eq!(stand.groups.lock().iter().sum::<usize>(), 3);
}

#[tokio::test]
async fn a_panic_of_the_engine_is_an_error_and_not_the_end() {
    let stand = Stand::new(ThreadedBounds::default().readers(1));
    stand.tell([Verdict::Panic, Verdict::Shortchange, Verdict::Commit]);
    let panicked = stand.put("a").await.await.unwrap_err();
    assert_eq!(panicked.kind(), ErrorKind::Io);
    assert!(panicked.to_string().contains("the engine gave up"));
    assert_eq!(stand.put("a").await.await.unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(stand.put("a").await.await.unwrap(), Outcome::Committed);
    assert_eq!(stand.backend.get("s", b"poison").await.unwrap_err().kind(), ErrorKind::Io);
    assert!(stand.backend.get("s", b"a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let stand = Stand::new(ThreadedBounds::default().write_queue(1).group(1, usize::MAX));
    let first = stand.put("a").await;
    let second = stand.put("b").await;
    // The writer holds one, the queue another; at the latest the fourth has no place.
    let mut waiting = Box::pin(async { (stand.put("c").await, stand.put("d").await) });
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    stand.tell([Verdict::Commit, Verdict::Commit, Verdict::Commit, Verdict::Commit]);
    let (third, fourth) = waiting.await;
    for receipt in [first, second, third, fourth] {
        assert_eq!(receipt.await.unwrap(), Outcome::Committed);
    }
}

#[tokio::test]
async fn closing_finishes_what_was_accepted_and_refuses_the_rest() {
    let stand = Stand::new(ThreadedBounds::default());
    let receipts = [stand.put("a").await, stand.put("b").await];
    stand.tell([Verdict::Commit, Verdict::Commit]);
    stand.backend.close().await.unwrap();
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap(), Outcome::Committed);
    }
    assert_eq!(stand.closed.load(Ordering::Relaxed), 1);
    let late = stand.backend.commit(Transaction::new("s").put("c", "value")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Closed);
    assert_eq!(stand.backend.get("s", b"a").await.unwrap_err().kind(), ErrorKind::Closed);
    stand.backend.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_backend_still_finishes_what_was_accepted() {
    let stand = Stand::new(ThreadedBounds::default());
    let receipt = stand.put("a").await;
    let Stand { backend, verdicts, .. } = stand;
    drop(backend);
    verdicts.send(Verdict::Commit).unwrap();
    assert_eq!(receipt.await.unwrap(), Outcome::Committed);
}

#[tokio::test]
async fn a_dropped_space_keeps_its_place_among_the_commits() {
    let stand = Stand::new(ThreadedBounds::default());
    let before = stand.put("a").await;
    stand.tell([Verdict::Commit, Verdict::Commit]);
    let (dropped, after) = tokio::join!(stand.backend.drop_space("s"), async {
        let receipt = stand.put("b").await;
        receipt.await
    });
    dropped.unwrap();
    assert_eq!(before.await.unwrap(), Outcome::Committed);
    assert_eq!(after.unwrap(), Outcome::Committed);
    assert_eq!(*stand.groups.lock(), [1, 0, 1]);
}
