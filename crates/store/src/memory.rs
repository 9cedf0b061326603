//! The backend that forgets: for tests, simulations and servers that keep nothing.

use std::{
    collections::{BTreeMap, btree_map::Range},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::{
    Backend, Direction, Entry, ErrorKind, Fault, Measure, Outcome, Receipt, Run, Scan, Store,
    Transaction, Write,
};

/// Makes a store that lives in memory and completes every call at once, without threads.
#[must_use]
pub fn memory() -> Store {
    Store::new(Memory::default())
}

type Space = BTreeMap<Bytes, Bytes>;

/// Ordered maps behind one lock.
#[derive(Debug, Default)]
pub struct Memory {
    spaces: RwLock<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    closed: bool,
    spaces: BTreeMap<Arc<str>, Space>,
}

impl Memory {
    fn read<T>(&self, of: impl FnOnce(&BTreeMap<Arc<str>, Space>) -> T) -> Result<T, Fault> {
        let contents = self.spaces.read();
        if contents.closed { Err(ErrorKind::Closed.into()) } else { Ok(of(&contents.spaces)) }
    }

    fn write<T>(&self, of: impl FnOnce(&mut BTreeMap<Arc<str>, Space>) -> T) -> Result<T, Fault> {
        let mut contents = self.spaces.write();
        if contents.closed { Err(ErrorKind::Closed.into()) } else { Ok(of(&mut contents.spaces)) }
    }
}

impl Backend for Memory {
    async fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.read(|spaces| spaces.get(space)?.get(key).cloned())
    }

    async fn scan(&self, space: &str, scan: Scan) -> Result<Vec<Entry>, Fault> {
        self.read(|spaces| match spaces.get(space) {
            Some(space) if !scan.is_empty() => entries(space, &scan),
            _ => Vec::new(),
        })
    }

    async fn measure(&self, space: &str, run: Run) -> Result<Measure, Fault> {
        self.read(|spaces| {
            let mut measure = Measure::default();
            if let Some(space) = spaces.get(space).filter(|_| !run.is_empty()) {
                let run = space.range::<[u8], _>(run.bounds());
                run.for_each(|(_, value)| measure.add(value.len()));
            }
            measure
        })
    }

    async fn commit(&self, transaction: Transaction) -> Result<Receipt, Fault> {
        self.write(|spaces| Receipt::ready(apply(spaces, transaction)))
    }

    async fn spaces(&self) -> Result<Vec<String>, Fault> {
        self.read(|spaces| spaces.keys().map(|name| name.to_string()).collect())
    }

    async fn drop_space(&self, space: &str) -> Result<(), Fault> {
        self.write(|spaces| drop(spaces.remove(space)))
    }

    async fn close(&self) -> Result<(), Fault> {
        self.spaces.write().closed = true;
        Ok(())
    }
}

fn entries(space: &Space, scan: &Scan) -> Vec<Entry> {
    let run: Range<'_, Bytes, Bytes> = space.range::<[u8], _>(scan.run().bounds());
    let entry = |(key, value): (&Bytes, &Bytes)| Entry { key: key.clone(), value: value.clone() };
    match scan.direction {
        Direction::Backward => run.rev().take(scan.limit).map(entry).collect(),
        Direction::Forward => run.take(scan.limit).map(entry).collect(),
    }
}

fn apply(spaces: &mut BTreeMap<Arc<str>, Space>, transaction: Transaction) -> Outcome {
    let space = spaces.get(&transaction.space);
    for require in &transaction.requires {
        if space.and_then(|space| space.get(&require.key)) != require.value.as_ref() {
            return Outcome::Conflict;
        }
    }
    for write in transaction.writes {
        if let Write::Put { key, value } = write {
            let space = spaces.entry(Arc::clone(&transaction.space)).or_default();
            space.insert(key, value);
            continue;
        }
        // A space does not come into being by a removal.
        let Some(space) = spaces.get_mut(&transaction.space) else { continue };
        match write {
            Write::Remove { key } => drop(space.remove(&key)),
            Write::RemoveRun(run) if !run.is_empty() => {
                let keys = space.range::<[u8], _>(run.bounds()).map(|(key, _)| key.clone());
                for key in keys.collect::<Vec<_>>() {
                    space.remove(&key);
                }
            }
            Write::RemoveRun(_) | Write::Put { .. } => {}
        }
    }
    Outcome::Committed
}
