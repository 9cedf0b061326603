//! A counter that many threads count on, each for itself.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use prometheus_client::metrics::counter::{Atomic, Counter};

/// A counter of what happens all the time.
pub(crate) type Hot = Counter<u64, Sharded>;

/// How many parts a counter has; threads beyond share them.
const SHARDS: usize = 16;

/// A number in parts that lie apart, so that threads do not take a line of the cache from each other.
#[derive(Debug, Default)]
pub(crate) struct Sharded([Shard; SHARDS]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(AtomicU64);

thread_local! {
    /// Which part is this thread's.
    static OURS: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn ours() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let held = OURS.get();
    if held != usize::MAX {
        return held;
    }
    let taken = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    OURS.set(taken);
    taken
}

impl Atomic<u64> for Sharded {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    /// Answers what the thread's own part was before.
    fn inc_by(&self, more: u64) -> u64 {
        match self.0.get(ours()) {
            Some(Shard(shard)) => shard.fetch_add(more, Ordering::Relaxed),
            None => 0,
        }
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|Shard(shard)| shard.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_among_threads() {
        let counter = Hot::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        counter.inc();
                    }
                });
            }
        });
        assert_eq!(counter.get(), 2_000 * SHARDS as u64);
    }
}
