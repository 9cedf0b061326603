//! What is logged, for tests to look at.

use std::{cell::RefCell, io, sync::Once};

use tracing_subscriber::{
    filter::dynamic_filter_fn, fmt, layer::SubscriberExt, prelude::*, util::SubscriberInitExt,
};

thread_local! {
    /// What was logged on the thread of a test that listens.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Listens to what is logged on this thread.
///
/// There is one logger for all tests: what a logger of a single one is asked, and what not, is
/// decided by whichever test comes past a line first.
#[derive(Debug)]
pub(crate) struct Listening(());

impl Listening {
    pub(crate) fn begin() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let lines = fmt::layer().with_ansi(false).with_writer(|| Heard);
            let listening = dynamic_filter_fn(|_, _| HEARD.with_borrow(Option::is_some));
            tracing_subscriber::registry().with(lines.with_filter(listening)).init();
        });
        HEARD.set(Some(Vec::new()));
        Self(())
    }

    /// Everything that was logged meanwhile.
    pub(crate) fn end(self) -> String {
        let Self(()) = self;
        String::from_utf8(HEARD.take().unwrap_or_default()).unwrap()
    }
}

struct Heard;

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.iter_mut().for_each(|heard| heard.extend(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
