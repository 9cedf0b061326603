//! What plugins see, many at a time.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Open, with_store};
use crate::{Direction, Outcome, Owner, Transaction};

pub fn updates_of_one_record_all_count(open: impl Open) {
    with_store(open, async |store| {
        let count = store.space("s").collection::<(), u64>("count");
        let mut tasks = JoinSet::new();
        for _ in 0..32 {
            let count = count.clone();
            tasks.spawn(async move {
                for _ in 0..8 {
                    let add = |count: &mut Option<u64>| *count = Some(count.unwrap_or(0) + 1);
                    count.update(&Owner::server(), &(), add).await.expect("an update");
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(count.get(&Owner::server(), &()).await.expect("a count"), Some(32 * 8));
    });
}

pub fn appends_to_one_log_keep_the_order_of_each_task(open: impl Open) {
    with_store(open, async |store| {
        let log = store.space("s").log::<String>("log");
        let mut tasks = JoinSet::new();
        for task in 0..24u32 {
            let log = log.clone();
            tasks.spawn(async move {
                let mut ids = Vec::new();
                for n in 0..8u32 {
                    let entry = format!("{task} {n}");
                    ids.push((log.append(&Owner::server(), &entry).await.expect("an id"), entry));
                }
                ids
            });
        }
        let mut acknowledged = Vec::new();
        for ids in tasks.join_all().await {
            assert!(ids.windows(2).all(|pair| pair[0].0 < pair[1].0));
            acknowledged.extend(ids);
        }
        acknowledged.sort();
        let stored = log.range(&Owner::server(), .., 1000, Direction::Forward).await;
        assert_eq!(stored.expect("all entries"), acknowledged);
        assert_eq!(log.size(&Owner::server()).await.expect("a size").records, 24 * 8);
    });
}

pub fn a_log_stays_counted_while_it_is_trimmed(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let log = store.space("s").log::<String>("log");
        for round in 0..8u32 {
            let mut tasks = JoinSet::new();
            for task in 0..12u32 {
                let (log, owner) = (log.clone(), owner.clone());
                tasks.spawn(async move {
                    let entry = "x".repeat((round * task) as usize);
                    for n in 0..8 {
                        let id = log.append(&owner, &entry).await.expect("an id");
                        match task % 4 {
                            0 => log.trim(&owner, id).await.expect("a trim"),
                            1 if n % 2 == 0 => {
                                log.remove(&owner, [id]).await.expect("a removal");
                            }
                            _ => {}
                        }
                    }
                });
            }
            if round % 2 == 0 {
                // Some are given up at any point.
                tokio::task::yield_now().await;
                tasks.abort_all();
            }
            while tasks.join_next().await.is_some() {}
            // What was given up may still be on its way.
            let last = log.append(&owner, &String::new()).await.expect("an id");
            let size = log.size(&owner).await.expect("a size");
            let left = log.range(&owner, .., 1000, Direction::Forward).await.expect("entries");
            assert_eq!(size.records, left.len() as u64);
            log.trim(&owner, last).await.expect("a trim");
            assert_eq!(log.size(&owner).await.expect("a size").records, 1);
            log.remove(&owner, [last]).await.expect("a removal");
            assert_eq!(log.size(&owner).await.expect("a size").bytes, 0);
        }
    });
}

pub fn batches_across_records_never_tear(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let space = store.space("bank");
        let purses = space.collection::<u8, i64>("purses");
        let moves = space.log::<String>("moves");
        for purse in 0..4 {
            purses.put(&owner, &purse, &100).await.expect("a purse");
        }
        let mut tasks = JoinSet::new();
        for task in 0..16u8 {
            let (space, purses, moves) = (space.clone(), purses.clone(), moves.clone());
            tasks.spawn(async move {
                for n in 0..6u8 {
                    // The two are named in either order: neither may wait for the other forever.
                    let (from, to) = ((task + n) % 4, (task + 3 * n + 1) % 4);
                    let mut batch = space.batch(&Owner::server());
                    let add =
                        |by: i64| move |purse: &mut Option<i64>| *purse = purse.map(|p| p + by);
                    batch.update(&purses, &from, add(-1));
                    batch.update(&purses, &to, add(1));
                    batch.append(&moves, &format!("{from} to {to}"));
                    batch.commit().await.expect("a batch");
                }
            });
        }
        tasks.join_all().await;
        let total: i64 =
            purses.scan(&owner).await.expect("purses").iter().map(|(_, purse)| purse).sum();
        assert_eq!(total, 400);
        assert_eq!(moves.size(&owner).await.expect("a size").records, 16 * 6);
    });
}

pub fn a_conflict_fails_one_transaction_and_not_its_group(open: impl Open) {
    with_store(open, async |store| {
        let store = Arc::new(store);
        for round in 0..10u8 {
            let mut tasks = JoinSet::new();
            for n in 0..40u8 {
                let store = Arc::clone(&store);
                tasks.spawn(async move {
                    let mut transaction = Transaction::new("s").put(vec![round, n], vec![n]);
                    if n % 2 == 0 {
                        // Nobody writes this.
                        transaction =
                            transaction.require("missing", Some(Bytes::from_static(b"x")));
                    }
                    let receipt = store.shared().backend.commit(transaction).await;
                    (n, receipt.expect("a place").await.expect("an outcome"))
                });
            }
            for (n, outcome) in tasks.join_all().await {
                let conflicts = n % 2 == 0;
                assert_eq!(outcome == Outcome::Conflict, conflicts);
                let value = store.shared().backend.get("s", &[round, n]).await.expect("a value");
                assert_eq!(value.is_none(), conflicts);
            }
        }
    });
}

pub fn dropped_calls_leave_nothing_half_done(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let space = store.space("s");
        let log = space.log::<u32>("log");
        let names = space.collection::<u32, u32>("names");
        let mut acknowledged = Vec::new();
        for round in 0..12u32 {
            let mut tasks = JoinSet::new();
            for n in 0..16 {
                let (space, log, names) = (space.clone(), log.clone(), names.clone());
                tasks.spawn(async move {
                    let n = round * 16 + n;
                    let mut batch = space.batch(&Owner::server());
                    batch.put(&names, &n, &n);
                    batch.append(&log, &n);
                    batch.commit().await.expect("a batch");
                    n
                });
            }
            // Some are done when the rest is dropped, wherever they are.
            for _ in 0..round % 5 {
                acknowledged.extend(tasks.join_next().await.map(|done| done.expect("no panic")));
            }
            tasks.shutdown().await;
        }
        // What follows is ordered after whatever was still under way.
        log.append(&owner, &u32::MAX).await.expect("an append");
        let entries = log.range(&owner, .., 1000, Direction::Forward).await.expect("entries");
        let size = log.size(&owner).await.expect("a size");
        assert_eq!(size.records, entries.len() as u64);
        let mut logged: Vec<_> =
            entries.iter().map(|(_, n)| *n).filter(|n| *n != u32::MAX).collect();
        logged.sort_unstable();
        let named: Vec<_> =
            names.scan(&owner).await.expect("records").into_iter().map(|(n, _)| n).collect();
        assert_eq!(logged, named, "both or neither");
        for n in acknowledged {
            assert!(named.binary_search(&n).is_ok(), "{n} was acknowledged");
        }
    });
}
