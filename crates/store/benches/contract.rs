//! What the contract costs over each backend, as plugins use it: `cargo bench -p sestina-store`.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use sestina_store::{LogBounds, Owner, Store, memory};
use tokio::task::JoinSet;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(2);
const RECORDS: u32 = 100_000;
const TASKS: u32 = 32;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        println!("{:<44}{:>20}{:>20}{:>20}", "per second (CPU µs each)", "memory", "redb", "sled");
        let stores = [
            memory(),
            sestina_store_redb::open(folder.path().join("redb")).expect("redb opens"),
            sestina_store_sled::open(folder.path().join("sled")).expect("sled opens"),
        ];
        for store in &stores {
            fill(store).await;
        }
        row("put, one at a time", &stores, 1, put).await;
        row("put, 32 at a time", &stores, TASKS, put).await;
        row("append 400 bytes, one at a time", &stores, 1, append).await;
        row("append 400 bytes to one log, 32 at a time", &stores, TASKS, append).await;
        row("update one record, 32 at a time", &stores, TASKS, update).await;
        row("get, one at a time", &stores, 1, get).await;
        row("get, 32 at a time", &stores, TASKS, get).await;
        row("scan 50 records, one at a time", &stores, 1, scan).await;
        for store in stores {
            store.close().await.expect("the store closes");
        }
    });
}

async fn row<F>(
    what: &str,
    stores: &[Store],
    tasks: u32,
    step: impl Fn(Store, u32) -> F + Copy + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    print!("{what:<44}");
    for store in stores {
        let (start, used) = (now(), cpu_micros());
        let mut running = JoinSet::new();
        for task in 0..tasks {
            let store = store.clone();
            running.spawn(async move {
                let mut done = 0u64;
                let mut seed = task.wrapping_mul(0x9E37_79B9) | 1;
                while start.elapsed() < SPAN {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    step(store.clone(), seed >> 8).await;
                    done += 1;
                }
                done
            });
        }
        let done: u64 = running.join_all().await.into_iter().sum();
        let rate = done as f64 / start.elapsed().as_secs_f64();
        let each = cpu_micros().zip(used).map(|(now, then)| (now - then) / done as f64);
        print!("{:>20}", format!("{rate:.0} ({:.0})", each.unwrap_or(f64::NAN)));
    }
    println!();
}

/// A contact list's worth of records for each of two thousand accounts.
async fn fill(store: &Store) {
    let space = store.space("bench");
    let records = space.collection::<u32, Vec<u8>>("records");
    for owner in 0..RECORDS / 50 {
        let mut batch = space.batch(&account(owner));
        for n in 0..50 {
            batch.put(&records, &n, &vec![b'x'; 60]);
        }
        batch.commit().await.expect("a batch");
    }
}

async fn put(store: Store, n: u32) {
    let records = store.space("bench").collection::<u32, Vec<u8>>("records");
    let value = vec![b'y'; 60];
    records.put(&account(n / 50 % (RECORDS / 50)), &(n % 50), &value).await.expect("a put");
}

async fn append(store: Store, _: u32) {
    let bounds = LogBounds::default().records(u64::MAX).bytes(u64::MAX);
    let log = store.space("bench").log::<Vec<u8>>("log").bounded(bounds);
    log.append(&account(0), &vec![b'z'; 400]).await.expect("an append");
}

async fn update(store: Store, _: u32) {
    let count = store.space("bench").collection::<(), u64>("count");
    let add = |count: &mut Option<u64>| *count = Some(count.unwrap_or(0) + 1);
    count.update(&account(0), &(), add).await.expect("an update");
}

async fn get(store: Store, n: u32) {
    let records = store.space("bench").collection::<u32, Vec<u8>>("records");
    let owner = account(n / 50 % (RECORDS / 50));
    assert!(records.get(&owner, &(n % 50)).await.expect("a get").is_some());
}

async fn scan(store: Store, n: u32) {
    let records = store.space("bench").collection::<u32, Vec<u8>>("records");
    let owner = account(n % (RECORDS / 50));
    assert_eq!(records.scan(&owner).await.expect("a scan").len(), 50);
}

fn account(n: u32) -> Owner {
    Owner::account(format!("account{n}@bench.example"))
}

/// Returns how much processor time all threads have used, where the system says so.
fn cpu_micros() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let ticks: f64 =
        [fields.next()?, fields.next()?].iter().filter_map(|t| t.parse::<f64>().ok()).sum();
    // A tick is ten milliseconds on every Linux that matters here.
    Some(ticks * 10_000.0)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
