//! Engines that have to be opened again after an error of the disk.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::{ErrorKind, Fault};

/// A database that is closed and opened again when it reports an error of input or output.
///
/// Embedded engines tend to refuse everything after such an error, so a disk that was full for a
/// moment would end even reads for good. An [`Engine`](crate::Engine) keeps its database in here
/// and reaches it by [`with`](Self::with).
pub struct Reopening<D> {
    open: Box<dyn Fn() -> Result<D, Fault> + Send + Sync>,
    opened: RwLock<Opened<D>>,
}

struct Opened<D> {
    /// None while an error has not been recovered from.
    database: Option<D>,
    /// How often it was opened: whoever failed before another opened it again need not.
    times: u64,
}

impl<D> Reopening<D> {
    /// Opens the database. A panic of `open` counts as [`ErrorKind::Corrupt`]: engines assert
    /// what a damaged file does not hold.
    ///
    /// # Errors
    ///
    /// Whatever `open` reports.
    pub fn open(
        open: impl Fn() -> Result<D, Fault> + Send + Sync + 'static,
    ) -> Result<Self, Fault> {
        let guarded = move || {
            catch_unwind(AssertUnwindSafe(&open))
                .unwrap_or_else(|_| Err(Fault::new(ErrorKind::Corrupt, "opening it panicked")))
        };
        let opened = Opened { database: Some(guarded()?), times: 1 };
        Ok(Self { open: Box::new(guarded), opened: RwLock::new(opened) })
    }

    /// Runs `call` on the open database; after an error of input or output, opens it again.
    ///
    /// # Errors
    ///
    /// What `call` reports, or why the database cannot be opened again.
    pub fn with<T>(&self, call: impl FnOnce(&D) -> Result<T, Fault>) -> Result<T, Fault> {
        let opened = self.opened()?;
        let Some(database) = &opened.database else {
            return Err(Fault::new(ErrorKind::Io, "it could not be opened again"));
        };
        let result = call(database);
        let times = opened.times;
        drop(opened);
        if let Err(fault) = &result
            && matches!(fault.kind(), ErrorKind::Full | ErrorKind::Io)
        {
            // The call's own error says more; should this one fail, the next call tries again.
            let _ = self.reopen(times);
        }
        result
    }

    /// Takes the database out, to be closed.
    pub fn take(&self) -> Option<D> {
        self.opened.write().database.take()
    }

    fn opened(&self) -> Result<RwLockReadGuard<'_, Opened<D>>, Fault> {
        let opened = self.opened.read();
        if opened.database.is_some() {
            return Ok(opened);
        }
        let times = opened.times;
        drop(opened);
        self.reopen(times)?;
        Ok(self.opened.read())
    }

    fn reopen(&self, times: u64) -> Result<(), Fault> {
        let mut opened = self.opened.write();
        if opened.times != times {
            return Ok(());
        }
        // Closed first: the files are locked while they are open.
        drop(opened.database.take());
        let database = (self.open)()?;
        *opened = Opened { database: Some(database), times: times + 1 };
        Ok(())
    }
}

impl<D> fmt::Debug for Reopening<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reopening").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[test]
    fn an_error_of_the_disk_opens_it_again_and_a_refusal_does_not() {
        let opened = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&opened);
        let database =
            Reopening::open(move || Ok(count.fetch_add(1, Ordering::Relaxed) + 1)).unwrap();
        let fail = |kind: ErrorKind| database.with(|_| Err::<(), _>(kind.into())).unwrap_err();
        fail(ErrorKind::Corrupt);
        assert_eq!(database.with(|times| Ok(*times)).unwrap(), 1);
        assert_eq!(fail(ErrorKind::Full).kind(), ErrorKind::Full);
        assert_eq!(database.with(|times| Ok(*times)).unwrap(), 2);
    }

    #[test]
    fn what_cannot_be_opened_is_tried_again_by_the_next_call() {
        let attempts = AtomicU32::new(0);
        let database = Reopening::open(move || match attempts.fetch_add(1, Ordering::Relaxed) {
            1 | 2 => Err(ErrorKind::Full.into()),
            _ => Ok(()),
        });
        let database = database.unwrap();
        database.with(|()| Err::<(), _>(ErrorKind::Io.into())).unwrap_err();
        assert_eq!(database.with(|()| Ok(())).unwrap_err().kind(), ErrorKind::Full);
        database.with(|()| Ok(())).unwrap();
    }

    #[test]
    fn a_panic_on_opening_is_damage() {
        let corrupt = Reopening::<()>::open(|| panic!("assertion failed")).unwrap_err();
        assert_eq!(corrupt.kind(), ErrorKind::Corrupt);
    }
}
