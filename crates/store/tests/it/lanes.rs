//! Concurrent changes of one key on a backend that answers late, out of turn or not at all.

use std::sync::Arc;

use sestina_store::{Direction, ErrorKind, Limit, LogBounds, Owner, memory};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_of_many_tasks_all_count() {
    let counters = memory().space("s").collection::<String, u64>("counters");
    let owner = Owner::server();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (counters, owner) = (counters.clone(), owner.clone());
            tokio::spawn(async move {
                for _ in 0..50 {
                    let add = |count: &mut Option<u64>| *count = Some(count.unwrap_or(0) + 1);
                    counters.update(&owner, "hits", add).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(counters.get(&owner, "hits").await.unwrap(), Some(32 * 50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_of_many_tasks_get_ids_in_their_own_order() {
    let log = memory().space("s").log::<String>("log");
    let owner = Owner::account("juliet@capulet.example");
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let (log, owner) = (log.clone(), owner.clone());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for n in 0..20 {
                    ids.push(log.append(&owner, &format!("{task} {n}")).await.unwrap());
                }
                assert!(ids.is_sorted());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let all = log.range(&owner, .., 1000, Direction::Forward).await.unwrap();
    assert_eq!(all.len(), 16 * 20);
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(log.size(&owner).await.unwrap().records, 16 * 20);
}

#[tokio::test]
async fn a_full_log_refuses_with_its_own_bound_and_takes_more_when_trimmed() {
    let bounds = LogBounds::default().records(2);
    let log = memory().space("s").log::<u32>("log").bounded(bounds);
    let owner = Owner::server();
    log.append(&owner, &1).await.unwrap();
    let second = log.append(&owner, &2).await.unwrap();
    let refused = log.append(&owner, &3).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Bound(Limit::LogRecords));
    log.trim(&owner, second).await.unwrap();
    assert!(log.append(&owner, &4).await.unwrap() > second);
    let left: Vec<_> = log.range(&owner, .., 9, Direction::Backward).await.unwrap();
    assert_eq!(left.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [4, 2]);
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let space = memory().space("s");
    let owner = Owner::server();
    let log = space.log::<u32>("log").bounded(LogBounds::default().records(1));
    let names = space.collection::<String, String>("names");
    let fill = |name: &str| {
        let mut batch = space.batch(&owner);
        batch.put(&names, name, &name.to_owned());
        batch.append(&log, &1);
        batch
    };
    assert_eq!(fill("first").commit().await.unwrap().len(), 1);
    assert!(fill("second").commit().await.is_err());
    assert_eq!(names.get(&owner, "second").await.unwrap(), None);

    let mut foreign = space.batch(&owner);
    foreign.append(&memory().space("s").log::<u32>("log"), &1);
    assert_eq!(foreign.commit().await.unwrap_err().kind(), ErrorKind::ForeignSpace);
}

#[tokio::test]
async fn a_bounded_collection_counts_even_what_came_before_the_bound() {
    let space = memory().space("s");
    let owner = Arc::new(Owner::server());
    let free = space.collection::<u32, u32>("c");
    for key in 0..3 {
        free.put(&owner, &key, &0).await.unwrap();
    }
    let bounded = free.clone().at_most(4);
    bounded.put(&owner, &1, &1).await.unwrap();
    bounded.put(&owner, &3, &1).await.unwrap();
    let refused = bounded.put(&owner, &4, &1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Bound(Limit::CollectionRecords));
    bounded.remove(&owner, &0).await.unwrap();
    bounded.remove(&owner, &0).await.unwrap();
    bounded.put(&owner, &4, &1).await.unwrap();
    assert!(bounded.put(&owner, &5, &1).await.is_err());
}
