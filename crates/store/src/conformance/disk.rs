//! What is asked of a backend on disk: reopening, damage, a full disk, and sudden death.

use std::{
    collections::BTreeMap,
    fs,
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::task::JoinSet;

use super::{Fixture, Open, block_on};
use crate::{Direction, ErrorKind, Owner, Store};

/// Tells a child process where its store is.
const CHILD: &str = "SESTINA_STORE_CONFORMANCE_CHILD";

pub fn what_was_acknowledged_is_there_after_reopening(open: impl Open) {
    let fixture = Fixture::new(open);
    block_on(async {
        let owner = Owner::server();
        for round in 0..5u32 {
            let store = fixture.open();
            let space = store.space("s");
            let log = space.log::<u32>("log");
            for n in 0..20u32 {
                log.append(&owner, &(round * 20 + n)).await.expect("an append");
            }
            store.close().await.expect("the store closes");
        }
        let store = fixture.open();
        let log = store.space("s").log::<u32>("log");
        let entries = log.range(&owner, .., 1000, Direction::Forward).await.expect("entries");
        let expected: Vec<_> = (0..100).collect();
        assert_eq!(entries.iter().map(|(_, n)| *n).collect::<Vec<_>>(), expected);
        assert!(entries.windows(2).all(|pair| pair[0].0 < pair[1].0));
        store.close().await.expect("the store closes");
    });
}

pub fn a_second_opener_is_told_that_it_is_locked(open: impl Open) {
    let fixture = Fixture::new(open);
    block_on(async {
        let store = fixture.open();
        let record = store.space("s").collection::<(), u32>("c");
        record.put(&Owner::server(), &(), &1).await.expect("a write");
        let locked = (fixture.open)(fixture.folder.path()).expect_err("a second opener");
        assert_eq!(locked.kind(), ErrorKind::Locked, "{locked}");
        assert_eq!(record.get(&Owner::server(), &()).await.expect("a record"), Some(1));
        store.close().await.expect("the store closes");
    });
}

pub fn a_file_of_something_else_is_corrupt(open: impl Open) {
    let fixture = Fixture::new(open);
    block_on(async {
        fill(&fixture.open(), 50).await;
    });
    for file in files(fixture.folder.path()) {
        fs::write(file, b"Two households, both alike in dignity\n".repeat(2000)).expect("a file");
    }
    let corrupt = (fixture.open)(fixture.folder.path()).expect_err("no store at all");
    assert_eq!(corrupt.kind(), ErrorKind::Corrupt, "{corrupt}");
    let folder = fixture.folder.path().to_str().expect("a plain path");
    assert!(corrupt.to_string().contains(folder), "{corrupt} names the file");
}

pub fn damage_is_reported_and_never_panics(open: impl Open) {
    let fixture = Fixture::new(open);
    block_on(fill_and_close(&fixture, 200));
    let whole: Vec<_> = files(fixture.folder.path())
        .into_iter()
        .map(|file| (fs::read(&file).expect("a readable file"), file))
        .collect();
    for at in 0..24 {
        for (bytes, file) in &whole {
            let mut bytes = bytes.clone();
            let place = bytes.len() * at / 24;
            if at % 2 == 0 {
                bytes.truncate(place);
            } else {
                bytes.iter_mut().skip(place).take(64).for_each(|byte| *byte ^= 0xA5);
            }
            fs::write(file, bytes).expect("a damaged file");
        }
        let Ok(store) = (fixture.open)(fixture.folder.path()) else { continue };
        block_on(async {
            let values = store.space("s").collection::<u32, Vec<u8>>("values");
            for n in 0..200u32 {
                // Not every engine checks what it reads; to answer at all is what is asked here.
                let _ = values.get(&Owner::server(), &n).await;
            }
            let _ = values.scan(&Owner::server()).await;
            let _ = values.put(&Owner::server(), &0, &value_of(0)).await;
            let _ = store.close().await;
        });
    }
}

pub fn nothing_acknowledged_is_lost_to_sigkill(test: &str, open: impl Open) {
    if let Some(folder) = std::env::var_os(CHILD) {
        let store = open(Path::new(&folder)).expect("the store opens");
        block_on(write_until_killed(store));
        return;
    }
    let fixture = Fixture::new(open);
    let mut acknowledged = BTreeMap::<u32, u32>::new();
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().expect("the test's own program"));
        let mut child = start(&mut child, test, fixture.folder.path());
        let wanted = 1 + random() % 150;
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut seen = 0;
        let mut line = String::new();
        while lines.read_line(&mut line).expect("the child's words") > 0 {
            if let Some((task, n)) = acknowledgement(&line) {
                acknowledged.insert(task, n);
                seen += 1;
                if seen == wanted {
                    child.kill().expect("SIGKILL");
                }
            }
            line.clear();
        }
        child.wait().expect("the child's end");
        assert!(seen >= wanted, "the child died by itself in round {round}");
        block_on(inspect(fixture.open(), &acknowledged));
    }
}

/// Eight tasks write batch after batch and say so when each is acknowledged.
async fn write_until_killed(store: Store) {
    let mut tasks = JoinSet::new();
    for task in 0..8u32 {
        let space = store.space("s");
        tasks.spawn(async move {
            let owner = Owner::account(format!("{task}"));
            let [left, right] = ["left", "right"].map(|name| space.collection(name));
            let log = space.log::<u32>("log");
            let last = space.collection::<(), u32>("last");
            loop {
                let n = last.get(&owner, &()).await.expect("a record").unwrap_or(0) + 1;
                let mut batch = space.batch(&owner);
                batch.put::<u32, _, _>(&left, &n, &value_of(n));
                batch.put::<u32, _, _>(&right, &n, &value_of(n));
                batch.put(&last, &(), &n);
                batch.append(&log, &n);
                batch.commit().await.expect("a batch");
                writeln!(std::io::stdout(), "acknowledged {task} {n}").expect("a reader");
            }
        });
    }
    tasks.join_all().await;
}

fn acknowledgement(line: &str) -> Option<(u32, u32)> {
    let (task, n) = line.strip_suffix('\n')?.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((task.parse().ok()?, n.parse().ok()?))
}

async fn inspect(store: Store, acknowledged: &BTreeMap<u32, u32>) {
    let space = store.space("s");
    for task in 0..8u32 {
        let owner = Owner::account(format!("{task}"));
        let [left, right] = ["left", "right"].map(|name| space.collection::<u32, Vec<u8>>(name));
        let last = space.collection::<(), u32>("last").get(&owner, &()).await.expect("a record");
        let last = last.unwrap_or(0);
        let acknowledged = acknowledged.get(&task).copied().unwrap_or(0);
        assert!(last >= acknowledged, "{acknowledged} was acknowledged, {last} is the last");
        let expected: Vec<_> = (1..=last).map(|n| (n, value_of(n))).collect();
        assert_eq!(left.scan(&owner).await.expect("records"), expected);
        assert_eq!(right.scan(&owner).await.expect("records"), expected);
        let log = space.log::<u32>("log");
        let entries = log.range(&owner, .., usize::MAX, Direction::Forward).await.expect("entries");
        assert!(entries.into_iter().map(|(_, n)| n).eq(1..=last));
        assert_eq!(log.size(&owner).await.expect("a size").records, u64::from(last));
    }
    store.close().await.expect("the store closes");
}

pub fn a_full_disk_stops_writes_and_not_reads(test: &str, open: impl Open) {
    if let Some(folder) = std::env::var_os(CHILD) {
        block_on(fill_the_disk(&open, Path::new(&folder)));
        println!("all is well");
        return;
    }
    let fixture = Fixture::new(open);
    // The limit on the size of a file stands in for a full disk; its signal is ignored, so that
    // writing fails instead.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -S -f 8192; exec \"$0\" \"$@\""]);
    shell.arg(std::env::current_exe().expect("the test's own program"));
    let mut child = start(&mut shell, test, fixture.folder.path());
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let lines: Vec<_> = lines.map(|line| line.expect("the child's words")).collect();
    let end = child.wait().expect("the child's end");
    let well = lines.iter().any(|line| line.ends_with("all is well"));
    assert!(end.success() && well, "the child said:\n{}", lines.join("\n"));
}

async fn fill_the_disk(open: &impl Open, folder: &Path) {
    let owner = Owner::server();
    let store = open(folder).expect("the store opens");
    let values = store.space("s").collection::<u32, Vec<u8>>("values");
    let value = |n: u32| value_of(n).repeat(200);
    let mut written = 0;
    let full = loop {
        match values.put(&owner, &written, &value(written)).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::Full, "{full}");
    assert!(full.is_retryable());
    assert!(written > 10, "{written} values fit");
    for n in 0..written {
        let read = values.get(&owner, &n).await.expect("a read from a full disk");
        assert_eq!(read, Some(value(n)), "value {n} of {written}");
    }
    for n in written..written + 5 {
        // An engine may find room for a little more; what it says is what holds.
        match values.put(&owner, &n, &value(n)).await {
            Ok(()) => assert_eq!(values.get(&owner, &n).await.expect("a read"), Some(value(n))),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Full, "{error}"),
        }
    }

    let pid = std::process::id().to_string();
    let room = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &pid]).status();
    assert!(room.expect("prlimit").success());
    for n in written..written + 50 {
        values.put(&owner, &n, &value(n)).await.expect("a write when there is room again");
    }
    store.close().await.expect("the store closes");
    let store = open(folder).expect("the store opens again");
    let values = store.space("s").collection::<u32, Vec<u8>>("values");
    for n in 0..written + 50 {
        assert_eq!(values.get(&owner, &n).await.expect("a read"), Some(value(n)));
    }
    store.close().await.expect("the store closes");
}

/// Starts this test again in a process of its own.
fn start(command: &mut Command, test: &str, folder: &Path) -> Child {
    let (_, test) = test.split_once("::").expect("a path into the test's crate");
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child process")
}

async fn fill_and_close<O: Open>(fixture: &Fixture<O>, values: u32) {
    let store = fixture.open();
    fill(&store, values).await;
}

async fn fill(store: &Store, values: u32) {
    let collection = store.space("s").collection::<u32, Vec<u8>>("values");
    for n in 0..values {
        collection.put(&Owner::server(), &n, &value_of(n)).await.expect("a write");
    }
    store.close().await.expect("the store closes");
}

fn value_of(n: u32) -> Vec<u8> {
    n.to_le_bytes().repeat(1 + n as usize % 97)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn random() -> u64 {
    RandomState::new().hash_one(0)
}
