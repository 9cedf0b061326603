//! The file: records one after the other, each whole or not there.
//!
//! A record is the length of its content, a checksum of that, a checksum of these two, and the
//! content.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use sestina_store::{ErrorKind, Fault};

use crate::change::Change;

/// What the file begins with.
const HEADER: &[u8] = b"custom-store journal 1\n";

/// The bytes before the content of a record.
const PREFIX: usize = 12;

/// A journal that is open, and nobody else's.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    file: File,
    /// Where the last record ends that was acknowledged.
    end: u64,
    /// Whether there may be something behind it.
    torn: bool,
    /// Held for as long as this is open.
    _lock: File,
}

impl Journal {
    /// Opens the journal in a folder, or begins one; hands back what it says, in order.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<Change>), Fault> {
        let made = |error: std::io::Error| Fault::from_io(error);
        fs::create_dir_all(folder).map_err(made)?;
        let lock = File::create(folder.join("lock")).map_err(made)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => ErrorKind::Locked.into(),
            fs::TryLockError::Error(error) => Fault::from_io(error),
        })?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path(folder))
            .map_err(made)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(made)?;
        let (changes, end) = if HEADER.starts_with(&text) {
            // New, or somebody was cut off while beginning it.
            file.set_len(0).map_err(made)?;
            file.seek(SeekFrom::Start(0)).map_err(made)?;
            file.write_all(HEADER).map_err(made)?;
            file.sync_all().map_err(made)?;
            sync_folder(folder)?;
            (Vec::new(), HEADER.len())
        } else {
            read(text.into())?
        };
        let journal =
            Self { folder: folder.to_owned(), file, end: end as u64, torn: true, _lock: lock };
        Ok((journal, changes))
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> u64 {
        self.end
    }

    /// Writes changes to its end; they are all durable when this returns, or none is there.
    pub(crate) fn append(&mut self, changes: &[Change]) -> Result<(), Fault> {
        if self.torn {
            self.file.set_len(self.end).map_err(Fault::from_io)?;
        }
        self.torn = true;
        let record = record(changes)?;
        self.file.seek(SeekFrom::Start(self.end)).map_err(Fault::from_io)?;
        let written = self.file.write_all(&record).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Should this fail as well, it is tried again before anything is written.
            self.torn = self.file.set_len(self.end).is_err();
            return Err(Fault::from_io(error));
        }
        self.end += record.len() as u64;
        self.torn = false;
        Ok(())
    }

    /// Begins anew with these changes, which say all that is stored.
    pub(crate) fn rewrite(&mut self, changes: &[Change]) -> Result<(), Fault> {
        let new = self.folder.join("journal.new");
        let record = record(changes)?;
        let write = || {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&new)?;
            file.write_all(HEADER)?;
            file.write_all(&record)?;
            file.sync_all()?;
            fs::rename(&new, path(&self.folder))?;
            Ok(file)
        };
        self.file = write().map_err(|error| {
            let _gone = fs::remove_file(&new);
            Fault::from_io(error)
        })?;
        // From here on this is the journal, whether or not a loss of power would take it back.
        self.end = (HEADER.len() + record.len()) as u64;
        self.torn = false;
        sync_folder(&self.folder)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("journal")
}

/// A file whose name is lost is lost, however well it was synced.
fn sync_folder(folder: &Path) -> Result<(), Fault> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Fault::from_io)?;
    }
    Ok(())
}

fn record(changes: &[Change]) -> Result<Bytes, Fault> {
    let mut content = BytesMut::new();
    changes.iter().for_each(|change| change.write(&mut content));
    let length = u32::try_from(content.len());
    let length = length.map_err(|_| Fault::new(ErrorKind::Full, "4 GiB at once are too many"))?;
    let mut record = BytesMut::with_capacity(PREFIX + content.len());
    record.put_u32_le(length);
    record.put_u32_le(crc32fast::hash(&content));
    record.put_u32_le(crc32fast::hash(&record));
    record.put(content);
    Ok(record.freeze())
}

/// What a journal says, and where its last whole record ends.
fn read(text: Bytes) -> Result<(Vec<Change>, usize), Fault> {
    let corrupt = |why: String| Fault::new(ErrorKind::Corrupt, why);
    if !text.starts_with(HEADER) {
        return Err(corrupt("it does not begin as a journal does".to_owned()));
    }
    let (mut changes, mut at) = (Vec::new(), HEADER.len());
    while let Some(mut content) = content(&text, at) {
        at += PREFIX + content.len();
        while content.has_remaining() {
            let change = Change::read(&mut content);
            changes.push(change.ok_or_else(|| corrupt(format!("no change before byte {at}")))?);
        }
    }
    // A crash cuts the end off. Where something whole follows, it was no crash.
    if (at + 1..text.len()).any(|later| content(&text, later).is_some()) {
        return Err(corrupt(format!("damage at byte {at}")));
    }
    Ok((changes, at))
}

/// The content of a record that is whole.
fn content(text: &Bytes, at: usize) -> Option<Bytes> {
    let mut prefix = text.get(at..at.checked_add(PREFIX)?)?;
    let sealed = crc32fast::hash(&prefix[..8]);
    let (length, sum) = (prefix.get_u32_le() as usize, prefix.get_u32_le());
    let begin = at + PREFIX;
    let end = begin.checked_add(length).filter(|end| *end <= text.len())?;
    let whole = prefix.get_u32_le() == sealed && crc32fast::hash(&text[begin..end]) == sum;
    whole.then(|| text.slice(begin..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &'static str) -> Change {
        let part = |text: &'static str| Bytes::from_static(text.as_bytes());
        Change::Put { space: part("s"), key: part(key), value: part("value") }
    }

    fn opened(folder: &Path) -> Vec<Change> {
        Journal::open(folder).unwrap().1
    }

    #[test]
    fn an_end_that_was_cut_off_is_forgotten_and_damage_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (mut journal, said) = Journal::open(folder).unwrap();
        assert_eq!(said, []);
        for key in ["one", "two", "three"] {
            journal.append(&[put(key)]).unwrap();
        }
        drop(journal);
        let whole = fs::read(path(folder)).unwrap();
        let two = whole.len() - (whole.len() - HEADER.len()) / 3;
        for end in two..whole.len() {
            fs::write(path(folder), &whole[..end]).unwrap();
            let expected = [put("one"), put("two"), put("three")];
            let left = opened(folder).len();
            assert!((1..=2).contains(&left), "{left} are left of a journal of {end} bytes");
            assert_eq!(opened(folder), expected[..left]);
        }
        for at in HEADER.len()..two - 8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x20;
            fs::write(path(folder), damaged).unwrap();
            let error = Journal::open(folder).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}");
        }
    }

    #[test]
    fn a_journal_begun_anew_says_what_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        (0..100).for_each(|_| journal.append(&[put("one")]).unwrap());
        let long = journal.len();
        journal.rewrite(&[put("one")]).unwrap();
        assert!(journal.len() < long / 50);
        journal.append(&[put("two")]).unwrap();
        drop(journal);
        assert_eq!(opened(folder.path()), [put("one"), put("two")]);
    }
}
