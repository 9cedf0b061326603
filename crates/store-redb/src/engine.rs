//! The engine: a table per space, one durable transaction per group.

use std::{
    collections::{BTreeSet, HashMap, hash_map},
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
    TableHandle, UntypedTableHandle,
};
use sestina_store::{
    Direction, Engine, Entry, ErrorKind, Fault, Measure, Outcome, Reopening, Run, Scan,
    Transaction, Write,
};

type Row<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

/// One redb file, for [`Threaded`](sestina_store::Threaded) to carry.
pub struct Redb {
    path: PathBuf,
    database: Reopening<Opened>,
}

struct Opened {
    database: Database,
    /// The tables that exist, by space: opening a missing one would make it.
    spaces: Mutex<BTreeSet<Arc<str>>>,
}

impl Redb {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// As for [`open`](crate::open).
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self, Fault> {
        let at = path.to_owned();
        let database = Reopening::open(move || Opened::open(&at, cache_bytes))
            .map_err(|fault| Fault::new(fault.kind(), format!("{}: {fault}", path.display())))?;
        Ok(Self { path: path.to_owned(), database })
    }
}

impl fmt::Debug for Redb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redb").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Engine for Redb {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.database.with(|opened| {
            let transaction = opened.database.begin_read().map_err(fault)?;
            match transaction.open_table(Row::new(&table_of(space))) {
                Ok(table) => {
                    let value = table.get(key).map_err(fault)?;
                    Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
                }
                Err(TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(fault(error)),
            }
        })
    }

    fn scan(&self, space: &str, scan: &Scan) -> Result<Vec<Entry>, Fault> {
        if scan.is_empty() {
            return Ok(Vec::new());
        }
        self.database.with(|opened| {
            let transaction = opened.database.begin_read().map_err(fault)?;
            let table = match transaction.open_table(Row::new(&table_of(space))) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(fault(error)),
            };
            let mut run = table.range::<&[u8]>(scan.run().bounds()).map_err(fault)?;
            let mut entries = Vec::new();
            while entries.len() < scan.limit {
                let next = match scan.direction {
                    Direction::Backward => run.next_back(),
                    Direction::Forward => run.next(),
                };
                let Some(next) = next else { break };
                let (key, value) = next.map_err(fault)?;
                entries.push(Entry {
                    key: Bytes::copy_from_slice(key.value()),
                    value: Bytes::copy_from_slice(value.value()),
                });
            }
            Ok(entries)
        })
    }

    fn measure(&self, space: &str, run: &Run) -> Result<Measure, Fault> {
        if run.is_empty() {
            return Ok(Measure::default());
        }
        self.database.with(|opened| {
            let transaction = opened.database.begin_read().map_err(fault)?;
            let table = match transaction.open_table(Row::new(&table_of(space))) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Measure::default()),
                Err(error) => return Err(fault(error)),
            };
            let mut measure = Measure::default();
            for entry in table.range::<&[u8]>(run.bounds()).map_err(fault)? {
                measure.add(entry.map_err(fault)?.1.value().len());
            }
            Ok(measure)
        })
    }

    fn commit(&self, group: &[Transaction]) -> Result<Vec<Outcome>, Fault> {
        self.database.with(|opened| {
            let mut writing = opened.database.begin_write().map_err(fault)?;
            writing.set_durability(Durability::Immediate).map_err(fault)?;
            let mut tables = HashMap::new();
            let mut outcomes = Vec::with_capacity(group.len());
            let mut written = false;
            for transaction in group {
                let space = &transaction.space;
                let table = match tables.entry(Arc::clone(space)) {
                    hash_map::Entry::Occupied(open) => Some(open.into_mut()),
                    hash_map::Entry::Vacant(vacant) => {
                        let exists = opened.spaces.lock().contains(space);
                        let holds =
                            transaction.requires.iter().all(|require| require.value.is_none());
                        if exists || (holds && transaction.puts()) {
                            let table =
                                writing.open_table(Row::new(&table_of(space))).map_err(fault)?;
                            Some(vacant.insert(table))
                        } else {
                            outcomes.push(if holds {
                                Outcome::Committed
                            } else {
                                Outcome::Conflict
                            });
                            None
                        }
                    }
                };
                if let Some(table) = table {
                    let outcome = apply(table, transaction)?;
                    written |= outcome == Outcome::Committed && !transaction.writes.is_empty();
                    outcomes.push(outcome);
                }
            }
            let present: Vec<_> = tables.into_keys().collect();
            if written {
                writing.commit().map_err(fault)?;
                opened.spaces.lock().extend(present);
            } else {
                writing.abort().map_err(fault)?;
            }
            Ok(outcomes)
        })
    }

    fn spaces(&self) -> Result<Vec<String>, Fault> {
        self.database.with(|opened| spaces_of(&opened.database))
    }

    fn drop_space(&self, space: &str) -> Result<(), Fault> {
        self.database.with(|opened| {
            let mut writing = opened.database.begin_write().map_err(fault)?;
            writing.set_durability(Durability::Immediate).map_err(fault)?;
            if writing.delete_table(Row::new(&table_of(space))).map_err(fault)? {
                writing.commit().map_err(fault)?;
                opened.spaces.lock().remove(space);
            }
            Ok(())
        })
    }

    fn close(&self) -> Result<(), Fault> {
        drop(self.database.take());
        Ok(())
    }
}

fn apply(
    table: &mut Table<'_, &'static [u8], &'static [u8]>,
    transaction: &Transaction,
) -> Result<Outcome, Fault> {
    for require in &transaction.requires {
        let stored = table.get(&require.key[..]).map_err(fault)?;
        if stored.as_ref().map(|stored| stored.value()) != require.value.as_deref() {
            return Ok(Outcome::Conflict);
        }
    }
    for write in &transaction.writes {
        match write {
            Write::Put { key, value } => drop(table.insert(&key[..], &value[..]).map_err(fault)?),
            Write::Remove { key } => drop(table.remove(&key[..]).map_err(fault)?),
            Write::RemoveRun(run) if run.is_empty() => {}
            Write::RemoveRun(run) => {
                table.retain_in::<&[u8], _>(run.bounds(), |_, _| false).map_err(fault)?;
            }
        }
    }
    Ok(Outcome::Committed)
}

/// What the names of our tables begin with: redb has no table without a name.
const SPACE: &str = "space/";

fn table_of(space: &str) -> String {
    [SPACE, space].concat()
}

impl Opened {
    fn open(path: &Path, cache_bytes: usize) -> Result<Self, Fault> {
        let new = !path.exists();
        let database =
            Database::builder().set_cache_size(cache_bytes).create(path).map_err(fault)?;
        if new && cfg!(unix) {
            // A file whose name is lost is lost, however well it was synced.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = File::open(folder.unwrap_or_else(|| Path::new(".")));
            folder.and_then(|folder| folder.sync_all()).map_err(Fault::from_io)?;
        }
        let spaces = spaces_of(&database)?.into_iter().map(Arc::from).collect();
        Ok(Self { database, spaces: Mutex::new(spaces) })
    }
}

fn spaces_of(database: &Database) -> Result<Vec<String>, Fault> {
    let transaction = database.begin_read().map_err(fault)?;
    let tables = transaction.list_tables().map_err(fault)?;
    let space = |table: UntypedTableHandle| Some(table.name().strip_prefix(SPACE)?.to_owned());
    let mut names: Vec<_> = tables.filter_map(space).collect();
    names.sort_unstable();
    Ok(names)
}

fn fault(error: impl Into<redb::Error>) -> Fault {
    use std::io::ErrorKind as Os;
    let error = error.into();
    let kind = match error {
        redb::Error::Corrupted(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::UpgradeRequired(_) => ErrorKind::Corrupt,
        redb::Error::DatabaseAlreadyOpen => ErrorKind::Locked,
        redb::Error::Io(error) => match error.kind() {
            Os::InvalidData | Os::UnexpectedEof => return Fault::new(ErrorKind::Corrupt, error),
            _ => return Fault::from_io(error),
        },
        _ => ErrorKind::Io,
    };
    Fault::new(kind, error)
}
