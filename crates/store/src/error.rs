//! What can go wrong, told to the operator: operation, place, kind, and whether trying again helps.

use std::{error::Error, fmt, sync::Arc};

/// A storage operation that did not happen, or whose outcome could not be confirmed.
///
/// It names the operation, the space and the key, and never holds a stored value.
#[derive(Clone)]
pub struct StoreError(Box<Place>);

#[derive(Clone)]
struct Place {
    operation: &'static str,
    space: Option<Arc<str>>,
    key: Option<Box<[u8]>>,
    fault: Fault,
}

impl StoreError {
    /// Reports `fault` as the outcome of `operation`.
    #[must_use]
    pub fn new(operation: &'static str, fault: Fault) -> Self {
        Self(Box::new(Place { operation, space: None, key: None, fault }))
    }

    pub(crate) fn at(operation: &'static str, space: &Arc<str>, fault: Fault) -> Self {
        Self(Box::new(Place { operation, space: Some(Arc::clone(space)), key: None, fault }))
    }

    pub(crate) fn on(mut self, key: &[u8]) -> Self {
        self.0.key = Some(key.into());
        self
    }

    /// Returns what kind of failure this was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.fault.kind
    }

    /// Returns the operation that failed, such as `"append"`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns the space the operation worked in, if it worked in one.
    #[must_use]
    pub fn space(&self) -> Option<&str> {
        self.0.space.as_deref()
    }

    /// Returns the stored key the operation stopped at, as the backend sees it.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.0.key.as_deref()
    }

    /// Says whether the same call may succeed later without anyone changing its arguments.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { operation, space, key, fault } = &*self.0;
        write!(f, "storage: {operation} failed")?;
        if let Some(space) = space {
            write!(f, " in space {space:?}")?;
        }
        if let Some(key) = key {
            write!(f, " at key \"{}\"", key.escape_ascii())?;
        }
        write!(f, ": {fault}")
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreError({self})")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.fault.source()
    }
}

/// Why a backend refused: a kind and, for the operator, what the engine said.
#[derive(Clone)]
pub struct Fault {
    kind: ErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Fault {
    /// Makes a fault of `kind` with the engine's own words.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into().into()) }
    }

    /// Returns what kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Sorts an error of the operating system: out of room is [`ErrorKind::Full`], the rest
    /// [`ErrorKind::Io`].
    #[must_use]
    pub fn from_io(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Os;
        let kind = match error.kind() {
            Os::StorageFull | Os::QuotaExceeded | Os::FileTooLarge => ErrorKind::Full,
            _ => ErrorKind::Io,
        };
        Self::new(kind, error)
    }
}

impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({self})")
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

/// The kinds of failure a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A bound of ours would have been passed; nothing was written.
    Bound(Limit),
    /// The store was closed.
    Closed,
    /// Others kept changing the same record for as long as we were willing to try.
    Conflict,
    /// Stored bytes are not what was written, or not in a form this version reads.
    Corrupt,
    /// A batch named a collection or log of another space.
    ForeignSpace,
    /// The disk, the quota or the file size limit is used up; reads go on.
    Full,
    /// The blob was removed while it was read or written.
    Gone,
    /// The operating system reported an error; whether the write survived is not known.
    Io,
    /// Another process has the file open.
    Locked,
    /// A value could not be turned into bytes.
    Unencodable,
    /// What a batch required does not hold ([`Batch::require`](crate::Batch::require)); nothing
    /// was written.
    Unmet,
}

impl ErrorKind {
    /// Says whether the same call may succeed later without anyone changing its arguments.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Conflict | Self::Full | Self::Io | Self::Locked)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound(limit) => write!(f, "over the bound on {limit}"),
            Self::Closed => f.write_str("the store is closed"),
            Self::Conflict => f.write_str("the record kept changing"),
            Self::Corrupt => f.write_str("the stored bytes are damaged or of an unknown version"),
            Self::ForeignSpace => f.write_str("a batch works in one space only"),
            Self::Full => f.write_str("no room left"),
            Self::Gone => f.write_str("it was removed meanwhile"),
            Self::Io => f.write_str("input or output failed"),
            Self::Locked => f.write_str("another process has the store open"),
            Self::Unencodable => f.write_str("the value has no stored form"),
            Self::Unmet => f.write_str("what was required does not hold"),
        }
    }
}

/// The bounds this crate enforces, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of one batch ([`BATCH_BYTES`](crate::BATCH_BYTES)).
    BatchBytes,
    /// Bytes of one blob ([`BlobBounds::bytes`](crate::BlobBounds)).
    BlobBytes,
    /// Records of one owner in one collection ([`Collection::at_most`](crate::Collection::at_most)).
    CollectionRecords,
    /// Bytes of one key with owner and name ([`KEY_BYTES`](crate::KEY_BYTES)).
    KeyBytes,
    /// Bytes of all entries of one log ([`LogBounds::bytes`](crate::LogBounds)).
    LogBytes,
    /// Entries of one log ([`LogBounds::records`](crate::LogBounds)).
    LogRecords,
    /// Bytes of one stored value ([`RECORD_BYTES`](crate::RECORD_BYTES)).
    RecordBytes,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BatchBytes => "bytes in a batch",
            Self::BlobBytes => "bytes in a blob",
            Self::CollectionRecords => "records in a collection",
            Self::KeyBytes => "bytes in a key",
            Self::LogBytes => "bytes in a log",
            Self::LogRecords => "entries in a log",
            Self::RecordBytes => "bytes in a record",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_why() {
        let io = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = StoreError::at("put", &"roster".into(), Fault::from_io(io)).on(b"a\0\"b");
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(error.is_retryable());
        assert_eq!(
            error.to_string(),
            r#"storage: put failed in space "roster" at key "a\x00\"b": no room left: no storage space"#,
        );
        assert!(error.source().is_some());
    }

    #[test]
    fn only_what_may_pass_is_retryable() {
        assert!(!ErrorKind::Bound(Limit::LogBytes).is_retryable());
        assert!(!ErrorKind::Corrupt.is_retryable());
        assert!(!ErrorKind::Closed.is_retryable());
        assert!(ErrorKind::Conflict.is_retryable());
    }
}
