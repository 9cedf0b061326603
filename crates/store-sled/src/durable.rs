//! What sled leaves undone: the sync that makes a flush survive a loss of power.
//!
//! On Linux sled's flush starts and awaits the writing of pages (`sync_file_range`), but neither
//! the size of the file nor the disk's own cache is synced. Large values lie in files of their own
//! under `blobs`, which sled never syncs.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

/// Handles to what has to be synced after a flush.
#[derive(Debug)]
pub(crate) struct Durable {
    log: File,
    blobs: PathBuf,
    synced: HashSet<OsString>,
    /// When `blobs` last changed, as of the last sync.
    changed: Option<SystemTime>,
}

impl Durable {
    /// Takes hold of the files of an open sled database, whose folders it makes durable.
    pub(crate) fn hold(path: &Path) -> io::Result<Self> {
        let mut durable = Self {
            log: File::open(path.join("db"))?,
            blobs: path.join("blobs"),
            synced: HashSet::new(),
            changed: None,
        };
        durable.sync()?;
        sync_folder(path)?;
        sync_folder(
            path.parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or_else(|| Path::new(".")),
        )?;
        Ok(durable)
    }

    /// Makes what was flushed survive a loss of power.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        // Values before the log that points to them.
        self.sync_blobs()?;
        self.log.sync_data()
    }

    fn sync_blobs(&mut self) -> io::Result<()> {
        let changed = match fs::metadata(&self.blobs) {
            Ok(folder) => folder.modified()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.changed == Some(changed) {
            return Ok(());
        }
        let mut present = HashSet::new();
        let mut added = false;
        for blob in fs::read_dir(&self.blobs)? {
            let blob = blob?;
            let name = blob.file_name();
            if !self.synced.contains(&name) {
                match File::open(blob.path()) {
                    Ok(file) => file.sync_all()?,
                    // Collected as garbage meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
                added = true;
            }
            present.insert(name);
        }
        if added {
            sync_folder(&self.blobs)?;
        }
        self.synced = present;
        self.changed = Some(changed);
        Ok(())
    }
}

/// How long sled may hold its lock after it was closed.
const RELEASE: Duration = Duration::from_secs(5);

/// Waits until a closed database has let go of its lock: tasks in sled's own threads hold on to it
/// for a moment longer.
pub(crate) fn await_release(path: &Path) {
    const PAUSE: Duration = Duration::from_millis(5);
    for _ in 0..RELEASE.as_millis() / PAUSE.as_millis() {
        let lock = File::open(path.join("db")).map(|log| log.try_lock());
        if !matches!(lock, Ok(Err(TryLockError::WouldBlock))) {
            return;
        }
        thread::sleep(PAUSE);
    }
}

/// Makes the names in a folder durable, where the system has a way to.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
