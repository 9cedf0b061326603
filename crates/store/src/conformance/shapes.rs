//! What plugins see, one caller at a time.

use std::ops::Bound;

use super::{Open, with_store};
use crate::{
    BLOB_PART_BYTES, BlobBounds, BlobId, Direction, ErrorKind, KEY_BYTES, Limit, LogBounds, LogId,
    Owner, RECORD_BYTES,
};

/// Names that trip quoting, termination, prefixes and character sets.
fn odd_names() -> Vec<String> {
    let mut names: Vec<_> = [
        "",
        "a",
        "ab",
        "a\0",
        "a\0b",
        "\0",
        "\0\u{1}",
        "\u{7f}",
        "'",
        "\"",
        "\\",
        "%",
        "_",
        "../a",
        "bobeal ';delete from users;",
        "ромео@пример.рф",
        "🦀",
        "e\u{301}",
        "é",
        " ",
    ]
    .map(String::from)
    .into();
    names.push("x".repeat(3071));
    names
}

pub fn odd_names_and_keys_are_kept_apart(open: impl Open) {
    with_store(open, async |store| {
        let names = odd_names();
        let space = store.space("odd");
        let records = space.collection::<String, String>("records");
        let pairs = space.collection::<(String, String), String>("pairs");
        let romeo = Owner::account("romeo@montague.example");
        for name in &names {
            records.put(&romeo, name, name).await.expect("an odd key");
            records.put(&Owner::account(name.as_str()), "k", name).await.expect("an odd owner");
            pairs.put(&romeo, &(name.clone(), "k".into()), name).await.expect("an odd pair");
            let named = space.collection::<String, String>(name.as_str());
            named.put(&romeo, "k", name).await.expect("an odd collection");
            let spaced = store.space(format!("in {name}")).collection::<String, String>("c");
            spaced.put(&romeo, "k", name).await.expect("an odd space");
        }
        for name in &names {
            let found = records.get(&romeo, name).await.expect("a record");
            assert_eq!(found.as_ref(), Some(name), "by key");
            let owner = Owner::account(name.as_str());
            assert_eq!(records.get(&owner, "k").await.expect("a record").as_ref(), Some(name));
            assert_eq!(records.scan(&owner).await.expect("records").len(), 1, "{name:?} alone");
            let pair = (name.clone(), "k".to_owned());
            assert_eq!(pairs.get(&romeo, &pair).await.expect("a record").as_ref(), Some(name));
            let named = space.collection::<String, String>(name.as_str());
            assert_eq!(named.get(&romeo, "k").await.expect("a record").as_ref(), Some(name));
            let spaced = store.space(format!("in {name}")).collection::<String, String>("c");
            assert_eq!(spaced.get(&romeo, "k").await.expect("a record").as_ref(), Some(name));
        }
        let scanned = records.scan(&romeo).await.expect("records");
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(scanned.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), sorted);

        let over = records.put(&romeo, &"k".repeat(KEY_BYTES), &String::new()).await;
        let over = over.expect_err("a key over its bound");
        assert_eq!(over.kind(), ErrorKind::Bound(Limit::KeyBytes));
    });
}

pub fn values_of_any_size_come_back(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let values = store.space("sizes").collection::<u32, Vec<u8>>("values");
        let sizes = [0, 1, 127, 128, 4095, 4096, 65_536, 300_000, RECORD_BYTES - 16];
        for size in sizes {
            let value: Vec<u8> = (0..size).map(|n| (n * 31) as u8).collect();
            values.put(&owner, &(size as u32), &value).await.expect("a value within its bound");
        }
        for size in sizes {
            let value = values.get(&owner, &(size as u32)).await.expect("a value");
            let value = value.expect("what was put");
            assert_eq!(value.len(), size);
            assert!(value.iter().enumerate().all(|(n, byte)| *byte == (n * 31) as u8));
        }
        let over = values.put(&owner, &0, &vec![0; RECORD_BYTES]).await;
        let over = over.expect_err("a value over its bound");
        assert_eq!(over.kind(), ErrorKind::Bound(Limit::RecordBytes));
        assert_eq!(values.get(&owner, &0).await.expect("a value"), Some(Vec::new()));
    });
}

pub fn scans_and_pages_are_in_order(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let space = store.space("order");
        let numbers = space.collection::<u32, u32>("numbers");
        let mut batch = space.batch(&owner);
        for n in (0..700).rev() {
            batch.put(&numbers, &n, &(n * 2));
        }
        batch.commit().await.expect("a batch");
        let all = numbers.scan(&owner).await.expect("records");
        assert_eq!(all, (0..700).map(|n| (n, n * 2)).collect::<Vec<_>>());

        let page = |from, limit| numbers.page(&owner, from, limit);
        let keys = |page: Vec<(u32, u32)>| page.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(keys(page(Bound::Excluded(&10), 3).await.expect("a page")), [11, 12, 13]);
        assert_eq!(keys(page(Bound::Included(&698), 9).await.expect("a page")), [698, 699]);
        assert_eq!(keys(page(Bound::Unbounded, 1).await.expect("a page")), [0]);
        assert_eq!(keys(page(Bound::Excluded(&699), 9).await.expect("a page")), [0u32; 0]);

        numbers.remove(&owner, &0).await.expect("a removal");
        numbers.remove(&owner, &0).await.expect("a removal of nothing");
        assert_eq!(numbers.get(&owner, &0).await.expect("none"), None);
        assert_eq!(keys(page(Bound::Unbounded, 1).await.expect("a page")), [1]);
    });
}

pub fn spaces_exist_from_their_first_write_until_dropped(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let record = |space: &str| store.space(space).collection::<(), u32>("record");
        assert_eq!(record("unwritten").get(&owner, &()).await.expect("none"), None);
        record("unwritten").remove(&owner, &()).await.expect("a removal of nothing");
        let nothing = record("unwritten").update(&owner, &(), |record| record.is_none()).await;
        assert!(nothing.expect("an update of nothing"));
        assert_eq!(store.spaces().await.expect("spaces"), [""; 0]);

        record("b").put(&owner, &(), &1).await.expect("a write");
        record("a").put(&owner, &(), &2).await.expect("a write");
        assert_eq!(store.spaces().await.expect("spaces"), ["a", "b"]);
        store.drop_space("a").await.expect("a dropped space");
        store.drop_space("a").await.expect("a space dropped again");
        assert_eq!(store.spaces().await.expect("spaces"), ["b"]);
        assert_eq!(record("a").get(&owner, &()).await.expect("none"), None);
        assert_eq!(record("b").get(&owner, &()).await.expect("a record"), Some(1));
        record("a").put(&owner, &(), &3).await.expect("a write after the drop");
        assert_eq!(record("a").get(&owner, &()).await.expect("a record"), Some(3));
    });
}

pub fn a_purge_takes_one_owner_and_all_of_it(open: impl Open) {
    with_store(open, async |store| {
        let owners =
            [Owner::server(), Owner::account("a@x"), Owner::account("a@xy"), Owner::account("a")];
        for space in ["one", "two"] {
            let space = store.space(space);
            for owner in &owners {
                let numbers = space.collection::<u32, u32>("numbers");
                let mut batch = space.batch(owner);
                for n in 0..300 {
                    batch.put(&numbers, &n, &n);
                }
                batch.append(&space.log::<u32>("log"), &1);
                batch.commit().await.expect("a batch");
            }
            let mut sorted = owners.to_vec();
            sorted.sort();
            assert_eq!(space.owners(None, 9).await.expect("owners"), sorted);
            assert_eq!(space.owners(None, 2).await.expect("owners"), sorted[..2]);
            assert_eq!(space.owners(Some(&sorted[1]), 9).await.expect("owners"), sorted[2..]);
        }
        store.purge_owner(&owners[1]).await.expect("a purge");
        store.purge_owner(&owners[1]).await.expect("a purge of nothing");
        for space in ["one", "two"] {
            let space = store.space(space);
            for owner in &owners {
                let left = if *owner == owners[1] { 0 } else { 300 };
                let numbers = space.collection::<u32, u32>("numbers");
                assert_eq!(numbers.scan(owner).await.expect("records").len(), left);
                let size = space.log::<u32>("log").size(owner).await.expect("a size");
                assert_eq!(size.records, u64::from(left != 0));
            }
        }
    });
}

pub fn a_batch_that_fails_changes_nothing(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let space = store.space("batches");
        let numbers = space.collection::<u32, u32>("numbers").at_most(10);
        let log = space.log::<u32>("log");
        let fill = |from: u32| {
            let mut batch = space.batch(&owner);
            for n in from..from + 6 {
                batch.put(&numbers, &n, &n);
                batch.append(&log, &n);
            }
            batch.commit()
        };
        assert_eq!(fill(0).await.expect("a batch").len(), 6);
        let refused = fill(6).await.expect_err("a batch over a bound");
        assert_eq!(refused.kind(), ErrorKind::Bound(Limit::CollectionRecords));
        assert_eq!(numbers.scan(&owner).await.expect("records").len(), 6);
        assert_eq!(log.size(&owner).await.expect("a size").records, 6);
        assert_eq!(fill(3).await.expect("a batch that mostly replaces").len(), 6);
        assert_eq!(numbers.scan(&owner).await.expect("records").len(), 9);
    });
}

pub fn logs_keep_order_and_bounds(open: impl Open) {
    with_store(open, async |store| {
        let juliet = Owner::account("juliet@capulet.example");
        let space = store.space("logs");
        let log =
            space.log::<String>("spool").bounded(LogBounds::default().records(200).bytes(4000));
        let mut ids = Vec::new();
        for n in 0..200 {
            ids.push(log.append(&juliet, &format!("{n}")).await.expect("an append"));
        }
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        let over = log.append(&juliet, &"over".into()).await.expect_err("too many entries");
        assert_eq!(over.kind(), ErrorKind::Bound(Limit::LogRecords));

        let range =
            |from: usize, to: usize| log.range(&juliet, ids[from]..ids[to], 5, Direction::Forward);
        let found = range(20, 22).await.expect("a range");
        assert_eq!(found, [(ids[20], "20".to_owned()), (ids[21], "21".to_owned())]);
        assert_eq!(range(22, 20).await.expect("an empty range"), []);
        let last = log.range(&juliet, .., 2, Direction::Backward).await.expect("a range");
        assert_eq!(last, [(ids[199], "199".to_owned()), (ids[198], "198".to_owned())]);
        let after = log.range(&juliet, ids[197].., 9, Direction::Forward).await.expect("a range");
        assert_eq!(after.len(), 3);

        let unknown = LogId::new(u64::MAX);
        log.remove(&juliet, [ids[3], ids[3], unknown]).await.expect("a removal");
        log.remove(&juliet, [ids[3]]).await.expect("a removal of nothing");
        assert_eq!(log.get(&juliet, ids[3]).await.expect("none"), None);
        assert_eq!(log.size(&juliet).await.expect("a size").records, 199);
        log.trim(&juliet, ids[190]).await.expect("a trim");
        let left = log.range(&juliet, .., 99, Direction::Forward).await.expect("a range");
        assert_eq!(left.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[190..]);
        let size = log.size(&juliet).await.expect("a size");
        // Each is a version, a length and three digits.
        assert_eq!((size.records, size.bytes), (10, 50));
        let next = log.append(&juliet, &"x".repeat(3000)).await.expect("an append");
        assert!(next > ids[199], "an id is never given twice");
        let over = log.append(&juliet, &"x".repeat(3000)).await.expect_err("too many bytes");
        assert_eq!(over.kind(), ErrorKind::Bound(Limit::LogBytes));
        let other = Owner::account("juliet@capulet.example.org");
        log.append(&other, &"other".into()).await.expect("an append");
        log.trim(&juliet, ids[0]).await.expect("a trim of nothing");
        log.trim(&juliet, unknown).await.expect("a trim of all");
        assert_eq!(log.size(&other).await.expect("a size").records, 1);
        let left = log.range(&juliet, .., 9, Direction::Forward).await.expect("a range");
        assert_eq!(left, []);
        assert_eq!(log.size(&juliet).await.expect("a size").bytes, 0);
        assert!(log.append(&juliet, &"x".into()).await.expect("an append") > next);
    });
}

pub fn blobs_come_back_by_hash_and_leave_nothing_behind(open: impl Open) {
    with_store(open, async |store| {
        let juliet = Owner::account("juliet@capulet.example");
        let blobs = store.space("s").blobs("images");
        let content = |bytes: usize| (0..bytes).map(|n| (n / 7) as u8).collect::<Vec<_>>();
        let mut ids = Vec::new();
        for bytes in [0, 1, BLOB_PART_BYTES, BLOB_PART_BYTES + 1, 10 * BLOB_PART_BYTES - 3] {
            let mut writer = blobs.writer(&juliet).await.expect("a writer");
            for chunk in content(bytes).chunks(50_001) {
                writer.write(chunk).await.expect("a write");
            }
            let id = writer.finish().await.expect("a blob");
            assert_eq!(id, BlobId::of(&content(bytes)));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(blobs.put(&juliet, &content(bytes)).await.expect("once more"), id);
            ids.push((id, bytes));
        }
        for (id, bytes) in &ids {
            let found = blobs.read(&juliet, *id).await.expect("a read").expect("the blob");
            assert_eq!(found, content(*bytes));
            assert_eq!(blobs.read(&Owner::server(), *id).await.expect("a read"), None);
        }
        assert_eq!(blobs.list(&juliet).await.expect("a list").len(), ids.len());

        let small = blobs.clone().bounded(BlobBounds::default().bytes(10));
        let over = small.put(&juliet, &content(11)).await.expect_err("too large");
        assert_eq!(over.kind(), ErrorKind::Bound(Limit::BlobBytes));

        let mut reader = blobs.reader(&juliet, ids[4].0).await.expect("a read").expect("the blob");
        reader.next().await.expect("a part");
        let mut abandoned = blobs.writer(&juliet).await.expect("a writer");
        abandoned.write(&content(3 * BLOB_PART_BYTES)).await.expect("a write");
        let mut twin = blobs.writer(&juliet).await.expect("a writer");
        twin.write(&content(BLOB_PART_BYTES + 1)).await.expect("a write");
        twin.finish().await.expect("content that is there already");
        for (id, _) in &ids {
            blobs.remove(&juliet, *id).await.expect("a removal");
            blobs.remove(&juliet, *id).await.expect("a removal of nothing");
        }
        let gone = reader.next().await.expect_err("removed while it is read");
        assert_eq!(gone.kind(), ErrorKind::Gone);
        drop(abandoned);
        // The next writer clears away what the abandoned one left: only its own number remains.
        drop(blobs.writer(&juliet).await.expect("a writer"));
        let mut export = store.export(&juliet).await.expect("an export");
        assert_eq!(export.next().await.expect("a page").map(|page| page.len()), Some(1));
        assert_eq!(export.next().await.expect("the end"), None);
    });
}

pub fn an_export_imports_as_another_owner(open: impl Open) {
    with_store(open, async |store| {
        let romeo = Owner::account("romeo@montague.example");
        let tybalt = Owner::account("tybalt@capulet.example");
        for space in ["one", "two"] {
            let space = store.space(space);
            let numbers = space.collection::<u32, u32>("numbers");
            let mut batch = space.batch(&romeo);
            for n in 0..300 {
                batch.put(&numbers, &n, &n);
            }
            batch.append(&space.log::<u32>("log"), &1);
            batch.commit().await.expect("a batch");
        }
        let mut export = store.export(&romeo).await.expect("an export");
        while let Some(page) = export.next().await.expect("a page") {
            store.import(&tybalt, page).await.expect("an import");
        }
        for space in ["one", "two"] {
            let space = store.space(space);
            let numbers = space.collection::<u32, u32>("numbers");
            let [of_romeo, of_tybalt] = [numbers.scan(&romeo).await, numbers.scan(&tybalt).await];
            assert_eq!(of_romeo.expect("records"), of_tybalt.expect("records"));
            let log = space.log::<u32>("log");
            let id = log.append(&tybalt, &2).await.expect("an append");
            assert_eq!(id, log.append(&romeo, &2).await.expect("an append"));
        }
    });
}

pub fn a_closed_store_says_so(open: impl Open) {
    with_store(open, async |store| {
        let owner = Owner::server();
        let record = store.space("s").collection::<(), u32>("c");
        record.put(&owner, &(), &1).await.expect("a write");
        store.close().await.expect("a close");
        let closed = |error: crate::StoreError| assert_eq!(error.kind(), ErrorKind::Closed);
        closed(record.put(&owner, &(), &1).await.expect_err("closed"));
        closed(record.get(&owner, &()).await.expect_err("closed"));
        closed(record.scan(&owner).await.expect_err("closed"));
        closed(store.spaces().await.expect_err("closed"));
        closed(store.drop_space("s").await.expect_err("closed"));
    });
}
