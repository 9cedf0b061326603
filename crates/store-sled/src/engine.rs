//! The engine: a tree per space, one atomic batch and one real sync per group.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use sestina_store::{
    Direction, Engine, Entry, ErrorKind, Fault, Measure, Outcome, Reopening, Run, Scan,
    Transaction, Write,
};
use sled::{
    Batch, Db, IVec, Transactional, Tree,
    transaction::{ConflictableTransactionError, TransactionError, TransactionalTree},
};

use crate::durable::{self, Durable};

/// One sled folder, for [`Threaded`](sestina_store::Threaded) to carry.
pub struct Sled {
    path: PathBuf,
    database: Reopening<Database>,
}

struct Database {
    db: Db,
    /// The trees that exist, by space: opening a missing one would make it.
    trees: RwLock<BTreeMap<Arc<str>, Tree>>,
    durable: Mutex<Durable>,
}

impl Sled {
    /// Opens the folder at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// As for [`open`](crate::open).
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self, Fault> {
        let at = path.to_owned();
        let first = AtomicBool::new(true);
        let open = move || {
            if !first.swap(false, Ordering::Relaxed) {
                durable::await_release(&at);
            }
            Database::open(&at, cache_bytes)
        };
        let database = Reopening::open(open)
            .map_err(|fault| Fault::new(fault.kind(), format!("{}: {fault}", path.display())))?;
        Ok(Self { path: path.to_owned(), database })
    }
}

impl fmt::Debug for Sled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sled").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Engine for Sled {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.database.with(|database| {
            let Some(tree) = database.tree(space) else { return Ok(None) };
            Ok(tree.get(key).map_err(fault)?.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    fn scan(&self, space: &str, scan: &Scan) -> Result<Vec<Entry>, Fault> {
        if scan.is_empty() {
            return Ok(Vec::new());
        }
        self.database.with(|database| {
            let Some(tree) = database.tree(space) else { return Ok(Vec::new()) };
            let mut run = tree.range::<&[u8], _>(scan.run().bounds());
            let mut entries = Vec::new();
            while entries.len() < scan.limit {
                let next = match scan.direction {
                    Direction::Backward => run.next_back(),
                    Direction::Forward => run.next(),
                };
                let Some(next) = next else { break };
                let (key, value) = next.map_err(fault)?;
                entries.push(Entry {
                    key: Bytes::copy_from_slice(&key),
                    value: Bytes::copy_from_slice(&value),
                });
            }
            Ok(entries)
        })
    }

    fn measure(&self, space: &str, run: &Run) -> Result<Measure, Fault> {
        if run.is_empty() {
            return Ok(Measure::default());
        }
        self.database.with(|database| {
            let Some(tree) = database.tree(space) else { return Ok(Measure::default()) };
            let mut measure = Measure::default();
            for entry in tree.range::<&[u8], _>(run.bounds()) {
                measure.add(entry.map_err(fault)?.1.len());
            }
            Ok(measure)
        })
    }

    fn commit(&self, group: &[Transaction]) -> Result<Vec<Outcome>, Fault> {
        let (outcomes, pending) = self.database.with(|database| {
            let mut pending = Pending::default();
            let judge = |transaction| pending.take(database, transaction);
            let outcomes = group.iter().map(judge).collect::<Result<_, _>>()?;
            Ok((outcomes, pending))
        })?;
        if let Err(fault) = self.database.with(|database| database.apply(&pending)) {
            // What was applied before the flush failed may be found when the log is read again.
            match self.database.with(|database| database.holds(&pending)) {
                Ok(true) => {}
                Ok(false) => return Err(fault),
                Err(_) => return Err(Fault::new(ErrorKind::Io, fault)),
            }
        }
        Ok(outcomes)
    }

    fn spaces(&self) -> Result<Vec<String>, Fault> {
        self.database.with(|database| {
            Ok(database.trees.read().keys().map(|name| name.to_string()).collect())
        })
    }

    fn drop_space(&self, space: &str) -> Result<(), Fault> {
        self.database.with(|database| {
            if database.trees.write().remove(space).is_some() {
                database.db.drop_tree(tree_of(space)).map_err(fault)?;
                database.sync()?;
            }
            Ok(())
        })
    }

    fn close(&self) -> Result<(), Fault> {
        let Some(database) = self.database.take() else { return Ok(()) };
        let synced = database.sync();
        drop(database);
        durable::await_release(&self.path);
        synced
    }
}

/// What a group will leave, so that a later transaction of it is judged by what an earlier one
/// wrote.
#[derive(Default)]
struct Pending<'a> {
    spaces: HashMap<&'a Arc<str>, BTreeMap<Bytes, Option<&'a Bytes>>>,
}

impl<'a> Pending<'a> {
    fn take(&mut self, on: &Database, transaction: &'a Transaction) -> Result<Outcome, Fault> {
        let space = &transaction.space;
        let tree = on.tree(space);
        let written = self.spaces.get(space);
        for require in &transaction.requires {
            let holds = match (written.and_then(|written| written.get(&require.key)), &tree) {
                (Some(value), _) => *value == require.value.as_ref(),
                (None, Some(tree)) => {
                    let stored = tree.get(&require.key).map_err(fault)?;
                    stored.as_deref() == require.value.as_deref()
                }
                (None, None) => require.value.is_none(),
            };
            if !holds {
                return Ok(Outcome::Conflict);
            }
        }
        // A space does not come into being by a removal.
        let exists = written.is_some() || tree.is_some();
        if transaction.puts() || (exists && !transaction.writes.is_empty()) {
            let written = self.spaces.entry(space).or_default();
            for write in &transaction.writes {
                match write {
                    Write::Put { key, value } => drop(written.insert(key.clone(), Some(value))),
                    Write::Remove { key } => drop(written.insert(key.clone(), None)),
                    Write::RemoveRun(run) => empty(run, tree.as_ref(), written)?,
                }
            }
        }
        Ok(Outcome::Committed)
    }
}

/// Removes every key of a run, be it stored or about to be.
fn empty(
    run: &Run,
    tree: Option<&Tree>,
    written: &mut BTreeMap<Bytes, Option<&Bytes>>,
) -> Result<(), Fault> {
    if run.is_empty() {
        return Ok(());
    }
    for (_, value) in written.range_mut::<[u8], _>(run.bounds()) {
        *value = None;
    }
    for key in tree.into_iter().flat_map(|tree| tree.range::<&[u8], _>(run.bounds()).keys()) {
        written.insert(Bytes::copy_from_slice(&key.map_err(fault)?), None);
    }
    Ok(())
}

impl Database {
    fn open(path: &Path, cache_bytes: usize) -> Result<Self, Fault> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(cache_bytes as u64)
            // Each group is flushed before it is acknowledged; nothing is left for a timer.
            .flush_every_ms(None);
        let db = config.open().map_err(fault)?;
        let mut trees = BTreeMap::new();
        for name in db.tree_names() {
            if let Some(space) = name.strip_prefix(SPACE) {
                let space = std::str::from_utf8(space)
                    .map_err(|error| Fault::new(ErrorKind::Corrupt, error))?;
                trees.insert(Arc::from(space), db.open_tree(&name).map_err(fault)?);
            }
        }
        let durable = Durable::hold(path).map_err(Fault::from_io)?;
        Ok(Self { db, trees: RwLock::new(trees), durable: Mutex::new(durable) })
    }

    fn tree(&self, space: &str) -> Option<Tree> {
        self.trees.read().get(space).cloned()
    }

    /// Makes what a group leaves durable, all of it or nothing.
    fn apply(&self, pending: &Pending<'_>) -> Result<(), Fault> {
        let mut trees = Vec::new();
        let mut batches = Vec::new();
        for (space, writes) in &pending.spaces {
            let tree = match self.tree(space) {
                Some(tree) => tree,
                None => self.db.open_tree(tree_of(space)).map_err(fault)?,
            };
            let mut batch = Batch::default();
            for (key, value) in writes {
                match value {
                    Some(value) => batch.insert(&key[..], &value[..]),
                    None => batch.remove(&key[..]),
                }
            }
            trees.push((Arc::clone(space), tree));
            batches.push(batch);
        }
        match (&trees[..], &batches[..]) {
            ([], _) => return Ok(()),
            ([(_, tree)], [batch]) => tree.apply_batch(batch.clone()).map_err(fault)?,
            _ => {
                let all: Vec<_> = trees.iter().map(|(_, tree)| tree.clone()).collect();
                let apply = |views: &Vec<TransactionalTree>| {
                    for (view, batch) in views.iter().zip(&batches) {
                        view.apply_batch(batch)?;
                    }
                    Ok::<_, ConflictableTransactionError<()>>(())
                };
                match all[..].transaction(apply) {
                    Ok(()) => {}
                    Err(TransactionError::Storage(error)) => return Err(fault(error)),
                    Err(TransactionError::Abort(())) => return Err(ErrorKind::Io.into()),
                }
            }
        }
        self.sync()?;
        self.trees.write().extend(trees);
        Ok(())
    }

    /// Says whether a group was applied after all, durably if so.
    fn holds(&self, pending: &Pending<'_>) -> Result<bool, Fault> {
        for (space, writes) in &pending.spaces {
            let Some(tree) = self.tree(space) else { return Ok(false) };
            for (key, value) in writes {
                if tree.get(key).map_err(fault)?.as_deref() != value.map(|value| &value[..]) {
                    return Ok(false);
                }
            }
        }
        self.sync()?;
        Ok(true)
    }

    fn sync(&self) -> Result<(), Fault> {
        self.db.flush().map_err(fault)?;
        self.durable.lock().sync().map_err(Fault::from_io)
    }
}

/// What the names of our trees begin with, so that none meets one of sled's own.
const SPACE: &[u8] = b"space/";

fn tree_of(space: &str) -> IVec {
    [SPACE, space.as_bytes()].concat().into()
}

fn fault(error: sled::Error) -> Fault {
    match error {
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            Fault::new(ErrorKind::Locked, error)
        }
        sled::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                Fault::new(ErrorKind::Corrupt, error)
            }
            _ => Fault::from_io(error),
        },
        sled::Error::Corruption { .. } | sled::Error::Unsupported(_) => {
            Fault::new(ErrorKind::Corrupt, error)
        }
        error => Fault::new(ErrorKind::Io, error),
    }
}
