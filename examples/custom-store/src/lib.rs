#![doc = include_str!("../README.md")]

mod change;
mod journal;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use sestina_store::{
    Direction, Engine, Entry, ErrorKind, Fault, Measure, Outcome, Run, Scan, Store, StoreError,
    Threaded, ThreadedBounds, Transaction, Write,
};

use crate::{change::Change, journal::Journal};

/// Opens the store in a folder, or makes one.
///
/// # Errors
///
/// [`Locked`](ErrorKind::Locked) if another process has it open, [`Corrupt`](ErrorKind::Corrupt) if it
/// is none or damaged, else what the operating system says.
pub fn open(folder: impl AsRef<Path>) -> Result<Store, StoreError> {
    Journaled::open(folder.as_ref())
        .and_then(|engine| Threaded::start("custom-store", engine, ThreadedBounds::default()))
        .map(Store::new)
        .map_err(|fault| StoreError::new("open", fault))
}

/// Bytes of history that a journal may have before it is written anew: besides this, as many as there
/// are bytes of what is stored.
const HISTORY: u64 = 1024 * 1024;

/// Ordered maps, and the journal that they come from.
pub struct Journaled {
    folder: PathBuf,
    spaces: RwLock<Spaces>,
    /// None once it was closed.
    journal: Mutex<Option<Journal>>,
}

type Spaces = BTreeMap<Bytes, BTreeMap<Bytes, Bytes>>;

impl Journaled {
    /// Opens the journal in a folder, or begins one.
    ///
    /// # Errors
    ///
    /// As for [`open`].
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let named = |fault: Fault| {
            Fault::new(fault.kind(), format!("{}: {fault}", folder.join("journal").display()))
        };
        let (journal, changes) = Journal::open(folder).map_err(named)?;
        let mut spaces = Spaces::new();
        changes.into_iter().for_each(|change| apply(&mut spaces, change));
        let (spaces, journal) = (RwLock::new(spaces), Mutex::new(Some(journal)));
        Ok(Self { folder: folder.to_owned(), spaces, journal })
    }

    /// Writes changes down, and only then has them seen.
    fn write(&self, changes: Vec<Change>) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut journal = self.journal.lock();
        let journal = journal.as_mut().ok_or(ErrorKind::Closed)?;
        journal.append(&changes)?;
        let mut spaces = self.spaces.write();
        changes.into_iter().for_each(|change| apply(&mut spaces, change));
        // Somebody is waiting, so only for a journal that would be half as long.
        let stored = size(&spaces);
        if journal.len() > 2 * stored + HISTORY {
            // What it says is as true as before: a disk without room for another is no failure.
            let _ = journal.rewrite(&snapshot(&spaces));
        }
        Ok(())
    }
}

impl Engine for Journaled {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(self.spaces.read().get(space.as_bytes()).and_then(|space| space.get(key)).cloned())
    }

    fn scan(&self, space: &str, scan: &Scan) -> Result<Vec<Entry>, Fault> {
        let spaces = self.spaces.read();
        let Some(space) = spaces.get(space.as_bytes()).filter(|_| !scan.is_empty()) else {
            return Ok(Vec::new());
        };
        let run = scan.run();
        let run = space.range::<[u8], _>(run.bounds());
        let entry =
            |(key, value): (&Bytes, &Bytes)| Entry { key: key.clone(), value: value.clone() };
        Ok(match scan.direction {
            Direction::Backward => run.rev().take(scan.limit).map(entry).collect(),
            Direction::Forward => run.take(scan.limit).map(entry).collect(),
        })
    }

    fn measure(&self, space: &str, run: &Run) -> Result<Measure, Fault> {
        let mut measure = Measure::default();
        if let Some(space) = self.spaces.read().get(space.as_bytes()).filter(|_| !run.is_empty()) {
            let run = space.range::<[u8], _>(run.bounds());
            run.for_each(|(_, value)| measure.add(value.len()));
        }
        Ok(measure)
    }

    fn commit(&self, group: &[Transaction]) -> Result<Vec<Outcome>, Fault> {
        let mut draft = Draft::default();
        // Nobody else writes meanwhile: commits come from one thread.
        let spaces = self.spaces.read();
        let outcomes = group.iter().map(|transaction| draft.judge(&spaces, transaction)).collect();
        drop(spaces);
        self.write(draft.changes)?;
        Ok(outcomes)
    }

    fn spaces(&self) -> Result<Vec<String>, Fault> {
        let named = |name: &Bytes| {
            String::from_utf8(name.to_vec()).map_err(|error| Fault::new(ErrorKind::Corrupt, error))
        };
        self.spaces.read().keys().map(named).collect()
    }

    fn drop_space(&self, space: &str) -> Result<(), Fault> {
        let there = self.spaces.read().contains_key(space.as_bytes());
        let change = Change::Drop { space: Bytes::copy_from_slice(space.as_bytes()) };
        if there { self.write(vec![change]) } else { Ok(()) }
    }

    fn close(&self) -> Result<(), Fault> {
        drop(self.journal.lock().take());
        Ok(())
    }
}

impl fmt::Debug for Journaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journaled").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What a group of transactions makes of what is stored, before any of it is written.
#[derive(Default)]
struct Draft {
    changes: Vec<Change>,
    /// The keys that are changed, with what they have then.
    touched: HashMap<Bytes, BTreeMap<Bytes, Option<Bytes>>>,
}

impl Draft {
    /// Takes a transaction in, if what it requires holds after those before it.
    fn judge(&mut self, spaces: &Spaces, transaction: &Transaction) -> Outcome {
        let name = Bytes::copy_from_slice(transaction.space.as_bytes());
        let stored = spaces.get(&name);
        let touched = self.touched.entry(name.clone()).or_default();
        for require in &transaction.requires {
            let now = match touched.get(&require.key) {
                Some(now) => now.as_ref(),
                None => stored.and_then(|space| space.get(&require.key)),
            };
            if now != require.value.as_ref() {
                return Outcome::Conflict;
            }
        }
        for write in &transaction.writes {
            match write {
                Write::Put { key, value } => {
                    touched.insert(key.clone(), Some(value.clone()));
                    let (space, key, value) = (name.clone(), key.clone(), value.clone());
                    self.changes.push(Change::Put { space, key, value });
                }
                Write::Remove { key } => {
                    touched.insert(key.clone(), None);
                    self.changes.push(Change::Remove { space: name.clone(), key: key.clone() });
                }
                Write::RemoveRun(run) if run.is_empty() => {}
                Write::RemoveRun(run) => {
                    let old = stored.into_iter().flat_map(|space| {
                        space.range::<[u8], _>(run.bounds()).map(|(key, _)| key.clone())
                    });
                    let new = touched.range::<[u8], _>(run.bounds()).map(|(key, _)| key.clone());
                    for key in old.chain(new).collect::<Vec<_>>() {
                        touched.insert(key.clone(), None);
                        self.changes.push(Change::Remove { space: name.clone(), key });
                    }
                }
            }
        }
        Outcome::Committed
    }
}

fn apply(spaces: &mut Spaces, change: Change) {
    match change {
        Change::Begin { space } => drop(spaces.entry(space).or_default()),
        Change::Drop { space } => drop(spaces.remove(&space)),
        Change::Put { space, key, value } => {
            drop(spaces.entry(space).or_default().insert(owned(&key), owned(&value)));
        }
        // A space does not come into being by a removal.
        Change::Remove { space, key } => drop(spaces.get_mut(&space).map(|it| it.remove(&key))),
    }
}

/// A copy: a part of a record would keep all of that in memory.
fn owned(part: &Bytes) -> Bytes {
    Bytes::copy_from_slice(part)
}

/// What a journal would say that has no history.
fn snapshot(spaces: &Spaces) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, space) in spaces {
        changes.push(Change::Begin { space: name.clone() });
        changes.extend(space.iter().map(|(key, value)| Change::Put {
            space: name.clone(),
            key: key.clone(),
            value: value.clone(),
        }));
    }
    changes
}

/// About how many bytes that would be.
fn size(spaces: &Spaces) -> u64 {
    let parts = spaces.iter().flat_map(|(name, space)| {
        space.iter().map(move |(key, value)| name.len() + key.len() + value.len())
    });
    parts.sum::<usize>() as u64
}
