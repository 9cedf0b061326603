//! The suite every backend passes, run from the backend's own tests.
//!
//! ```ignore
//! // tests/it/main.rs
//! sestina_store::conformance!(|folder| my_backend::open(folder.join("store.db")));
//! sestina_store::conformance_on_disk!(|folder| my_backend::open(folder.join("store.db")));
//! ```
//!
//! Each check gets an empty folder of its own. The model check runs as many cases as
//! `PROPTEST_CASES` says, else 32.

#[doc(hidden)]
pub mod concurrency;
#[doc(hidden)]
pub mod disk;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod shapes;

use std::{future::Future, path::Path};

use tempfile::TempDir;

use crate::{Store, StoreError};

/// Opens the store that lives in a folder: what a backend's tests give to the suite.
pub trait Open: Fn(&Path) -> Result<Store, StoreError> + Send + Sync + 'static {}

impl<F: Fn(&Path) -> Result<Store, StoreError> + Send + Sync + 'static> Open for F {}

/// Makes a test of each check that any backend passes, given how to open a store in a folder.
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::__checks! { $open =>
            model: backend_agrees_with_a_model,
            shapes: odd_names_and_keys_are_kept_apart,
            shapes: values_of_any_size_come_back,
            shapes: scans_and_pages_are_in_order,
            shapes: spaces_exist_from_their_first_write_until_dropped,
            shapes: a_purge_takes_one_owner_and_all_of_it,
            shapes: a_batch_that_fails_changes_nothing,
            shapes: logs_keep_order_and_bounds,
            shapes: blobs_come_back_by_hash_and_leave_nothing_behind,
            shapes: an_export_imports_as_another_owner,
            shapes: a_closed_store_says_so,
            concurrency: updates_of_one_record_all_count,
            concurrency: appends_to_one_log_keep_the_order_of_each_task,
            concurrency: a_log_stays_counted_while_it_is_trimmed,
            concurrency: batches_across_records_never_tear,
            concurrency: a_conflict_fails_one_transaction_and_not_its_group,
            concurrency: dropped_calls_leave_nothing_half_done,
        }
    };
}

/// Makes a test of each further check that a backend on disk passes.
#[macro_export]
macro_rules! conformance_on_disk {
    ($open:expr) => {
        $crate::__checks! { $open =>
            disk: what_was_acknowledged_is_there_after_reopening,
            disk: a_second_opener_is_told_that_it_is_locked,
            disk: a_file_of_something_else_is_corrupt,
            disk: damage_is_reported_and_never_panics,
        }

        #[test]
        fn nothing_acknowledged_is_lost_to_sigkill() {
            let name = concat!(module_path!(), "::nothing_acknowledged_is_lost_to_sigkill");
            $crate::conformance::disk::nothing_acknowledged_is_lost_to_sigkill(name, $open);
        }

        #[test]
        fn a_full_disk_stops_writes_and_not_reads() {
            let name = concat!(module_path!(), "::a_full_disk_stops_writes_and_not_reads");
            $crate::conformance::disk::a_full_disk_stops_writes_and_not_reads(name, $open);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __checks {
    ($open:expr => $($topic:ident: $check:ident,)*) => {$(
        #[test]
        fn $check() {
            $crate::conformance::$topic::$check($open);
        }
    )*};
}

/// A folder with a store in it.
struct Fixture<O> {
    folder: TempDir,
    open: O,
}

impl<O: Open> Fixture<O> {
    fn new(open: O) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for the test"), open }
    }

    fn open(&self) -> Store {
        (self.open)(self.folder.path()).expect("the store opens")
    }
}

/// Runs a check on an empty store, then closes it.
fn with_store<F: Future<Output = ()>>(open: impl Open, check: impl FnOnce(Store) -> F) {
    let fixture = Fixture::new(open);
    block_on(async {
        let store = fixture.open();
        check(store.clone()).await;
        store.close().await.expect("the store closes");
    });
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build();
    runtime.expect("a runtime for the test").block_on(future)
}
