//! Files that nobody else may read, and that are there whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Makes a directory for this user alone, if it is not there.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file for this user alone, in place of what was there.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, 0o600)
}

/// Writes a file that everybody may read, in place of what was there.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, 0o644)
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let beside = path.with_extension("new");
    // What an interrupted run has left would keep its own mode.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create(&beside, mode)?;
    file.write_all(content)?;
    put_in_place(&file, &beside, path)
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

fn put_in_place(file: &File, beside: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(beside, path)?;
    match path.parent() {
        #[cfg(unix)]
        Some(directory) => {
            let here = directory.as_os_str().is_empty();
            File::open(if here { Path::new(".") } else { directory })?.sync_all()
        }
        _ => Ok(()),
    }
}

/// A file for this user alone that is written little by little. Unless it is kept, it was never
/// there.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    file: BufWriter<File>,
    beside: PathBuf,
    path: PathBuf,
}

impl PrivateFile {
    /// Begins a file.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let strange = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let name = path.file_name().ok_or_else(|| strange("this is no name of a file"))?;
        match fs::symlink_metadata(path) {
            Ok(there) if !there.is_file() => {
                return Err(strange("there is something that is no file"));
            }
            _ => {}
        }
        let mut beside_name = OsString::from(".");
        beside_name.push(name);
        beside_name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(beside_name);
        let file = BufWriter::new(create(&beside, 0o600)?);
        Ok(Self { file, beside, path: path.to_owned() })
    }

    /// Puts it in place of what was there.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        self.file.flush()?;
        put_in_place(self.file.get_ref(), &self.beside, &self.path)
    }
}

impl Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // It is gone when it was put in place.
        let _gone = fs::remove_file(&self.beside);
    }
}
